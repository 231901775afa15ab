"""The workload brings what this backend can start."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts
from berth.decide.rules.source import source
from decide.builders import LINUX_VM, a_machine, an_ask, machines, pods

BOTH = an_ask(machine=LINUX_VM)


@pytest.mark.parametrize(
    ("ask", "facts"),
    [(an_ask(), pods()), (a_machine(), machines()), (BOTH, pods()), (BOTH, machines())],
    ids=["image in pods", "machine in machines", "both in pods", "both in machines"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert source(ask, facts) is None


@pytest.mark.parametrize(
    ("ask", "facts", "fix"),
    [(an_ask(), machines(), "add spec.machine with a bootDisk"), (a_machine(), pods(), "add spec.container")],
    ids=["image in machines", "machine in pods"],
)
def test_says_which_source_to_add(ask: Ask, facts: ClassFacts, fix: str) -> None:
    verdict = source(ask, facts)
    assert verdict is not None
    assert verdict.reason is Reason.NO_BOOTABLE_IMAGE
    assert verdict.message.endswith(fix)


def test_an_unknown_backend_is_an_error_and_so_a_refusal() -> None:
    with pytest.raises(ValueError, match="unknown backend"):
        source(an_ask(), pods(backend="Unikernel"))
