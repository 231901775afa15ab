"""What a node owes a pod that was given to it: an answer, its volumes and its sandbox.

Why a volume or a sandbox is not there, a kubelet tells in Events only. Berth reads none: that would be a right to read
what happens in every namespace. It tells what the pod needs, and where the cause stands.
"""

from collections.abc import Iterator
from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import MAX_TEXT, condition
from berth.world.parse import Raw, seconds
from berth.world.records import Problem, Trouble

_PATIENCE_SECONDS: Final = 30.0
"""What a node may take before it is told: a loaded one took 17 s for its first sandbox."""


def preparing(spec: Raw, status: Raw) -> Iterator[Trouble]:
    """Yield what keeps the containers of a pod that has a node from being started, or from being heard of."""
    given, prepared = condition(status, "PodScheduled"), condition(status, "PodReadyToStartContainers", "False")
    node = spec.get("nodeName", "")
    if _is_lost(spec, status):
        yield Trouble(Problem(Reason.NODE_LOST, f"node {node} does not answer: its pods are replaced after a while"))
    elif given and not status.get("startTime"):
        text = f"node {node} does not take the pod: see that its kubelet runs"
        yield Trouble(Problem(Reason.NODE_LOST, text), since=_later(given))
    elif given and prepared and status.get("phase") == "Pending":
        text = f"node {node} has not made the pod's volumes and sandbox yet{_needed(spec)}; events of the pod tell why"
        yield Trouble(Problem(Reason.PROVISIONING, text[:MAX_TEXT]), since=_later(prepared))


def _later(said: Raw) -> float:
    return seconds(said.get("lastTransitionTime")) + _PATIENCE_SECONDS


def _is_lost(spec: Raw, status: Raw) -> bool:
    """Return whether the control plane took a pod out of service whose node had last said that all is well."""
    ready = condition(status, "Ready", "False")
    told_so = ready is not None and not ready.get("reason") and not spec.get("readinessGates")
    return bool(told_so and condition(status, "ContainersReady") and status.get("phase") == "Running")


def _needed(spec: Raw) -> str:
    """Return which objects its volumes need."""
    names = []
    for volume in spec.get("volumes") or ():
        for kind, place, key in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            source = volume.get(place) or {}
            if key in source and not source.get("optional"):
                names.append(f"{kind} {source[key]}")
    return f": it needs {', '.join(sorted(names))}: see that they exist" if names else ""
