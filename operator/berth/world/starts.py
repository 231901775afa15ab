"""How a pod came to serve: when it reached each step, and whether a container of it ever ran, or ran more than once.

Source: k8s.io/api/core/v1, PodConditionType; kubelet 1.37 for the time of a container that never began.
"""

from collections.abc import Iterator
from typing import Final

from berth.world.parse import Raw, seconds

_STEPS: Final = {
    "PodScheduled": "Scheduled",
    "PodReadyToStartContainers": "ReadyToStartContainers",
    "Initialized": "Initialized",
    "ContainersReady": "ContainersReady",
    "Ready": "Ready",
}
"""Conditions of a pod and the steps that they stand for. The second one is its sandbox, network included."""
_INIT: Final = "initContainerStatuses"
_MAIN: Final = "containerStatuses"


def steps(status: Raw) -> tuple[tuple[str, float], ...]:
    """Return the steps that a pod has reached, in seconds since the epoch, the first one first."""
    reached = {each["type"]: each for each in status.get("conditions") or () if each.get("status") == "True"}
    names = ((name, reached[kind]) for kind, name in _STEPS.items() if kind in reached)
    return tuple(sorted(((name, seconds(each.get("lastTransitionTime"))) for name, each in names), key=_when))


def _when(step: tuple[str, float]) -> float:
    return step[1]


def has_run(status: Raw) -> bool:
    """Return whether a container of it runs or has run; one that could not be started ends without a beginning."""
    return any(seconds(state.get("startedAt")) > 0 for told in _told(status, _INIT, _MAIN) for state in _states(told))


def has_restarted(spec: Raw, status: Raw) -> bool:
    """Return whether a container or sidecar began more than once; init containers may need several tries."""
    sidecars = {each["name"] for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    beside = (told for told in _told(status, _INIT) if told["name"] in sidecars)
    return any(told.get("restartCount", 0) > 0 for told in (*beside, *_told(status, _MAIN)))


def _told(status: Raw, *fields: str) -> Iterator[Raw]:
    for field in fields:
        yield from status.get(field) or ()


def _states(told: Raw) -> Iterator[Raw]:
    for states in (told.get("state") or {}, told.get("lastState") or {}):
        yield states.get("running") or states.get("terminated") or {}
