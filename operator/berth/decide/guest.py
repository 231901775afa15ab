"""The one place that says how large a guest is and what it looks like: deciding, charging and rendering all ask here.

What a machine does not say for itself its instancetype and its preference say, as KubeVirt applies them
(instancetype.kubevirt.io/v1beta1).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from berth.api.base import Quantity
from berth.api.cpu import CPU
from berth.api.firmware import EFI
from berth.api.levels import Backend
from berth.api.machine import InstancetypeKind, Machine, OperatingSystem, PreferenceKind
from berth.api.machine_disks import Disk, DiskBus
from berth.api.quantity import amount, millicores
from berth.api.size import ContainerResources, ResourceList
from berth.api.workload import Needs, WorkloadSpec
from berth.decide.model import Ask, ClassFacts, Guest
from berth.world.records import InstancetypeRecord, Key, PreferenceRecord

AMD64: Final = "amd64"
ARM64: Final = "arm64"

_NO_SIZE: Final = ResourceList()
_WINDOWS_SOCKETS: Final = 2
_OF_THE_HOST: Final = frozenset({"host-model", "host-passthrough"})
"""Models that every node offers: KubeVirt looks for no label of theirs (nodeselectorrenderer.go)."""
_THREADS_PER_CORE: Final = 2
"""What a preference that spreads across threads gives each core."""


@dataclass(frozen=True, slots=True)
class Described:
    """The instancetypes and preferences that there are, for machines of one namespace to name."""

    namespace: str = ""
    instancetypes: Mapping[Key, InstancetypeRecord] = field(default_factory=dict)
    preferences: Mapping[Key, PreferenceRecord] = field(default_factory=dict)
    kept: Mapping[tuple[str, str], InstancetypeRecord | PreferenceRecord] = field(default_factory=dict)
    """By kind and name, what KubeVirt keeps for the machine as it was when that was made: this is what counts."""

    def instancetype(self, machine: Machine) -> InstancetypeRecord | None:
        """Return the instancetype of a machine; None when it names none, or one that does not exist."""
        kept = self.kept.get((machine.instancetype_kind or InstancetypeKind.CLUSTER, machine.instancetype or ""))
        if isinstance(kept, InstancetypeRecord):
            return kept
        home = self.namespace if machine.instancetype_kind is InstancetypeKind.NAMESPACED else ""
        return self.instancetypes.get((home, machine.instancetype)) if machine.instancetype else None

    def preference(self, machine: Machine) -> PreferenceRecord | None:
        """Return the preference of a machine; None when it names none, or one that does not exist."""
        kept = self.kept.get((machine.preference_kind or PreferenceKind.CLUSTER, machine.preference or ""))
        if isinstance(kept, PreferenceRecord):
            return kept
        home = self.namespace if machine.preference_kind is PreferenceKind.NAMESPACED else ""
        return self.preferences.get((home, machine.preference)) if machine.preference else None

    def missing(self, machine: Machine) -> tuple[str, ...]:
        """Return what a machine names and what does not exist, each as kind and name."""
        kinds = (
            machine.instancetype_kind or InstancetypeKind.CLUSTER,
            machine.preference_kind or PreferenceKind.CLUSTER,
        )
        named = (machine.instancetype, machine.preference)
        found = (self.instancetype(machine), self.preference(machine))
        return tuple(
            f"{kind} {name}" for kind, name, record in zip(kinds, named, found, strict=True) if name and record is None
        )


def guest_of(spec: WorkloadSpec, machine: Machine, described: Described) -> Guest:
    """Return size and shape of the guest of a spec. Raises ValueError for a quantity that is none."""
    kind, preference = described.instancetype(machine), described.preference(machine)
    needs, resources = spec.needs or Needs(), spec.resources
    size = ContainerResources() if machine.instancetype or resources is None else resources
    sockets, cores, threads = _topology(kind.cpus, preference) if kind else _own_topology(machine, size, preference)
    probes = (machine.readiness_probe, machine.liveness_probe)
    bootloader = machine.firmware.bootloader if machine.firmware else None
    efi = (bootloader and bootloader.efi) or EFI()
    return Guest(
        memory=kind.memory if kind else amount(requested_of(size, "memory")),
        sockets=sockets,
        cores=cores,
        threads=threads,
        dedicated=bool(resources and resources.dedicated) or bool(kind and kind.dedicated),
        model=(machine.cpu and machine.cpu.model) or (kind and kind.model) or "",
        machine_type=machine.machine_type or (preference and preference.machine_type) or "",
        page_size=kind.page_size if kind else machine.hugepages.page_size.value if machine.hugepages else "",
        architecture=needs.architecture or (preference and preference.preferred_architecture) or None,
        graphics=machine.graphics,
        tpm=_has_tpm(machine, preference),
        virtual_functions=any(card.sriov for card in machine.interfaces or ()),
        console_log=bool(machine.log_serial_console),
        exec_probes=sum(1 for probe in probes if probe is not None and probe.exec is not None),
        container_disks=sum(1 for disk in (machine.boot_disk, *(machine.disks or ())) if disk.container_disk),
        disk_buses=tuple(sorted({bus for cdrom, bus in _targets(spec, machine) if bus or not cdrom})),
        cdroms=any(cdrom and not bus for cdrom, bus in _targets(spec, machine)),
        own_firmware=bootloader is not None,
        secure_boot=bool(efi.secure_boot),
        persistent_efi=bool(efi.persistent),
        bios=bootloader.bios is not None if bootloader else preference is not None and preference.bios,
        instancetype=kind,
        preference=preference,
    )


def _has_tpm(machine: Machine, preference: PreferenceRecord | None) -> bool:
    if machine.tpm is None:
        return preference is not None and preference.tpm
    return machine.tpm.enabled is not False


def requested_of(resources: ContainerResources, resource: Literal["cpu", "memory"]) -> Quantity | None:
    """Return what is set aside of a resource: its request, else its limit (core/v1 defaulting); None where not said.

    A guest is as large as what is requested for it, as KubeVirt itself takes it: memory that only a limit grants is no
    memory that a guest can count on.
    """
    requests, limits = resources.requests or _NO_SIZE, resources.limits or _NO_SIZE
    if resource == "cpu":
        return limits.cpu if requests.cpu is None else requests.cpu
    return limits.memory if requests.memory is None else requests.memory


def _own_topology(
    machine: Machine, size: ContainerResources, preference: PreferenceRecord | None
) -> tuple[int, int, int]:
    """Return sockets, cores and threads of a machine without an instancetype: its own, else one socket each.

    Windows clients use two sockets at most, so there the rest are cores, unless that is fewer sockets than required.
    """
    cpu = machine.cpu or CPU()
    if cpu.sockets or cpu.cores or cpu.threads:
        return cpu.sockets or 1, cpu.cores or 1, cpu.threads or 1
    vcpus = max(1, -(-millicores(requested_of(size, "cpu")) // 1000))
    sockets = _WINDOWS_SOCKETS if vcpus % _WINDOWS_SOCKETS == 0 else 1
    by_sockets = preference is not None and preference.topology == "sockets" and preference.cpus > sockets
    if machine.os is not OperatingSystem.WINDOWS or vcpus <= sockets or by_sockets:
        return vcpus, 1, 1
    return sockets, vcpus // sockets, 1


def _topology(vcpus: int, preference: PreferenceRecord | None) -> tuple[int, int, int]:
    """Return sockets, cores and threads of an instancetype's processors as a preference wants them.

    Sockets are what KubeVirt can add to a running machine, so processors are sockets unless a preference says else.
    """
    if preference is None or vcpus == 1 or uneven(vcpus, preference):
        return vcpus, 1, 1
    ratio, two = preference.ratio, _THREADS_PER_CORE
    spread = {
        "SocketsCores": (vcpus // ratio, ratio, 1),
        "CoresThreads": (1, vcpus // ratio, ratio),
        "SocketsCoresThreads": (vcpus // two // ratio, ratio, two),
    }
    topologies = {
        "cores": (1, vcpus, 1),
        "threads": (1, 1, vcpus),
        "spread": spread.get(preference.across, (vcpus, 1, 1)),
    }
    return topologies.get(preference.topology, (vcpus, 1, 1))


def uneven(vcpus: int, preference: PreferenceRecord) -> int:
    """Return what a preference that spreads processors divides them by, where that does not come out; 0 where it does.

    KubeVirt refuses such an instancetype.
    """
    if preference.topology != "spread":
        return 0
    divisor = preference.ratio * (_THREADS_PER_CORE if preference.across == "SocketsCoresThreads" else 1)
    return divisor if vcpus % divisor else 0


def counted(guest: Guest, preference: PreferenceRecord) -> int:
    """Return the processors that a preference counts: those that are given as it wants them."""
    if guest.instancetype is not None:
        return guest.vcpus
    across = preference.across if preference.topology == "spread" else preference.topology
    provided = {
        "sockets": guest.sockets,
        "cores": guest.cores,
        "threads": guest.threads,
        "SocketsCores": guest.sockets * guest.cores,
        "CoresThreads": guest.cores * guest.threads,
    }
    return provided.get(across, guest.vcpus)


def _targets(spec: WorkloadSpec, machine: Machine) -> Iterator[tuple[bool, str]]:
    """Yield of each disk whether it is a CD-ROM, and what it says that it is plugged into; empty where it does not.

    What a guest may only read is a CD-ROM: KubeVirt has no hard disks of that kind. Without a preference hard disks
    are virtio.
    """
    usual = "" if machine.preference else DiskBus.VIRTIO.value
    for disk in (machine.boot_disk, *(machine.disks or ())):
        target = disk.cdrom or disk.disk
        cdrom = disk.cdrom is not None or (isinstance(disk, Disk) and bool(disk.read_only))
        yield cdrom, target.bus.value if target and target.bus else "" if cdrom else usual
    if machine.sysprep is not None:
        yield True, ""
    if machine.cloud_init is not None:
        yield False, usual
    for volume in spec.volumes or ():
        claim = volume.persistent_volume_claim
        cdrom = claim is not None and bool(claim.read_only)
        yield cdrom, "" if cdrom else usual


def devices_in(ask: Ask, facts: ClassFacts) -> tuple[tuple[str, int], ...]:
    """Return all devices that one replica needs in a class, sorted by name: those of its instancetype, too.

    KubeVirt refuses both at once.
    """
    if ask.devices or ask.machine is None or facts.backend is Backend.POD:
        return ask.devices
    kind = ask.machine.guest.instancetype
    return kind.devices if kind else ()


def node_devices(ask: Ask, facts: ClassFacts) -> tuple[tuple[str, int], ...]:
    """Return all devices that one replica takes of its node in a class, sorted: those of its networks, too."""
    passed = devices_in(ask, facts)
    if not ask.network_devices or facts.backend is Backend.POD:
        return passed
    return tuple(sorted((Counter(dict(passed)) + Counter(dict(ask.network_devices))).items()))


def model_of(guest: Guest, facts: ClassFacts) -> str:
    """Return the model of processor that a node must offer for a guest; empty where any will do.

    What it leaves open is the model that KubeVirt is set to; on arm64 that is always the host's.
    """
    model = guest.model or facts.cpu_model
    if not model or model in _OF_THE_HOST or (not guest.model and architecture_of(guest, facts) == ARM64):
        return ""
    return model


def architecture_of(guest: Guest, facts: ClassFacts) -> str:
    """Return the architecture that a guest has in a class; empty where nothing tells.

    Memory is encrypted on amd64 only. Elsewhere it is the guest's own, else KubeVirt's default, else the only one that
    nodes of the class have.
    """
    if guest.architecture is not None:
        return guest.architecture
    if facts.launch_security is not None:
        return AMD64
    if facts.architecture:
        return facts.architecture
    first = facts.shapes[0].architecture if facts.shapes else ""
    return first if all(shape.architecture == first for shape in facts.shapes) else ""
