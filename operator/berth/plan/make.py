"""desired + observed children -> ordered steps."""

from collections.abc import Iterable
from typing import Any, Final

from berth.api.meta import DESIRED_HASH_ANNOTATION
from berth.api.reasons import Reason
from berth.plan.covers import covers
from berth.plan.model import Apply, Delete, Plan, Step, Taken, Wait
from berth.plan.move import BACKING_KINDS, MACHINE_KINDS
from berth.render.metadata import SOURCE_HASH_ANNOTATION
from berth.render.model import Child
from berth.world.packed import unpack
from berth.world.records import ChildRecord

_ATOMIC_LISTS: Final = frozenset({"VirtualMachine", "VirtualMachinePool", "DataVolume", "NetworkPolicy"})
"""Kinds whose schemas declare no list keys: a list is what is wanted as a whole or not at all."""


_LEFT_ALONE: Final = frozenset({*BACKING_KINDS, "DataVolume"})
"""Kinds that stay as they are where what runs does: a disk that nobody waits for yet, or that no quota has room for."""


def make_plan(
    desired: tuple[Child, ...], observed: tuple[ChildRecord, ...], uid: str, *, frozen: bool, replicas: int
) -> Plan:
    """Return the steps that make the observed children the desired ones.

    What backs the workload is left alone when `frozen`. A backing object that is no longer wanted goes only when the
    one that replaces it has `replicas` ready (make before break).
    """
    seen = {(record.kind, record.key[1]): record for record in observed}
    wanted = {(child.kind, child.name) for child in desired}
    steps: list[Step] = []
    taken: list[Taken] = []
    for child in desired:
        record = seen.get((child.kind, child.name))
        if record is not None and not owned(record, uid):
            taken.append(Taken(child.kind, child.name))
        elif not (frozen and child.kind in _LEFT_ALONE) and not lacks_a_disk(child, [each.kind for each in taken]):
            steps += _toward(child, record)
    surplus = [record for place, record in seen.items() if place not in wanted and owned(record, uid)]
    heirs = [seen.get((child.kind, child.name)) for child in desired if child.kind in BACKING_KINDS]
    replaced = bool(heirs) and all(_serves(heir, uid, replicas) for heir in heirs)
    steps += _removals(surplus, frozen=frozen, replaced=replaced)
    return Plan(tuple(steps), tuple(taken))


def lacks_a_disk(child: Child, missing: Iterable[str]) -> bool:
    """Return whether a machine would use a disk that is somebody else's, or wait for one that was refused.

    `missing` are the kinds of the children that could not be made.
    """
    return child.kind in MACHINE_KINDS and "DataVolume" in missing


def owned(record: ChildRecord, uid: str) -> bool:
    """Return whether a child is ours to change; a disk that is kept has no owner, so its label tells."""
    return record.owner_uid == uid or (record.kind == "DataVolume" and not record.owner_uid)


def _toward(child: Child, record: ChildRecord | None) -> list[Step]:
    if record is None:
        return [Apply(child, None)]
    if record.deleting:
        return [Wait(Reason.PROVISIONING, f"{child.kind} {child.name} is being deleted and will be made anew")]
    if child.kind == "DataVolume":
        return []  # filled once; its spec is immutable
    if child.kind == "Job":
        return _toward_job(child, record)
    live = unpack(record.content)
    if _is_edited_task(live, child):
        return _anew(record)
    return [] if says(live, child) else [Apply(child, record.uid)]


def says(live: dict[str, object], child: Child) -> bool:
    """Return whether a live object, its metadata and spec, says all that is wanted of it."""
    wanted = {"metadata": _compared_metadata(child), "spec": child.body["spec"]}
    return covers(live, wanted, merges=child.kind not in _ATOMIC_LISTS)


def _compared_metadata(child: Child) -> dict[str, object]:
    meta = child.body["metadata"]
    return {name: meta[name] for name in ("labels", "annotations", "ownerReferences") if name in meta}


def _toward_job(child: Child, record: ChildRecord) -> list[Step]:
    """Replace a Job that changed, for its template is immutable; one that has ended runs again only if edited."""
    live = unpack(record.content)
    have, want = live["metadata"].get("annotations", {}), child.body["metadata"]["annotations"]
    if have.get(SOURCE_HASH_ANNOTATION) == want[SOURCE_HASH_ANNOTATION]:
        ended = record.complete or record.failed is not None
        # One that another version of Berth has rendered otherwise is left to finish.
        other = have.get(DESIRED_HASH_ANNOTATION) != want[DESIRED_HASH_ANNOTATION]
        return [] if ended or other or says(live, child) else [Apply(child, record.uid)]
    return _anew(record)


def _is_edited_task(live: dict[str, Any], child: Child) -> bool:
    """Return whether a task in a machine was edited; one that has no note of its source is taken for unchanged."""
    have, want = (each["metadata"].get("annotations", {}) for each in (live, child.body))
    return have.get(SOURCE_HASH_ANNOTATION) not in (None, want.get(SOURCE_HASH_ANNOTATION))


def _anew(record: ChildRecord) -> list[Step]:
    return [
        Delete(record, "the task was edited"),
        Wait(Reason.UPDATING, f"the edited task starts when the old {record.kind} is gone"),
    ]


def _removals(surplus: list[ChildRecord], *, frozen: bool, replaced: bool) -> list[Step]:
    steps: list[Step] = []
    for record in surplus:
        if record.deleting or record.kind == "DataVolume":
            continue  # disks are never deleted by a plan
        if record.kind not in BACKING_KINDS:
            steps.append(Delete(record, "no longer wanted"))
        elif not frozen:
            steps.append(Delete(record, "replaced") if replaced else _keep(record))
    return steps


def _serves(heir: ChildRecord | None, uid: str, replicas: int) -> bool:
    return heir is not None and owned(heir, uid) and not heir.deleting and heir.ready >= replicas


def _keep(record: ChildRecord) -> Wait:
    return Wait(Reason.SWITCHING, f"{record.kind} {record.key[1]} serves until its replacement is ready")
