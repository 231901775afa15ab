"""What a workload asks for, and what is required of it: the values that policies see and give. All are frozen.

CPU in millicores, memory in bytes.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.world.records import InstancetypeRecord, PreferenceRecord

Frozen = TypeVar("Frozen")

_NAMED: Final = 3
"""Most sources that one phrase names."""


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
    storage_class: str = ""
    """Its StorageClass; empty when it names none."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Size and shape of a virtual machine: what its spec, its instancetype and its preference make of it together."""

    memory: int
    """Memory that the guest sees."""
    sockets: int = 1
    cores: int = 1
    """Of each socket."""
    threads: int = 1
    """Of each core."""
    dedicated: bool = False
    """Whether it gets whole processors of its own."""
    model: str = ""
    """Model of processor that it sees, by itself or by its instancetype; empty leaves that to KubeVirt."""
    machine_type: str = ""
    """Its machine type, by itself or by its preference; empty leaves that to KubeVirt."""
    page_size: str = ""
    """Size of the huge pages that its memory is taken from, as `2Mi`; empty without."""
    architecture: str | None = None
    """The one that it asks for, or else its preference; None leaves it to the cluster."""
    graphics: bool | None = None
    """Whether it has a screen; None leaves that to its preference."""
    tpm: bool = False
    virtual_functions: bool = False
    """Whether it gets virtual functions of network cards of the node."""
    console_log: bool = False
    """Whether what it writes to its serial console is kept as a log."""
    exec_probes: int = 0
    container_disks: int = 0
    """How many of its disks come from images."""
    disk_buses: tuple[str, ...] = ()
    """What its disks are plugged into, sorted; the empty one is left to its preference."""
    cdroms: bool = False
    """Whether it has CD-ROMs, whose bus is left to its preference."""
    own_firmware: bool = False
    """Whether it says itself what firmware it has."""
    bios: bool = False
    """Whether that is BIOS, by itself or by its preference."""
    secure_boot: bool = False
    """Whether it asks itself for secure boot."""
    persistent_efi: bool = False
    """Whether it asks itself for EFI variables that outlive a restart."""
    instancetype: InstancetypeRecord | None = None
    """What its size comes from; None when that is its own."""
    preference: PreferenceRecord | None = None

    @property
    def vcpus(self) -> int:
        """Return its virtual processors, at least 1."""
        return self.sockets * self.cores * self.threads

    @property
    def plain(self) -> bool:
        """Return whether it says nothing but its size, and has nothing that some class or architecture excludes."""
        return (
            self.architecture is None
            and self.preference is None
            and self.instancetype is None
            and not (self.dedicated or self.model or self.machine_type or self.own_firmware or self.bios)
            and not (self.secure_boot or self.persistent_efi or "sata" in self.disk_buses)
        )

    @property
    def screen(self) -> bool:
        """Return whether it has a screen: it says so, or else its preference has a video device."""
        return self.graphics is not False if self.video else bool(self.graphics)

    @property
    def video(self) -> str:
        """Return the type of video device that its preference sets; empty for none."""
        return self.preference.video if self.preference else ""


@dataclass(frozen=True, slots=True)
class MachineAsk:
    """What the machine source asks for."""

    os: OperatingSystem
    guest: Guest
    missing: tuple[str, ...] = ()
    """Its instancetype and its preference, as kind and name, those that do not exist."""
    boots_from: str = "containerDisk"
    """containerDisk, dataSource (or whatever else it is made from once) or persistentVolumeClaim."""
    cloned_disks: int = 0
    """Further disks that are made and kept."""
    storage: int = 0
    """Bytes of all disks that are made and kept, those that are there counted as they are asked for at least."""
    stored: int = 0
    """Bytes of those that are there already."""
    storage_classes: tuple[str, ...] = ()
    """Their StorageClasses, sorted; empty stands for the cluster's default."""


@dataclass(frozen=True, slots=True)
class OriginAsk:
    """What a disk that is still to be made is filled from or stored in, as the cluster has it."""

    kind: str
    """DataSource, PersistentVolumeClaim, http or StorageClass."""
    name: str
    """Its name or URL; empty for the cluster's default StorageClass."""
    found: bool = True
    leads: bool = True
    """Whether it leads to an image yet: a DataSource may wait for its first import."""
    namespaces: tuple[str, ...] = ()
    """Other namespaces that it leads to, sorted."""


@dataclass(frozen=True, slots=True)
class KeptDisk:
    """A disk that is there already, under the name of one that the machine would make, and is another one."""

    kind: str
    """DataVolume, or PersistentVolumeClaim where no DataVolume made it."""
    name: str
    wanted: str
    """What the spec makes it from."""
    found: str = ""
    """What it was made from; empty where it was not made for the Workload."""


@dataclass(frozen=True, slots=True)
class ResizedDisk:
    """A disk that is there already, and of another size than the spec asks for."""

    name: str
    """Of its claim."""
    has: int
    """Bytes that it was made with or grown to."""
    wanted: int
    """Bytes that the spec asks for."""
    storage_class: str
    """Of its claim; empty when it has none."""
    expands: bool
    """Whether claims of that StorageClass may grow."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the API server does not take the machine as it is rendered for one class: the answer to a dry run."""

    class_name: str
    reason: Reason
    words: str
    """As it was answered, without numbers that move by themselves."""
    heals: bool
    """Whether time may heal it: what is missing may come, a quota may be freed, a webhook may answer again."""


