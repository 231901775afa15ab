"""What came of each Workload, in a few words: the source of all state metrics and of the reports on policies."""

from dataclasses import dataclass

from berth.api.levels import Trust, WorkloadType
from berth.api.reasons import Reason
from berth.decide.impact import Effect
from berth.decide.model import Cost
from berth.observe.model import Scene, Status
from berth.observe.status import overhead_of, requested_of
from berth.policy.effective import Effective


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state of one Workload after its last pass."""

    class_name: str
    level: str
    backend: str
    runtime_class: str
    reason: str
    ready: bool
    below: bool
    pending: bool
    isolated: str
    requested: Cost
    overhead: Cost
    time_to_ready: int | None
    tenants: tuple[str, ...] = ()
    """Tenants of its namespace."""
    type: WorkloadType = WorkloadType.SERVICE
    trust: Trust = Trust.RESTRICTED
    """As policies see it."""
    waived: tuple[tuple[str, str], ...] = ()
    """Policies that match and do not hold, each with the waiver that spares it."""
    policies: tuple[str, ...] = ()
    """Names of the policies that match, in whatever mode."""
    policy_errors: tuple[tuple[str, str], ...] = ()
    """Policies whose condition failed on it, and how."""
    effects: tuple[Effect, ...] = ()
    """What policies do to it, or would do if they were enforced."""
    obstacle: str = ""
    """Why it does not run, or has not what it asks for."""


def outcome_of(scene: Scene, status: Status, policy: Effective, effects: tuple[Effect, ...] = ()) -> Outcome:
    """Return the outcome that a status stands for."""
    conditions = {each["type"]: each for each in status["conditions"]}
    placement = status.get("placement") or {}
    return Outcome(
        class_name=placement.get("className", ""),
        level=placement.get("level", ""),
        backend=placement.get("backend", ""),
        runtime_class=placement.get("runtimeClassName", ""),
        reason=str(status["reason"]),
        ready=conditions["Ready"]["status"] == "True",
        below=scene.move.below,
        pending=scene.move.pending is not None and scene.move.pending.reason is Reason.AWAITING_APPROVAL,
        isolated=conditions["Isolated"]["status"],
        requested=requested_of(scene) or Cost(),
        overhead=overhead_of(scene) or Cost(),
        time_to_ready=(status.get("timeToReady") or {}).get("seconds"),
        tenants=scene.tenants,
        type=scene.ask.type,
        trust=scene.ask.trust or Trust.RESTRICTED,
        waived=policy.waived,
        policies=tuple(name for name, _ in policy.matched),
        policy_errors=policy.errors,
        effects=effects,
        obstacle=conditions["Ready"]["message"] if not placement or scene.move.withheld else "",
    )
