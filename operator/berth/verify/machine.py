"""Virtual machines and pools of them. Every field of KubeVirt's VirtualMachineInstanceSpec and DomainSpec stands here.

Source: kubevirt.io/api/core/v1, version 1.9.
"""

from typing import Any, Final

from berth.api.levels import IsolationLevel
from berth.verify.credentials import ACCESS_CREDENTIALS
from berth.verify.machine_devices import BRIDGED, DEVICES
from berth.verify.machine_disks import MACHINE_VOLUME
from berth.verify.metadata import TEMPLATE, match_labels
from berth.verify.model import Bounds
from berth.verify.pod import PRIORITY_CLASS, REPLICAS, SERVICE_ACCOUNT
from berth.verify.probe import MACHINE_PROBE
from berth.verify.rules import Rule
from berth.verify.scheduling import MACHINE_AFFINITY, MACHINE_NODES, SPREAD, TOLERATIONS, nested_features
from berth.verify.shapes import count, empty, flag, quantity
from berth.verify.table import Complaint, Field, Table, allow, always, derive, each, exactly, inside, same, shown, table


def _encryption(value: Any, bounds: Bounds) -> Complaint:
    kind = bounds.launch_security
    if kind is None:
        return f"is set, but class {bounds.class_name} encrypts no memory: remove it"
    if isinstance(value, dict) and value.keys() == {kind} and not empty(value[kind]):
        return None
    return f"is not {kind} with its own settings: set it to {shown({kind: {}})}"


def _unencrypted(bounds: Bounds) -> Complaint:
    if bounds.launch_security:
        return f"is missing: set it to {shown({bounds.launch_security: {}})}"
    if bounds.level is IsolationLevel.CONFIDENTIAL:
        return f"is missing, and class {bounds.class_name} is Confidential: set it to sev, snp or tdx"
    return None


def _dedicated(value: Any, bounds: Bounds) -> Complaint:
    if value is True and bounds.named.dedicated:
        return None
    return "takes whole processors, which the Workload does not ask for: remove it"


def _pages(bounds: Bounds) -> dict[str, str] | None:
    return {"pageSize": bounds.named.page_size} if bounds.named.page_size else None


def _run_strategy(bounds: Bounds) -> str:
    if not bounds.named.replicas:
        return "Halted"
    return "Once" if bounds.named.task else "Always"


def _matcher(named: tuple[str, str] | None) -> dict[str, str] | None:
    return {"kind": named[0], "name": named[1]} if named else None


def _architecture(bounds: Bounds) -> str | None:
    """Return the architecture to have: what the Workload needs, or else the only one whose memory can be encrypted."""
    return bounds.named.architecture or ("amd64" if bounds.launch_security else None)


def _machine_type(bounds: Bounds) -> dict[str, str] | None:
    kind = bounds.named.guest.machine_type
    return {"type": kind} if kind else None


def _clock(bounds: Bounds) -> dict[str, Any] | None:
    guest = bounds.named.guest
    if guest.timezone:
        return {"timezone": guest.timezone}
    if not guest.utc:
        return None
    return {"utc": {} if guest.utc_offset is None else {"offsetSeconds": guest.utc_offset}}


def _networks(value: Any, bounds: Bounds) -> Complaint:
    cards = bounds.named.guest.cards
    allowed = frozenset() if bounds.network else bounds.attachments
    for name in sorted({card.network for card in cards if card.network} - allowed):
        return f"joins {name}, which no Tenant lists, or the Workload is isolated on the network: remove it"
    wanted = [{"name": card.name, **_joined(card.network)} for card in cards]
    return None if same(value, wanted) else f"is {shown(value)}: set it to {shown(wanted)}"


def _joined(network: str | None) -> dict[str, Any]:
    return {"multus": {"networkName": network}} if network else {"pod": {}}


def _no_networks(bounds: Bounds) -> Complaint:
    return f"is missing: set it to {shown([{'name': card.name} for card in bounds.named.guest.cards])}"


def _eviction(bounds: Bounds) -> str:
    return "None" if bounds.named.guest.stays else "LiveMigrateIfPossible"


