"""Our own kinds and the facts of the cluster, from raw objects."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.world import instancetypes, parse, storage
from berth.world.packed import unpack
from berth.world.records import InstancetypeRecord, PreferenceRecord
from world.raws import BORN_SECONDS, Raw, a_cluster_raw, a_node, a_raw

GI = 1 << 30


@given(
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    hours=st.integers(-12, 12),
)
def test_a_time_is_the_same_moment_in_every_time_zone(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert parse.seconds(elsewhere.isoformat()) == pytest.approx(moment.timestamp(), abs=1e-3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 0.0), ("", 0.0), ("1970-01-01T00:00:01Z", 1.0), ("1970-01-01T00:00:01.250000Z", 1.25)],
)
def test_times_are_seconds_since_the_epoch(text: str | None, seconds: float) -> None:
    assert parse.seconds(text) == seconds


def test_a_workload_keeps_its_spec_as_sorted_json_and_its_status_packed() -> None:
    record = parse.workload(a_raw("Workload", spec={"b": 1, "a": 2}, status={"z": 1, "reason": "Running"}))
    assert (record.key, record.created, record.deleting) == (("shop", "web"), BORN_SECONDS, False)
    assert (record.spec, unpack(record.status)) == (b'{"a":2,"b":1}', {"reason": "Running", "z": 1})


def test_a_workload_that_is_being_deleted_says_so() -> None:
    assert parse.workload(a_raw("Workload", metadata={"deletionTimestamp": "2026-03-01T10:00:00Z"})).deleting


def test_a_workload_without_a_status_has_an_empty_one() -> None:
    assert unpack(parse.workload(a_raw("Workload", spec={})).status) == {}


@pytest.mark.parametrize("spec", [{}, {"level": "Marble"}, {"level": "Container", "overhead": {"cpu": "one"}}, None])
def test_a_class_that_is_not_understood_keeps_an_error(spec: Raw | None) -> None:
    record = parse.isolation_class(a_cluster_raw("IsolationClass", "c", spec=spec))
    assert record.spec is None
    assert record.error is not None
    assert record.error.startswith("spec.")


@pytest.mark.parametrize(
    "more", [{"unheard": 1}, {"pod": {"sealed": True}}, {"nodes": {"sharing": "Shared", "x": None}}]
)
def test_a_class_with_an_unknown_field_keeps_both_its_spec_and_an_error(more: Raw) -> None:
    spec = {"level": "Container", "pod": {}} | more
    record = parse.isolation_class(a_cluster_raw("IsolationClass", "c", spec=spec))
    assert record.spec is not None
    assert record.error is not None
    assert record.error.startswith("unknown field spec.")


@pytest.mark.parametrize("spec", [{}, {"mode": "Enforce", "reason": "x", "require": {"level": "Marble"}}, None])
def test_a_policy_that_is_not_understood_keeps_an_error(spec: Raw | None) -> None:
    record = parse.isolation_policy(a_cluster_raw("IsolationPolicy", "p", spec=spec))
    assert record.spec is None
    assert record.error is not None
    assert record.error.startswith("spec.")


def test_the_error_names_the_place_and_is_one_line() -> None:
    spec = {"mode": "Enforce", "reason": "x", "require": {"level": "Marble"}, "more": "\n"}
    error = parse.isolation_policy(a_cluster_raw("IsolationPolicy", "p", spec=spec)).error or ""
    assert "spec.require.level: Input should be 'Container', 'Sandboxed'" in error
    assert "\n" not in error


def test_a_class_and_a_policy_that_are_understood_have_no_error() -> None:
    found = parse.isolation_class(
        a_cluster_raw("IsolationClass", "c", spec={"level": "Sandboxed", "pod": {"runtimeClassName": "gvisor"}})
    )
    policy = parse.isolation_policy(
        a_cluster_raw("IsolationPolicy", "p", spec={"mode": "Audit", "reason": "x", "require": {"level": "Sandboxed"}})
    )
    assert found.error is None
    assert found.spec is not None
    assert policy.error is None
    assert policy.spec is not None


def test_a_heartbeat_changes_nothing_in_a_node() -> None:
    later = a_node()
    later["metadata"] |= {"resourceVersion": "99", "annotations": {"volumes": "attached"}, "managedFields": [{}]}
    later["status"] |= {
        "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-03-01T11:00:00Z"}],
        "images": [{"names": ["app:1"]}],
        "volumesInUse": ["v"],
        "nodeInfo": {"osImage": "Debian GNU/Linux 12 (bookworm)"},
    }
    assert parse.node(later) == parse.node(a_node())


@pytest.mark.parametrize("name", ["not-ready", "unreachable", "memory-pressure", "unschedulable"])
def test_taints_of_the_node_controller_are_ignored(name: str) -> None:
    tainted = a_node(spec={"taints": [{"key": f"node.kubernetes.io/{name}", "effect": "NoSchedule"}]})
    assert parse.node(tainted) == parse.node(a_node())


def test_other_taints_are_kept_in_order() -> None:
    taints = [{"key": "pool", "value": "b", "effect": "NoSchedule"}, {"key": "gpu", "effect": "NoExecute"}]
    assert parse.node(a_node(spec={"taints": taints})).taints == (
        ("gpu", "", "NoExecute"),
        ("pool", "b", "NoSchedule"),
    )


@pytest.mark.parametrize(
    ("spec", "metadata"), [({"unschedulable": True}, {}), ({}, {"deletionTimestamp": "2026-03-01T10:00:00Z"})]
)
def test_a_cordoned_node_and_one_that_goes_take_nothing(spec: Raw, metadata: Raw) -> None:
    assert not parse.node(a_node(spec=spec, metadata=metadata)).schedulable


def test_a_node_offers_whole_numbers() -> None:
    node = parse.node(a_node())
    assert (node.cpu, node.memory, node.devices) == (7910, 32 * GI, (("devices.kubevirt.io/kvm", 1000),))


def test_a_node_offers_the_hardware_that_virt_handler_labels() -> None:
    labels = {
        "cpu-model.node.kubevirt.io/Skylake": "true",
        "cpu-model.node.kubevirt.io/Haswell": "true",
        "cpu-model.node.kubevirt.io/EPYC": "false",
        "machine-type.node.kubevirt.io/q35": "true",
        "cpu-model-migration.node.kubevirt.io/Penryn": "true",
    }
    node = parse.node(a_node(metadata={"labels": labels}))
    assert (node.cpu_models, node.machine_types) == (("Haswell", "Skylake"), ("q35",))


@pytest.mark.parametrize("status", [{}, {"runtimeHandlers": []}, {"runtimeHandlers": None}])
def test_a_node_that_names_no_handlers_does_not_say(status: Raw) -> None:
    assert parse.node(a_node(status=status)).handlers is None
    assert parse.node(a_node()).handlers == {"", "runsc"}


@pytest.mark.parametrize("features", [{}, {"features": {}}, {"features": {"recursiveReadOnlyMounts": True}}])
def test_a_node_whose_handlers_name_no_user_namespaces_does_not_say(features: Raw) -> None:
    assert parse.node(a_node(status={"runtimeHandlers": [{"name": "runc", **features}]})).user_namespaces is None
    assert parse.node(a_node()).user_namespaces == {""}


def test_a_runtime_class_has_overhead_and_nodes() -> None:
    overhead = {"podFixed": {"cpu": "0.25", "memory": "160Mi"}}
    raw = a_cluster_raw("RuntimeClass", "kata", handler="kata", overhead=overhead)
    record = parse.runtime_class(raw | {"scheduling": {"nodeSelector": {"kata": "true"}}})
    assert (record.overhead_cpu, record.overhead_memory, record.has_overhead) == (250, 160 << 20, True)
    assert (record.handler, record.node_selector) == ("kata", (("kata", "true"),))
    assert not parse.runtime_class(a_cluster_raw("RuntimeClass", "runc", handler="runc")).has_overhead


@pytest.mark.parametrize(
    ("given", "tolerated"),
    [
        ({"key": "a"}, [("a", "", None)]),
        ({"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}, [("a", "b", "NoSchedule")]),
        ({"key": "a", "operator": "Exists", "effect": ""}, [("a", None, None)]),
        ({"operator": "Exists", "key": ""}, [(None, None, None)]),
        ({"key": "a", "operator": "Gt", "value": "5"}, []),
    ],
    ids=["equal to nothing", "equal", "exists", "everything", "unknown operator"],
)
def test_a_runtime_class_tolerates_as_in_core_v1(
    given: dict[str, str], tolerated: list[tuple[str | None, ...]]
) -> None:
    raw = a_cluster_raw("RuntimeClass", "kata", handler="kata", scheduling={"tolerations": [given]})
    assert list(parse.runtime_class(raw).tolerations) == tolerated


def test_an_instancetype_is_all_that_makes_a_guest_larger_or_another_one() -> None:
    spec = {
        "cpu": {"guest": 4, "dedicatedCPUPlacement": True, "isolateEmulatorThread": True, "maxSockets": 8},
        "memory": {"guest": "4Gi", "hugepages": {"pageSize": "2Mi"}, "overcommitPercent": 50},
        "ioThreads": {"supplementalPoolThreadCount": 2},
        "gpus": [{"name": "a", "deviceName": "nvidia.com/A100"}, {"name": "b", "deviceName": "nvidia.com/A100"}],
        "annotations": {"vm.kubevirt.io/os": "linux"},
        "nodeSelector": {},
    }
    found = instancetypes.instancetype(a_raw("VirtualMachineInstancetype", "own", spec=spec))
    assert found == InstancetypeRecord(
        "own",
        4,
        4 * GI,
        dedicated=True,
        isolated=True,
        overcommit=50,
        page_size="2Mi",
        io_threads=2,
        max_sockets=8,
        devices=(("nvidia.com/A100", 2),),
        namespaced=True,
        sets=frozenset({"cpu.dedicatedCPUPlacement", "cpu.isolateEmulatorThread", "gpus", "nodeSelector"}),
    )


def test_a_preference_is_what_it_requires_and_what_it_makes_of_the_hardware() -> None:
    spec = {
        "requirements": {"cpu": {"guest": 2}, "memory": {"guest": "1.5Gi"}, "architecture": "amd64"},
        "preferredArchitecture": "amd64",
        "cpu": {"preferredCPUTopology": "preferSpread", "spreadOptions": {"across": "CoresThreads", "ratio": 4}},
        "devices": {
            "preferredVideoType": "virtio",
            "preferredAutoattachGraphicsDevice": True,
            "preferredTPM": {"persistent": True},
            "preferredDiskBus": "sata",
            "preferredCdromBus": "scsi",
        },
        "firmware": {"preferredEfi": {}},
        "features": {"preferredSmm": {}},
        "annotations": {"hooks.kubevirt.io/hookSidecars": "[]"},
    }
    found = instancetypes.preference(a_cluster_raw("VirtualMachineClusterPreference", "windows", spec=spec))
    assert found == PreferenceRecord(
        "windows",
        2,
        1536 << 20,
        architecture="amd64",
        preferred_architecture="amd64",
        topology="spread",
        across="CoresThreads",
        ratio=4,
        video="virtio",
        graphics=True,
        tpm=True,
        disk_bus="sata",
        cdrom_bus="scsi",
        secure_boot=True,
        smm=True,
        sets=frozenset({"annotations"}),
    )


@pytest.mark.parametrize(
    ("firmware", "secure"),
    [
        ({}, False),
        ({"preferredEfi": {}}, True),
        ({"preferredEfi": {"secureBoot": False}}, False),
        ({"preferredUseEfi": True}, True),
        ({"preferredUseEfi": True, "preferredUseSecureBoot": False}, False),
        ({"preferredUseBios": True, "preferredEfi": {}}, False),
    ],
)
def test_uefi_is_secure_unless_a_preference_says_else(firmware: dict[str, Any], secure: bool) -> None:
    raw = a_cluster_raw("VirtualMachineClusterPreference", "p", spec={"firmware": firmware})
    assert instancetypes.preference(raw).secure_boot is secure


def test_the_rest_is_projected_to_what_is_needed() -> None:
    size = {"cpu": {"guest": 2, "dedicatedCPUPlacement": True}, "memory": {"guest": "4Gi"}}
    found = instancetypes.instancetype(a_cluster_raw("VirtualMachineClusterInstancetype", "u1", spec=size))
    assert (found.cpus, found.memory, found.dedicated) == (2, 4 * GI, True)
    claim = storage.claim(
        a_raw(
            "PersistentVolumeClaim",
            spec={"accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "volumeMode": "Block"},
            status={"phase": "Bound", "capacity": {"storage": "1Gi"}},
        )
    )
    assert (claim.access_modes, claim.block, claim.bound) == (("ReadOnlyMany", "ReadWriteOnce"), True, True)
    space = parse.namespace(a_cluster_raw("Namespace", "shop", metadata={"labels": {"b": "2", "a": "1"}}))
    assert (space.labels, space.terminating) == ((("a", "1"), ("b", "2")), False)


def test_versions_that_are_not_plain_numbers_never_compare() -> None:
    assert parse.is_newer("10", "9")
    assert not parse.is_newer("9", "10")
    assert not parse.is_newer("10", "10")
    assert not parse.is_newer("b", "a")
    assert not parse.is_newer("10", "a")
