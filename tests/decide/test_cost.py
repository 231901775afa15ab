"""What a replica costs: the examples of KubeVirt's own renderer, and the overhead of a RuntimeClass."""

from dataclasses import replace
from typing import Any

import pytest

from berth.decide.cost import needed, overhead, requested
from berth.decide.model import Cost
from berth.world.records import InstancetypeRecord
from decide.builders import GI, MI, SHAPE, a_guest, a_machine, an_ask, machines, pods

SCREEN = {"graphics": True}


@pytest.mark.parametrize(
    ("machine", "ask", "facts", "request_mi"),
    [
        (SCREEN, {}, {}, 1312),
        ({}, {}, {}, 1280),
        (SCREEN | {"tpm": True}, {}, {}, 1365),
        (SCREEN | {"exec_probes": 1}, {}, {}, 1422),
        (SCREEN | {"exec_probes": 2}, {}, {}, 1432),
        (SCREEN, {}, {"launch_security": "sev"}, 1568),
        (SCREEN, {}, {"launch_security": "snp"}, 1568),
        (SCREEN, {}, {"launch_security": "tdx"}, 1312),
        (SCREEN | {"architecture": "arm64"}, {}, {}, 1440),
        (SCREEN, {}, {"shapes": (replace(SHAPE, architecture="arm64"),)}, 1440),
        (SCREEN, {"dedicated": True}, {}, 1412),
        (SCREEN | {"dedicated": True}, {}, {}, 1412),
        (SCREEN, {"gpu": ("nvidia.com/A100", 1)}, {}, 2336),
        (SCREEN | {"sockets": 8, "memory": 32 * GI}, {}, {}, 33112),
    ],
    ids=[
        "plain",
        "headless",
        "TPM",
        "exec probe",
        "two exec probes",
        "SEV",
        "SNP",
        "TDX",
        "arm64 asked for",
        "only arm64 nodes",
        "dedicated",
        "dedicated by instancetype",
        "GPU",
        "8 vCPU and 32Gi",
    ],
)
def test_memory_request_of_the_launcher(
    machine: dict[str, Any], ask: dict[str, Any], facts: dict[str, Any], request_mi: int
) -> None:
    asked = a_machine(machine=a_guest(**machine), **ask)
    assert needed(asked, machines(**facts))[1] == request_mi * MI


@pytest.mark.parametrize(("version", "request_mi"), [((1, 7), 1260), ((1, 8), 1260), ((1, 9), 1280), (None, 1280)])
def test_launchers_up_to_1_8_request_less_for_qemu(version: tuple[int, int] | None, request_mi: int) -> None:
    """A guest of 1Gi, as virt-controller 1.7.4 and the one after 1.9.0 made its launcher."""
    asked = a_machine(memory=GI)
    assert needed(asked, machines(kubevirt_version=version))[1] == request_mi * MI


@pytest.mark.parametrize(("dedicated", "log"), [(False, Cost(5, 35_000_000)), (True, Cost(15, 60_000_000))])
def test_a_log_of_the_serial_console_costs_a_container(log: Cost, *, dedicated: bool) -> None:
    """Requests of KubeVirt's guest-console-log; its limits where the pod is guaranteed."""
    plain, logged = (a_machine(machine=a_guest(console_log=kept), dedicated=dedicated) for kept in (False, True))
    assert overhead(logged, machines()) == overhead(plain, machines()) + log


@pytest.mark.parametrize(
    ("vcpus", "dedicated", "ratio", "cpu"),
    [(1, False, 10, 100), (4, False, 10, 400), (4, False, 1, 4000), (4, True, 10, 4000)],
)
def test_processors_of_a_machine(vcpus: int, dedicated: bool, ratio: int, cpu: int) -> None:
    asked = a_machine(machine=a_guest(sockets=vcpus), dedicated=dedicated)
    facts = machines(cpu_allocation_ratio=ratio)
    assert (requested(asked, facts).cpu, overhead(asked, facts).cpu) == (cpu, 0)


@pytest.mark.parametrize(("dedicated", "cpu"), [(False, 250), (True, 4000)])
def test_a_cpu_request_of_kubevirt_stands_for_processors_that_are_shared(cpu: int, *, dedicated: bool) -> None:
    asked = a_machine(machine=a_guest(sockets=4), dedicated=dedicated)
    assert requested(asked, machines(cpu_request=250)).cpu == cpu


@pytest.mark.parametrize(("vcpus", "even_parity", "cpu"), [(2, False, 1000), (3, True, 1000), (2, True, 2000)])
def test_an_emulator_of_its_own_may_make_processors_even(vcpus: int, cpu: int, *, even_parity: bool) -> None:
    kind = InstancetypeRecord("rt", vcpus, GI, dedicated=True, isolated=True)
    asked = a_machine(machine=a_guest(sockets=vcpus, dedicated=True, instancetype=kind))
    assert overhead(asked, machines(even_parity=even_parity)).cpu == cpu


@pytest.mark.parametrize(
    ("gates_off", "dedicated", "added"),
    [
        (frozenset({"ImageVolume"}), False, Cost(2, 2_000_000)),
        (frozenset({"ImageVolume"}), True, Cost(20, 80_000_000)),
        (frozenset(), False, Cost()),
    ],
    ids=["containers", "guaranteed", "image volumes"],
)
def test_disks_from_images_are_containers_where_there_are_no_image_volumes(
    gates_off: frozenset[str], added: Cost, *, dedicated: bool
) -> None:
    """Requests of KubeVirt's containers `volume...`, 1m and 1M each; their limits where the pod is guaranteed."""
    without, with_two = (a_machine(machine=a_guest(container_disks=count), dedicated=dedicated) for count in (0, 2))
    facts = machines(gates_off=gates_off)
    assert overhead(with_two, facts) == overhead(without, facts) + added


def test_pods_cost_what_the_runtime_class_says() -> None:
    kata = pods("kata", "Virtualized", overhead=Cost(250, 130 * MI))
    asked = an_ask(cpu=500, memory=512 * MI)
    assert overhead(asked, kata) == Cost(250, 130 * MI)
    assert needed(asked, kata) == (750, 642 * MI)
    assert overhead(asked, kata).times(3) == Cost(750, 390 * MI)


def test_an_image_costs_nothing_in_a_class_of_machines_that_cannot_run_it() -> None:
    assert needed(an_ask(), machines()) == (0, 0)
