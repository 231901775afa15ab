"""What each version of KubeVirt can do."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.facts import class_facts, cluster_of
from berth.decide.versions import gates_off, hypervisor_device, version_of
from decide.builders import KUBEVIRT, a_class, a_node

VM = a_class("vm", level="Virtualized", virtualMachine={})
SEV, TDX = (a_class(kind, level="Confidential", virtualMachine={"launchSecurity": kind}) for kind in ("sev", "tdx"))
LABELS = tuple((f"kubevirt.io/{name}", "true") for name in ("schedulable", "sev", "sev-snp", "tdx"))
MSHV = a_node(devices=(("devices.kubevirt.io/mshv", 1),))


@pytest.mark.parametrize(
    ("version", "found"),
    [("v1.7.4", (1, 7)), ("v1.9.0-rc.1", (1, 9)), ("1.10.2", (1, 10)), ("v2.0.0", (2, 0))],
)
def test_a_version_is_read(version: str, found: tuple[int, int]) -> None:
    assert version_of(replace(KUBEVIRT, version=version)) == found


def test_one_that_is_not_understood_counts_as_newer_than_all() -> None:
    assert version_of(replace(KUBEVIRT, version="")) > (99, 99)
    assert version_of(replace(KUBEVIRT, version="devel")) > (99, 99)


@pytest.mark.parametrize(
    ("given", "off"),
    [
        (
            {"version": "v1.8.0"},
            {"HostDevices", "ImageVolume", "VideoConfig", "WorkloadEncryptionSEV", "WorkloadEncryptionTDX"},
        ),
        (
            {"version": "v1.8.0", "gates": frozenset({"VideoConfig", "WorkloadEncryptionSEV"})},
            {"HostDevices", "ImageVolume", "WorkloadEncryptionTDX"},
        ),
        ({"version": "v1.9.0"}, {"HostDevices", "WorkloadEncryptionTDX"}),
        (
            {"version": "v1.9.0", "disabled_gates": frozenset({"ImageVolume", "WorkloadEncryptionSEV", "VideoConfig"})},
            {"HostDevices", "ImageVolume", "WorkloadEncryptionSEV", "WorkloadEncryptionTDX"},
        ),
        ({"gates": frozenset({"HostDevices", "WorkloadEncryptionTDX"})}, set()),
    ],
    ids=[
        "beta is off before 1.9",
        "switched on",
        "beta is on since 1.9",
        "switched off, but not what is stable",
        "unknown",
    ],
)
def test_gates_are_off_unless_the_version_or_the_configuration_says_else(given: dict[str, Any], off: set[str]) -> None:
    assert gates_off(replace(KUBEVIRT, **given)) == off


def test_another_hypervisor_has_another_device() -> None:
    assert hypervisor_device(KUBEVIRT) == "devices.kubevirt.io/kvm"
    gate = frozenset({"ConfigurableHypervisor"})
    assert hypervisor_device(replace(KUBEVIRT, hypervisor="hyperv-direct")) == "devices.kubevirt.io/kvm"
    assert hypervisor_device(replace(KUBEVIRT, hypervisor="hyperv-direct", gates=gate)) == "devices.kubevirt.io/mshv"
    assert hypervisor_device(replace(KUBEVIRT, hypervisor="qemu", gates=gate)) is None


HYPERV: dict[str, Any] = {"hypervisor": "hyperv-direct", "gates": frozenset({"ConfigurableHypervisor"})}


@pytest.mark.parametrize(
    ("record", "kubevirt", "node", "reason", "words"),
    [
        (VM, {"version": "v1.6.3"}, a_node(), Reason.KUBEVIRT_NOT_READY, "older than 1.7"),
        (TDX, {"version": "v1.9.0"}, a_node(labels=LABELS), Reason.KUBEVIRT_NOT_READY, "WorkloadEncryptionTDX"),
        (SEV, {"version": "v1.8.0"}, a_node(labels=LABELS), Reason.KUBEVIRT_NOT_READY, "WorkloadEncryptionSEV"),
        (VM, HYPERV, a_node(), Reason.NO_CAPABLE_NODE, "devices.kubevirt.io/mshv"),
        (VM, {}, MSHV, Reason.NO_CAPABLE_NODE, "devices.kubevirt.io/kvm"),
        (VM, HYPERV | {"hypervisor": "qemu"}, a_node(), Reason.KUBEVIRT_NOT_READY, "hypervisor qemu"),
    ],
    ids=[
        "too old",
        "gate of TDX",
        "gate of SEV",
        "KVM for Hyper-V",
        "Hyper-V for KVM",
        "a hypervisor that is not known",
    ],
)
def test_a_class_is_not_available_without_what_it_needs(
    record: Any, kubevirt: dict[str, Any], node: Any, reason: Reason, words: str
) -> None:
    cluster = cluster_of((), (node,), replace(KUBEVIRT, **kubevirt), kubevirt_present=True)
    unavailable = class_facts(record, cluster).unavailable
    assert unavailable is not None
    assert unavailable.reason is reason
    assert words in unavailable.message


@pytest.mark.parametrize(
    ("record", "kubevirt", "node"),
    [
        (VM, {"version": "v1.7.0"}, a_node()),
        (SEV, {"version": "v1.9.0"}, a_node(labels=LABELS)),
        (TDX, {"gates": frozenset({"WorkloadEncryptionTDX"})}, a_node(labels=LABELS)),
        (VM, HYPERV, MSHV),
    ],
    ids=["the oldest", "SEV by default", "TDX switched on", "Hyper-V"],
)
def test_a_class_is_available_with_it(record: Any, kubevirt: dict[str, Any], node: Any) -> None:
    cluster = cluster_of((), (node,), replace(KUBEVIRT, **kubevirt), kubevirt_present=True)
    assert class_facts(record, cluster).unavailable is None
