"""One node of the class is large enough for one replica and its overhead, and has all else that is asked of it."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.cost import needed, overhead
from berth.decide.model import Ask, ClassFacts, Cost, NodeShape, Outcome, Verdict
from berth.decide.rules.devices import has_devices
from berth.decide.words import size


def capacity(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse classes without a node that fits in every respect. How full nodes are is the scheduler's matter."""
    if facts.unavailable is not None:
        return None
    machine = ask.machine
    if machine is not None and not machine.instancetype_found and facts.backend is Backend.VIRTUAL_MACHINE:
        message = f"VirtualMachineClusterInstancetype {machine.instancetype} does not exist: create it, or name another"
        return Verdict(Outcome.NOT_NOW, "capacity", Reason.MISCONFIGURED, message)
    cpu, memory = needed(ask, facts)
    for shape in facts.shapes:
        if shape.memory >= memory and shape.cpu >= cpu and suits(shape, ask, facts):
            return None
    suited = [shape for shape in facts.shapes if suits(shape, ask, facts)]
    added = size(overhead(ask, facts))
    message = f"one replica needs {size(Cost(cpu, memory))} (overhead {added}); {_offer(suited, ask)}"
    return Verdict(Outcome.NOT_NOW, "capacity", Reason.NO_CAPABLE_NODE, message)


def suits(shape: NodeShape, ask: Ask, facts: ClassFacts) -> bool:
    """Return whether a node of this shape has what is asked for, size aside."""
    if ask.architecture is not None and shape.architecture != ask.architecture:
        return False
    if (ask.gpu is not None or ask.host_devices) and not has_devices(shape, ask.devices):
        return False
    machine = ask.machine
    if machine is None or facts.backend is Backend.POD:
        return True
    pinning = ask.dedicated or machine.dedicated
    return (shape.cpu_manager or not pinning) and (shape.nested or not ask.nested_virtualization)


def _offer(suited: list[NodeShape], ask: Ask) -> str:
    """Return what there is instead, and what to do."""
    if not suited:
        where = f" of architecture {ask.architecture}" if ask.architecture else ""
        return f"no node{where} has all that is asked for together: add one, or drop a need"
    largest = suited[0]
    return f"the largest node has {size(Cost(largest.cpu, largest.memory))}: lower spec.resources, or add a larger node"
