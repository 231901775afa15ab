"""Frozen records of what was seen. Each is the least that deciding, rendering and observing need.

Sizes are integers: CPU in millicores, memory in bytes. Times are seconds since the epoch (UTC).
"""

from dataclasses import dataclass, field
from math import inf
from typing import Final

from berth.api.isolation_class import IsolationClassSpec, IsolationProbe
from berth.api.isolation_policy import IsolationPolicySpec, Match
from berth.api.selector import LabelSelector
from berth.api.tenant import TenantSpec
from berth.api.waiver import WaiverSpec

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""

CPU_MODEL_LABEL: Final = "cpu-model.node.kubevirt.io/"
MACHINE_TYPE_LABEL: Final = "machine-type.node.kubevirt.io/"
"""Prefixes of the labels by which virt-handler says what guests can have on a node."""

Toleration = tuple[str | None, str | None, str | None]
"""Key, value and effect of the taints that are tolerated, as in core/v1; None stands for any."""


@dataclass(frozen=True, slots=True)
class WorkloadRecord:
    """One Workload. The spec is kept as JSON and parsed when it is worked on, to keep thousands of them small."""

    key: Key
    uid: str
    generation: int
    resource_version: str = field(compare=False)
    """Version of the object; by itself it says nothing new."""
    created: float
    deleting: bool
    labels: tuple[tuple[str, str], ...]
    spec: bytes
    status: bytes
    """Status as last seen: JSON, compressed."""
    annotations: int = 0
    """Digest of its annotations: a change of one asks for another try."""


@dataclass(frozen=True, slots=True)
class Software:
    """What runs pods on a node: nodes with the same are of one kind."""

    kubelet: str = ""
    runtime: str = ""
    kernel: str = ""
    features: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By runtime handler, the features that it has; sorted."""


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """One IsolationClass; `error` says why its spec was not understood, and `spec` is None then.

    With an unknown field it has both: what runs there can still be told, but nothing new is placed there.
    """

    name: str
    uid: str
    generation: int
    spec: IsolationClassSpec | None
    error: str | None
    status: bytes
    probes: tuple[IsolationProbe, ...] = ()
    """What was seen from inside, as its status has it."""
    asked: str = ""
    """Annotation by which another probe is asked for."""


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """One IsolationPolicy; `error` says why its spec was not understood, and `spec` is None then."""

    name: str
    uid: str
    generation: int
    spec: IsolationPolicySpec | None
    error: str | None
    status: bytes
    match: Match | None = None
    """Of a policy that was not understood: whom it may match, where at least that was."""


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """One Tenant; `error` says why its spec was not understood, and `spec` is None then."""

    name: str
    uid: str
    generation: int
    spec: TenantSpec | None
    error: str | None
    status: bytes
    selector: LabelSelector | None = None
    """Of a tenant that was not understood: its namespaces, where at least that was."""


@dataclass(frozen=True, slots=True)
class WaiverRecord:
    """One Waiver; `error` says why its spec was not understood, and `spec` is None then."""

    name: str
    uid: str
    generation: int
    created: float
    expires: float | None
    """When it ends; None where that is not understood."""
    workloads: frozenset[Key]
    spec: WaiverSpec | None
    error: str | None
    status: bytes


@dataclass(frozen=True, slots=True)
class NamespaceRecord:
    """One namespace."""

    name: str
    labels: tuple[tuple[str, str], ...]
    terminating: bool


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node. Only what changes rarely: no heartbeats and no usage."""

    name: str
    schedulable: bool
    labels: tuple[tuple[str, str], ...]
    taints: tuple[tuple[str, str, str], ...]
    """Key, value, effect."""
    cpu: int
    memory: int
    devices: tuple[tuple[str, int], ...]
    """Extended resources and how many the node has, sorted; KVM is `devices.kubevirt.io/kvm`.

    Huge pages are among them, by the bytes: `hugepages-2Mi`.
    """
    handlers: frozenset[str] | None
    """Runtime handlers that the node advertises; None when it does not say."""
    user_namespaces: frozenset[str] | None
    """Those of them that give pods a user namespace of their own; None when the node does not say."""
    cpu_models: tuple[str, ...] = ()
    """Models of processors that guests can have there, as virt-handler labels it, sorted."""
    machine_types: tuple[str, ...] = ()
    """Machine types that guests can have there, as virt-handler labels it, sorted."""
    software: Software = Software()
    boot_id: str = ""
    """Identity of the boot of its kernel; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class RuntimeClassRecord:
    """One RuntimeClass (node.k8s.io/v1)."""

    name: str
    uid: str
    handler: str
    overhead_cpu: int
    overhead_memory: int
    has_overhead: bool
    node_selector: tuple[tuple[str, str], ...]
    tolerations: tuple[Toleration, ...] = ()
    """Admission adds them to every pod of the class."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a container beside a guest requests, and its limits. One beside dedicated processors requests its limits."""

    cpu: int
    memory: int
    cpu_limit: int
    memory_limit: int


