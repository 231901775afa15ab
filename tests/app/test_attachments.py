"""Devices that further networks of a machine take of its node."""

from typing import Any

import pytest

from berth.app.attachments import network_devices
from berth.world import parse
from berth.world.records import AttachmentRecord, Key
from berth.world.store import Store
from decide.builders import spec_of
from world.raws import a_raw

VF = "vendor.example/vf"
DEVICE = {"k8s.v1.cni.cncf.io/resourceName": VF}
KNOWN = {
    key: AttachmentRecord(key, device)
    for key, device in ((("shop", "fast"), VF), (("nets", "fast"), VF), (("shop", "lan"), ""))
}
ALLOWED = frozenset({"fast", "lan", "nets/fast", "gone"})


def machine(*names: str) -> dict[str, Any]:
    """Return a machine in these networks."""
    numbered = [(f"net-{number}", name) for number, name in enumerate(names)]
    networks = [{"name": card, "multus": {"networkName": name}} for card, name in numbered]
    interfaces = [{"name": card, "sriov": {}} for card, _ in numbered]
    boot = {"containerDisk": {"image": "registry.example/disk:1"}}
    return {"machine": {"bootDisk": boot, "networks": networks, "interfaces": interfaces}}


@pytest.mark.parametrize(
    ("names", "devices"),
    [
        ((), ()),
        (("lan",), ()),
        (("fast",), ((VF, 1),)),
        (("fast", "nets/fast", "lan"), ((VF, 2),)),
        (("fast", "fast"), ((VF, 2),)),
        (("gone",), ()),
    ],
    ids=["none", "no device", "one", "of two namespaces", "twice the same", "not there"],
)
def test_each_network_takes_one_device_of_its_kind(
    names: tuple[str, ...], devices: tuple[tuple[str, int], ...]
) -> None:
    spec = spec_of(**(machine(*names) if names else {"machine": machine()["machine"] | {"networks": None}}))
    assert network_devices("shop", spec, KNOWN, ALLOWED) == devices


def test_nothing_is_looked_up_that_no_tenant_lists() -> None:
    assert network_devices("shop", spec_of(**machine("fast", "nets/fast")), KNOWN, frozenset({"lan"})) == ()


def test_an_attachment_says_its_device_by_an_annotation() -> None:
    raw = a_raw("NetworkAttachmentDefinition", "fast", metadata={"annotations": DEVICE})
    assert parse.attachment(raw) == AttachmentRecord(("shop", "fast"), VF)
    assert parse.attachment(a_raw("NetworkAttachmentDefinition", "lan")).device == ""


def test_an_attachment_that_changes_wakes_machines_alone() -> None:
    woken: list[Key] = []
    store = Store(woken.append, lambda: None)
    specs: dict[str, Any] = {"erp": machine(), "web": {"container": {"image": "app:1"}}}
    for name, spec in specs.items():
        store.put_workload(("shop", name), parse.workload(a_raw("Workload", name, spec=spec)))
    woken.clear()
    for device in (VF, VF, ""):
        store.put_attachment(("nets", "fast"), AttachmentRecord(("nets", "fast"), device))
    assert woken == [("shop", "erp")] * 2
