"""How long the first replica took to serve, by segments."""

from berth.observe.model import Scene, Status
from berth.plan.move import backing


def time_to_ready(scene: Scene, previous: Status) -> Status | None:
    """Return seconds from the creation of the backing object to the first ready replica, with what lies between.

    It is measured once per placement: the first value stays until the class or the backing object changes.
    """
    runs = backing(scene.children, scene.workload.uid)
    placed = scene.move.placed
    if not runs or placed is None:
        return None
    before: Status | None = previous.get("timeToReady")
    if before is not None and (previous.get("placement") or {}).get("className") == placed.name:
        return before
    started = runs[-1].created
    if started == 0.0:
        return None
    ways = [way for way in (*_machine_ways(scene), *_pod_ways(scene)) if way[-1][1] >= started]
    if not ways:
        return None
    fastest = min(ways, key=lambda way: (way[-1][1], way))
    segments = [{"name": name, "seconds": int(when - started)} for name, when in fastest if when >= started]
    return {"seconds": int(fastest[-1][1] - started), "segments": segments}


def _pod_ways(scene: Scene) -> list[tuple[tuple[str, float], ...]]:
    placed = scene.move.placed
    return [
        (("Scheduled", pod.scheduled), ("Initialized", pod.initialized), ("Ready", pod.ready_at))
        for pod in scene.pods
        if pod.ready and not pod.launcher and placed is not None and pod.class_name == placed.name
    ]


def _machine_ways(scene: Scene) -> list[tuple[tuple[str, float], ...]]:
    return [
        (*((name, when) for name, when in machine.phases if name != "Pending"), ("Ready", machine.ready_at))
        for machine in scene.machines
        if machine.ready and machine.ready_at
    ]
