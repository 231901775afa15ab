"""What a KubeVirt that is old, or whose feature gates are off, cannot do."""

from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome
from berth.decide.rules.features import features
from berth.world.records import InstancetypeRecord, PreferenceRecord
from decide.builders import GI, a_guest, a_machine, machines, pods

NIC = (("vendor.example/nic", 1),)
VIDEO = {"machine": a_guest(preference=PreferenceRecord("windows", video="virtio"))}
PASSING = {
    "machine": a_guest(instancetype=InstancetypeRecord("nic", 1, GI, devices=NIC, sets=frozenset({"hostDevices"})))
}


@pytest.mark.parametrize(
    ("ask", "facts", "words"),
    [
        (
            {"service_account": "runner"},
            {"kubevirt_version": (1, 8)},
            "since KubeVirt 1.9, this is 1.8: upgrade KubeVirt",
        ),
        (
            {"host_devices": NIC},
            {"gates_off": frozenset({"HostDevices"})},
            "feature gate HostDevices of KubeVirt is off",
        ),
        (PASSING, {"gates_off": frozenset({"HostDevices"})}, "feature gate HostDevices of KubeVirt is off"),
        (VIDEO, {"gates_off": frozenset({"VideoConfig"})}, "feature gate VideoConfig of KubeVirt is off"),
        (VIDEO, {"expands": True}, "instancetype.referencePolicy replaces instancetype and preference of a machine"),
        (PASSING, {"expands": True}, "set it to reference, or remove machine.instancetype and machine.preference"),
    ],
)
def test_what_it_lacks_is_waited_for(ask: dict[str, Any], facts: dict[str, Any], words: str) -> None:
    verdict = features(a_machine(**ask), machines(**facts))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.KUBEVIRT_NOT_READY)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        ({"service_account": "runner"}, {"kubevirt_version": (1, 9)}),
        ({"service_account": "runner"}, {}),
        ({"host_devices": NIC}, {"gates_off": frozenset({"VideoConfig"})}),
        ({}, {"gates_off": frozenset({"HostDevices", "VideoConfig"}), "kubevirt_version": (1, 7)}),
        ({}, {"expands": True}),
        (VIDEO | {"replicas": 2}, {"expands": True}),
        (PASSING | {"max_replicas": 3}, {"expands": True}),
    ],
)
def test_what_it_has_fits(ask: dict[str, Any], facts: dict[str, Any]) -> None:
    assert features(a_machine(**ask), machines(**facts)) is None


def test_pods_fit() -> None:
    assert features(a_machine(service_account="runner"), pods(kubevirt_version=(1, 8))) is None
