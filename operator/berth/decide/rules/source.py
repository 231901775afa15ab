"""The workload brings what this backend can start: an OCI image for pods, a bootable disk for machines."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Requirement, Verdict


def source(ask: Ask, _requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Refuse backends whose source is missing."""
    if facts.backend is Backend.POD:
        if ask.has_container:
            return None
        message = "pods need an image and the Workload has none: add spec.container"
    elif facts.backend is Backend.VIRTUAL_MACHINE:
        if ask.machine is not None:
            return None
        message = "a virtual machine needs a disk to boot and the Workload has none: add spec.machine with a bootDisk"
    else:
        raise ValueError(f"unknown backend {facts.backend}")
    return Verdict(Outcome.NEVER, "source", Reason.NO_BOOTABLE_IMAGE, message)
