"""One small function per condition of a Workload."""

from typing import Final

from berth.api.levels import WorkloadType
from berth.api.reasons import ConditionType, Reason
from berth.decide.model import Outcome
from berth.observe.isolation import isolated
from berth.observe.model import Finding, Health, Scene
from berth.observe.moving import former_classes
from berth.world.records import Problem

_FINAL: Final = frozenset(
    {
        Reason.MISCONFIGURED,
        Reason.POLICY_DENIED,
        Reason.EXCEEDS_QUOTA,
        Reason.DEADLINE_PASSED,
        Reason.NAME_TAKEN,
        Reason.CHILD_UNSAFE,
        Reason.CHILD_REJECTED,
        Reason.IMAGE_NEEDS_ROOT,
        Reason.TASK_FAILED,
        Reason.BACKEND_FAILED,
    }
)
"""Reasons that stay until somebody changes something."""

_WAITING: Final = {
    Reason.PAUSED: "waits until the machine is unpaused",
    Reason.RESTART_REQUIRED: "waits until the machine is restarted",
}
_UNDER_WAY: Final = frozenset({Reason.LIVE_UPDATING, Reason.RETRYING, Reason.UPDATING, Reason.WAITING_FOR_QUOTA})
"""Reasons with which a machine may serve while it is still changed, or a change of it is tried again."""
_PROGRESS: Final = frozenset(
    {Reason.PROVISIONING, Reason.SWITCHING, Reason.UPDATING, Reason.LIVE_UPDATING, Reason.MIGRATING}
)
"""Reasons of what is not ready yet, and nothing is in its way."""


def findings(scene: Scene, health: Health) -> tuple[Finding, ...]:
    """Return all conditions of a Workload, in the order in which they are read."""
    ready_now = ready(scene, health)
    stalled_now = stalled(scene, health, ready_now)
    return (
        accepted(scene),
        placed(scene),
        isolated(scene),
        ready_now,
        reconciling(scene, health, ready_now, stalled_now),
        stalled_now,
    )


def accepted(scene: Scene) -> Finding:
    """Return whether the spec is valid and not forbidden."""
    decision = scene.decision
    if decision.chosen is None and decision.reason in {Reason.MISCONFIGURED, Reason.POLICY_DENIED}:
        return Finding(ConditionType.ACCEPTED, "False", decision.reason, decision.message)
    return Finding(ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "the spec is valid")


def placed(scene: Scene) -> Finding:
    """Return whether a class was found; a running workload that nothing fits any more is not placed either."""
    decision = scene.decision
    if decision.chosen is None:
        return Finding(ConditionType.PLACED, "False", decision.reason, decision.message)
    withheld = scene.move.withheld
    if withheld is not None and scene.move.placed is None:
        return Finding(ConditionType.PLACED, "False", withheld.reason, withheld.message)
    if scene.move.pending is not None:
        pending = scene.move.pending
        message = f"stays in {pending.from_class}; {pending.to_class} is due: {decision.message}"
        return Finding(ConditionType.PLACED, "True", pending.reason, message)
    return Finding(ConditionType.PLACED, "True", Reason.PLACED, decision.message)


def ready(scene: Scene, health: Health) -> Finding:
    """Return whether all replicas serve what is asked for, or the task has completed."""
    if scene.decision.chosen is None and scene.move.placed is None and not scene.move.below:
        return _not_ready(scene.decision.reason, scene.decision.message)
    if scene.move.withheld is not None:
        return _not_ready(scene.move.withheld.reason, scene.move.withheld.message)
    if health.failed is not None:
        return _not_ready(Reason(health.failed.reason), health.failed.message)
    if scene.plan.taken:
        return _not_ready(Reason.NAME_TAKEN, _taken(scene))
    if scene.spec.type is WorkloadType.TASK:
        return _task(health)
    return _service(scene, health)


