"""What observing takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from berth.api.reasons import ConditionType, Reason
from berth.api.workload import WorkloadSpec
from berth.decide.model import Ask, Decision
from berth.plan.model import Move, Plan
from berth.policy.waiving import Waived
from berth.world.records import ChildRecord, MachineRecord, NodeRecord, PodRecord, Problem, WorkloadRecord

Status = dict[str, Any]
"""The status of an object as JSON-like data."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one pass over a Workload knows when it says what happened."""

    workload: WorkloadRecord
    spec: WorkloadSpec
    ask: Ask
    decision: Decision
    move: Move
    plan: Plan
    failures: tuple[Problem, ...]
    """What the API server refused in this pass."""
    children: tuple[ChildRecord, ...]
    """Ours, as seen before this pass."""
    pods: tuple[PodRecord, ...]
    machines: tuple[MachineRecord, ...]
    nodes: Mapping[str, NodeRecord]
    tenants: tuple[str, ...] = ()
    """Tenants of its namespace: one or none where all is well."""
    growing: tuple[Problem, ...] = ()
    """Disks that have yet to become as large as they were asked to be."""
    waivers: tuple[Waived, ...] = ()
    """Waivers that spare it from something now, each with the policies that match."""
    decision_hashes: Mapping[str, str] | None = None
    would_change: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition, before it is given a time."""

    type: ConditionType
    status: str
    """True, False or Unknown."""
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """How what runs fares."""

    wanted: int
    replicas: int
    ready: int
    settled: bool
    """Whether the backing object has caught up with its spec and every replica runs it."""
    complete: bool
    failed: Problem | None
    problem: Problem | None
    """The most important thing that stands in the way."""
    late: bool = False
    """Whether the Deployment says that its replicas have taken too long to start."""
    told: Problem | None = None
    """The most important thing that goes on, or waits for a restart, while it serves."""