_CPU: Final = table(
    {
        "sockets": allow(count(1)),
        "cores": allow(count(1)),
        "threads": allow(count(1)),
        "dedicatedCpuPlacement": derive(Rule.NODE_LOAD, _dedicated),
        "features": exactly(Rule.HARDWARE, nested_features),
        "model": exactly(Rule.HARDWARE, lambda bounds: bounds.named.cpu_model),
        "numa": exactly(Rule.NODE_LOAD, lambda bounds: {"guestMappingPassthrough": {}} if bounds.named.numa else None),
    },
    deny={Rule.NODE_LOAD: ("isolateEmulatorThread", "maxSockets", "realtime")},
)
_MEMORY: Final = table(
    {"guest": allow(quantity), "hugepages": exactly(Rule.NODE_LOAD, _pages)},
    deny={Rule.NODE_LOAD: ("maxGuest", "reservedOverhead")},
)
_BOOTLOADER: Final = table(
    {
        "efi": inside(table({"secureBoot": allow(flag), "persistent": allow(flag)})),
        "bios": allow(empty),
    }
)
_FIRMWARE: Final = table(
    {
        "bootloader": inside(_BOOTLOADER),
        "uuid": exactly(Rule.GUEST_IDENTITY, lambda bounds: bounds.named.guest.uuid),
        "serial": exactly(Rule.GUEST_IDENTITY, lambda bounds: bounds.named.guest.serial),
    },
    deny={
        Rule.IMAGES: ("kernelBoot",),
        Rule.HARDWARE: ("acpi",),
    },
)
_FEATURES: Final = table(
    {"smm": inside(table({"enabled": allow(flag)}))},
    deny={Rule.HARDWARE: ("acpi", "apic", "hyperv", "hypervPassthrough", "kvm", "pvspinlock")},
)

DOMAIN: Final[Table] = table(
    {
        "cpu": inside(_CPU),
        "memory": inside(_MEMORY),
        "firmware": inside(_FIRMWARE),
        "features": inside(_FEATURES),
        "machine": exactly(Rule.HARDWARE, _machine_type),
        "clock": exactly(Rule.HARDWARE, _clock),
        "launchSecurity": derive(Rule.ENCRYPTION, _encryption, _unencrypted),
        "devices": inside(DEVICES, BRIDGED),
    },
    deny={
        Rule.NODE_LOAD: ("ioThreads", "ioThreadsPolicy", "resources"),
        Rule.GUEST_IDENTITY: ("chassis",),
        Rule.LIFETIME: ("rebootPolicy",),
    },
)

INSTANCE: Final[Table] = table(
    {
        "architecture": exactly(Rule.NODES, _architecture),
        "domain": inside(DOMAIN, "is missing: add the machine"),
        "networks": derive(Rule.NETWORK, _networks, _no_networks),
        "volumes": each(MACHINE_VOLUME),
        "readinessProbe": inside(MACHINE_PROBE),
        "livenessProbe": inside(MACHINE_PROBE),
        "accessCredentials": ACCESS_CREDENTIALS,
        "hostname": exactly(Rule.NAMES, lambda bounds: bounds.named.guest.hostname),
        "evictionStrategy": exactly(Rule.EVICTION, _eviction),
        "terminationGracePeriodSeconds": allow(count()),
        "serviceAccountName": SERVICE_ACCOUNT,
        "nodeSelector": MACHINE_NODES,
        "tolerations": TOLERATIONS,
        "affinity": MACHINE_AFFINITY,
        "topologySpreadConstraints": SPREAD,
        "priorityClassName": PRIORITY_CLASS,
    },
    deny={
        Rule.NAMES: ("dnsConfig", "dnsPolicy", "subdomain"),
        Rule.DEVICES: ("resourceClaims",),
        Rule.NODES: ("schedulerName",),
        Rule.LIFETIME: ("startStrategy",),
        Rule.SHARED_FILES: ("utilityVolumes",),
    },
)

_INSTANCETYPE: Final[Field] = exactly(Rule.INSTANCETYPE, lambda bounds: _matcher(bounds.named.instancetype))
_PREFERENCE: Final[Field] = exactly(Rule.INSTANCETYPE, lambda bounds: _matcher(bounds.named.preference))
_TEMPLATE: Final = table(
    {
        "metadata": inside(TEMPLATE, "is missing, and without labels no policy holds for the machine: set them"),
        "spec": inside(INSTANCE, "is missing: add the machine"),
    }
)

MACHINE: Final[Table] = table(
    {
        "runStrategy": exactly(Rule.RESOURCES, _run_strategy),
        "instancetype": _INSTANCETYPE,
        "preference": _PREFERENCE,
        "template": inside(_TEMPLATE, "is missing: say what runs"),
    },
    deny={
        Rule.DISKS: ("dataVolumeTemplates", "updateVolumesStrategy"),
        Rule.NOT_WRITTEN: ("running",),
    },
)

_POOL_TEMPLATE: Final = table(
    {
        "metadata": inside(TEMPLATE, "is missing, and without labels the pool has no members: set them"),
        "spec": inside(MACHINE, "is missing: say what runs"),
    }
)
POOL: Final[Table] = table(
    {
        "replicas": REPLICAS,
        "selector": exactly(Rule.SELECTOR, match_labels),
        "updateStrategy": always(Rule.EVICTION, {"proactive": {}}),
        "maxUnavailable": always(Rule.EVICTION, 1),
        "virtualMachineTemplate": inside(_POOL_TEMPLATE, "is missing: say what runs"),
    },
    deny={
        Rule.REFERENCES: ("nameGeneration",),  # it can append the index of a member to the names of Secrets
        Rule.DISKS: ("scaleInStrategy",),
        Rule.LIFETIME: ("autohealing", "paused"),
    },
)
