"""How long a start took until the first replica served, by segments.

A start is that of the first pods or instances in a class: it begins when the first of them was created, so that a move
has a start of its own, however old the Deployment is.
"""

from typing import Final

from berth.observe.model import Scene, Status
from berth.world.records import MachineRecord, PodRecord

STEADY_SECONDS: Final = 10.0
"""Seconds for which a replica must have served for its start to count: what fails at once was never usable."""

Way = tuple[tuple[str, float], ...]
"""Steps of one replica and when it reached them; the last one is that it serves."""


def time_to_ready(scene: Scene, previous: Status, now: float) -> Status | None:
    """Return seconds from the creation of the first replica to the first one that serves, with what lies between.

    It is measured once per placement: the first value stays until the class changes, or until what served turns out
    to fail. None before anything serves, and where containers only served between their failures.
    """
    placed = scene.move.placed
    if placed is None:
        return None
    here = _pods(scene, placed.name)
    if here and all(_fails(pod, now) for pod in here):
        return None
    before: Status | None = previous.get("timeToReady")
    if before is not None and (previous.get("placement") or {}).get("className") == placed.name:
        return before
    machines = [each for each in scene.machines if each.class_name == placed.name]
    ways = [*map(_way_of_machine, _serving_machines(machines)), *(pod.steps for pod in here if _serves(pod))]
    began = [*(machine.created for machine in machines), *(pod.created for pod in here)]
    return _told(min(ways, key=lambda way: (way[-1][1], way)), min(began)) if ways else None


def _told(way: Way, began: float) -> Status:
    segments = [{"name": name, "seconds": max(0, int(when - began))} for name, when in way]
    return {"seconds": segments[-1]["seconds"], "segments": segments}


def _pods(scene: Scene, class_name: str) -> tuple[PodRecord, ...]:
    return tuple(pod for pod in scene.pods if pod.class_name == class_name and not pod.launcher and not pod.finished)


def _serves(pod: PodRecord) -> bool:
    """Return whether a pod serves since its first start: one that began anew was ready before, nobody knows when."""
    return pod.ready and not pod.has_restarted


def _fails(pod: PodRecord, now: float) -> bool:
    return any(each.holds(now) for each in pod.troubles)


def _serving_machines(machines: list[MachineRecord]) -> list[MachineRecord]:
    return [machine for machine in machines if machine.ready and machine.ready_at]


def _way_of_machine(machine: MachineRecord) -> Way:
    return (*((name, when) for name, when in machine.phases if name != "Pending"), ("Ready", machine.ready_at))
