"""GPUs and host devices reach the workload: the sandbox lets them through, KubeVirt permits them, a node has them."""

from berth.api.levels import Backend, IsolationLevel
from berth.api.reasons import Reason
from berth.decide.guest import devices_in, node_devices
from berth.decide.model import Ask, ClassFacts, NodeShape, Outcome, Verdict


def devices(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse sandboxes for any device, and classes whose nodes do not have all of them."""
    wanted, taken = devices_in(ask, facts), node_devices(ask, facts)
    if not taken:
        return None
    listed = ", ".join(f"{count} {name}" for name, count in taken)
    if facts.backend is Backend.POD and facts.level is IsolationLevel.SANDBOXED:
        message = f"a sandbox does not pass devices through ({listed}): use another class, or drop the devices"
        return Verdict(Outcome.NEVER, "devices", Reason.NO_ELIGIBLE_CLASS, message)
    forbidden = [name for name, _ in wanted if name not in facts.permitted_devices]
    if facts.backend is Backend.VIRTUAL_MACHINE and forbidden:
        message = f"KubeVirt does not permit {', '.join(forbidden)}: add it to permittedHostDevices of KubeVirt"
        return Verdict(Outcome.NOT_NOW, "devices", Reason.NO_CAPABLE_NODE, message)
    if facts.unavailable is None and not any(has_devices(shape, taken) for shape in facts.shapes):
        message = f"no node of the class has {listed}: add one, or drop the devices{_networks(ask)}"
        return Verdict(Outcome.NOT_NOW, "devices", Reason.NO_CAPABLE_NODE, message)
    return None


def _networks(ask: Ask) -> str:
    """Return which of the devices are no devices to the author, but networks."""
    names = ", ".join(name for name, _ in ask.network_devices)
    return f"; machine.networks take {names}" if names else ""


def has_devices(shape: NodeShape, wanted: tuple[tuple[str, int], ...]) -> bool:
    """Return whether a node of this shape has all the devices."""
    offered = dict(shape.devices)
    return all(offered.get(name, 0) >= count for name, count in wanted)
