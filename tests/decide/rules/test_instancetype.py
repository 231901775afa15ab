"""What an instancetype must leave to the Workload and to the class."""

from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome
from berth.decide.rules.instancetype import instancetype
from berth.world.records import InstancetypeRecord
from decide.builders import GI, MI, a_guest, a_machine, machines, pods

GPU = (("nvidia.com/A100", 1),)
POOL = {"node_selector": (("pool", "vm"),)}


def of(**fields: Any) -> InstancetypeRecord:
    """Return a small instancetype, changed as given."""
    return InstancetypeRecord("u1", 1, GI, **({"sets": frozenset()} | fields))


@pytest.mark.parametrize(
    ("guest", "ask", "facts", "words"),
    [
        ({"instancetype": of(devices=GPU)}, {"gpu": GPU[0]}, {}, "remove needs.gpu and needs.hostDevices"),
        (
            {"instancetype": of(sets=frozenset({"cpu.dedicatedCPUPlacement"}))},
            {"dedicated": True},
            {},
            "remove resources.dedicated",
        ),
        ({"instancetype": of(sets=frozenset({"launchSecurity"}))}, {}, {}, "encrypts memory"),
        ({"instancetype": of(sets=frozenset({"nodeSelector"}))}, {}, POOL, "chooses nodes, and so does class vm"),
        (
            {"instancetype": of(namespaced=True, sets=frozenset({"annotations", "cpu.numa", "gpus"}))},
            {},
            {},
            "u1 of the namespace sets annotations, gpus",
        ),
        ({"instancetype": of(max_sockets=1), "sockets": 2}, {}, {}, "has 2 sockets and allows 1"),
        ({"page_size": "1Gi", "memory": 1500 * MI}, {}, {}, "memory of 1500Mi is not a multiple of its pages of 1Gi"),
        ({"page_size": "1Gi", "memory": 512 * MI}, {}, {}, "not a multiple of its pages of 1Gi"),
    ],
)
def test_contradictions_are_refused(
    guest: dict[str, Any], ask: dict[str, Any], facts: dict[str, Any], words: str
) -> None:
    verdict = instancetype(a_machine(machine=a_guest(**guest), **ask), machines(**facts))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.MISCONFIGURED)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("guest", "ask", "facts"),
    [
        ({"instancetype": of(devices=GPU)}, {}, {}),
        ({"instancetype": of(namespaced=True, sets=frozenset({"cpu.numa"}))}, {}, {}),
        ({"instancetype": of(sets=frozenset({"annotations"}))}, {}, {}),
        ({"instancetype": of(dedicated=True, sets=frozenset({"cpu.dedicatedCPUPlacement"}))}, {"dedicated": True}, {}),
        ({"instancetype": of(sets=frozenset({"nodeSelector"}))}, {}, {}),
        ({"instancetype": of()}, {}, POOL),
        ({"page_size": "2Mi", "memory": 1500 * MI}, {}, {}),
    ],
)
def test_what_adds_up_fits(guest: dict[str, Any], ask: dict[str, Any], facts: dict[str, Any]) -> None:
    assert instancetype(a_machine(machine=a_guest(**guest), **ask), machines(**facts)) is None


def test_pods_fit() -> None:
    assert instancetype(a_machine(machine=a_guest(instancetype=of(sets=frozenset({"launchSecurity"})))), pods()) is None
