"""One node of the class is large enough for one replica and its overhead, and has all else that is asked of it."""

from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.cost import huge_pages, needed, overhead
from berth.decide.guest import architecture_of, model_of, node_devices
from berth.decide.model import Ask, ClassFacts, Cost, MachineAsk, NodeShape, Outcome, Verdict
from berth.decide.rules.devices import has_devices
from berth.decide.words import memory, size

_POD: Final = Backend.POD


def capacity(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse classes without a node that fits in every respect. How full nodes are is the scheduler's matter."""
    if facts.unavailable is not None:
        return None
    if ask.machine is not None and ask.machine.missing and facts.backend is Backend.VIRTUAL_MACHINE:
        message = f"there is no {' and no '.join(ask.machine.missing)}: create what is missing, or name another"
        return Verdict(Outcome.NOT_NOW, "capacity", Reason.NOT_ADMITTED, message)
    cpu, room = needed(ask, facts)
    for shape in facts.shapes:
        if shape.memory >= room and shape.cpu >= cpu and suits(shape, ask, facts):
            return None
    suited = [shape for shape in facts.shapes if suits(shape, ask, facts)]
    added = size(overhead(ask, facts))
    message = f"one replica needs {size(Cost(cpu, room))} (overhead {added}); {_offer(suited, ask, facts)}"
    return Verdict(Outcome.NOT_NOW, "capacity", Reason.NO_CAPABLE_NODE, message)


def suits(shape: NodeShape, ask: Ask, facts: ClassFacts) -> bool:
    """Return whether a node of this shape has what is asked for, size aside."""
    if ask.machine is not None and facts.backend is not _POD:
        return _suits_machine(shape, ask, ask.machine, facts)
    if ask.architecture and shape.architecture != ask.architecture:
        return False
    return not (ask.gpu or ask.host_devices) or has_devices(shape, ask.devices)


def _suits_machine(shape: NodeShape, ask: Ask, machine: MachineAsk, facts: ClassFacts) -> bool:
    architecture, model = architecture_of(machine.guest, facts), model_of(machine.guest, facts)
    kind = machine.guest.machine_type
    return (
        (not architecture or shape.architecture == architecture)
        and has_devices(shape, node_devices(ask, facts))
        and (not model or model in shape.cpu_models)
        and (not kind or kind in shape.machine_types)
        and (shape.cpu_manager or not ask.pinned)
        and (shape.nested or not ask.nested_virtualization)
        and (not machine.guest.page_size or has_devices(shape, huge_pages(ask, facts)))
    )


def _architecture(ask: Ask, facts: ClassFacts) -> str | None:
    if ask.machine is None or facts.backend is _POD:
        return ask.architecture
    return architecture_of(ask.machine.guest, facts)


def _offer(suited: list[NodeShape], ask: Ask, facts: ClassFacts) -> str:
    """Return what there is instead, and what to do."""
    if not suited:
        architecture, pages = _architecture(ask, facts), huge_pages(ask, facts)
        where = f" of architecture {architecture}" if architecture else ""
        what = "".join(f", {memory(amount)} of {name} included" for name, amount in pages)
        return f"no node{where} has all that is asked for together{what}: add one, or drop a need"
    largest = suited[0]
    return f"the largest node has {size(Cost(largest.cpu, largest.memory))}: lower spec.resources, or add a larger node"
