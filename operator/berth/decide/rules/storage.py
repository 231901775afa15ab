"""The disks exist and may be used by this backend, by as many replicas as there can be."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClaimAsk, ClassFacts, MachineAsk, Outcome, Verdict

_SHARED_MODES = frozenset(("ReadWriteMany", "ReadOnlyMany"))


def storage(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse missing claims, raw block claims in pods, and replicas that would share a disk made for one."""
    if facts.backend is Backend.VIRTUAL_MACHINE:
        if ask.machine is None:
            return None
        used = [claim for claim in ask.claims if claim.by_machine]
        wrong = _machine_disks(ask, ask.machine, used)
    elif ask.claims == ():
        return None
    else:
        used = [claim for claim in ask.claims if claim.by_container]
        wrong = _pod_claims(ask, used)
    if wrong is not None:
        return Verdict(Outcome.NEVER, "storage", Reason.MISCONFIGURED, wrong)
    missing = ", ".join(claim.name for claim in used if not claim.found)
    if missing:
        text = f"PersistentVolumeClaim {missing} does not exist in the namespace: create it, or name another"
        return Verdict(Outcome.NOT_NOW, "storage", Reason.VOLUME_MISSING, text)
    return None


def _machine_disks(ask: Ask, machine: MachineAsk, used: list[ClaimAsk]) -> str | None:
    """Return what is wrong with the disks of several machines: two guests that write one disk destroy it."""
    if ask.most_replicas <= 1 or not (used or machine.cloned_disks or machine.boots_from != "containerDisk"):
        return None
    return f"{ask.most_replicas} replicas of a machine cannot share disks: set replicas to 1, or use containerDisk only"


def _pod_claims(ask: Ask, used: list[ClaimAsk]) -> str | None:
    for claim in used:
        if claim.block:
            return (
                f"PersistentVolumeClaim {claim.name} is a raw block device, which pods cannot mount: use a file system"
            )
        if ask.most_replicas > 1 and claim.found and _SHARED_MODES.isdisjoint(claim.access_modes):
            modes = ", ".join(claim.access_modes)
            return (
                f"{ask.most_replicas} replicas cannot share PersistentVolumeClaim {claim.name} ({modes}): set replicas"
                " to 1, or use a ReadWriteMany claim"
            )
    return None
