"""What a machine takes of a quota follows what runs, not only what is asked for."""

from dataclasses import replace

import pytest

from berth.decide.charge import as_large_as, charge_of, charge_of_what_runs
from berth.policy.quota import CPU, MEMORY
from observe.scenes import MACHINE, a_machine
from plan.records import PAIR, asked, backing

KEY = ("shop", "web")
MI = 1 << 20
ASK = asked(PAIR)


@pytest.mark.parametrize(
    ("vcpus", "memory", "expected"),
    [(1, 1 << 30, (1, 1 << 30)), (4, 1 << 30, (4, 1 << 30)), (1, 8 << 30, (1, 8 << 30)), (0, 0, (1, 1 << 30))],
)
def test_a_guest_that_is_larger_than_what_is_asked_for_counts_as_it_is(
    vcpus: int, memory: int, expected: tuple[int, int]
) -> None:
    found = as_large_as(ASK, (a_machine(vcpus=vcpus, memory=memory),)).machine
    assert found is not None
    assert (found.guest.vcpus, found.guest.memory) == expected


def test_a_workload_without_a_machine_asks_for_what_it_asks_for() -> None:
    pods = replace(ASK, machine=None)
    assert as_large_as(pods, ()) == pods


def test_a_guest_that_waits_for_its_restart_is_charged_by_its_own_size_after_a_restart_of_berth() -> None:
    record = backing("VirtualMachine", "vm")
    charge = charge_of_what_runs(KEY, 0.0, ASK, MACHINE, record, guests=(a_machine(vcpus=4, memory=8 << 30),))
    same = charge_of(KEY, 0.0, as_large_as(ASK, (a_machine(vcpus=4, memory=8 << 30),)), MACHINE)
    assert charge == same
    assert (charge.parts[CPU].total, charge.parts[MEMORY].total) == (400, (8 << 30) + (240 + 8 + 8 * 4) * MI)
