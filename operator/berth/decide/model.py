"""The values that deciding takes and gives. All are frozen, hashable and free of names of workloads.

CPU in millicores, memory in bytes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.api.reasons import Reason
from berth.policy.model import (
    Ask,
    ClaimAsk,
    Guest,
    KeptDisk,
    MachineAsk,
    OriginAsk,
    PodSecurity,
    Refusal,
    Requirement,
    ResizedDisk,
    Source,
    hashed_once,
)
from berth.world.records import CONSOLE_LOG, CONTAINER_DISK, Beside

__all__ = [
    "ENGINE_VERSION",
    "Ask",
    "Candidate",
    "ClaimAsk",
    "ClassFacts",
    "Cost",
    "Decision",
    "Guest",
    "KeptDisk",
    "MachineAsk",
    "NodeShape",
    "OriginAsk",
    "Outcome",
    "PodSecurity",
    "Refusal",
    "Requirement",
    "ResizedDisk",
    "Source",
    "Unavailable",
    "Verdict",
]

ENGINE_VERSION: Final = "4"
"""Raised whenever the same inputs may give another decision."""


class Outcome(StrEnum):
    """What a rule says of a class for a workload."""

    FIT = "Fit"
    NOT_NOW = "NotNow"
    """No, but that may change by itself: a node, an installation, a disk."""
    NEVER = "Never"
    """No, until the spec or a policy changes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processors and memory."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the sum."""
        return Cost(self.cpu + other.cpu, self.memory + other.memory)

    def times(self, count: int) -> "Cost":
        """Return the cost of `count` replicas."""
        return Cost(self.cpu * count, self.memory * count)


@dataclass(frozen=True, slots=True)
class NodeShape:
    """What one kind of node offers; nodes that are alike share one shape."""

    cpu: int
    memory: int
    devices: tuple[tuple[str, int], ...]
    architecture: str
    cpu_manager: bool
    nested: bool
    cpu_models: tuple[str, ...] = ()
    """Models of processors that guests can have, sorted."""
    machine_types: tuple[str, ...] = ()
    """Machine types that guests can have, sorted."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why this cluster cannot run a class now."""

    reason: Reason
    message: str


@hashed_once
@dataclass(frozen=True)
class ClassFacts:
    """One IsolationClass together with what this cluster offers for it."""

    name: str
    level: IsolationLevel
    backend: Backend
    enabled: bool = True
    preference: int = 0
    runtime_class_name: str | None = None
    handler: str | None = None
    runtime_uid: str | None = None
    """UID of the RuntimeClass, None where there is none."""
    user_namespaces: bool = False
    launch_security: str | None = None
    sharing: NodeSharing = NodeSharing.SHARED
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[tuple[str, str | None, str | None], ...] = ()
    """Key, value, effect."""
    overhead: Cost = Cost()
    """Per replica of a pod class; machines are computed by formula."""
    overhead_source: str = "none"
    """Where the overhead comes from, for people."""
    overhead_within: bool = False
    """Whether it is taken out of the memory limit of a pod: no RuntimeClass adds it to that."""
    unavailable: Unavailable | None = None
    contradicted: str = ""
    """What a probe saw that the class does not promise, whatever else keeps it from running; empty where none did."""
    proven: bool = False
    """Whether a probe has seen from inside, on every kind of nodes, all that the class promises."""
    leaks: tuple[str, ...] = ()
    """Addresses that a probe of the class has reached though its NetworkPolicy forbids them, sorted."""
    shapes: tuple[NodeShape, ...] = ()
    """Shapes of the schedulable nodes that can run the class, sorted."""
    cpu_allocation_ratio: int = 10
    """Virtual processors per requested processor (KubeVirt's cpuAllocationRatio)."""
    permitted_devices: frozenset[str] = frozenset()
    """Devices that KubeVirt may pass to machines."""
    architecture: str = ""
    """Of machines that say none, by KubeVirt's default; empty where it does not tell."""
    kubevirt_version: tuple[int, int] | None = None
    """KubeVirt's major and minor version; None without KubeVirt."""
    gates_off: frozenset[str] = frozenset()
    """Feature gates of KubeVirt that machines may need and that are off."""
    memory_overcommit: int = 100
    """Memory of a guest in percent of what is requested for it (KubeVirt's memoryOvercommit)."""
    overhead_ratio: float = 1.0
    """What the memory that KubeVirt adds is multiplied by (additionalGuestMemoryOverheadRatio)."""
    machine_types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By architecture, the machine types that KubeVirt takes: patterns of a shell (emulatedMachines)."""
    cpu_model: str = ""
    """Model of processor of guests that name none (KubeVirt's cpuModel)."""
    cpu_request: int | None = None
    """Millicores that are requested for a guest whatever its size (KubeVirt's cpuRequest); None goes by its size."""
    console_log: Beside = CONSOLE_LOG
    container_disk: Beside = CONTAINER_DISK
    even_parity: bool = False
    """Whether an emulator thread of its own may take two processors (feature gate AlignCPUs)."""
    restricted_seccomp: bool = False
    """Whether launcher pods have a seccomp profile, as Pod Security restricted wants (KubeVirt's customProfile)."""
    expands: bool = False
    """Whether KubeVirt replaces instancetypes and preferences (instancetype.referencePolicy)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule found against one class."""

    outcome: Outcome
    rule: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One class and every verdict against it; no verdict means that it fits."""

    facts: ClassFacts
    verdicts: tuple[Verdict, ...]
    overhead: Cost
    """Of one replica."""

    @property
    def outcome(self) -> Outcome:
        """Return Fit, or the worst verdict: Never before NotNow."""
        if not self.verdicts:
            return Outcome.FIT
        return Outcome.NEVER if any(v.outcome is Outcome.NEVER for v in self.verdicts) else Outcome.NOT_NOW

    @property
    def decisive(self) -> Verdict | None:
        """Return the verdict to show: the worst, and among those the first by the order of the rules."""
        worst = self.outcome
        return next((verdict for verdict in self.verdicts if verdict.outcome is worst), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a workload goes and why."""

    chosen: Candidate | None
    candidates: tuple[Candidate, ...]
    """Every class, sorted by name."""
    requirement: Requirement
    reason: Reason
    message: str
    """What, by which rule, with which numbers, and the fix."""