CONSOLE_LOG: Final = Beside(5, 35_000_000, 15, 60_000_000)
"""The log of a serial console, unless KubeVirt's supportContainerResources say otherwise (serialconsolelog.go)."""
CONTAINER_DISK: Final = Beside(1, 1_000_000, 10, 40_000_000)
"""A containerDisk where it is no image volume (container-disk.go)."""


@dataclass(frozen=True, slots=True)
class KubeVirtRecord:
    """The KubeVirt custom resource: whether it is deployed, and what its configuration changes for us."""

    phase: str
    available: bool
    message: str
    emulation: bool
    cpu_allocation_ratio: int
    cpu_manager: bool
    permitted_devices: frozenset[str]
    restricted_seccomp: bool
    version: str = ""
    """The version that runs; empty while it is not known."""
    architecture: str = ""
    """Of machines that say none; empty where KubeVirt does not tell."""
    gates: frozenset[str] = frozenset()
    """Feature gates that are switched on."""
    disabled_gates: frozenset[str] = frozenset()
    """Feature gates that are switched off."""
    hypervisor: str = ""
    """The hypervisor that it is told to use; empty for its default."""
    memory_overcommit: int = 100
    """Memory of a guest in percent of what is requested for it."""
    overhead_ratio: float = 1.0
    """What the memory that KubeVirt adds is multiplied by."""
    machine_types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By architecture, the machine types that it takes: patterns of a shell."""
    cpu_model: str = ""
    """Model of processor of guests that name none; empty for its default."""
    cpu_request: int | None = None
    """Millicores that are requested for a guest however many processors it has; None goes by those."""
    console_log: Beside = CONSOLE_LOG
    container_disk: Beside = CONTAINER_DISK
    even_parity: bool = False
    """Whether the emulator of a guest gets two processors where one would make their number odd."""
    expands: bool = False
    """Whether it replaces instancetypes and preferences of machines by what these say."""


@dataclass(frozen=True, slots=True)
class InstancetypeRecord:
    """One VirtualMachineClusterInstancetype or VirtualMachineInstancetype: the size that it gives a guest."""

    name: str
    cpus: int
    memory: int
    dedicated: bool = False
    isolated: bool = False
    """Whether the emulator gets a processor of its own."""
    overcommit: int = 0
    """Percent of the memory that is not requested of the node."""
    page_size: str = ""
    """Size of the huge pages that the memory is taken from, as `2Mi`; empty without."""
    io_threads: int = 0
    """Processors that are requested for I/O threads."""
    max_sockets: int = 0
    """Most sockets that the guest may have; 0 when it does not say."""
    devices: tuple[tuple[str, int], ...] = ()
    """GPUs and host devices that it passes through, sorted."""
    namespaced: bool = False
    """Whether it is one of a namespace, which its tenants may write."""
    model: str = ""
    """Model of processor that it gives; empty for none."""
    sets: frozenset[str] = frozenset()
    """Fields that it sets beside the size, as `nodeSelector` or `cpu.model`: a machine must not set them, too."""


@dataclass(frozen=True, slots=True)
class PreferenceRecord:
    """One VirtualMachineClusterPreference or VirtualMachinePreference: what it wants of a guest.

    What a machine does not say for itself, KubeVirt takes from it; what it requires, KubeVirt checks.
    """

    name: str
    cpus: int = 0
    """Processors that it requires."""
    memory: int = 0
    """Bytes of memory that it requires."""
    architecture: str = ""
    """The architecture that it requires."""
    preferred_architecture: str = ""
    topology: str = "sockets"
    """What processors are given as: sockets, cores, threads, spread or any."""
    across: str = "SocketsCores"
    """What `spread` spreads processors across."""
    ratio: int = 2
    """What `spread` divides processors by."""
    video: str = ""
    """Type of the video device; empty when it does not say."""
    graphics: bool | None = None
    """Whether there is a screen, where the machine does not say."""
    tpm: bool = False
    disk_bus: str = ""
    cdrom_bus: str = ""
    bios: bool = False
    secure_boot: bool = False
    """Whether its firmware is UEFI with secure boot."""
    smm: bool = False
    """Whether it switches System Management Mode on."""
    machine_type: str = ""
    """Machine type that it gives; empty for none."""
    namespaced: bool = False
    """Whether it is one of a namespace, which its tenants may write."""
    sets: frozenset[str] = frozenset()
    """Fields that it sets beside the hardware, as `annotations`."""


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One PersistentVolumeClaim."""

    key: Key
    uid: str
    access_modes: tuple[str, ...]
    block: bool
    bound: bool
    storage_class: str = ""
    """Its StorageClass; empty when it names none."""
    made: bool = False
    """Whether a DataVolume has made it, or may take it for its own."""
    requested: int = 0
    """Bytes that it asks for."""
    capacity: int = 0
    """Bytes that it has; less while it grows."""
    grown: int = 0
    """Bytes that the disk on it was grown to; 0 where it was not."""
    resizing: str = ""
    """What its growth waits for or fails at."""


