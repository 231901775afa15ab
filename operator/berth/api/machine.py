"""The `machine` source of a Workload: a virtual machine. Fields are named and mean as in KubeVirt."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import (
    DNS_LABEL,
    Model,
    ObjectName,
    Port,
    PortName,
    Rule,
    exactly_one,
    keyed_by,
    own_names,
    rules,
    validations,
)
from berth.api.container import Protocol
from berth.api.cpu import CPU, Hugepages
from berth.api.firmware import TPM, Firmware
from berth.api.guest import (
    AccessCredential,
    Clock,
    EvictionStrategy,
    Interface,
    MachineNetwork,
    MachineType,
)
from berth.api.machine_disks import BootDisk, Disk
from berth.api.probe import Exec, HTTPGet, ProbeTiming, TCPSocket, named_ports

HOSTNAME: Final = Rule(
    f"self.matches('{DNS_LABEL}')",
    "this is no host name that KubeVirt takes: write small letters, digits and -, such as win-01",
)


class OperatingSystem(StrEnum):
    """Operating system of a machine."""

    LINUX = "Linux"
    WINDOWS = "Windows"


class InstancetypeKind(StrEnum):
    """Kinds of an instancetype."""

    CLUSTER = "VirtualMachineClusterInstancetype"
    NAMESPACED = "VirtualMachineInstancetype"


class PreferenceKind(StrEnum):
    """Kinds of a preference."""

    CLUSTER = "VirtualMachineClusterPreference"
    NAMESPACED = "VirtualMachinePreference"


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
    hostname: Annotated[str, Field(min_length=1, max_length=63, json_schema_extra=validations(HOSTNAME))] | None = None
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
