"""What a machine takes of a quota follows what runs, not only what is asked for."""

from dataclasses import replace

import pytest

from berth.decide.charge import as_large_as, charge_of, charge_of_what_runs
from berth.decide.model import Ask, Guest
from berth.policy.quota import CPU, MEMORY
from berth.world.records import GuestExtras, InstancetypeRecord
from observe.scenes import MACHINE, a_machine
from plan.records import PAIR, asked, backing

KEY = ("shop", "web")
MI = 1 << 20
ASK = asked(PAIR)
GUEST = (8 << 30) + (240 + 8 + 8 * 4) * MI
"""A guest of four processors and 8Gi, with what KubeVirt adds."""


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


@pytest.mark.parametrize(
    ("extras", "cpu", "memory"),
    [
        (GuestExtras(), 400, GUEST),
        (GuestExtras(pinned=True), 4000, GUEST + 100 * MI),
        (GuestExtras(pinned=True, isolated=True), 5000, GUEST + 100 * MI),
        (GuestExtras(passthrough=True), 400, GUEST + 1024 * MI),
    ],
    ids=["plain", "pinned", "isolated", "passthrough"],
)
@pytest.mark.parametrize("ask", [ASK, replace(ASK, machine=None)], ids=["smaller", "gone"])
def test_what_runs_counts_until_it_stops_however_small_its_workload_asks_for_it_to_be(
    ask: Ask, extras: GuestExtras, cpu: int, memory: int
) -> None:
    larger = as_large_as(ask, (a_machine(vcpus=4, memory=8 << 30, extras=extras),))
    parts = charge_of(KEY, 0.0, larger, MACHINE).parts
    assert (parts[CPU].total, parts[MEMORY].total) == (cpu, memory)


@pytest.mark.parametrize(("overcommitted", "memory"), [(True, 4 << 30), (False, 8 << 30)])
def test_memory_that_is_overcommitted_from_the_next_start_on_is_counted_whole_until_then(
    overcommitted: bool, memory: int
) -> None:
    half = InstancetypeRecord("o1", 1, 8 << 30, overcommit=50)
    assert ASK.machine is not None
    ask = replace(ASK, machine=replace(ASK.machine, guest=Guest(8 << 30, instancetype=half)))
    running = a_machine(memory=8 << 30, extras=GuestExtras(overcommitted=overcommitted))
    charge = charge_of(KEY, 0.0, as_large_as(ask, (running,)), MACHINE)
    assert charge.parts[MEMORY].requested == memory


def test_a_machine_whose_workload_has_none_any_more_is_charged_by_its_object_before_its_guest_is_there() -> None:
    charge = charge_of_what_runs(KEY, 0.0, replace(ASK, machine=None), MACHINE, backing("VirtualMachine", "vm"))
    assert (charge.parts[CPU].total, charge.parts[MEMORY].total) == (100, (1 << 30) + 256 * MI)
