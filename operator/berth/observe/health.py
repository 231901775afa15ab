"""How what runs fares: replicas, readiness, and the one problem that matters most."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf
from typing import Final

from berth.api.levels import Backend, WorkloadType
from berth.api.reasons import Reason
from berth.observe.model import Health, Scene
from berth.plan.model import Apply
from berth.plan.move import BACKING_KINDS, backing
from berth.world.records import ChildRecord, MachineRecord, PodRecord, Problem, Trouble

_BACKOFF_LIMIT: Final = 6
"""Of a Job that sets none (batch/v1)."""
_BY_ITSELF: Final = frozenset({Reason.RETRYING, Reason.WAITING_FOR_QUOTA})
"""Problems that do not keep what runs from serving, and are tried again: its disk may be refused more room."""
_TOLD_APART: Final = frozenset({"DataVolume", "HorizontalPodAutoscaler"})
"""Kinds whose problems count elsewhere: with the disks, and as a warning, for it serves without its autoscaler."""


def health(scene: Scene, now: float) -> Health:
    """Return how the newest backing object and its pods or machines fare at a time."""
    runs = backing(scene.children, scene.workload.uid)
    newest = runs[-1] if runs else None
    machines = [machine for machine in scene.machines if not machine.deleting]
    phases = [machine.phase for machine in machines]
    is_task = scene.spec.type is WorkloadType.TASK
    problems = tuple(_problems(scene, now))
    failed = newest.failed if newest and newest.failed else _failed_machine(is_task=is_task, phases=phases)
    return Health(
        wanted=scene.spec.replicas,
        replicas=sum(run.replicas for run in runs),
        ready=_ready(scene, runs, machines, now),
        settled=newest is not None and not _in_motion(scene, runs, newest),
        complete=newest is not None and (newest.complete or (is_task and "Succeeded" in phases)),
        failed=failed and _with_cause(failed, scene),
        problem=most_important(problems),
        late=newest is not None and _is_late(newest),
        told=most_important(
            (*_goings_on(scene, newest, machines), *(each for each in problems if each.reason in _BY_ITSELF))
        ),
    )


def most_important(problems: Iterable[Problem]) -> Problem | None:
    """Return the problem whose reason comes first; among equals the first by text."""
    return min(problems, key=lambda problem: (Reason(problem.reason).precedence, problem.message), default=None)


def next_change(scene: Scene, now: float) -> float | None:
    """Return the seconds until a trouble of a pod begins or ends by time alone; None when none does."""
    times = (
        when for pod in scene.pods if not pod.deleting for each in pod.troubles for when in (each.since, each.until)
    )
    return min((when - now for when in times if now < when < inf), default=None)


def _ready(scene: Scene, runs: tuple[ChildRecord, ...], machines: list[MachineRecord], now: float) -> int:
    """Return how many replicas serve: their owner says so, and they were seen themselves. Of a task, how many ended.

    One that came up again after it failed serves once it has run for a while; so does the successor of one that ended.
    """
    told = min(sum(run.ready for run in runs), max(scene.spec.replicas, runs[-1].ready if runs else 0))
    if scene.spec.type is WorkloadType.TASK:
        return max(told, sum(machine.phase == "Succeeded" for machine in machines))
    steady = [pod for pod in _own(scene) if pod.ready and not _troubles(pod, now)]
    ends = [each.since for pod in _ended(scene) for each in pod.troubles if each.holds(now)]
    successors = sum(pod.created >= min(ends, default=inf) for pod in steady)
    serving = len(steady) - min(len(ends), successors)
    return min(told, serving + sum(machine.ready for machine in machines))


def _own(scene: Scene) -> list[PodRecord]:
    """Return the pods that run what was asked for, unlike launchers, but for those that are going."""
    return [pod for pod in scene.pods if not pod.launcher and not pod.deleting]


def _ended(scene: Scene) -> list[PodRecord]:
    """Return the pods that are over, the last one last, but for those made otherwise than the last pod is.

    Nobody deletes pods that were evicted: once a spec is mended or has moved, they tell of what is no more.
    """
    here = sorted(_own(scene), key=lambda pod: (pod.created, pod.key))
    made = {(pod.class_name, pod.revision) for pod in here[-1:]}
    return [pod for pod in here if pod.finished and (pod.class_name, pod.revision) in made]


def _troubles(pod: PodRecord, now: float) -> list[Problem]:
    return [each.problem for each in pod.troubles if each.holds(now)]


def _is_late(child: ChildRecord) -> bool:
    """Return whether a Deployment says that it took too long; what is wrong, its pods know better."""
    late = child.problem is not None and child.problem.reason == Reason.BACKEND_FAILED
    return late and child.kind == "Deployment"


def _in_motion(scene: Scene, runs: tuple[ChildRecord, ...], newest: ChildRecord) -> bool:
    rolling = newest.kind == "Deployment" and not newest.updated == newest.replicas == scene.spec.replicas
    unseen = _unseen(scene, newest) and not _serves_meanwhile(newest)
    return unseen or rolling or len(runs) > 1 or _renewed(scene, newest)


def _unseen(scene: Scene, newest: ChildRecord) -> bool:
    """Return whether the controller of a backing object has yet to look at its newest spec."""
    being_changed = any(isinstance(step, Apply) and step.child.kind in BACKING_KINDS for step in scene.plan.writes)
    # KubeVirt notes which generation of a machine it has seen only while there is an instance of it.
    observed = newest.kind == "Deployment" or (newest.kind == "VirtualMachine" and newest.replicas > 0)
    return being_changed or (observed and newest.observed_generation < newest.generation)


def _serves_meanwhile(newest: ChildRecord) -> bool:
    """Return whether it serves until its controller has looked: no edit of a machine stops the guest that runs."""
    return newest.kind == "VirtualMachine" and newest.ready > 0


def _renewed(scene: Scene, newest: ChildRecord) -> bool:
    """Return whether a pool has members that it is going to restart, so that they take a change over."""
    return any(child.restart is not None and child.owner_uid == newest.uid for child in scene.children)


def _goings_on(scene: Scene, newest: ChildRecord | None, machines: Iterable[MachineRecord]) -> Iterable[Problem]:
    if newest is not None and _serves_meanwhile(newest) and _unseen(scene, newest):
        yield Problem(Reason.UPDATING, "KubeVirt has yet to look at what was changed; the guest serves meanwhile")
    if newest is not None and newest.restart is not None:
        yield newest.restart
    if machines:
        yield from scene.growing
    for machine in machines:
        yield from machine.goings_on


def _failed_machine(*, is_task: bool, phases: list[str]) -> Problem | None:
    if is_task and "Failed" in phases:
        return Problem(Reason.TASK_FAILED, "the machine ended in failure")
    return None


def _problems(scene: Scene, now: float) -> Iterable[Problem]:
    yield from scene.failures
    disks = tuple(_disk_problems(scene))
    yield from disks
    pods = tuple(_of_pods(scene, now))
    yield from pods
    for each in _of_children(scene, known=bool(pods)):
        # A claim that is not there yet is told by the disk that is being filled.
        if not (disks and each.reason == Reason.VOLUME_MISSING):
            yield each


def _of_pods(scene: Scene, now: float) -> Iterable[Problem]:
    """Yield what is wrong with pods that there are, and why the last one that is over ended."""
    for pod in scene.pods:
        if not pod.deleting and not pod.finished:
            yield from _troubles(pod, now)
    over = _over(scene)
    # What failed of a task stays failed; what a Service runs has a successor, which is in doubt for a while.
    if over and (scene.spec.type is WorkloadType.TASK or any(each.holds(now) for each in over)):
        yield _told_of(over, scene)


def _over(scene: Scene) -> list[Trouble]:
    """Return why pods ended that are over, the last one last, whether or not it still counts."""
    return [each for pod in _ended(scene) for each in pod.troubles[:1]]


def _told_of(over: list[Trouble], scene: Scene) -> Problem:
    """Return why the last pod ended; of a task also how many did, of how many: each number changes with a pod's end."""
    last = over[-1].problem
    if scene.spec.type is not WorkloadType.TASK:
        return last
    given = scene.spec.task.backoff_limit if scene.spec.task else None
    limit = _BACKOFF_LIMIT if given is None else given
    return replace(last, message=f"{len(over)} of {limit + 1} tries failed; the last: {last.message}")


def _with_cause(failed: Problem, scene: Scene) -> Problem:
    """Return the failure of a task with why its last pod ended, while that pod is there."""
    over = _over(scene)
    return replace(failed, message=f"{failed.message}: {_told_of(over, scene).message}") if over else failed


def _disk_problems(scene: Scene) -> Iterable[Problem]:
    placed = scene.move.placed
    if placed is not None and placed.backend is Backend.VIRTUAL_MACHINE:
        for child in scene.children:
            if child.kind == "DataVolume" and child.problem is not None and not child.deleting:
                yield child.problem


def _of_children(scene: Scene, *, known: bool) -> Iterable[Problem]:
    """Yield what backing objects and machines tell; not that pods take too long where it is `known` why."""
    for child in scene.children:
        told = child.problem is not None and not child.deleting and child.kind not in _TOLD_APART
        if child.problem is not None and told and not (known and _is_late(child)):
            yield child.problem
    for machine in scene.machines:
        if machine.problem is not None and not machine.deleting:
            yield machine.problem
