"""The `machine` source of a Workload: a virtual machine. Fields are named and mean as in KubeVirt."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import (
    Image,
    Model,
    Name,
    ObjectName,
    Port,
    PortName,
    Quantity,
    Rule,
    exactly_one,
    keyed_by,
    own_names,
    rules,
)
from berth.api.container import Protocol
from berth.api.cpu import CPU, Hugepages
from berth.api.guest import (
    AccessCredential,
    Clock,
    EvictionStrategy,
    FirmwareSerial,
    FirmwareUUID,
    Interface,
    MachineNetwork,
    MachineType,
)
from berth.api.probe import Exec, HTTPGet, ProbeTiming, TCPSocket, named_ports

LAUNCHER_VOLUMES: Final = (
    "cloudinit-ndata",
    "cloudinit-udata",
    "container-disks",
    "ephemeral-disks",
    "hook-sidecar-sockets",
    "hotplug-disks",
    "hugepages",
    "hugetblfs-dir",
    "kernel-boot-volume",
    "kubevirt-plugin-sockets",
    "launcher-volume",
    "libvirt-runtime",
    "network-info-annotation",
    "private",
    "private-libvirt",
    "private-libvirt-qemu",
    "public",
    "sockets",
    "virt-bin-share-dir",
    "virtiofs-containers",
    "vm-state",
)
"""Volumes that KubeVirt adds to the pod of a machine itself. A disk becomes a volume of its own name there."""

MAX_CONTAINER_DISK_NAME: Final = 52
"""KubeVirt names containers after it: `volumeNAME`, and `volumeNAME-init` without ImageVolume, within 63 characters."""


class OperatingSystem(StrEnum):
    """Operating system of a machine."""

    LINUX = "Linux"
    WINDOWS = "Windows"


class DiskBus(StrEnum):
    """What a hard disk is plugged into. A guest needs the driver: most have those of sata, some lack virtio's."""

    VIRTIO = "virtio"
    SATA = "sata"
    SCSI = "scsi"


class CDRomBus(StrEnum):
    """What a CD-ROM is plugged into."""

    SATA = "sata"
    SCSI = "scsi"


class DiskTarget(Model):
    """A hard disk, as the guest sees it."""

    bus: DiskBus | None = None
    """What it is plugged into; what the preference chooses, or virtio without one, when unset."""


class CDRomTarget(Model):
    """A CD-ROM, as the guest sees it."""

    bus: CDRomBus | None = None
    """What it is plugged into; what the preference chooses, or what the processor architecture has, when unset."""


class InstancetypeKind(StrEnum):
    """Kinds of an instancetype."""

    CLUSTER = "VirtualMachineClusterInstancetype"
    NAMESPACED = "VirtualMachineInstancetype"


class PreferenceKind(StrEnum):
    """Kinds of a preference."""

    CLUSTER = "VirtualMachineClusterPreference"
    NAMESPACED = "VirtualMachinePreference"


class ContainerDisk(Model):
    """A disk inside an OCI image. It forgets every change when the machine restarts."""

    image: Image
    """The image; pin it by digest where it matters."""
    image_pull_secret: ObjectName | None = None
    """Secret with the registry's credentials."""


HTTP_URL: Final = r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9_][A-Za-z0-9._~+-]*)+$"
"""A file on a web server. No part of the path begins with a dot, and there is no query."""

REGISTRY_URL: Final = r"^docker://[A-Za-z0-9][-A-Za-z0-9._:/@]*$"

_MADE: Final = (
    Rule(
        "quantity(string(self.storage)).compareTo(quantity('1Mi')) >= 0",
        "storage is below 1Mi: it counts bytes, so add a unit, such as 30Gi",
        ".storage",
    ),
    Rule(
        "quantity(string(self.storage)).compareTo(quantity(string(oldSelf.storage))) == 0",
        "a disk that was made is resized at its claim: restore storage, and raise spec.resources.requests.storage of"
        " PersistentVolumeClaim WORKLOAD-DISK with kubectl patch; the boot disk is called root",
        ".storage",
    ),
    Rule(
        "has(self.storageClassName) == has(oldSelf.storageClassName) &&"
        " (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
        "the storageClassName of a disk is immutable: restore it, and add another disk or Workload instead",
        ".storageClassName",
    ),
)


