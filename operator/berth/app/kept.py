"""Disks of a machine that are there already: which are others than it asks for, and which change their size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from berth.api.machine_disks import MadeDisk
from berth.api.meta import MADE_FROM_ANNOTATION
from berth.api.quantity import amount
from berth.api.reasons import Reason
from berth.api.workload import WorkloadSpec
from berth.decide.words import memory
from berth.kube.resources import DATA_VOLUMES, PERSISTENT_VOLUME_CLAIMS
from berth.plan.make import owned
from berth.policy.model import Ask, KeptDisk, ResizedDisk
from berth.render.disks import data_volume_name, made_from, named_disks
from berth.render.model import Growth
from berth.world.packed import unpack
from berth.world.records import ClaimRecord, Key, Problem, WorkloadRecord
from berth.world.store import Store

_MOST_OVERHEAD: Final = 4
"""A claim with a file system is larger than its disk (CDI's filesystemOverhead); by more than a quarter is not that."""
_MI: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class OnHand:
    """A disk of a machine that is there already."""

    name: str
    """Of its DataVolume and its claim."""
    wanted: int
    """Bytes that the spec asks for."""
    has: int
    """Bytes that it was made with or grown to."""
    from_: str
    """What the spec makes it from."""
    found: str
    """What it was made from; empty where it was not made for the Workload."""
    claim: ClaimRecord | None = None
    expands: bool = False
    """Whether the StorageClass of its claim lets claims grow."""

    @property
    def held(self) -> int:
        """Return the bytes that it counts with: one whose claim was grown by hand counts with all that it has."""
        asked = self.claim.requested if self.claim else 0
        return asked if asked > self._usual else self.has

    @property
    def request(self) -> int:
        """Return the bytes that its claim must ask for, so that the disk is as large as the spec asks for."""
        asked = self.claim.requested if self.claim else 0
        return max(asked, -(-self._with_file_system(asked) // _MI) * _MI)

    def _with_file_system(self, asked: int) -> int:
        """Return the size of a claim that leaves a disk what is wanted.

        CDI makes a claim larger by a share of its disk; of a claim that grows, KubeVirt keeps that share of the claim.
        """
        if self.claim is None or not self.has <= asked <= self._usual:
            return self.wanted
        if self.claim.grown:
            return -(-self.wanted * asked // self.has)
        return -(-self.wanted * self.has // (2 * self.has - asked))

    @property
    def _usual(self) -> int:
        """Return the most bytes that CDI makes its claim with; one without a file system is as large as its disk."""
        return self.has if self.claim and self.claim.block else self.has + self.has // _MOST_OVERHEAD


def on_hand(workload: WorkloadRecord, spec: WorkloadSpec, store: Store) -> tuple[OnHand, ...]:
    """Return the disks that a Workload makes and that are there, in their order.

    A DataVolume is kept when its Workload goes, or when its disk leaves the spec. What somebody else has made under its
    name is told by the plan; a claim alone would go unseen.
    """
    if spec.machine is None:
        return ()
    namespace, workload_name = workload.key
    found = (
        _on_hand((namespace, data_volume_name(workload_name, name)), disk.made, made_from(disk), workload, store)
        for name, disk in named_disks(spec.machine)
        if disk.made
    )
    return tuple(each for disk in found for each in disk)


def _on_hand(place: Key, made: MadeDisk, source: str, workload: WorkloadRecord, store: Store) -> Iterator[OnHand]:
    volumes = (each for each in store.children(workload.key) if (each.kind, each.key) == (DATA_VOLUMES.kind, place))
    volume, claim, wanted = next(volumes, None), store.claims.get(place), amount(made.storage)
    if volume is None:
        if claim is not None and not claim.made:
            yield OnHand(place[1], wanted, wanted, source, "")
        return
    if not owned(volume, workload.uid):
        return
    body, kind = unpack(volume.content), store.storage_classes.get(claim.storage_class) if claim else None
    # One that a former version of Berth has made does not say what from.
    found = body["metadata"].get("annotations", {}).get(MADE_FROM_ANNOTATION, source)
    size = amount(body["spec"].get("storage", {}).get("resources", {}).get("requests", {}).get("storage"))
    # Until a claim has grown, people may lower it again (Kubernetes 1.34, RecoverVolumeExpansionFailure).
    has = min(claim.grown, claim.requested) if claim and claim.grown else size
    yield OnHand(place[1], wanted, has, source, found, claim, expands=kind is not None and kind.expands)


def asked_beside(ask: Ask, disks: Iterable[OnHand]) -> Ask:
    """Return what is asked for beside the disks that are there: which are others, change their size, or are larger."""
    kept, resized, disks = list[KeptDisk](), list[ResizedDisk](), tuple(disks)
    for each in disks:
        if each.found != each.from_:
            kind = (DATA_VOLUMES if each.found else PERSISTENT_VOLUME_CLAIMS).kind
            kept.append(KeptDisk(kind, each.name, each.from_, each.found))
        elif each.has and (each.wanted < each.has or (each.wanted > each.has and each.claim and each.claim.bound)):
            stored = each.claim.storage_class if each.claim else ""
            resized.append(ResizedDisk(each.name, each.has, each.wanted, stored, each.expands))
    machine = ask.machine
    if machine is not None:
        more = sum(max(0, each.held - each.wanted) for each in disks)
        machine = replace(machine, storage=machine.storage + more, stored=sum(each.held for each in disks))
    return replace(ask, kept=tuple(kept), resized=tuple(resized), machine=machine)


def growths(disks: Iterable[OnHand]) -> tuple[Growth, ...]:
    """Return the claims that must ask for more. One that is not bound yet is not let to, and waits."""
    return tuple(
        Growth(each.name, each.claim.uid, each.wanted, each.request)
        for each in disks
        if each.claim and each.claim.bound and each.found == each.from_ and 0 < each.has < each.wanted
    )


def growing(disks: Iterable[OnHand]) -> tuple[Problem, ...]:
    """Return which disks are growing: their storage has yet to give what their claims ask for."""
    return tuple(
        Problem(Reason.LIVE_UPDATING, _growing(each, each.claim))
        for each in disks
        if each.claim and each.claim.bound and each.claim.grown and each.claim.capacity < each.claim.requested
    )


def _growing(disk: OnHand, claim: ClaimRecord) -> str:
    why = f" ({claim.resizing})" if claim.resizing else ""
    return (
        f"disk {disk.name} grows to {memory(disk.has)}: StorageClass {claim.storage_class} has yet to give its claim"
        f" {memory(claim.requested)}{why}; the guest serves meanwhile"
    )
