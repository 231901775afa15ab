"""What the code does to its kernel is possible here, and harms nobody else."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Outcome
from berth.decide.rules.needs import needs
from decide.builders import LINUX_VM, SHAPE, an_ask, machines, pods

NESTED = machines(shapes=(replace(SHAPE, nested=True),))
KATA = pods("kata", "Virtualized")
GVISOR = pods("gvisor", "Sandboxed")


@pytest.mark.parametrize(
    ("need", "facts"),
    [
        ({}, pods()),
        ({"root": True}, pods(user_namespaces=True)),
        ({"root": True}, GVISOR),
        ({"root": True}, KATA),
        ({"root": True}, machines()),
        ({"privileged": True}, machines()),
        ({"kernel_modules": ("wireguard",)}, machines()),
        ({"nested_virtualization": True}, NESTED),
    ],
)
def test_fits(need: dict[str, Any], facts: ClassFacts) -> None:
    assert needs(an_ask(machine=LINUX_VM, **need), facts) is None


@pytest.mark.parametrize("facts", [pods(), pods(user_namespaces=True), GVISOR, KATA], ids=lambda facts: facts.name)
@pytest.mark.parametrize(
    "need", [{"privileged": True}, {"kernel_modules": ("wireguard",)}, {"nested_virtualization": True}]
)
def test_only_a_machine_has_a_kernel_to_give_away(need: dict[str, Any], facts: ClassFacts) -> None:
    verdict = needs(an_ask(**need), facts)
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert "only in a virtual machine" in verdict.message


def test_root_is_refused_on_a_bare_shared_kernel() -> None:
    verdict = needs(an_ask(root=True), pods())
    assert verdict is not None
    assert "userNamespaces" in verdict.message


def test_nesting_waits_for_a_node_that_can() -> None:
    verdict = needs(an_ask(machine=LINUX_VM, nested_virtualization=True), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.NO_CAPABLE_NODE)