def _filled_from(field: str, *optional: str) -> Rule:
    """Return the rule that what a disk was filled from stays. What is compared is bounded, or it costs too much."""
    same = [f"self.{field} == oldSelf.{field}"]
    same += [
        f"has(self.{each}) == has(oldSelf.{each}) && (!has(self.{each}) || self.{each} == oldSelf.{each})"
        for each in optional
    ]
    return Rule(
        " && ".join(same),
        f"what a disk was filled from is immutable: restore {', '.join((field, *optional))}, and add another disk or"
        " Workload instead",
    )


class MadeDisk(Model):
    """A disk that is made once and kept."""

    storage: Quantity
    """Size of the disk in bytes."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the disk; the cluster's default when unset."""


class DataSource(MadeDisk):
    """A golden image (CDI DataSource of the same namespace), cloned once into a disk that is kept."""

    name: ObjectName
    """Name of the DataSource. It may lead to another namespace if the tenant's disks.imageNamespaces has that."""

    model_config = rules(*_MADE, _filled_from("name"))


class BlankDisk(MadeDisk):
    """An empty disk."""

    model_config = rules(*_MADE)


class HTTPDisk(MadeDisk):
    """A disk that is filled once from a file on a web server: raw or qcow2, plain or compressed, or an ISO."""

    url: Annotated[str, Field(min_length=10, max_length=1024, pattern=HTTP_URL)]
    """Where the file is; it must begin with one of the tenant's disks.urls."""
    secret_ref: ObjectName | None = None
    """Secret with `accessKeyId` and `secretKey`, the name and password for it."""
    cert_config_map: ObjectName | None = None
    """ConfigMap with the certificates of further authorities."""

    model_config = rules(*_MADE, _filled_from("url", "secretRef", "certConfigMap"))


class RegistryDisk(MadeDisk):
    """A disk that is filled once from an OCI image that holds a disk, and then kept."""

    url: Annotated[str, Field(min_length=10, max_length=1024, pattern=REGISTRY_URL)]
    """The image, with `docker://` before it; images of the Workload must be allowed, so must this."""
    secret_ref: ObjectName | None = None
    """Secret with `accessKeyId` and `secretKey`, the name and password at the registry."""
    cert_config_map: ObjectName | None = None
    """ConfigMap with the certificates of further authorities."""

    model_config = rules(*_MADE, _filled_from("url", "secretRef", "certConfigMap"))


class ClonedClaim(MadeDisk):
    """Another PersistentVolumeClaim of the same namespace, cloned once into a disk that is kept."""

    name: ObjectName
    """Name of the claim."""

    model_config = rules(*_MADE, _filled_from("name"))


class ClaimDisk(Model):
    """An existing PersistentVolumeClaim as a disk."""

    claim_name: ObjectName
    """Name of the claim."""

    model_config = rules(
        Rule(
            "self.claimName == oldSelf.claimName",
            "the claim of a disk is immutable: restore claimName, and add another disk or Workload instead",
            ".claimName",
        ),
    )


class DiskSource(Model):
    """Where a disk comes from, which is exactly one source, and how the guest sees it."""

    container_disk: ContainerDisk | None = None
    """An OCI image that holds a disk."""
    data_source: DataSource | None = None
    """A golden image to clone."""
    blank: BlankDisk | None = None
    """An empty disk to make."""
    http: HTTPDisk | None = None
    """A file on a web server to fill a disk from."""
    registry: RegistryDisk | None = None
    """An OCI image to fill a disk from."""
    pvc: ClonedClaim | None = None
    """Another claim to clone."""
    persistent_volume_claim: ClaimDisk | None = None
    """An existing disk."""
    disk: DiskTarget | None = None
    """See it as a hard disk, which is the default."""
    cdrom: CDRomTarget | None = None
    """See it as a CD-ROM, which can only be read."""
    boot_order: Annotated[int, Field(ge=1, le=32)] | None = None
    """Its place among the disks to boot from, lowest first. The boot disk has 1 when unset, others are not tried."""

    @property
    def made(self) -> MadeDisk | None:
        """Return what Berth makes the disk from; None for one that is there already or forgets."""
        return self.data_source or self.blank or self.http or self.registry or self.pvc


