"""Disks that a machine makes can be made, and those that are there already are the ones that it asks for."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict
from berth.decide.words import memory


def disks(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse disks whose source or StorageClass is missing, and names under which another disk is kept."""
    if facts.backend is not Backend.VIRTUAL_MACHINE or ask.machine is None:
        return None
    return _resized(ask) or _another(ask) or _unfilled(ask)


def _not_yet(message: str, reason: Reason = Reason.VOLUME_MISSING) -> Verdict:
    return Verdict(Outcome.NOT_NOW, "disks", reason, message)


def _another(ask: Ask) -> Verdict | None:
    """Return that a disk is there already and holds something else: it is neither used as it is nor overwritten."""
    for disk in ask.kept:
        whose, fix = "was not made for this disk", "use the claim as it is by persistentVolumeClaim, or delete it"
        if disk.found:
            whose = f"was made from {disk.found} and is kept, and the spec makes it from {disk.wanted}"
            fix = f"restore its source, or delete {disk.kind} {disk.name} and what it holds"
        text = f"{disk.kind} {disk.name} {whose}: give the disk, or for a boot disk the Workload, another name, {fix}"
        return _not_yet(text, Reason.MISCONFIGURED)
    return None


def _unfilled(ask: Ask) -> Verdict | None:
    """Return that what a disk is to be filled from is not there: CDI would refuse the disk, or wait for ever."""
    for origin in ask.origins:
        if not origin.found and origin.kind == "StorageClass":
            return _not_yet(_unstored(origin.name))
        if not origin.found:
            return _not_yet(
                f"{origin.kind} {origin.name} does not exist in the namespace, and a disk is made from it: create it,"
                " or name another"
            )
        if not origin.leads:
            return _not_yet(
                f"{origin.kind} {origin.name} leads to no image yet: wait for its import, correct its source, or name"
                " another"
            )
    return None


def _resized(ask: Ask) -> Verdict | None:
    """Return that a disk is to shrink, which none does, or to grow where its StorageClass does not let it."""
    for disk in ask.resized:
        has, wanted = memory(disk.has), memory(disk.wanted)
        if disk.wanted < disk.has:
            text = f"disk {disk.name} has {has} and does not shrink to {wanted}: set its storage to {has} or more"
            return Verdict(Outcome.NEVER, "disks", Reason.MISCONFIGURED, text)
        if not disk.expands:
            stored = f"StorageClass {disk.storage_class or '(none)'} does not let claims grow"
            fix = f"have its allowVolumeExpansion set to true, or restore storage to {has}"
            text = f"disk {disk.name} has {has} and cannot grow to {wanted}, for {stored}: {fix}"
            return _not_yet(text, Reason.MISCONFIGURED)
    return None


def _unstored(name: str) -> str:
    if name:
        return f"StorageClass {name} of a disk does not exist: create it, or name another"
    return (
        "a disk names no StorageClass, and the cluster has no default: set storageClassName, or annotate a StorageClass"
        ' with storageclass.kubernetes.io/is-default-class: "true"'
    )
