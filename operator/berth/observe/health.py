"""How what runs fares: replicas, readiness, and the one problem that matters most."""

from collections.abc import Iterable
from typing import Final

from berth.api.levels import Backend, WorkloadType
from berth.api.reasons import Reason
from berth.observe.model import Health, Scene
from berth.plan.model import Apply
from berth.plan.move import BACKING_KINDS, backing
from berth.world.records import ChildRecord, MachineRecord, Problem

_BY_ITSELF: Final = frozenset({Reason.RETRYING, Reason.WAITING_FOR_QUOTA})
"""Problems that do not keep what runs from serving, and are tried again: its disk may be refused more room."""


def health(scene: Scene) -> Health:
    """Return how the newest backing object and its pods or machines fare."""
    runs = backing(scene.children, scene.workload.uid)
    newest = runs[-1] if runs else None
    machines = [machine for machine in scene.machines if not machine.deleting]
    phases = [machine.phase for machine in machines]
    is_task = scene.spec.type is WorkloadType.TASK
    problems = tuple(_problems(scene))
    return Health(
        wanted=scene.spec.replicas,
        replicas=sum(run.replicas for run in runs),
        ready=_ready(scene, runs, machines),
        settled=newest is not None and not _in_motion(scene, runs, newest),
        complete=newest is not None and (newest.complete or (is_task and "Succeeded" in phases)),
        failed=newest.failed if newest and newest.failed else _failed_machine(is_task=is_task, phases=phases),
        problem=most_important(problems),
        told=most_important(
            (*_goings_on(scene, newest, machines), *(each for each in problems if each.reason in _BY_ITSELF))
        ),
    )


def most_important(problems: Iterable[Problem]) -> Problem | None:
    """Return the problem whose reason comes first; among equals the first by text."""
    return min(problems, key=lambda problem: (Reason(problem.reason).precedence, problem.message), default=None)


def _ready(scene: Scene, runs: tuple[ChildRecord, ...], machines: list[MachineRecord]) -> int:
    """Return how many replicas serve: their owner says so, and they were seen themselves. Of a task, how many ended."""
    told = min(sum(run.ready for run in runs), max(scene.spec.replicas, runs[-1].ready if runs else 0))
    if scene.spec.type is WorkloadType.TASK:
        return max(told, sum(machine.phase == "Succeeded" for machine in machines))
    pods = sum(pod.ready and not pod.launcher and not pod.deleting for pod in scene.pods)
    return min(told, pods + sum(machine.ready for machine in machines))


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


def _problems(scene: Scene) -> Iterable[Problem]:
    yield from scene.failures
    disks = tuple(_disk_problems(scene))
    yield from disks
    for each in _of_machines(scene):
        # A claim that is not there yet is told by the disk that is being filled.
        if not (disks and each.reason == Reason.VOLUME_MISSING):
            yield each
    for pod in scene.pods:
        if pod.problem is not None and not pod.deleting and not pod.finished:
            yield pod.problem


def _disk_problems(scene: Scene) -> Iterable[Problem]:
    placed = scene.move.placed
    if placed is not None and placed.backend is Backend.VIRTUAL_MACHINE:
        for child in scene.children:
            if child.kind == "DataVolume" and child.problem is not None and not child.deleting:
                yield child.problem


def _of_machines(scene: Scene) -> Iterable[Problem]:
    for child in scene.children:
        if child.problem is not None and not child.deleting and child.kind != "DataVolume":
            yield child.problem
    for machine in scene.machines:
        if machine.problem is not None and not machine.deleting:
            yield machine.problem
