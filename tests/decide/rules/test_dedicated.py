"""Whole processors can be had."""

from dataclasses import replace

import pytest

from berth.decide.model import Ask, ClassFacts, Outcome
from berth.decide.rules.dedicated import dedicated
from decide.builders import SHAPE, a_guest, a_machine, an_ask, machines, pods

PINNING = machines(shapes=(SHAPE, replace(SHAPE, cpu_manager=True)))
BY_TYPE = a_machine(machine=a_guest(dedicated=True))


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (a_machine(), machines()),
        (an_ask(dedicated=True), pods()),
        (a_machine(dedicated=True), PINNING),
        (BY_TYPE, PINNING),
    ],
    ids=["not asked for", "pods", "by spec", "by instancetype"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert dedicated(ask, facts) is None


@pytest.mark.parametrize("ask", [a_machine(dedicated=True), BY_TYPE], ids=["by spec", "by instancetype"])
def test_a_machine_waits_for_a_node_that_pins(ask: Ask) -> None:
    verdict = dedicated(ask, machines())
    assert verdict is not None
    assert verdict.outcome is Outcome.NOT_NOW
    assert "kubevirt.io/cpumanager=true" in verdict.message