_SOURCES: Final = ("containerDisk", "dataSource", "blank", "http", "registry", "pvc", "persistentVolumeClaim")
_DISK_RULES: Final = (
    exactly_one("a disk has one source", *_SOURCES),
    Rule(
        " && ".join(f"has(self.{source}) == has(oldSelf.{source})" for source in _SOURCES),
        "the kind of a disk's source is immutable: restore it, and add another disk or Workload instead",
    ),
    Rule("!has(self.disk) || !has(self.cdrom)", "a disk is a hard disk or a CD-ROM: remove disk or cdrom", ".cdrom"),
)


class BootDisk(DiskSource):
    """The disk that the machine boots from."""

    model_config = rules(*_DISK_RULES)


class Disk(DiskSource):
    """A further disk."""

    name: Name
    """Its name, unique in the machine."""
    serial: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    """Serial number that the guest sees, for a stable /dev/disk/by-id."""
    read_only: bool | None = None
    """Whether the guest may only read it: it is a CD-ROM then."""

    model_config = rules(
        *_DISK_RULES,
        Rule(
            "!has(self.disk) || !self.?readOnly.orValue(false)",
            "a disk that is read-only is a CD-ROM: set cdrom instead of disk, or remove readOnly",
            ".disk",
        ),
        Rule(
            f"!has(self.containerDisk) || self.name.size() <= {MAX_CONTAINER_DISK_NAME}",
            f"the name of a containerDisk is longer than {MAX_CONTAINER_DISK_NAME} characters: KubeVirt names"
            " containers volumeNAME-init after it, so shorten it",
            ".name",
        ),
        Rule(
            f"!(self.name in {list(LAUNCHER_VOLUMES)})",
            "the disk has the name of a volume that KubeVirt adds to the machine's pod, as private, public or sockets"
            " are: give it another name",
            ".name",
        ),
    )


class SecretReference(Model):
    """A Secret in the same namespace."""

    name: ObjectName
    """Its name."""


class ConfigMapReference(Model):
    """A ConfigMap in the same namespace."""

    name: ObjectName
    """Its name."""


class CloudInit(Model):
    """First-boot configuration of cloud-init, by reference only: user data often holds secrets."""

    secret_ref: SecretReference
    """Secret with the key `userdata`."""
    network_data_secret_ref: SecretReference | None = None
    """Secret with the key `networkdata`."""


class Sysprep(Model):
    """Answer file of a Windows machine: exactly one source, with `autounattend.xml` or `unattend.xml`."""

    secret: SecretReference | None = None
    """A Secret."""
    config_map: ConfigMapReference | None = None
    """A ConfigMap."""

    model_config = rules(exactly_one("sysprep has one source", "secret", "configMap"))


class EFI(Model):
    """UEFI firmware."""

    secure_boot: bool | None = None
    """Whether only signed boot loaders start; true when unset, as in KubeVirt."""
    persistent: bool | None = None
    """Whether EFI variables outlive a restart; needs a StorageClass."""


class BIOS(Model):
    """Legacy firmware."""


class Bootloader(Model):
    """Firmware of the machine: exactly one kind."""

    efi: EFI | None = None
    """UEFI."""
    bios: BIOS | None = None
    """Legacy BIOS."""

    model_config = rules(exactly_one("a machine has one bootloader", "efi", "bios"))


class Firmware(Model):
    """Firmware of the machine."""

    bootloader: Bootloader | None = None
    """UEFI or BIOS."""
    uuid: FirmwareUUID | None = None
    """UUID of the hardware in SMBIOS, which licences may hang on; KubeVirt chooses one that stays when unset."""
    serial: FirmwareSerial | None = None
    """Serial number of the hardware in SMBIOS; KubeVirt chooses one that stays when unset."""


class TPM(Model):
    """A virtual trusted platform module."""

    enabled: bool | None = None
    """False takes away the one that the preference has."""
    persistent: bool | None = None
    """Whether its state outlives a restart; needs a StorageClass."""

    model_config = rules(
        Rule(
            "self.?enabled.orValue(true) || !self.?persistent.orValue(false)",
            "a TPM that is not there keeps no state: remove persistent, or set enabled to true",
            ".persistent",
        ),
    )


class GuestAgentPing(Model):
    """Passes when the guest agent answers."""


