"""Size and shape of a guest: by its spec, its instancetype and its preference together."""

from typing import Any

import pytest

from berth.decide.cost import huge_pages, needed
from berth.decide.guest import Described, architecture_of, devices_in, guest_of
from berth.decide.model import Guest
from berth.world.records import InstancetypeRecord, Key, PreferenceRecord
from decide.builders import GI, MI, a_guest, a_machine, machines, pods, spec_of

BOOT: dict[str, Any] = {"bootDisk": {"containerDisk": {"image": "registry.example/disk:1"}}}
SIZE: dict[str, Any] = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "4Gi"}}
DPDK = PreferenceRecord("dpdk", topology="spread", across="SocketsCoresThreads", ratio=4)
WINDOWS = PreferenceRecord("windows", video="virtio", tpm=True, preferred_architecture="amd64")
INSTANCETYPES: dict[Key, InstancetypeRecord] = {
    ("", "u1"): InstancetypeRecord("u1", 8, 8 * GI),
    ("shop", "u1"): InstancetypeRecord("u1", 2, 2 * GI, namespaced=True),
}
PREFERENCES: dict[Key, PreferenceRecord] = {("", "dpdk"): DPDK, ("", "windows"): WINDOWS}
DESCRIBED = Described("shop", INSTANCETYPES, PREFERENCES)


def guest(resources: dict[str, Any] | None = None, **machine: Any) -> Guest:
    """Return the guest of a machine."""
    spec = spec_of(machine=BOOT | machine, **({"resources": resources} if resources else {}))
    assert spec.machine is not None
    return guest_of(spec, spec.machine, DESCRIBED)


def topology(found: Guest) -> tuple[int, int, int]:
    """Return sockets, cores and threads."""
    return found.sockets, found.cores, found.threads


def test_a_guest_gets_its_requests_else_its_limits() -> None:
    found = guest(SIZE)
    assert (found.vcpus, found.memory) == (1, GI)
    assert (guest({"limits": SIZE["limits"]}).vcpus, guest({"limits": SIZE["limits"]}).memory) == (4, 4 * GI)


def test_an_instancetype_is_of_the_cluster_unless_its_kind_says_that_it_is_of_the_namespace() -> None:
    assert guest(instancetype="u1").memory == 8 * GI
    assert guest(instancetype="u1", instancetypeKind="VirtualMachineInstancetype").memory == 2 * GI


def test_what_kubevirt_keeps_for_a_machine_counts_until_the_machine_names_another() -> None:
    cluster, own = "VirtualMachineClusterInstancetype", "VirtualMachineInstancetype"
    kept = Described("shop", INSTANCETYPES, {}, {(cluster, "u1"): InstancetypeRecord("u1", 1, GI)})
    named = spec_of(machine=BOOT | {"instancetype": "u1"}).machine
    other = spec_of(machine=BOOT | {"instancetype": "u1", "instancetypeKind": own}).machine
    assert named is not None
    assert other is not None
    assert kept.instancetype(named) == InstancetypeRecord("u1", 1, GI)
    assert kept.instancetype(other) == INSTANCETYPES["shop", "u1"]
    assert Described("shop", {}, {}, kept.kept).missing(named) == ()


def test_what_does_not_exist_is_told_by_kind_and_name() -> None:
    machine = spec_of(
        machine=BOOT | {"instancetype": "gone", "preference": "windows", "preferenceKind": "VirtualMachinePreference"}
    ).machine
    assert machine is not None
    assert DESCRIBED.missing(machine) == ("VirtualMachineClusterInstancetype gone", "VirtualMachinePreference windows")


def test_a_preference_shapes_the_processors_of_an_instancetype_only() -> None:
    assert topology(guest(instancetype="u1", preference="dpdk")) == (1, 4, 2)
    assert topology(guest(instancetype="u1")) == (8, 1, 1)
    assert topology(guest({"requests": {"cpu": "8", "memory": "1Gi"}}, preference="dpdk")) == (8, 1, 1)


def test_a_preference_brings_a_screen_a_tpm_and_an_architecture_where_the_machine_does_not_say() -> None:
    found = guest(SIZE, preference="windows")
    assert (found.screen, found.tpm, found.architecture) == (True, True, "amd64")
    assert guest(SIZE, preference="windows", graphics=False).screen is False
    assert guest(SIZE).screen is False


@pytest.mark.parametrize(
    ("kind", "cpu", "memory", "pages"),
    [
        (InstancetypeRecord("u1", 1, GI), 100, GI + 256 * MI, ()),
        (
            InstancetypeRecord("cx1", 1, GI, dedicated=True, isolated=True, page_size="2Mi"),
            2000,
            356 * MI,
            (("hugepages-2Mi", GI),),
        ),
        (InstancetypeRecord("o1", 1, 4 * GI, overcommit=50), 100, 2 * GI + 256 * MI + 4 * MI, ()),
        (InstancetypeRecord("io", 1, GI, io_threads=2), 300, GI + 256 * MI, ()),
        (InstancetypeRecord("gn1", 1, GI, devices=(("nvidia.com/A100", 1),)), 100, 2 * GI + 256 * MI, ()),
    ],
    ids=["plain", "huge pages and an emulator of its own", "overcommitted", "I/O threads", "GPU"],
)
def test_an_instancetype_costs_what_its_launcher_requests(
    kind: InstancetypeRecord, cpu: int, memory: int, pages: tuple[tuple[str, int], ...]
) -> None:
    shape = a_guest(
        memory=kind.memory, sockets=kind.cpus, dedicated=kind.dedicated, page_size=kind.page_size, instancetype=kind
    )
    asked = a_machine(machine=shape)
    assert needed(asked, machines()) == (cpu, memory)
    assert huge_pages(asked, machines()) == pages
    assert huge_pages(asked, pods()) == ()


def test_kubevirt_may_overcommit_all_memory_and_count_more_overhead() -> None:
    facts = machines(memory_overcommit=200, overhead_ratio=1.5)
    assert needed(a_machine(), facts)[1] == GI // 2 + 256 * MI + 134218000


def test_devices_of_an_instancetype_count_in_classes_of_machines() -> None:
    kind = InstancetypeRecord("gn1", 1, GI, devices=(("nvidia.com/A100", 1),))
    asked = a_machine(machine=a_guest(instancetype=kind))
    assert (devices_in(asked, machines()), devices_in(asked, pods())) == (kind.devices, ())


def test_the_architecture_is_its_own_else_that_of_the_class() -> None:
    plain, arm = Guest(GI), Guest(GI, architecture="arm64")
    assert architecture_of(arm, machines(architecture="amd64")) == "arm64"
    assert architecture_of(plain, machines(launch_security="snp", architecture="arm64")) == "amd64"
    assert architecture_of(plain, machines(architecture="arm64")) == "arm64"
    assert architecture_of(plain, machines()) == "amd64"
    assert architecture_of(plain, machines(shapes=())) == ""