def _service(scene: Scene, health: Health) -> Finding:
    if health.settled and health.wanted == 0 and health.replicas == 0:
        return Finding(ConditionType.READY, "True", Reason.SCALED_TO_ZERO, "no replicas are asked for")
    if health.settled and 0 < health.wanted <= health.ready:
        told = health.told or Problem(Reason.RUNNING, "all replicas are ready")
        return Finding(ConditionType.READY, "True", Reason(told.reason), told.message)
    return _waiting(scene, health)


def _task(health: Health) -> Finding:
    if health.complete:
        return Finding(ConditionType.READY, "True", Reason.COMPLETED, "the task has completed")
    if health.problem is not None:
        return _not_ready(Reason(health.problem.reason), health.problem.message)
    # What a task would take over at another start, it never does: it runs once, and anew only when it is edited.
    if health.told is not None and health.told.reason != Reason.RESTART_REQUIRED:
        return _not_ready(Reason(health.told.reason), health.told.message)
    return _not_ready(Reason.PROVISIONING, "the task has not completed yet")


def _waiting(scene: Scene, health: Health) -> Finding:
    if health.problem is not None:
        return _not_ready(Reason(health.problem.reason), health.problem.message)
    waits = scene.plan.waits
    if waits:
        return _not_ready(waits[0].reason, waits[0].message)
    if former := former_classes(scene):
        return _not_ready(Reason.SWITCHING, f"replicas in class {' and '.join(former)} are being replaced")
    if health.replicas and (health.ready or not health.wanted):
        return _not_ready(Reason.UPDATING, "replicas are being replaced, added or removed")
    return _not_ready(Reason.PROVISIONING, "objects were created and replicas start")


def _not_ready(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.READY, "False", reason, message)


def stalled(scene: Scene, health: Health, ready_now: Finding) -> Finding:
    """Return whether nothing will happen until somebody changes something (kstatus)."""
    if scene.plan.taken:
        return Finding(ConditionType.STALLED, "True", Reason.NAME_TAKEN, _taken(scene))
    withheld = scene.move.withheld
    if withheld is not None and withheld.reason in _FINAL:
        return Finding(ConditionType.STALLED, "True", withheld.reason, withheld.message)
    if scene.decision.chosen is None and _hopeless(scene):
        return Finding(ConditionType.STALLED, "True", scene.decision.reason, scene.decision.message)
    for problem in (health.failed, health.problem):
        if problem is not None and (health.late or Reason(problem.reason) in _FINAL):
            return Finding(ConditionType.STALLED, "True", Reason(problem.reason), problem.message)
    if ready_now.status == "False" and (health.problem is not None or ready_now.reason not in _PROGRESS):
        text = "what is in the way may pass without an edit; condition Ready tells what it is"
        return Finding(ConditionType.STALLED, "False", ready_now.reason, text)
    return Finding(ConditionType.STALLED, "False", Reason.SETTLED, "nothing blocks progress")


def _hopeless(scene: Scene) -> bool:
    """Return whether no class can fit until the spec or a policy changes."""
    return scene.decision.reason in _FINAL or all(each.outcome is Outcome.NEVER for each in scene.decision.candidates)


def reconciling(scene: Scene, health: Health, ready_now: Finding, stalled_now: Finding) -> Finding:
    """Return whether work is under way (kstatus): never together with Stalled."""
    if stalled_now.status == "True":
        return Finding(ConditionType.RECONCILING, "False", stalled_now.reason, "waits for somebody to change something")
    if ready_now.reason in _WAITING and not scene.plan.waits:
        return Finding(ConditionType.RECONCILING, "False", ready_now.reason, _WAITING[ready_now.reason])
    if ready_now.status == "True" and ready_now.reason not in _UNDER_WAY and (health.complete or not scene.plan.waits):
        return Finding(ConditionType.RECONCILING, "False", Reason.SETTLED, "nothing is left to do")
    return Finding(ConditionType.RECONCILING, "True", ready_now.reason, "works towards what is asked for")


def _taken(scene: Scene) -> str:
    names = ", ".join(f"{taken.kind} {taken.name}" for taken in scene.plan.taken)
    return f"{names} exists and is not Berth's: rename the Workload, or delete or rename that object"