class MachineProbe(ProbeTiming):
    """A health check of a machine with exactly one handler."""

    http_get: HTTPGet | None = None
    """Ask by HTTP."""
    tcp_socket: TCPSocket | None = None
    """Open a connection."""
    exec: Exec | None = None
    """Run a command through the guest agent; costs 110Mi of memory."""
    guest_agent_ping: GuestAgentPing | None = None
    """Ask the guest agent."""

    model_config = rules(exactly_one("a probe has one handler", "httpGet", "tcpSocket", "exec", "guestAgentPing"))


class MachinePort(Model):
    """A port that the guest listens on; all others are closed."""

    name: PortName | None = None
    """Name, unique in the machine; services and probes may use it."""
    port: Port
    """The number."""
    protocol: Protocol = Protocol.TCP
    """TCP or UDP."""


def _handed_over(method: str, disk: str) -> Rule:
    """Return the rule that keys which are handed over on a disk for the first boot have that disk."""
    return Rule(
        "!has(self.accessCredentials) || self.accessCredentials.all(one,"
        f" !one.?sshPublicKey.?propagationMethod.?{method}.hasValue()) || has(self.{disk})",
        f"{method} hands keys over on the disk of {disk}: add {disk}, or use qemuGuestAgent",
        ".accessCredentials",
    )


