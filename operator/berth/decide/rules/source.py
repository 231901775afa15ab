"""The workload brings what this backend can start: an OCI image for pods, a bootable disk for machines."""

from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict

_NO_IMAGE: Final = Verdict(
    Outcome.NEVER,
    "source",
    Reason.NO_BOOTABLE_IMAGE,
    "pods need an image and the Workload has none: add spec.container",
)
_NO_DISK: Final = Verdict(
    Outcome.NEVER,
    "source",
    Reason.NO_BOOTABLE_IMAGE,
    "a virtual machine needs a disk to boot and the Workload has none: add spec.machine with a bootDisk",
)


_POD: Final = Backend.POD
_MACHINE: Final = Backend.VIRTUAL_MACHINE


def source(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse backends whose source is missing."""
    if facts.backend is _POD:
        return None if ask.has_container else _NO_IMAGE
    if facts.backend is _MACHINE:
        return None if ask.machine is not None else _NO_DISK
    raise ValueError(f"unknown backend {facts.backend}")
