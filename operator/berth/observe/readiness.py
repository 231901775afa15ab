"""How long a start took until the first replica served, by segments.

A start is that of the first pods or instances that were made for a placement: it begins when the first of them was
created, so that a move has a start of its own, however old the Deployment is. When a pod became ready is read from a
condition that turns with every outage: what was measured stays, and what served before the placement is not measured.
"""

from math import inf
from typing import Final

from berth.api.reasons import Reason
from berth.observe.model import Scene, Status
from berth.world.parse import seconds
from berth.world.records import MachineRecord, PodRecord

STEADY_SECONDS: Final = 10.0
"""Seconds for which a replica must have served for its start to count: what fails at once was never usable."""

_LEEWAY_SECONDS: Final = 60.0
"""Seconds by which pods may be older than the placement in the status: a pass makes them first, and says so later."""
_CRASHES: Final = frozenset({Reason.CRASH_LOOPING, Reason.OUT_OF_MEMORY})
"""Reasons of containers that ended. Whatever else befalls one that served, as an outage of its node, it did start."""

Way = tuple[tuple[str, float], ...]
"""Steps of one replica and when it reached them; the last one is that it serves."""


def time_to_ready(scene: Scene, previous: Status, now: float) -> Status | None:
    """Return seconds from the creation of the first replica to the first one that serves, with what lies between.

    It is measured once per placement: the first value stays until the class changes, or until the containers of all
    that served end. None before anything serves, and where containers only served between their failures.
    """
    placed = scene.move.placed
    if placed is None:
        return None
    here = _pods(scene, placed.name)
    if here and all(_crashes(pod, now) for pod in here):
        return None
    before: Status | None = previous.get("timeToReady")
    placement: Status = previous.get("placement") or {}
    if before is not None and placement.get("className") == placed.name:
        return before
    first = _placed_at(placement, placed.name, now) - _LEEWAY_SECONDS
    machines = [each for each in scene.machines if each.class_name == placed.name and each.created >= first]
    # One that began anew was ready before, nobody knows when.
    pods = [pod for pod in here if pod.created >= first and not pod.has_restarted]
    ways = [*map(_way_of_machine, _serving_machines(machines)), *(pod.steps for pod in pods if pod.ready)]
    began = [*(machine.created for machine in machines), *(pod.created for pod in pods)]
    return _told(min(ways, key=lambda way: (way[-1][1], way)), min(began)) if ways else None


def _placed_at(placement: Status, class_name: str, now: float) -> float:
    """Return since when it is placed in a class: always where no status tells, from now on where that has another."""
    if not placement:
        return -inf
    return seconds(placement.get("since")) if placement.get("className") == class_name else now


def _told(way: Way, began: float) -> Status:
    segments = [{"name": name, "seconds": max(0, int(when - began))} for name, when in way]
    return {"seconds": segments[-1]["seconds"], "segments": segments}


def _pods(scene: Scene, class_name: str) -> tuple[PodRecord, ...]:
    here = (pod for pod in scene.pods if pod.class_name == class_name and not pod.launcher)
    return tuple(pod for pod in here if not pod.finished and not pod.deleting)


def _crashes(pod: PodRecord, now: float) -> bool:
    return any(each.holds(now) and each.problem.reason in _CRASHES for each in pod.troubles)


def _serving_machines(machines: list[MachineRecord]) -> list[MachineRecord]:
    return [machine for machine in machines if machine.ready and machine.ready_at]


def _way_of_machine(machine: MachineRecord) -> Way:
    return (*((name, when) for name, when in machine.phases if name != "Pending"), ("Ready", machine.ready_at))
