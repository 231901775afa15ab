"""Virtual hardware of machines. Every field of KubeVirt's Devices and Interface stands here."""

from typing import Any, Final

from berth.verify.machine_disks import DISK
from berth.verify.model import Bounds, Card
from berth.verify.rules import Rule
from berth.verify.shapes import empty, flag, one_of, port, text
from berth.verify.table import Complaint, Table, allow, derive, each, exactly, inside, same, shown, table

BRIDGED: Final = "is missing, and KubeVirt would bridge the machine to the pod network: add its interface"


def _device(value: Any, bounds: Bounds) -> Complaint:
    if isinstance(value, str) and value in bounds.named.devices:
        return None
    return f"is {shown(value)}, which the Workload does not need: remove it"


_IDENTITY: Final = frozenset({"name", "masquerade", "bridge", "sriov", "model", "macAddress"})
"""Fields of a card that must be as the Workload says. The table below judges the others."""


def _cards(value: Any, bounds: Bounds) -> Complaint:
    """Return what is wrong with which cards there are: each is as the Workload says, in the order of networks."""
    if not isinstance(value, list) or not all(isinstance(card, dict) for card in value):
        return "is no list of cards: make it one"
    if not value:
        return BRIDGED
    found = [{name: field for name, field in card.items() if name in _IDENTITY} for card in value]
    wanted = [_card(card) for card in bounds.named.guest.cards]
    return None if same(found, wanted) else f"is {shown(found)}: set it to {shown(wanted)}"


def _card(card: Card) -> dict[str, Any]:
    given = {"model": card.model, "macAddress": card.mac_address}
    return {"name": card.name, card.binding: {}} | {name: value for name, value in given.items() if value}


_PASSED_THROUGH: Final = {
    "name": allow(text),
    "deviceName": derive(Rule.DEVICES, _device, lambda _: "is missing: name a device that the Workload needs"),
}
_CLAIMED: Final = {Rule.DEVICES: ("claimName", "requestName"), Rule.HARDWARE: ("tag",)}

HOST_DEVICE: Final[Table] = table(_PASSED_THROUGH, deny=_CLAIMED)
GPU: Final[Table] = table(_PASSED_THROUGH, deny={**_CLAIMED, Rule.HARDWARE: ("tag", "virtualGPUOptions")})

INTERFACE: Final[Table] = table(
    {
        "name": allow(text),
        "masquerade": allow(empty),
        "bridge": allow(empty),
        "sriov": allow(empty),
        "model": allow(text),
        "macAddress": allow(text),
        "ports": each(
            table({"name": allow(text), "port": allow(port), "protocol": allow(one_of("TCP", "UDP"))}),
        ),
    },
    deny={
        Rule.NETWORK: (
            *("binding", "macvtap", "passt", "passtBinding", "slirp"),
            *("bootOrder", "dhcpOptions", "state"),
        ),
        Rule.EXPOSURE: ("portRanges",),
        Rule.HARDWARE: ("acpiIndex", "pciAddress", "tag"),
    },
)

DEVICES: Final[Table] = table(
    {
        "autoattachGraphicsDevice": allow(flag),
        "logSerialConsole": exactly(Rule.GUEST_CHANNELS, lambda bounds: bounds.named.guest.console_log),
        "rng": allow(empty),
        "tpm": inside(table({"enabled": allow(flag), "persistent": allow(flag)})),
        "disks": each(DISK),
        "interfaces": each(INTERFACE, BRIDGED, check=_cards, rule=Rule.NETWORK),
        "gpus": each(GPU),
        "hostDevices": each(HOST_DEVICE),
    },
    deny={
        Rule.DEVICES: ("clientPassthrough",),
        Rule.SHARED_FILES: ("filesystems",),
        Rule.GUEST_CHANNELS: ("autoattachSerialConsole", "autoattachVSOCK", "downwardMetrics"),
        Rule.NETWORK: ("autoattachPodInterface",),
        Rule.NODE_LOAD: ("blockMultiQueue", "networkInterfaceMultiqueue"),
        Rule.HARDWARE: (
            *("autoattachInputDevice", "autoattachMemBalloon", "inputs", "panicDevices", "sound", "video", "watchdog"),
            *("useVirtioTransitional",),
        ),
        Rule.NOT_WRITTEN: ("disableHotplug",),
    },
)
