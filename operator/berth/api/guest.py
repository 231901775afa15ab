"""What a guest is known by and how people get into it. Fields are named and mean as in KubeVirt."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import Model, Name, ObjectName, Rule, as_set, exactly_one, rules, validations

MAC_ADDRESS: Final = Rule(
    "self.matches('^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$')",
    "this is no MAC address of one card: write six pairs of hexadecimal digits with colons between them, the first pair"
    " even, such as 52:54:00:ab:cd:ef",
)
"""Six bytes; the second digit is even, for one that is odd is an address of many (IEEE 802)."""
_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_SERIAL: Final = r"^[A-Za-z0-9]([A-Za-z0-9 ._:/+-]*[A-Za-z0-9])?$"
"""No comma, quote or line: it becomes an argument of QEMU's SMBIOS table."""
_TIMEZONE: Final = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$"
_MACHINE_TYPE: Final = r"^[a-z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?$"
_RESERVED_MAC: Final = "02:00:00:00:00:00"
"""The bridge of the masqueraded network has it (pkg/network/link, kubevirt 1.9)."""
_DAY: Final = 86400
_DNS_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"

NetworkName = Annotated[
    str, Field(min_length=1, max_length=317, pattern=rf"^({_DNS_LABEL}/)?{_DNS_LABEL}(\.{_DNS_LABEL})*$")
]
"""A NetworkAttachmentDefinition, as KubeVirt writes it: NAME in the namespace of the machine, or NAMESPACE/NAME."""

FirmwareUUID = Annotated[str, Field(min_length=36, max_length=36, pattern=_UUID)]
"""A UUID in the form 8-4-4-4-12."""
FirmwareSerial = Annotated[str, Field(min_length=1, max_length=64, pattern=_SERIAL)]
"""A serial number in SMBIOS."""
MachineType = Annotated[str, Field(min_length=1, max_length=63, pattern=_MACHINE_TYPE)]
"""A machine type of QEMU, such as `q35` or `pc-q35-rhel9.4.0`."""


class EvictionStrategy(StrEnum):
    """What happens to a machine when its node is drained.

    KubeVirt's others, LiveMigrate and External, let a machine that cannot move hold up the drain for ever.
    """

    LIVE_MIGRATE_IF_POSSIBLE = "LiveMigrateIfPossible"
    NONE = "None"


class UTC(Model):
    """A clock that tells UTC."""

    offset_seconds: Annotated[int, Field(ge=-_DAY, le=_DAY)] | None = None
    """Seconds to add. When set, what the guest makes of its clock outlives a restart."""


class Clock(Model):
    """What the guest's hardware clock tells: exactly one kind of time."""

    utc: UTC | None = None
    """Coordinated universal time."""
    timezone: Annotated[str, Field(min_length=1, max_length=64, pattern=_TIMEZONE)] | None = None
    """Local time of a zone, such as Europe/Berlin, as Windows expects it."""

    model_config = rules(exactly_one("a clock tells one time", "utc", "timezone"))


class InterfaceModel(StrEnum):
    """Kinds of network cards."""

    E1000 = "e1000"
    E1000E = "e1000e"
    IGB = "igb"
    NE2K_PCI = "ne2k_pci"
    PCNET = "pcnet"
    RTL8139 = "rtl8139"
    VIRTIO = "virtio"


class Multus(Model):
    """A network that multus attaches."""

    network_name: NetworkName
    """NetworkAttachmentDefinition: NAME in the own namespace, or NAMESPACE/NAME. Only one that the Tenant lists."""


class MachineNetwork(Model):
    """A further network of the guest. No NetworkPolicy holds there."""

    name: Name
    """Its name, unique in the machine; one of the interfaces has the same."""
    multus: Multus
    """What it is."""

    model_config = rules(
        Rule(
            "self.name != 'default'",
            "default is the pod network, which every machine has: give the network another name",
            ".name",
        ),
    )


class BridgeBinding(Model):
    """The guest joins the network by a bridge."""


class SRIOVBinding(Model):
    """The guest gets a virtual function of a network card of the node."""


class Interface(Model):
    """A network card of the guest."""

    name: Name
    """Name of its network; `default` is the pod network."""
    model: InterfaceModel | None = None
    """Kind of card; that of the preference, else virtio, when unset."""
    mac_address: (
        Annotated[str, Field(min_length=1, max_length=17, json_schema_extra=validations(MAC_ADDRESS))] | None
    ) = None
    """Hardware address, such as 52:54:00:ab:cd:ef; any when unset."""
    bridge: BridgeBinding | None = None
    """For a further network."""
    sriov: SRIOVBinding | None = None
    """For a further network whose attachment names a device; costs 1Gi of memory."""

    model_config = rules(
        Rule(
            "self.name != 'default' || (!has(self.bridge) && !has(self.sriov))",
            "the card in the pod network is masqueraded: remove bridge and sriov, or name a further network",
        ),
        Rule(
            "self.name == 'default' || has(self.bridge) != has(self.sriov)",
            "a card in a further network has one binding: keep exactly one of bridge, sriov",
        ),
        Rule(
            f"!has(self.macAddress) || self.macAddress != '{_RESERVED_MAC}'",
            f"{_RESERVED_MAC} is the address of KubeVirt's own bridge: choose another macAddress",
            ".macAddress",
        ),
    )


class CredentialSecret(Model):
    """A Secret in the same namespace."""

    secret_name: ObjectName
    """Its name."""


class CredentialSource(Model):
    """Where a credential comes from."""

    secret: CredentialSecret
    """A Secret: each key holds public keys, or a user's name is the key and a password the value."""


class NoCloudPropagation(Model):
    """By the disk of cloudInit."""


class ConfigDrivePropagation(Model):
    """By the disk of cloudInitConfigDrive."""


class AgentUsers(Model):
    """By the guest agent, while the machine runs."""

    users: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]],
        Field(min_length=1, max_length=16, json_schema_extra=as_set),
    ]
    """Users of the guest whose authorized_keys are written."""


class AgentPropagation(Model):
    """By the guest agent, while the machine runs."""


class KeyPropagation(Model):
    """How public keys reach the guest: exactly one way."""

    no_cloud: NoCloudPropagation | None = None
    """At the first boot, by the disk of cloudInit."""
    config_drive: ConfigDrivePropagation | None = None
    """At the first boot, by the disk of cloudInitConfigDrive."""
    qemu_guest_agent: AgentUsers | None = None
    """While the machine runs, by the guest agent; changes of the Secret reach the guest, too."""

    model_config = rules(exactly_one("keys reach the guest in one way", "noCloud", "configDrive", "qemuGuestAgent"))


class PasswordPropagation(Model):
    """How passwords reach the guest."""

    qemu_guest_agent: AgentPropagation
    """While the machine runs, by the guest agent."""


class SSHPublicKey(Model):
    """Public keys for SSH."""

    source: CredentialSource
    """Where they come from."""
    propagation_method: KeyPropagation
    """How they reach the guest."""


class UserPassword(Model):
    """Passwords of the guest's users."""

    source: CredentialSource
    """Where they come from."""
    propagation_method: PasswordPropagation
    """How they reach the guest."""


class AccessCredential(Model):
    """A credential that lets people into the guest, by reference only: exactly one kind."""

    ssh_public_key: SSHPublicKey | None = None
    """Public keys for SSH."""
    user_password: UserPassword | None = None
    """Passwords."""

    model_config = rules(exactly_one("a credential is of one kind", "sshPublicKey", "userPassword"))