class Machine(Model):
    """A virtual machine: what it boots and what hardware it sees. Its size is spec.resources or the instancetype."""

    os: OperatingSystem = OperatingSystem.LINUX
    """Operating system of the guest."""
    boot_disk: BootDisk
    """The disk to boot from."""
    disks: Annotated[list[Disk], Field(max_length=16, json_schema_extra=keyed_by("name"))] | None = None
    """Further disks."""
    instancetype: ObjectName | None = None
    """Instancetype that gives the size, instead of spec.resources."""
    instancetype_kind: InstancetypeKind | None = None
    """Whether it is one of the cluster or of the own namespace; of the cluster when unset."""
    preference: ObjectName | None = None
    """Preference for the hardware, such as `fedora` or `windows.2k22.virtio`; what it requires must be met."""
    preference_kind: PreferenceKind | None = None
    """Whether it is one of the cluster or of the own namespace; of the cluster when unset."""
    cpu: CPU | None = None
    """Topology and model of its processors, of which spec.resources says how many."""
    hugepages: Hugepages | None = None
    """Memory in huge pages."""
    cloud_init: CloudInit | None = None
    """First-boot configuration."""
    cloud_init_config_drive: CloudInit | None = None
    """First-boot configuration, for guests that look for a config drive of OpenStack."""
    access_credentials: Annotated[list[AccessCredential], Field(max_length=8)] | None = None
    """SSH keys and passwords from Secrets."""
    sysprep: Sysprep | None = None
    """Answer file of a Windows guest."""
    firmware: Firmware | None = None
    """Firmware, where the preference does not say."""
    tpm: TPM | None = None
    """A virtual TPM."""
    machine_type: MachineType | None = None
    """Machine type, pinned where the guest must not see another; KubeVirt's newest when unset."""
    clock: Clock | None = None
    """What the hardware clock tells; what the preference says, else UTC, when unset."""
    hostname: Name | None = None
    """Name that cloud-init and DHCP give to the guest; the Workload's name when unset."""
    eviction_strategy: EvictionStrategy | None = None
    """What happens when its node is drained: LiveMigrateIfPossible when unset, and with None it stops."""
    interfaces: Annotated[list[Interface], Field(max_length=8, json_schema_extra=keyed_by("name"))] | None = None
    """Network cards. The pod network has one in any case."""
    networks: Annotated[list[MachineNetwork], Field(max_length=7, json_schema_extra=keyed_by("name"))] | None = None
    """Further networks, which the Tenant must list and on which no NetworkPolicy holds."""
    log_serial_console: bool | None = None
    """Whether `kubectl logs -c guest-console-log` shows the serial console; costs 5m and 35M. False when unset."""
    graphics: bool | None = None
    """Whether it has a screen (VNC); costs 32Mi of memory. When unset, whether the preference has a video device."""
    ports: Annotated[list[MachinePort], Field(max_length=32, json_schema_extra=keyed_by("port", "protocol"))] | None = (
        None
    )
    """Ports that the guest listens on."""
    readiness_probe: MachineProbe | None = None
    """When it may get traffic; when unset, a TCP check of the first port, or as soon as it runs if it has none."""
    liveness_probe: MachineProbe | None = None
    """When it must be restarted."""

    model_config = rules(
        own_names("port", "ports"),
        named_ports("machine", "readinessProbe", "livenessProbe"),
        Rule(
            "self.?livenessProbe.?successThreshold.orValue(1) == 1",
            "successThreshold is for readiness only: remove it from livenessProbe",
            ".livenessProbe",
        ),
        Rule(
            "!has(self.disks) || self.disks.all(disk, !(disk.name in ['root', 'cloudinit', 'sysprep']))",
            "root, cloudinit and sysprep are disks that Berth adds itself: give the disk another name",
            ".disks",
        ),
        Rule(
            "!has(self.disks) || self.disks.all(disk, !has(disk.persistentVolumeClaim) ||"
            " ((!has(self.bootDisk.persistentVolumeClaim) ||"
            " disk.persistentVolumeClaim.claimName != self.bootDisk.persistentVolumeClaim.claimName) &&"
            " self.disks.exists_one(other, has(other.persistentVolumeClaim) &&"
            " other.persistentVolumeClaim.claimName == disk.persistentVolumeClaim.claimName)))",
            "two disks of the machine are the same claim: remove one of them",
            ".disks",
        ),
        Rule(
            "!has(self.disks) || self.disks.all(disk, !has(disk.bootOrder) ||"
            " (disk.bootOrder != self.bootDisk.?bootOrder.orValue(1) &&"
            " self.disks.exists_one(other, other.?bootOrder.orValue(0) == disk.bootOrder)))",
            "two disks have the same bootOrder: give each its own; that of bootDisk is 1 when unset",
            ".disks",
        ),
        Rule(
            "!has(self.instancetypeKind) || has(self.instancetype)",
            "instancetypeKind is the kind of an instancetype: set instancetype, or remove instancetypeKind",
            ".instancetypeKind",
        ),
        Rule(
            "!has(self.preferenceKind) || has(self.preference)",
            "preferenceKind is the kind of a preference: set preference, or remove preferenceKind",
            ".preferenceKind",
        ),
        Rule(
            "!has(self.cloudInit) || !has(self.cloudInitConfigDrive)",
            "cloudInit and cloudInitConfigDrive would be the same disk: remove one of them",
            ".cloudInitConfigDrive",
        ),
        _handed_over("noCloud", "cloudInit"),
        _handed_over("configDrive", "cloudInitConfigDrive"),
        Rule(
            "!has(self.interfaces) || self.interfaces.all(one, one.name == 'default' ||"
            " (has(self.networks) && self.networks.exists(network, network.name == one.name)))",
            "an interface has no network of its name: add it to networks, or call it default, which is the pod network",
            ".interfaces",
        ),
        Rule(
            "!has(self.networks) || self.networks.all(network,"
            " has(self.interfaces) && self.interfaces.exists(one, one.name == network.name))",
            "a network has no interface: add one of its name to interfaces, with bridge or sriov",
            ".networks",
        ),
        Rule(
            "!has(self.sysprep) || self.os == 'Windows'",
            "sysprep is for Windows: set os to Windows, or use cloudInit",
            ".sysprep",
        ),
        Rule(
            "self.os != 'Windows' || has(self.preference) || self.bootDisk.?disk.?bus.hasValue()",
            "a Windows machine needs a preference, such as windows.2k22.virtio, or the bus that its disk was installed"
            " on: set preference, or bootDisk.disk.bus, which is sata for most that come from elsewhere",
        ),
        Rule(
            "self.os != 'Windows' || !has(self.bootDisk.containerDisk)",
            "a Windows machine forgets everything on a containerDisk at each restart: boot it from a dataSource or a"
            " persistentVolumeClaim",
            ".bootDisk",
        ),
        Rule(
            "!has(self.tpm) || !self.tpm.?enabled.orValue(true) || !self.?firmware.?bootloader.?bios.hasValue()",
            "a TPM needs UEFI: set firmware.bootloader.efi instead of bios, or remove tpm",
            ".firmware",
        ),
        Rule(
            "!has(self.preference) || !self.preference.matches('^windows[.](11|2k25)') ||"
            " !self.?firmware.?bootloader.hasValue() ||"
            " (has(self.firmware.bootloader.efi) && self.firmware.bootloader.efi.?secureBoot.orValue(true))",
            "Windows 11 and Server 2025 start by UEFI with secure boot only: remove firmware, or set bootloader.efi"
            " with secureBoot true",
            ".firmware",
        ),
    )
