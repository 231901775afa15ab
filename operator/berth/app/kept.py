"""Disks that are there already under the names of those that a machine makes, and are others."""

from collections.abc import Iterator

from berth.api.machine_disks import DiskSource
from berth.api.meta import MADE_FROM_ANNOTATION
from berth.api.workload import WorkloadSpec
from berth.kube.resources import DATA_VOLUMES, PERSISTENT_VOLUME_CLAIMS
from berth.plan.make import owned
from berth.policy.model import KeptDisk
from berth.render.disks import data_volume_name, made_from, named_disks
from berth.world.packed import unpack
from berth.world.records import ChildRecord, Key, WorkloadRecord
from berth.world.store import Store


def kept_disks(workload: WorkloadRecord, spec: WorkloadSpec, store: Store) -> tuple[KeptDisk, ...]:
    """Return the disks of a Workload that hold something else than it asks for, in their order.

    A DataVolume is kept when its Workload goes, or when its disk leaves the spec. One of the same source is taken up
    again. What somebody else has made under its name is told by the plan; its claim alone would go unseen.
    """
    if spec.machine is None:
        return ()
    volumes = {each.key: each for each in store.children(workload.key) if each.kind == DATA_VOLUMES.kind}
    found = (
        _kept((workload.key[0], data_volume_name(workload.key[1], name)), disk, workload.uid, volumes, store)
        for name, disk in named_disks(spec.machine)
        if disk.made
    )
    return tuple(each for disk in found for each in disk)


def _kept(place: Key, disk: DiskSource, uid: str, volumes: dict[Key, ChildRecord], store: Store) -> Iterator[KeptDisk]:
    wanted, volume, claim = made_from(disk), volumes.get(place), store.claims.get(place)
    if volume is None and claim is not None and not claim.made:
        yield KeptDisk(PERSISTENT_VOLUME_CLAIMS.kind, place[1], wanted)
    if volume is not None and owned(volume, uid):
        # One that a former version of Berth has made does not say.
        found = unpack(volume.content)["metadata"].get("annotations", {}).get(MADE_FROM_ANNOTATION, wanted)
        if found != wanted:
            yield KeptDisk(DATA_VOLUMES.kind, place[1], wanted, found)