@dataclass(frozen=True, slots=True)
class StorageClassRecord:
    """One StorageClass (storage.k8s.io/v1)."""

    name: str
    default: bool
    """Whether a disk that names none gets it."""
    expands: bool = False
    """Whether its claims may grow."""


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """One NetworkAttachmentDefinition (k8s.cni.cncf.io)."""

    key: Key
    device: str
    """Extended resource of the node that joining it takes one of; empty for none."""


@dataclass(frozen=True, slots=True)
class DataSourceRecord:
    """One DataSource (cdi.kubevirt.io): the golden image that it leads to."""

    key: Key
    kind: str
    """pvc, snapshot or dataSource; empty while it leads nowhere."""
    source: Key


@dataclass(frozen=True, slots=True)
class Problem:
    """What a child says is wrong: a reason of ours and the child's own words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem of a pod, and when it holds: a pod says since when it runs, and not when that is long enough."""

    problem: Problem
    since: float = 0.0
    until: float = inf

    def holds(self, now: float) -> bool:
        """Return whether it holds at a time."""
        return self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class RevisionRef:
    """The ControllerRevision by which KubeVirt keeps an instancetype or a preference for one machine."""

    kind: str
    """Of what is kept."""
    name: str
    """Of what is kept."""
    revision: str


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """One object that Berth made for a Workload, or that carries its label."""

    kind: str
    key: Key
    uid: str
    resource_version: str = field(compare=False)
    """Version of the object; by itself it says nothing new."""
    generation: int
    owner_uid: str
    """UID of the controller that owns it; empty when nobody does."""
    workload: str
    """Value of the workload label."""
    class_name: str
    """IsolationClass it was rendered for; empty for children that do not depend on it."""
    deleting: bool
    content: bytes
    """Metadata and spec that may be compared with what is wanted: JSON, compressed."""
    observed_generation: int
    """Generation that its controller has seen."""
    replicas: int
    ready: int
    updated: int
    complete: bool
    """A Job that succeeded, or a VirtualMachine that ran once and stopped well."""
    failed: Problem | None
    problem: Problem | None
    """Not final: what stands in the way now."""
    restart: Problem | None
    """Of a VirtualMachine: the change that its guest takes over with its next start only."""
    created: float
    revisions: tuple[RevisionRef, ...] = ()
    """Of a VirtualMachine: what keeps its instancetype and its preference as they were when it was made."""


@dataclass(frozen=True, slots=True)
class PodRecord:
    """One pod with the workload label: of a Deployment, a Job or a virtual machine's launcher."""

    key: Key
    uid: str
    workload: str
    class_name: str
    runtime_class: str
    host_users: bool
    """Whether its users are those of the node: it has no user namespace."""
    overhead_memory: int
    node: str
    running: bool
    ready: bool
    finished: bool
    deleting: bool
    launcher: bool
    troubles: tuple[Trouble, ...]
    created: float
    steps: tuple[tuple[str, float], ...]
    """What it has reached on its way to serve, and when, the first one first."""
    has_run: bool
    """Whether a container of it runs or has run."""
    has_restarted: bool
    """Whether a container or sidecar of it began more than once."""
    controlled: bool
    """Whether a controller made it, as a ReplicaSet or a Job."""
    revision: str
    """What a ReplicaSet tells its pods by from those of another template; empty for other pods."""


@dataclass(frozen=True, slots=True)
class GuestExtras:
    """What a guest takes of its node beside its processors and its memory."""

    pinned: bool = False
    """Whether it has whole processors of its own."""
    isolated: bool = False
    """Whether its emulator has one, too."""
    passthrough: bool = False
    """Whether devices of the node are passed through to it."""
    overcommitted: bool = False
    """Whether less memory is requested for it than it sees."""


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """One VirtualMachineInstance with the workload label."""

    key: Key
    uid: str
    workload: str
    class_name: str
    phase: str
    node: str
    ready: bool
    deleting: bool
    emulated: bool
    problem: Problem | None
    goings_on: tuple[Problem, ...]
    """What KubeVirt does to it while it serves: changes of its size, moves to another node."""
    vcpus: int
    memory: int
    """Of the guest that runs; 0 where it is not known."""
    created: float
    extras: GuestExtras = GuestExtras()
    phases: tuple[tuple[str, float], ...] = field(default=())
    """Phase and when it was reached."""
    ready_at: float = 0.0
