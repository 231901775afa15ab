"""Virtual hardware of machines. Every field of KubeVirt's Devices and Interface stands here."""

from collections.abc import Callable
from typing import Any, Final

from berth.verify.machine_disks import DISK
from berth.verify.model import Bounds
from berth.verify.rules import Rule
from berth.verify.shapes import empty, flag, one_of, port, text
from berth.verify.table import Complaint, Field, Table, allow, always, derive, each, exactly, inside, shown, table

NETWORK: Final = "default"
BRIDGED: Final = "is missing, and KubeVirt would bridge the machine to the pod network: add its interface"


def _device(value: Any, bounds: Bounds) -> Complaint:
    if isinstance(value, str) and value in bounds.named.devices:
        return None
    return f"is {shown(value)}, which the Workload does not need: remove it"


def _card(name: str) -> Callable[[Bounds], str | None]:
    """Return what reads a field of the card in the pod network."""
    return lambda bounds: getattr(bounds.named.guest.cards[0], name)


def _masquerade() -> Field:
    return derive(
        Rule.NETWORK,
        lambda value, _: empty(value),
        lambda _: "is missing, and other bindings join the pod network itself: set it to {}",
    )


_PASSED_THROUGH: Final = {
    "name": allow(text),
    "deviceName": derive(Rule.DEVICES, _device, lambda _: "is missing: name a device that the Workload needs"),
}
_CLAIMED: Final = {Rule.DEVICES: ("claimName", "requestName"), Rule.HARDWARE: ("tag",)}

HOST_DEVICE: Final[Table] = table(_PASSED_THROUGH, deny=_CLAIMED)
GPU: Final[Table] = table(_PASSED_THROUGH, deny={**_CLAIMED, Rule.HARDWARE: ("tag", "virtualGPUOptions")})

INTERFACE: Final[Table] = table(
    {
        "name": always(Rule.NETWORK, NETWORK),
        "masquerade": _masquerade(),
        "model": exactly(Rule.HARDWARE, _card("model")),
        "macAddress": exactly(Rule.GUEST_IDENTITY, _card("mac_address")),
        "ports": each(
            table({"name": allow(text), "port": allow(port), "protocol": allow(one_of("TCP", "UDP"))}),
        ),
    },
    deny={
        Rule.NETWORK: (
            *("binding", "bridge", "macvtap", "passt", "passtBinding", "slirp", "sriov"),
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
        "interfaces": each(
            INTERFACE,
            BRIDGED,
        ),
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