@dataclass(frozen=True, slots=True)
class PodSecurity:
    """What the labels of a namespace have the API server refuse there (Pod Security admission)."""

    namespace: str
    level: str
    """baseline or restricted."""
    minor: int | None = None
    """Minor version of Kubernetes 1 whose rules hold; None is the API server's own."""


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
    memory_limit: int = 0
    """Limit of all containers of one replica together; 0 when one of them has none."""
    dedicated: bool = False
    level: IsolationLevel | None = None
    class_name: str | None = None
    trust: Trust | None = None
    attachments: tuple[str, ...] = ()
    """Further networks of the machine, sorted, each once."""
    network_devices: tuple[tuple[str, int], ...] = ()
    """Devices that these take of the node, as the cluster has them, sorted."""
    service_account: str | None = None
    priority_class: str | None = None
    root: bool = False
    pod_security: PodSecurity | None = None
    """What its namespace refuses; None where it has nothing that one could refuse."""
    privileged: bool = False
    kernel_modules: tuple[str, ...] = ()
    nested_virtualization: bool = False
    gpu: tuple[str, int] | None = None
    host_devices: tuple[tuple[str, int], ...] = ()
    architecture: str | None = None
    claims: tuple[ClaimAsk, ...] = ()
    origins: tuple[OriginAsk, ...] = ()
    """What its disks are filled from and stored in, of those that are not made yet."""
    kept: tuple[KeptDisk, ...] = ()
    """Disks that are there under the names of its own, and are others."""
    resized: tuple[ResizedDisk, ...] = ()
    """Disks that are there and have another size than is asked for."""
    task_limits: tuple[str, ...] = ()
    """What a Task says of its retries and its deadline, as fields of the spec."""
    max_replicas: int = 0
    """Most replicas that autoscaling may set; 0 without autoscaling."""
    refusals: tuple[Refusal, ...] = ()
    """What dry runs of its machine were refused with. A class without one took it, or was not asked."""

    @property
    def most_replicas(self) -> int:
        """Return the replicas that there are at most, so that scaling up cannot outgrow the chosen class."""
        return max(self.replicas, self.max_replicas)

    @property
    def storage_classes(self) -> tuple[str, ...]:
        """Return the StorageClasses of all its disks, sorted; empty stands for the cluster's default."""
        made = self.machine.storage_classes if self.machine else ()
        return tuple(sorted({*made, *(claim.storage_class for claim in self.claims if claim.found)}))

    @property
    def with_instancetype(self) -> bool:
        """Return whether an instancetype gives the size of its machine."""
        return self.machine is not None and self.machine.guest.instancetype is not None

    @property
    def pooled(self) -> bool:
        """Return whether its machines are members of a pool: there are several, or there may be."""
        return self.max_replicas > 0 or (self.replicas > 1 and self.type is not WorkloadType.TASK)

    @property
    def pinned(self) -> bool:
        """Return whether a machine of it gets whole processors of its own."""
        return self.dedicated or (self.machine is not None and self.machine.guest.dedicated)

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
class ImageRule:
    """Which images may run, and who says so."""

    registries: tuple[str, ...] | None
    """Hosts and paths, each with a slash at its end; anywhere when None."""
    digest: bool
    """Whether an image must be pinned by digest."""
    by: str

    def __str__(self) -> str:
        """Return the rule for people: `from registry.example/acme/, by digest`."""
        where = [] if self.registries is None else [f"from {' or '.join(self.registries)}"]
        return ", ".join([*where, *(["by digest"] if self.digest else [])])


def hashed_once(cls: type[Frozen]) -> type[Frozen]:
    """Let a frozen dataclass without slots take its hash once, not at every look-up: other values are remembered by it.

    What is kept has a name with an underscore, so it is no part of the value as JSON.
    """
    taken = cls.__hash__

    def remembered(self: Frozen) -> int:
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = taken(self)
        return found

    cls.__hash__ = remembered  # type: ignore[assignment]  # the same signature, as a plain function
    return cls


@hashed_once
@dataclass(frozen=True)
class Requirement:
    """What is required of the class, and by whom: the join of everything that matches."""

    level: IsolationLevel
    node_sharing: NodeSharing = NodeSharing.SHARED
    classes: frozenset[str] | None = None
    """The only classes allowed; all when None."""
    preferred: str | None = None
    """The class that is taken where it fits."""
    images: tuple[ImageRule, ...] = ()
    """All of them hold for every image."""
    storage_classes: frozenset[str] | None = None
    """The only StorageClasses allowed; all when None."""
    dedicated: bool = False
    network: NetworkMode = NetworkMode.OPEN
    sources: tuple[Source, ...] = ()
    """Sorted; for each dimension everyone who asked for the value that holds."""
    denials: tuple[str, ...] = ()
    """Why no class may be used at all, one message each."""

    def by(self, dimension: str) -> str:
        """Return who raised a dimension, as one phrase of at most three names: `IsolationPolicy pci (reason)`."""
        names = [source.by for source in self.sources if source.dimension == dimension]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return " and ".join(names[:_NAMED]) + more or "nobody"
