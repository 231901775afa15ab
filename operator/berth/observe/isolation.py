"""Is the isolation that was chosen really there? Seen on pods, nodes and machines, not assumed.

Node handlers: `node.status.runtimeHandlers` (KEP-3857); nodes that do not report them leave the answer unknown.
"""

from collections.abc import Collection, Mapping
from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import ConditionType, Reason
from berth.decide.model import ClassFacts
from berth.decide.proof import provable
from berth.decide.words import required
from berth.observe.model import Finding, Scene
from berth.observe.moving import is_former, weaker_classes
from berth.world.records import NodeRecord, PodRecord

_NO_RUNTIME: Final = frozenset({Reason.RUNTIME_CLASS_MISSING, Reason.RUNTIME_CHANGED})
"""Reasons for which nothing tells by which handler pods run that name the RuntimeClass of their class."""


def isolated(scene: Scene) -> Finding:
    """Return the condition `Isolated`."""
    facts = scene.move.placed
    if scene.move.below and (facts is None or scene.move.held):
        return _below(scene)
    if facts is None:
        return _unknown(Reason.NOT_DECIDED, "nothing runs")
    verify = _verify_machines if facts.backend is Backend.VIRTUAL_MACHINE else _verify_pods
    found = verify(scene, facts)
    weaker = weaker_classes(scene, facts)
    return _switching(weaker, facts) if weaker and found.status != "False" else found


def _below(scene: Scene) -> Finding:
    runs = " and ".join(name or "no class" for name in scene.move.weaker)
    text = f"runs in {runs}, but {required(scene.decision.requirement)}"
    return Finding(ConditionType.ISOLATED, "False", Reason.BELOW_REQUIRED, text)


def _switching(weaker: tuple[str, ...], facts: ClassFacts) -> Finding:
    text = f"still runs in class {' and '.join(name or 'none' for name in weaker)} until {facts.name} has taken over"
    return Finding(ConditionType.ISOLATED, "False", Reason.SWITCHING, text)


def _verify_pods(scene: Scene, facts: ClassFacts) -> Finding:
    here = [pod for pod in scene.pods if pod.node and not pod.deleting and not pod.launcher]
    started = [pod for pod in here if not is_former(pod, scene, facts)]
    if wrong := _unlike(started, facts):
        return wrong
    if not any(pod.has_run for pod in started):
        return _unknown(Reason.PROVISIONING, f"no container has run in class {facts.name} yet")
    if facts.contradicted:
        return Finding(ConditionType.ISOLATED, "False", Reason.ISOLATION_MISMATCH, facts.contradicted)
    on = {pod.node: scene.nodes.get(pod.node) for pod in started if pod.has_run}
    if facts.user_namespaces and (found := _without_user_namespaces(facts, on)):
        return found
    if facts.runtime_class_name is None:
        return _verified(f"pods share the host's kernel, as class {facts.name} says{_seen(facts, on)}")
    return _verify_handlers(facts, on)


def _unlike(started: list[PodRecord], facts: ClassFacts) -> Finding | None:
    """Return how pods differ from what their class makes; None where they do not."""
    wanted = facts.runtime_class_name or ""
    text = ""
    if found := sorted({pod.runtime_class or "none" for pod in started if pod.runtime_class != wanted}):
        text = f"pods run with RuntimeClass {', '.join(found)}, class {facts.name} needs {wanted or 'none'}"
    elif facts.user_namespaces and any(pod.host_users for pod in started):
        text = f"pods run without a user namespace, which class {facts.name} promises"
    return Finding(ConditionType.ISOLATED, "False", Reason.ISOLATION_MISMATCH, text) if text else None


def _without_user_namespaces(facts: ClassFacts, on: Mapping[str, NodeRecord | None]) -> Finding | None:
    """Return what is wrong with the user namespaces that a class promises; None where all nodes have them."""
    able = {name: node.user_namespaces if node else None for name, node in on.items()}
    lacks = f"runs a pod of class {facts.name}, but its runtime has no user namespaces"
    return _lacking(facts, able, lacks, "nodes do not say whether their runtime has user namespaces")


def _verify_handlers(facts: ClassFacts, on: Mapping[str, NodeRecord | None]) -> Finding:
    if facts.unavailable is not None and facts.unavailable.reason in _NO_RUNTIME:
        return _unknown(Reason.ISOLATION_UNKNOWN, facts.unavailable.message)
    handler = facts.handler or ""
    advertised = {name: node.handlers if node else None for name, node in on.items()}
    lacks = f"runs a pod of class {facts.name} but does not advertise its handler {handler}"
    unsaid = f"nodes do not say whether they have the runtime handler {handler}"
    text = f"pods run with RuntimeClass {facts.runtime_class_name}, their nodes advertise its handler {handler}"
    return _lacking(facts, advertised, lacks, unsaid) or _verified(text + _seen(facts, on))


def _lacking(facts: ClassFacts, known: Mapping[str, Collection[str] | None], lacks: str, unsaid: str) -> Finding | None:
    """Return which node's handlers, by its name, are without that of the class, or that one does not say; else None."""
    wrong = sorted(name for name, those in known.items() if those is not None and (facts.handler or "") not in those)
    if wrong:
        return Finding(ConditionType.ISOLATED, "False", Reason.ISOLATION_MISMATCH, f"node {wrong[0]} {lacks}")
    return _unknown(Reason.ISOLATION_UNKNOWN, unsaid) if None in known.values() else None


def _seen(facts: ClassFacts, on: Mapping[str, NodeRecord | None]) -> str:
    """Return what a probe saw. None looks at nodes that are cordoned, so nothing is said of what still runs there."""
    looked_at = all(node is not None and node.schedulable for node in on.values())
    return f"; a probe saw from inside {provable(facts.level)}" if facts.proven and looked_at else ""


def _verify_machines(scene: Scene, facts: ClassFacts) -> Finding:
    running = [machine for machine in scene.machines if machine.phase == "Running" and not machine.deleting]
    if any(machine.emulated for machine in running):
        return Finding(
            ConditionType.ISOLATED,
            "False",
            Reason.SOFTWARE_EMULATION,
            f"the machine runs without hardware virtualization, class {facts.name} promises {facts.level}",
        )
    if not running:
        return _unknown(Reason.PROVISIONING, "no machine runs yet")
    return _verified("machines run with hardware virtualization")


def _verified(message: str) -> Finding:
    return Finding(ConditionType.ISOLATED, "True", Reason.VERIFIED, message)


def _unknown(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.ISOLATED, "Unknown", reason, message)
