"""The instancetype sets nothing that is set already, and memory in huge pages comes out even: KubeVirt checks both."""

from typing import Final

from berth.api.levels import Backend
from berth.api.quantity import amount, format_memory
from berth.api.reasons import Reason
from berth.decide.cost import huge_pages
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict
from berth.world.records import InstancetypeRecord

_OWN: Final = frozenset(
    {"cpu.dedicatedCPUPlacement", "cpu.isolateEmulatorThread", "cpu.model", "cpu.numa", "cpu.realtime"}
)
"""What an instancetype of a namespace may set beside the size: its tenants must not reach further by it."""


def instancetype(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse instancetypes that contradict the Workload or the class. What is missing is told by `capacity`."""
    if ask.machine is None or ask.machine.missing or facts.backend is not Backend.VIRTUAL_MACHINE:
        return None
    kind = ask.machine.guest.instancetype
    wrong = (_reaches(kind) or _conflict(ask, kind, facts) if kind else None) or _pages(ask, facts)
    return Verdict(Outcome.NEVER, "instancetype", Reason.MISCONFIGURED, wrong) if wrong else None


def _reaches(kind: InstancetypeRecord) -> str | None:
    """Return what an instancetype of a namespace sets although its tenants must not reach that far."""
    more = ", ".join(sorted(kind.sets - _OWN)) if kind.namespaced else ""
    return f"instancetype {kind.name} of the namespace sets {more}: name one that sets the size only" if more else None


def _conflict(ask: Ask, kind: InstancetypeRecord, facts: ClassFacts) -> str | None:
    """Return what an instancetype sets although Berth sets it, or must be the one to."""
    name = f"instancetype {kind.name}"
    if kind.devices and ask.devices:
        return f"{name} passes devices through, and so does needs: remove needs.gpu and needs.hostDevices"
    if "cpu.dedicatedCPUPlacement" in kind.sets and ask.dedicated and not kind.dedicated:
        return f"{name} has processors that are not dedicated: remove resources.dedicated, or name another"
    if "launchSecurity" in kind.sets:
        return f"{name} encrypts memory, which is for the class to do: name another, and raise isolation.level"
    if "nodeSelector" in kind.sets and facts.node_selector:
        return f"{name} chooses nodes, and so does class {facts.name}: name one without nodeSelector"
    sockets = ask.machine.guest.sockets if ask.machine else 0
    if 0 < kind.max_sockets < sockets:
        return f"{name} has {sockets} sockets and allows {kind.max_sockets}: name another"
    return None


def _pages(ask: Ask, facts: ClassFacts) -> str | None:
    """Return what is wrong with memory in huge pages: KubeVirt takes whole pages only."""
    for resource, backed in huge_pages(ask, facts):
        page = resource.removeprefix("hugepages-")
        if backed == 0 or backed % amount(page):
            return (
                f"memory of {format_memory(backed)} is not a multiple of its pages of {page}: set"
                f" resources.requests.memory to a multiple of {page}"
            )
    return None
