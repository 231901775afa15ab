"""Disks that were asked to grow: a DataVolume keeps its size, and a guest sees what the claim has."""

from collections.abc import Iterable

from berth.api.levels import Backend
from berth.api.quantity import amount, format_memory
from berth.api.reasons import Reason
from berth.observe.model import Scene
from berth.render.disks import BOOT_DISK
from berth.world.records import Problem


def small_disks(scene: Scene) -> Iterable[Problem]:
    """Yield each disk whose claim has less than is asked for, with the command that lets it grow."""
    placed, machine, (namespace, name) = scene.move.placed, scene.spec.machine, scene.workload.key
    if machine is None or placed is None or placed.backend is not Backend.VIRTUAL_MACHINE:
        return
    for disk, source in ((BOOT_DISK, machine.boot_disk), *((each.name, each) for each in machine.disks or ())):
        claim = scene.claims.get((namespace, f"{name}-{disk}"))
        asked = amount(source.data_source.storage) if source.data_source else 0
        if claim is not None and 0 < claim.size < asked:
            yield _small(disk, f"{name}-{disk}", namespace, format_memory(asked))


def _small(disk: str, claim: str, namespace: str, size: str) -> Problem:
    patch = f'{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}'
    text = f"disk {disk} is smaller than {size}: expand its claim, where its StorageClass allows it:"
    return Problem(Reason.DISK_TOO_SMALL, f"{text} `kubectl patch pvc {claim} -n {namespace} --patch '{patch}'`")
