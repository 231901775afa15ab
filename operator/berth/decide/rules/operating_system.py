"""The operating system runs on this backend."""

from berth.api.levels import Backend
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def operating_system(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse pods for a workload that is only a Windows machine. A container beside it is a Linux image."""
    if ask.machine is None or OperatingSystem(ask.machine.os) is OperatingSystem.LINUX:
        return None
    if facts.backend is Backend.VIRTUAL_MACHINE or ask.has_container:
        return None
    message = "Windows runs in virtual machines only: use a class with virtualMachine, or add a Linux spec.container"
    return Verdict(Outcome.NEVER, "operating_system", Reason.NO_ELIGIBLE_CLASS, message)
