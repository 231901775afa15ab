"""The operating system runs on this backend."""

from dataclasses import replace

import pytest

from berth.api.machine import OperatingSystem
from berth.decide.model import Ask, ClassFacts
from berth.decide.rules.operating_system import operating_system
from decide.builders import LINUX_VM, a_machine, an_ask, machines, pods

WINDOWS = replace(LINUX_VM, os=OperatingSystem.WINDOWS)


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(), pods()),
        (a_machine(), pods()),
        (a_machine(machine=WINDOWS), machines()),
        (an_ask(machine=WINDOWS), pods()),
    ],
    ids=["image", "Linux machine", "Windows in a machine", "Windows beside a Linux image"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert operating_system(ask, facts) is None


def test_windows_alone_never_runs_in_pods() -> None:
    verdict = operating_system(a_machine(machine=WINDOWS), pods())
    assert verdict is not None
    assert "Windows runs in virtual machines only" in verdict.message


def test_an_unknown_operating_system_is_an_error_and_so_a_refusal() -> None:
    with pytest.raises(ValueError, match="Plan9"):
        operating_system(a_machine(machine=replace(LINUX_VM, os="Plan9")), machines())  # type: ignore[arg-type]
