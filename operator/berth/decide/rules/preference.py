"""The preference gets what it requires, and is given a screen for its video device: KubeVirt checks both."""

from typing import Final

from berth.api.levels import Backend
from berth.api.quantity import format_memory
from berth.api.reasons import Reason
from berth.decide.guest import architecture_of, counted, uneven
from berth.decide.model import Ask, ClassFacts, Guest, Outcome, Verdict
from berth.world.records import PreferenceRecord

_COUNTED: Final = {"cores": "cores", "sockets": "sockets", "threads": "threads"}


def preference(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines that have less than their preference requires. What is missing is told by `capacity`."""
    wanted = ask.machine.guest.preference if ask.machine else None
    if ask.machine is None or wanted is None or ask.machine.missing or facts.backend is not Backend.VIRTUAL_MACHINE:
        return None
    guest = ask.machine.guest
    wrong = (
        _reaches(wanted)
        or _too_small(guest, wanted)
        or _screen(guest, wanted)
        or _architecture(wanted, architecture_of(guest, facts))
    )
    message = f"preference {wanted.name} {wrong}"
    return Verdict(Outcome.NEVER, "preference", Reason.MISCONFIGURED, message) if wrong else None


def _reaches(wanted: PreferenceRecord) -> str | None:
    """Return what a preference of a namespace sets although its tenants must not reach that far."""
    more = ", ".join(sorted(wanted.sets)) if wanted.namespaced else ""
    return f"of the namespace sets {more}: name one that sets the hardware only" if more else None


def _too_small(guest: Guest, wanted: PreferenceRecord) -> str | None:
    kind = guest.instancetype
    has = f"instancetype {kind.name} gives" if kind else "the Workload asks for"
    groups = uneven(kind.cpus, wanted) if kind else 0
    if groups:
        return f"spreads vCPUs in groups of {groups}, {has} {guest.vcpus}: name another instancetype"
    given = counted(guest, wanted)
    if given < wanted.cpus:
        fix = "name a larger instancetype" if kind else f"set resources.requests.cpu to {wanted.cpus}"
        what = "vCPUs" if kind else _COUNTED.get(wanted.topology, "vCPUs")
        return f"requires {wanted.cpus} {what}, {has} {given}: {fix}"
    if guest.memory < wanted.memory:
        needed, offered = format_memory(wanted.memory), format_memory(guest.memory)
        fix = "name a larger instancetype" if kind else f"set resources.requests.memory to {needed}"
        return f"requires {needed} memory, {has} {offered}: {fix}"
    return None


def _screen(guest: Guest, wanted: PreferenceRecord) -> str | None:
    if wanted.video and guest.graphics is False:
        return f"has a video device ({wanted.video}), which needs a screen: remove machine.graphics"
    if wanted.video and guest.graphics is None and wanted.graphics is False:
        return "has a video device and no screen: set machine.graphics to true"
    return None


def _architecture(wanted: PreferenceRecord, architecture: str) -> str | None:
    if wanted.architecture in ("", architecture) or not architecture:
        return None
    needed = wanted.architecture
    return f"requires architecture {needed}, the machine has {architecture}: set needs.architecture to {needed}"
