"""What a preference requires of a machine."""

from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome
from berth.decide.rules.preference import preference
from berth.world.records import InstancetypeRecord, PreferenceRecord
from decide.builders import GI, LINUX_VM, a_guest, a_machine, machines, pods

FEDORA = PreferenceRecord("fedora", 1, 2 * GI, architecture="amd64", preferred_architecture="amd64")
WINDOWS = PreferenceRecord("windows", 2, GI, video="virtio")
DPDK = PreferenceRecord("dpdk", 8, topology="spread", across="SocketsCoresThreads", ratio=4)
NANO, LARGE = InstancetypeRecord("nano", 1, GI // 2), InstancetypeRecord("large", 4, 8 * GI)


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        (
            {"preference": FEDORA, "memory": GI},
            "requires 2Gi memory, the Workload asks for 1Gi: set resources.requests",
        ),
        (
            {"preference": FEDORA, "memory": GI // 2, "instancetype": NANO},
            "instancetype nano gives 512Mi: name a larger",
        ),
        ({"preference": FEDORA, "memory": 2 * GI, "architecture": "arm64"}, "requires architecture amd64, the machine"),
        ({"preference": WINDOWS}, "requires 2 sockets, the Workload asks for 1: set resources.requests.cpu to 2"),
        ({"preference": WINDOWS, "instancetype": NANO}, "requires 2 vCPUs, instancetype nano gives 1"),
        ({"preference": WINDOWS, "sockets": 2, "graphics": False}, "remove machine.graphics"),
        ({"preference": DPDK, "sockets": 4}, "requires 8 vCPUs, the Workload asks for 4"),
        ({"preference": DPDK, "sockets": 4, "instancetype": LARGE}, "groups of 8, instancetype large gives 4"),
        ({"preference": PreferenceRecord("c", 2, topology="cores"), "sockets": 4}, "requires 2 cores"),
        (
            {"preference": PreferenceRecord("own", namespaced=True, sets=frozenset({"annotations"}))},
            "preference own of the namespace sets annotations",
        ),
        ({"preference": PreferenceRecord("v", video="vga", graphics=False)}, "set machine.graphics to true"),
    ],
)
def test_less_than_it_requires_is_refused_with_the_numbers(guest: dict[str, Any], words: str) -> None:
    verdict = preference(a_machine(machine=a_guest(**guest)), machines(architecture="amd64"))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.MISCONFIGURED)
    assert words in verdict.message


@pytest.mark.parametrize(
    "guest",
    [
        {"preference": FEDORA, "memory": 2 * GI},
        {"preference": PreferenceRecord("own", namespaced=True)},
        {"preference": PreferenceRecord("of the cluster", sets=frozenset({"annotations"}))},
        {"preference": WINDOWS, "sockets": 2},
        {"preference": WINDOWS, "sockets": 2, "graphics": True},
        {"preference": DPDK, "sockets": 8},
        {"preference": PreferenceRecord("c", 2, topology="spread", across="CoresThreads"), "cores": 2},
        {"preference": PreferenceRecord("c", 4, topology="cores"), "sockets": 4, "instancetype": LARGE},
    ],
)
def test_what_it_requires_fits(guest: dict[str, Any]) -> None:
    assert preference(a_machine(machine=a_guest(**guest)), machines(architecture="amd64")) is None


def test_pods_and_machines_without_a_preference_fit() -> None:
    assert preference(a_machine(machine=a_guest(preference=WINDOWS)), pods()) is None
    assert preference(a_machine(machine=LINUX_VM), machines()) is None
