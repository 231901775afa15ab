"""What verifying takes and gives: bounds of what was seen and is named, and violations."""

from dataclasses import dataclass

from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.verify.rules import Rule

Toleration = tuple[str, str | None, str | None]
"""Key, value and effect of a taint; None stands for any."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing in a child that must not be there, or is missing."""

    path: str
    """Where, such as `spec.template.spec.containers[0].image`."""
    rule: Rule
    message: str
    """What is wrong and how to put it right."""

    def __str__(self) -> str:
        """Return all of it in one line."""
        return f"{self.path or 'the object'}: {self.message} (rule {self.rule})"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A RuntimeClass, as it was declared or as the cluster has it."""

    name: str
    handler: str
    uid: str


@dataclass(frozen=True, slots=True)
class Images:
    """One rule for every image of a Workload."""

    registries: tuple[str, ...] | None
    """What images may come from, as host and whole parts of a path: `registry.example/acme/`. None is any."""
    digest: bool
    """Whether an image must be pinned by `@sha256:`."""
    by: str
    """Who asks for it, for the message."""


@dataclass(frozen=True, slots=True)
class Network:
    """Whom an isolated Workload may talk to; DNS is always among them."""

    namespaces: frozenset[str]
    """Peers in both directions."""
    clients: frozenset[str] = frozenset()
    """Further namespaces that may call it."""
    callers: frozenset[str] = frozenset()
    """Blocks of addresses that may call it."""
    called: tuple[tuple[str, frozenset[tuple[int, str]]], ...] = ()
    """Blocks of addresses that it may call, each with ports and protocols; all ports where there are none."""


Filling = tuple[str, tuple[tuple[str, str], ...]]
"""What fills a disk: the kind of source and its fields, sorted."""


@dataclass(frozen=True, slots=True)
class Card:
    """A network card of a guest."""

    name: str = "default"
    """Name of its network; `default` is the pod network."""
    model: str | None = None
    mac_address: str | None = None
    network: str | None = None
    """NetworkAttachmentDefinition; None is the pod network."""
    binding: str = "masquerade"
    """masquerade, bridge or sriov."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What lets people into a guest."""

    kind: str
    """sshPublicKey or userPassword."""
    secret: str
    way: str
    """noCloud, configDrive or qemuGuestAgent."""
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guest:
    """What a guest is known by, as the Workload says; None is left to KubeVirt."""

    uuid: str | None = None
    serial: str | None = None
    machine_type: str | None = None
    hostname: str | None = None
    timezone: str | None = None
    utc: bool = False
    """Whether its clock is said to tell UTC."""
    utc_offset: int | None = None
    console_log: bool = False
    """Whether its serial console is kept as a log."""
    stays: bool = False
    """Whether it stops, and never moves, when its node is drained."""
    credentials: tuple[Credential, ...] = ()
    cards: tuple[Card, ...] = (Card(),)


@dataclass(frozen=True, slots=True)
class Named:
    """What the Workload's own spec names: its children may refer to nothing else."""

    images: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    config_maps: frozenset[str] = frozenset()
    fillings: frozenset[Filling] = frozenset()
    """What its disks are filled from, but for what DataSources lead to."""
    disks: frozenset[str] = frozenset()
    """Names of the DataVolumes that are its own."""
    made_from: frozenset[str] = frozenset()
    """What these are made from and stored in, in words."""
    storage_classes: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    """Those that some container asks for and any may have."""
    ports: frozenset[tuple[int, str]] = frozenset()
    """Number and protocol."""
    task: bool = False
    replicas: int = 1
    architecture: str | None = None
    service_type: str | None = None
    instancetype: tuple[str, str] | None = None
    """Kind and name."""
    cpu_model: str | None = None
    numa: bool = False
    """Whether it sees the NUMA nodes."""
    page_size: str | None = None
    preference: tuple[str, str] | None = None
    """Kind and name."""
    dedicated: bool = False
    nested: bool = False
    """Whether it runs machines itself."""
    guest: Guest = Guest()
    disks_go: bool = False
    """Whether its disks are deleted with it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the children of one Workload may be at most."""

    namespace: str
    workload: str
    uid: str
    """UID of the Workload: the only controller that a child may have."""
    tenant: str
    """Value of the tenant label of its pods."""
    class_name: str
    backend: Backend
    level: IsolationLevel
    named: Named
    runtime: Runtime | None = None
    """RuntimeClass that is wanted; None is the node's own runtime, and the level of pods must be Container then."""
    seen: Runtime | None = None
    """RuntimeClass of that name as the cluster has it now; None when it has none."""
    user_namespaces: bool = False
    root: bool = False
    """Whether user 0 is asked for; it is granted in a user namespace or above Container only."""
    launch_security: str | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    """Labels that its nodes must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that it may stand."""
    sharing: NodeSharing = NodeSharing.SHARED
    images: tuple[Images, ...] = ()
    """Rules that all hold for every image."""
    service_account: str | None = None
    clones: frozenset[Filling] = frozenset()
    """What the DataSources that it names lead to now."""
    image_namespaces: frozenset[str] = frozenset()
    """Other namespaces that disks may be cloned from."""
    storage_classes: frozenset[str] | None = None
    """StorageClasses that disks may name; None is any."""
    priority_class: str | None = None
    """PriorityClass that it may have."""
    network: Network | None = None
    """Whom it may talk to; None is anybody, on its own ports."""
    attachments: frozenset[str] = frozenset()
    """NetworkAttachmentDefinitions that machines may join, if they are not isolated."""
    probed: str | None = None
    """Node where it must run, of a probe of the class; its controller is the class, by the same UID, and it goes by
    itself."""


@dataclass(frozen=True, slots=True)
class QuotaBounds:
    """What the ResourceQuota of a tenant in one of its namespaces must be."""

    namespace: str
    name: str
    tenant: str
    """The Tenant's name."""
    uid: str
    """UID of the Tenant: its only controller."""
    hard: tuple[tuple[str, str], ...]
    """Resource and amount, as the API server writes amounts."""
