"""Whether a running workload follows a decision that changed (design: sticky by default, never weaker)."""

from dataclasses import replace

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.api.workload import WorkloadSpec
from berth.decide.model import Ask, ClassFacts, Decision, Requirement
from berth.plan.model import Move, Pending, Withheld
from berth.world.records import ChildRecord

MACHINE_KINDS = frozenset({"VirtualMachine", "VirtualMachinePool"})
"""Kinds that run a workload on disks of its own."""

BACKING_KINDS = ("Deployment", "Job", *sorted(MACHINE_KINDS))
"""Kinds that run a workload."""


def backing(children: tuple[ChildRecord, ...], uid: str) -> tuple[ChildRecord, ...]:
    """Return the children that run the workload, oldest first."""
    ours = (each for each in children if each.kind in BACKING_KINDS and each.owner_uid == uid and not each.deleting)
    return tuple(sorted(ours, key=lambda each: (each.created, each.kind)))


def current_class(runs: tuple[ChildRecord, ...]) -> str | None:
    """Return the class that runs the workload now, as its backing objects say; the newest one counts."""
    return runs[-1].class_name if runs else None


def next_move(
    decision: Decision, runs: tuple[ChildRecord, ...], catalog: tuple[ClassFacts, ...], spec: WorkloadSpec
) -> Move:
    """Return where the workload is kept now.

    A new workload goes where was decided. A running one follows by itself where nothing is interrupted or lost;
    otherwise it stays and the move waits. Where nothing fits it stays too, and nothing is started again below what is
    required; it goes when its author asks for no replicas.
    """
    chosen = decision.chosen.facts if decision.chosen else None
    name = current_class(runs)
    if name is None:
        return Move(chosen)
    known = {facts.name: facts for facts in catalog}
    current = known.get(name)
    weaker = tuple(
        sorted({run.class_name for run in runs if falls_short(known.get(run.class_name), decision.requirement)})
    )
    if chosen is None and spec.replicas == 0 and any(run.replicas and not run.complete for run in runs):
        return Move(None, weaker=weaker, stopped=True)
    if chosen is None:
        return Move(current, frozen=True, weaker=weaker)
    if chosen.name == name:
        return Move(chosen, weaker=weaker)
    stops = obstacle(runs, chosen.backend, spec)
    if stops is None:
        return Move(chosen, weaker=weaker)
    return Move(current, frozen=_is_unsafe(current, weaker), pending=Pending(name, chosen.name, stops), weaker=weaker)


def _is_unsafe(current: ClassFacts | None, weaker: tuple[str, ...]) -> bool:
    """Return whether nothing may be started again in a class: it is below what is required, or below what it says."""
    return current is None or current.name in weaker or bool(current.contradicted)


def left_alone(ask: Ask, move: Move) -> bool:
    """Return whether what runs stays as it is, whatever its Workload asks for by now: its class cannot take that."""
    placed = move.placed
    if move.frozen or placed is None:
        return move.frozen
    lacking = ask.machine is None if placed.backend is Backend.VIRTUAL_MACHINE else not ask.has_container
    return lacking or any(each.class_name == placed.name for each in ask.refusals)


def withhold(move: Move, current: ClassFacts | None, withheld: Withheld) -> Move:
    """Return where a workload is kept that may not have what it asks for: nowhere, or as it runs now."""
    return replace(move, placed=current, frozen=current is not None, withheld=withheld)


def put_off(move: Move, current: ClassFacts, why: str) -> Move:
    """Return where a workload is kept that would move by itself, until it is its turn."""
    to = move.placed.name if move.placed else ""
    pending = Pending(current.name, to, why, Reason.WAITING_FOR_TURN)
    return replace(move, placed=current, frozen=_is_unsafe(current, move.weaker), pending=pending)


def overdue(move: Move, since: float | None, deadline: tuple[int, bool] | None, now: float) -> Move:
    """Return the move of a workload that runs below what is required, once the policy's deadline has passed.

    `since` is when it was first seen below, in seconds; a deadline is its seconds and whether it stops the workload.
    """
    if not move.below or since is None or deadline is None or not deadline[1] or now < since + deadline[0]:
        return move
    text = (
        f"it ran in {' and '.join(move.weaker)}, below what is required, for longer than the {deadline[0]} seconds that"
        " the policy allows, and was stopped: change its spec so that a class fits, or ask for a Waiver"
    )
    return replace(move, placed=None, pending=None, stopped=True, withheld=Withheld(Reason.DEADLINE_PASSED, text))


def falls_short(facts: ClassFacts | None, required: Requirement) -> bool:
    """Return whether a class does not meet what is required; one that is gone does not."""
    if facts is None or (required.classes is not None and facts.name not in required.classes):
        return True
    return facts.level.rank < required.level.rank or facts.sharing.rank < required.node_sharing.rank


def obstacle(runs: tuple[ChildRecord, ...], backend: Backend, spec: WorkloadSpec) -> str | None:
    """Return what a move to another class, of that backend, would interrupt or lose; None when nothing."""
    kinds = {run.kind for run in runs}
    if "Job" in kinds:
        return "the task would start over" if not all(run.complete for run in runs) else "the task has completed"
    if spec.replicas == 0:
        return None
    if kinds & MACHINE_KINDS:
        return "the machine would stop and start anew"
    if any(
        volume.persistent_volume_claim and not volume.persistent_volume_claim.read_only for volume in spec.volumes or ()
    ):
        kept = "keep" if backend is Backend.POD else "may not keep"
        return f"its pods write to a disk that one writer at a time may use: they would stop first, and {kept} the data"
    return None
