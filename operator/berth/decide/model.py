"""The values that deciding takes and gives. All are frozen, hashable and free of names of workloads.

CPU in millicores, memory in bytes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from berth.api.levels import Backend, IsolationLevel, NodeSharing, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason

_NAMED: Final = 3
"""Most sources that one phrase names."""

ENGINE_VERSION: Final = "1"
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
class ClaimAsk:
    """A PersistentVolumeClaim that the workload uses, as the cluster has it."""

    name: str
    found: bool
    access_modes: tuple[str, ...] = ()
    block: bool = False
    by_container: bool = True
    """Mounted by the container."""
    by_machine: bool = False
    """A disk of the machine."""


@dataclass(frozen=True, slots=True)
class MachineAsk:
    """What the machine source asks for."""

    os: OperatingSystem
    vcpus: int
    """Virtual processors, at least 1."""
    memory: int
    """Memory of the guest."""
    instancetype: str | None = None
    instancetype_found: bool = True
    graphics: bool = False
    tpm: bool = False
    exec_probes: int = 0
    boots_from: str = "containerDisk"
    """containerDisk, dataSource or persistentVolumeClaim."""
    dedicated: bool = False
    """Its instancetype gives it whole processors of its own."""
    cloned_disks: int = 0
    """Further disks that are cloned from a DataSource and kept."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything about a Workload that placement depends on, and nothing else."""

    type: WorkloadType
    replicas: int
    has_container: bool
    machine: MachineAsk | None = None
    cpu: int = 0
    """Requested by all containers of one replica."""
    memory: int = 0
    """Requested by all containers of one replica."""
    dedicated: bool = False
    level: IsolationLevel | None = None
    class_name: str | None = None
    trust: Trust | None = None
    service_account: str | None = None
    root: bool = False
    privileged: bool = False
    kernel_modules: tuple[str, ...] = ()
    nested_virtualization: bool = False
    gpu: tuple[str, int] | None = None
    host_devices: tuple[tuple[str, int], ...] = ()
    architecture: str | None = None
    claims: tuple[ClaimAsk, ...] = ()
    max_replicas: int = 0
    """Most replicas that autoscaling may set; 0 without autoscaling."""

    @property
    def most_replicas(self) -> int:
        """Return the replicas that there are at most, so that scaling up cannot outgrow the chosen class."""
        return max(self.replicas, self.max_replicas)

    @property
    def devices(self) -> tuple[tuple[str, int], ...]:
        """Return all devices that one replica needs, sorted by name."""
        if self.gpu is None:
            return self.host_devices
        name, count = self.gpu
        total = dict(self.host_devices)
        total[name] = total.get(name, 0) + count
        return tuple(sorted(total.items()))


@dataclass(frozen=True, slots=True)
class Source:
    """Who raised one dimension of the requirement, and to what."""

    dimension: str
    value: str
    by: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is required of the class, and by whom: the join of everything that matches."""

    level: IsolationLevel
    node_sharing: NodeSharing = NodeSharing.SHARED
    classes: frozenset[str] | None = None
    """The only classes allowed; all when None."""
    sources: tuple[Source, ...] = ()
    """Sorted; for each dimension everyone who asked for the value that holds."""
    denials: tuple[str, ...] = ()
    """Why no class may be used at all, one message each."""

    def by(self, dimension: str) -> str:
        """Return who raised a dimension, as one phrase of at most three names: `IsolationPolicy pci (reason)`."""
        names = [source.by for source in self.sources if source.dimension == dimension]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return " and ".join(names[:_NAMED]) + more or "nobody"


@dataclass(frozen=True, slots=True)
class NodeShape:
    """What one kind of node offers; nodes that are alike share one shape."""

    cpu: int
    memory: int
    devices: tuple[tuple[str, int], ...]
    architecture: str
    cpu_manager: bool
    nested: bool


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why this cluster cannot run a class now."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """One IsolationClass together with what this cluster offers for it."""

    name: str
    level: IsolationLevel
    backend: Backend
    enabled: bool = True
    preference: int = 0
    runtime_class_name: str | None = None
    handler: str | None = None
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
    unavailable: Unavailable | None = None
    shapes: tuple[NodeShape, ...] = ()
    """Shapes of the schedulable nodes that can run the class, sorted."""
    cpu_allocation_ratio: int = 10
    """Virtual processors per requested processor (KubeVirt's cpuAllocationRatio)."""
    permitted_devices: frozenset[str] = frozenset()
    """Devices that KubeVirt may pass to machines."""


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
