"""What a spec asks for, with sizes as the scheduler and KubeVirt sum them."""

from typing import Any

import pytest

from berth.api.machine import OperatingSystem
from berth.decide.ask import ask_of
from berth.decide.guest import Described
from berth.decide.model import ClaimAsk
from berth.world.records import ClaimRecord, InstancetypeRecord
from decide.builders import GI, MI, ask_for, no_claim, spec_of

IMAGE = {"image": "registry.example/app:1"}
BOOT = {"bootDisk": {"containerDisk": {"image": "registry.example/disk:1"}}}


def sized(cpu: str | None = None, memory: str | None = None, limits: dict[str, str] | None = None) -> dict[str, Any]:
    """Return resources with these requests and limits."""
    requests = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"requests": requests, "limits": limits or {}}


@pytest.mark.parametrize(
    ("spec", "cpu", "memory"),
    [
        ({}, 0, 0),
        ({"resources": sized("500m", "512Mi")}, 500, 512 * MI),
        ({"resources": sized(None, "1Gi", {"cpu": "2", "memory": "2Gi"})}, 2000, GI),
        (
            {"resources": sized("1", "1Gi"), "sidecars": [{"name": "s", **IMAGE, "resources": sized("100m", "64Mi")}]},
            1100,
            GI + 64 * MI,
        ),
        (
            {
                "resources": sized("1", "1Gi"),
                "sidecars": [{"name": "s", **IMAGE, "resources": sized("100m", "64Mi")}],
                "initContainers": [
                    {"name": "i", **IMAGE, "resources": sized("500m", "3Gi")},
                    {"name": "j", **IMAGE, "resources": sized("4", "1Mi")},
                ],
            },
            4100,
            3 * GI + 64 * MI,
        ),
    ],
    ids=["nothing", "requests", "limits where requests are missing", "sidecar", "init containers run one by one"],
)
def test_size_of_a_pod(spec: dict[str, Any], cpu: int, memory: int) -> None:
    asked = ask_for(container=IMAGE, **spec)
    assert (asked.cpu, asked.memory) == (cpu, memory)


def limited(memory: str | None, name: str = "") -> dict[str, Any]:
    """Return a container, or the resources of the Workload where it has no name, with this limit."""
    resources = sized("1m", "1Mi", {"memory": memory} if memory else {})
    return {"name": name, **IMAGE, "resources": resources} if name else resources


@pytest.mark.parametrize(
    ("main", "sidecar", "init", "limit"),
    [
        ("16Mi", None, None, 16 * MI),
        (None, None, None, 0),
        ("16Mi", "8Mi", None, 24 * MI),
        ("16Mi", "8Mi", "64Mi", 72 * MI),
        ("16Mi", "8Mi", "1Mi", 24 * MI),
        ("16Mi", "", None, 0),
        ("16Mi", None, "", 0),
        (None, "8Mi", "1Mi", 0),
    ],
)
def test_the_memory_limit_of_a_pod_is_that_of_all_its_containers_if_each_has_one(
    main: str | None, sidecar: str | None, init: str | None, limit: int
) -> None:
    """An empty text stands for a container without a limit, None for none."""
    spec: dict[str, Any] = {"resources": limited(main)}
    spec |= {"sidecars": [limited(sidecar, "s")]} if sidecar is not None else {}
    spec |= {"initContainers": [limited(init, "i")]} if init is not None else {}
    assert ask_for(container=IMAGE, **spec).memory_limit == limit


@pytest.mark.parametrize(
    ("resources", "vcpus", "memory"),
    [
        (sized(None, "1Gi"), 1, GI),
        (sized("500m", "1Gi"), 1, GI),
        (sized("2500m", "1Gi"), 3, GI),
        (sized("1", "1Gi", {"cpu": "2", "memory": "4Gi"}), 1, GI),
    ],
    ids=["one processor at least", "rounded up", "rounded up again", "requests before limits"],
)
def test_size_of_a_machine(resources: dict[str, Any], vcpus: int, memory: int) -> None:
    asked = ask_for(machine=BOOT, resources=resources)
    assert asked.machine is not None
    assert (asked.machine.guest.vcpus, asked.machine.guest.memory) == (vcpus, memory)
    assert (asked.cpu, asked.memory, asked.has_container) == (0, 0, False)


def test_an_instancetype_gives_the_size() -> None:
    described = Described("shop", {("", "u1.large"): InstancetypeRecord("u1.large", 2, 8 * GI, dedicated=True)})
    asked = ask_of(spec_of(machine={**BOOT, "instancetype": "u1.large"}), no_claim, described)
    assert asked.machine is not None
    guest = asked.machine.guest
    assert (guest.vcpus, guest.memory, guest.dedicated, asked.machine.missing) == (2, 8 * GI, True, ())
    missing = ask_of(spec_of(machine={**BOOT, "instancetype": "gone"}), no_claim, described)
    assert missing.machine is not None
    assert missing.machine.missing == ("VirtualMachineClusterInstancetype gone",)


def test_a_windows_machine_with_everything() -> None:
    probe = {"exec": {"command": ["true"]}}
    asked = ask_for(
        machine={
            "os": "Windows",
            "preference": "windows.2k22.virtio",
            "bootDisk": {"dataSource": {"name": "win", "storage": "64Gi"}},
            "disks": [{"name": "d", "dataSource": {"name": "data", "storage": "1Gi"}}],
            "tpm": {},
            "graphics": True,
            "readinessProbe": probe,
            "livenessProbe": probe,
        },
        resources=sized("4", "8Gi"),
    )
    machine = asked.machine
    assert machine is not None
    assert (machine.os, machine.boots_from, machine.cloned_disks) == (OperatingSystem.WINDOWS, "dataSource", 1)
    assert (machine.guest.tpm, machine.guest.graphics, machine.guest.exec_probes) == (True, True, 2)


def test_needs_are_sorted_and_devices_added_up() -> None:
    asked = ask_for(
        container=IMAGE,
        needs={
            "kernelModules": ["wireguard", "overlay"],
            "gpu": {"deviceName": "nvidia.com/A100", "count": 2},
            "hostDevices": [{"deviceName": "z.example/x"}, {"deviceName": "nvidia.com/A100"}],
        },
    )
    assert asked.kernel_modules == ("overlay", "wireguard")
    assert asked.devices == (("nvidia.com/A100", 3), ("z.example/x", 1))


def test_autoscaling_counts_as_the_replicas_that_it_may_set() -> None:
    asked = ask_for(container=IMAGE, replicas=2, autoscaling={"maxReplicas": 9})
    assert (asked.replicas, asked.most_replicas) == (2, 9)


def test_claims_by_whom_they_are_used() -> None:
    records = {
        "data": ClaimRecord(("shop", "data"), "1", ("ReadWriteMany",), block=False, bound=True),
        "root": ClaimRecord(("shop", "root"), "2", ("ReadWriteOnce",), block=True, bound=True),
    }
    spec = spec_of(
        container=IMAGE,
        machine={"bootDisk": {"persistentVolumeClaim": {"claimName": "root"}}},
        resources=sized(None, "1Gi"),
        volumes=[
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "g", "persistentVolumeClaim": {"claimName": "gone"}},
        ],
    )
    assert ask_of(spec, records.get, Described()).claims == (
        ClaimAsk("data", True, ("ReadWriteMany",), False, by_container=True, by_machine=True),
        ClaimAsk("gone", found=False, by_container=True, by_machine=True),
        ClaimAsk("root", True, ("ReadWriteOnce",), True, by_container=False, by_machine=True),
    )
