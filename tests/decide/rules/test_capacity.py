"""One node of the class is large enough, and has all else that is asked of it."""

from dataclasses import replace

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Cost, Outcome, Unavailable
from berth.decide.rules.capacity import capacity
from decide.builders import GI, LINUX_VM, MI, SHAPE, a_guest, a_machine, an_ask, machines, pods

GPU = ("nvidia.com/A100", 1)
SMALL_WITH_GPU = replace(SHAPE, memory=GI, devices=(GPU,))
ARM = replace(SHAPE, architecture="arm64")


def with_memory(memory: int) -> Ask:
    """Return a machine with that much memory; it needs 256Mi more."""
    return a_machine(machine=a_guest(memory=memory))


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(cpu=8000, memory=32 * GI), pods()),
        (an_ask(memory=31 * GI), pods(overhead=Cost(250, GI))),
        (with_memory(32 * GI - 256 * MI), machines()),
        (an_ask(architecture="arm64"), pods(shapes=(SHAPE, ARM))),
        (an_ask(memory=64 * GI), pods(shapes=(), unavailable=Unavailable(Reason.NO_CAPABLE_NODE, "x"))),
    ],
    ids=[
        "exactly",
        "with overhead",
        "machine exactly",
        "architecture",
        "the class is not there at all: not its matter",
    ],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert capacity(ask, facts) is None


@pytest.mark.parametrize(
    ("ask", "facts", "says"),
    [
        (an_ask(memory=32 * GI + 1), pods(), "needs 500m CPU and 32769Mi"),
        (an_ask(cpu=8001), pods(), "the largest node has 8 CPU and 32Gi: lower spec.resources"),
        (an_ask(memory=31 * GI), pods(overhead=Cost(0, GI + 1)), "overhead 0 CPU and 1025Mi"),
        (with_memory(32 * GI), machines(), "needs 100m CPU and 33024Mi (overhead 0 CPU and 256Mi)"),
        (an_ask(architecture="arm64"), pods(), "no node of architecture arm64"),
        (an_ask(gpu=GPU, memory=2 * GI), pods(shapes=(SHAPE, SMALL_WITH_GPU)), "the largest node has 8 CPU and 1Gi"),
        (an_ask(), pods(shapes=()), "no node has all that is asked for"),
    ],
    ids=["memory", "cpu", "overhead", "machine overhead", "architecture", "not on one node", "no node"],
)
def test_refuses_with_numbers(ask: Ask, facts: ClassFacts, says: str) -> None:
    verdict = capacity(ask, facts)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.NO_CAPABLE_NODE)
    assert says in verdict.message


def test_devices_of_networks_must_be_on_a_node_that_is_large_enough() -> None:
    ask = replace(with_memory(2 * GI), network_devices=(GPU,))
    verdict = capacity(ask, machines(shapes=(SHAPE, SMALL_WITH_GPU)))
    assert verdict is not None
    assert "the largest node has 8 CPU and 1Gi" in verdict.message
    assert capacity(ask, machines(shapes=(replace(SHAPE, devices=(GPU,)),))) is None


def test_pinning_and_nesting_must_be_on_one_node() -> None:
    shapes = (replace(SHAPE, cpu_manager=True), replace(SHAPE, nested=True))
    ask = a_machine(dedicated=True, nested_virtualization=True)
    assert capacity(ask, machines(shapes=shapes)) is not None
    both = replace(SHAPE, cpu_manager=True, nested=True)
    assert capacity(ask, machines(shapes=(both,))) is None


def test_a_missing_instancetype_has_no_size() -> None:
    missing = ("VirtualMachineClusterInstancetype u1.small", "VirtualMachinePreference own")
    ask = a_machine(machine=replace(LINUX_VM, missing=missing))
    verdict = capacity(ask, machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.NOT_ADMITTED)
    assert verdict.message.startswith(f"there is no {missing[0]} and no {missing[1]}: ")
    assert capacity(replace(ask, has_container=True), pods()) is None
