"""What came of each Workload, in a few words: the source of all state metrics and of the reports on policies."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from berth.api.levels import Trust, WorkloadType
from berth.api.reasons import Reason
from berth.decide.ask import limits_of
from berth.decide.impact import Effect
from berth.decide.model import Candidate, Cost, Requirement
from berth.observe.model import Scene, Status
from berth.observe.moving import classes_below
from berth.observe.status import overhead_of, requested_of
from berth.plan.move import backing
from berth.policy.effective import Effective

_SHOWN: Final = ("Accepted", "Placed", "Isolated", "Ready")
_STATES: Final = {"True": 1, "False": 0, "Unknown": -1}
_NOTHING: Final = Cost()
_CHOSEN: Final = 2
Pairs = TypeVar("Pairs", bound=tuple[object, ...])

_VERDICTS: Final = {"Fit": 1, "NotNow": 0, "Never": -1}


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
    required_by: str = ""
    """Who requires its level: a policy, a tenant, its author, or the cluster default."""
    limits: Cost = _NOTHING
    """Of all replicas together; 0 for what has none."""
    replicas: tuple[int, int, int] = (0, 0, 0)
    """Asked for, existing, ready."""
    conditions: tuple[tuple[str, int], ...] = ()
    """Type, and 1 True, 0 False, -1 Unknown."""
    candidates: tuple[tuple[str, str, int], ...] = ()
    """Class, the rule against it, and 2 chosen, 1 Fit, 0 NotNow, -1 Never."""
    children: tuple[tuple[str, int], ...] = ()
    """How many objects there are of each kind."""
    pods: tuple[str, ...] = ()
    """Names of its pods that have not ended."""
    machines: tuple[str, ...] = ()
    """Names of its VirtualMachineInstances."""

    @property
    def tenant(self) -> str:
        """Return its tenant; empty where it has none, or several, which is a mistake that its status names."""
        return self.tenants[0] if len(self.tenants) == 1 else ""


def outcome_of(scene: Scene, status: Status, policy: Effective, effects: tuple[Effect, ...] = ()) -> Outcome:
    """Return the outcome that a status stands for."""
    conditions = {each["type"]: each for each in status["conditions"]}
    placement = status.get("placement") or {}
    over = _over(scene)
    return Outcome(
        class_name=placement.get("className", ""),
        level=placement.get("level", ""),
        backend=placement.get("backend", ""),
        runtime_class=placement.get("runtimeClassName", ""),
        reason=str(status["reason"]),
        ready=conditions["Ready"]["status"] == "True",
        below=not over and bool(classes_below(scene)),
        pending=not over and scene.move.pending is not None and scene.move.pending.reason is Reason.AWAITING_APPROVAL,
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
        required_by=_required_by(scene.decision.requirement),
        limits=limits_of(scene.spec).times(scene.spec.replicas),
        replicas=(scene.spec.replicas, status["replicas"], status["readyReplicas"]),
        conditions=_same(tuple((name, _STATES[conditions[name]["status"]]) for name in _SHOWN)),
        candidates=_same(tuple(_verdict(each, scene) for each in scene.decision.candidates)),
        children=_same(tuple(sorted(Counter(each.kind for each in scene.children).items()))),
        pods=tuple(sorted(pod.key[1] for pod in scene.pods if not pod.finished)),
        machines=tuple(sorted(machine.key[1] for machine in scene.machines)),
    )


def _over(scene: Scene) -> bool:
    """Return whether it has run to its end: nothing of it runs any more."""
    runs = backing(scene.children, scene.workload.uid)
    return bool(runs) and all(run.complete or run.failed for run in runs)


@lru_cache(maxsize=8192)
def _same(value: Pairs) -> Pairs:
    """Return one and the same object for all that are equal: thousands of Workloads share a few."""
    return value


def _verdict(candidate: Candidate, scene: Scene) -> tuple[str, str, int]:
    if candidate is scene.decision.chosen:
        return candidate.facts.name, "", _CHOSEN
    decisive = candidate.decisive
    return candidate.facts.name, decisive.rule if decisive else "", _VERDICTS[candidate.outcome]


@lru_cache(maxsize=1024)
def _required_by(requirement: Requirement) -> str:
    """Return who raised the level, without the free text in which a policy says why."""
    found = (source.by for source in requirement.sources if source.dimension == "level")
    return next(found, "").split(" (")[0]
