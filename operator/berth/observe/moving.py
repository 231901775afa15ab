"""A move under way: in which classes a workload still runs beside the one where it is going."""

from collections.abc import Mapping

from berth.api.levels import Backend
from berth.decide.model import ClassFacts
from berth.observe.model import Scene
from berth.plan.move import falls_short
from berth.world.records import PodRecord


def former_classes(scene: Scene) -> tuple[str, ...]:
    """Return the other classes in which replicas of it still serve; none where it is not being moved."""
    placed = scene.move.placed
    if placed is None:
        return ()
    here = (pod for pod in _alive(scene) if not pod.deleting)
    return tuple(sorted({pod.class_name for pod in here if is_former(pod, scene, placed)}))


def classes_below(scene: Scene) -> tuple[str, ...]:
    """Return the classes in which it runs below what is required: also those of deleted pods that have yet to end."""
    known, required = _known(scene), scene.decision.requirement
    below = {pod.class_name for pod in _alive(scene) if falls_short(known.get(pod.class_name), required)}
    return tuple(sorted(below.union(scene.move.weaker)))


def weaker_classes(scene: Scene, placed: ClassFacts) -> tuple[str, ...]:
    """Return the classes in which it runs below what is required, or isolated less than where it is placed."""
    known = _known(scene)
    running = (known.get(pod.class_name) for pod in _alive(scene))
    weaker = {facts.name for facts in running if facts and facts.name != placed.name and _is_weaker(facts, placed)}
    return tuple(sorted(weaker.union(classes_below(scene))))


def is_former(pod: PodRecord, scene: Scene, placed: ClassFacts) -> bool:
    """Return whether a pod is one of another class, as that class makes them: a move replaces it."""
    former = _known(scene).get(pod.class_name)
    return pod.controlled and pod.class_name not in ("", placed.name) and (former is None or _is_as_made(pod, former))


def _is_as_made(pod: PodRecord, facts: ClassFacts) -> bool:
    if facts.backend is not Backend.POD:
        return False
    bare = facts.user_namespaces and pod.host_users
    return pod.runtime_class == (facts.runtime_class_name or "") and not bare


def _is_weaker(facts: ClassFacts, than: ClassFacts) -> bool:
    """Return whether a class isolates less than another one, or less than it says."""
    if facts.contradicted:
        return True
    if facts.level is not than.level:
        return facts.level.rank < than.level.rank
    return than.user_namespaces and not facts.user_namespaces


def _alive(scene: Scene) -> tuple[PodRecord, ...]:
    return tuple(pod for pod in scene.pods if not pod.finished and not pod.launcher)


def _known(scene: Scene) -> Mapping[str, ClassFacts]:
    return {each.facts.name: each.facts for each in scene.decision.candidates}
