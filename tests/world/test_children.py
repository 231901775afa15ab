"""Children, pods and machines, from raw objects: what they say becomes a reason of ours."""

from typing import Any

import pytest

from berth.api.meta import DISK_LABEL, WORKLOAD_LABEL
from berth.api.reasons import Reason
from berth.world import children
from berth.world.packed import unpack
from berth.world.records import Problem
from world.raws import BORN_SECONDS, OURS, Raw, a_raw, condition, conditions, waiting

QUOTA = 'pods "web-7d9c4-abcde" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=9, limited: cpu=10'
OWNER = {"ownerReferences": [{"uid": "other"}, {"uid": "mine", "controller": True}]}


def problem_of(kind: str, status: Raw) -> Problem | None:
    """Return what stands in the way of a child with this status."""
    return children.child(a_raw(kind, status=status)).problem


def trouble_of(status: Raw, **parts: Any) -> Problem | None:
    """Return the first thing that is wrong with a pod of this status."""
    found = children.pod(a_raw("Pod", status=status, **parts)).troubles
    return found[0].problem if found else None


def reason_of(problem: Problem | None) -> str | None:
    """Return its reason."""
    return problem.reason if problem else None


def test_a_child_is_known_by_its_controller_and_labels() -> None:
    record = children.child(a_raw("Deployment", metadata=OWNER))
    assert (record.owner_uid, record.workload, record.class_name) == ("mine", "web", "runc")
    assert record.created == BORN_SECONDS


def test_a_child_without_a_controller_has_no_owner() -> None:
    assert children.child(a_raw("Service", metadata={"ownerReferences": [{"uid": "other"}]})).owner_uid == ""


@pytest.mark.parametrize("label", [DISK_LABEL, WORKLOAD_LABEL], ids=["its own", "that of former versions"])
def test_a_disk_is_known_by_its_label(label: str) -> None:
    assert children.child(a_raw("DataVolume", metadata={"labels": {label: "web"}})).workload == "web"


@pytest.mark.parametrize(
    ("kind", "status", "counts"),
    [
        ("Deployment", {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1}, (3, 2, 1)),
        ("VirtualMachinePool", {"replicas": 3, "readyReplicas": 2}, (3, 2, 0)),
        ("VirtualMachine", {"created": True, "ready": True}, (1, 1, 0)),
        ("VirtualMachine", {"created": True}, (1, 0, 0)),
        ("Job", {"active": 2, "ready": 1, "succeeded": 3, "failed": 4}, (5, 4, 0)),
        ("Service", {}, (0, 0, 0)),
    ],
)
def test_replicas_are_counted_by_kind(kind: str, status: Raw, counts: tuple[int, int, int]) -> None:
    record = children.child(a_raw(kind, status=status))
    assert (record.replicas, record.ready, record.updated) == counts


def test_what_is_kept_of_a_child_can_be_compared_again() -> None:
    raw = a_raw(
        "Deployment", spec={"replicas": 2}, status={"replicas": 2}, metadata=OWNER | {"annotations": {"a": "b"}}
    )
    kept = unpack(children.child(raw).content)
    assert kept["spec"] == {"replicas": 2}
    assert kept["metadata"] == {name: raw["metadata"][name] for name in ("labels", "annotations", "ownerReferences")}


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("Deployment", conditions(condition("ReplicaFailure", message=QUOTA)), Reason.WAITING_FOR_QUOTA),
        ("Deployment", conditions(condition("ReplicaFailure", message="denied by policy")), Reason.CHILD_REJECTED),
        ("Deployment", conditions(condition("ReplicaFailure", "False")), None),
        (
            "Deployment",
            conditions(condition("Progressing", "False", "ProgressDeadlineExceeded")),
            Reason.BACKEND_FAILED,
        ),
        ("Deployment", conditions(condition("Progressing"), condition("Available", "False")), None),
        ("VirtualMachinePool", conditions(condition("ReplicaFailure", "True", "FailedUpdate")), Reason.RETRYING),
        ("DataVolume", {"phase": "Failed"}, Reason.VOLUME_MISSING),
        ("DataVolume", {"phase": "ImportInProgress"}, Reason.PROVISIONING),
        ("DataVolume", {"phase": "Succeeded"}, None),
        ("Job", conditions(condition("Suspended")), None),
        ("Service", conditions(condition("Failure")), None),
    ],
)
def test_what_stands_in_the_way_of_a_child(kind: str, status: Raw, reason: Reason | None) -> None:
    found = children.child(a_raw(kind, status=status))
    assert reason_of(found.problem or found.failed) == reason
    assert found.complete is False


def test_a_job_ends_well_or_in_failure() -> None:
    done = children.child(a_raw("Job", status=conditions(condition("Complete"), succeeded=1)))
    failed = children.child(a_raw("Job", status=conditions(condition("Failed", reason="DeadlineExceeded"))))
    assert (done.complete, done.failed) == (True, None)
    assert (failed.complete, reason_of(failed.failed)) == (False, Reason.TASK_FAILED)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (conditions(condition("Failure", reason="FailedFindInstancetype")), Reason.RETRYING),
        (conditions(condition("Failure", reason="SomethingNew")), Reason.BACKEND_FAILED),
        (conditions(condition("Synchronized", "False", "FailedPvcNotFound")), Reason.VOLUME_MISSING),
        (conditions(condition("Synchronized", "False", "FailedBackendStorageCreate")), Reason.VOLUME_MISSING),
        (conditions(condition("Synchronized", "False", "FailedCreate", QUOTA)), Reason.WAITING_FOR_QUOTA),
        (conditions(condition("Synchronized", "False", "FailedCreate", "x is forbidden")), Reason.CHILD_REJECTED),
        (conditions(condition("PodScheduled", "False", "Unschedulable")), Reason.UNSCHEDULABLE),
        (conditions(condition("Failure", "False"), condition("Synchronized")), None),
    ],
)
def test_a_machine_says_by_its_conditions_what_is_wrong(status: Raw, reason: Reason | None) -> None:
    assert reason_of(problem_of("VirtualMachine", status)) == reason
    assert reason_of(children.machine(a_raw("VirtualMachineInstance", status=status)).problem) == reason


@pytest.mark.parametrize(
    ("printable", "reason"),
    [
        ("CrashLoopBackOff", Reason.CRASH_LOOPING),
        ("ErrorPvcNotFound", Reason.VOLUME_MISSING),
        ("DataVolumeError", Reason.VOLUME_MISSING),
        ("ErrorUnschedulable", Reason.UNSCHEDULABLE),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED),
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED),
        *((name, None) for name in ("Starting", "Running", "Stopped", "Provisioning", "Migrating", "Unknown")),
    ],
)
def test_a_machine_without_telling_conditions_is_read_by_its_printable_status(
    printable: str, reason: Reason | None
) -> None:
    assert reason_of(problem_of("VirtualMachine", {"printableStatus": printable})) == reason


@pytest.mark.parametrize("printable", ["Starting", "Stopped", "CrashLoopBackOff", "ErrorPvcNotFound"])
def test_conditions_of_a_machine_come_before_its_printable_status(printable: str) -> None:
    status = conditions(condition("Synchronized", "False", "FailedCreate", QUOTA), printableStatus=printable)
    assert reason_of(problem_of("VirtualMachine", status)) == Reason.WAITING_FOR_QUOTA


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (waiting("ImagePullBackOff"), Reason.IMAGE_PULL_FAILED),
        (waiting("InvalidImageName"), Reason.IMAGE_PULL_FAILED),
        (waiting("CrashLoopBackOff"), Reason.CRASH_LOOPING),
        (waiting("CreateContainerConfigError", 'secret "db" not found'), Reason.CONFIG_MISSING),
        (waiting("ContainerCreating"), None),
        (waiting("PodInitializing"), None),
        (conditions(condition("PodScheduled", "False", "Unschedulable")), Reason.UNSCHEDULABLE),
        ({}, None),
    ],
)
def test_what_stands_in_the_way_of_a_pod(status: Raw, reason: Reason | None) -> None:
    assert reason_of(trouble_of(status)) == reason


def test_a_pod_whose_init_container_waits_says_so_first() -> None:
    init = waiting("ErrImagePull")["containerStatuses"]
    status = waiting("CrashLoopBackOff") | {"initContainerStatuses": init}
    assert reason_of(trouble_of(status)) == Reason.IMAGE_PULL_FAILED


def test_a_crash_names_the_container_and_its_exit_code() -> None:
    status = waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 3, "reason": "Error"}})
    found = trouble_of(status)
    assert found is not None
    assert found.message.startswith("container main: ended with exit code 3 (Error); ")


def test_a_pod_is_read_for_its_isolation_and_its_times() -> None:
    at = {"lastTransitionTime": "1970-01-01T00:00:09Z"}
    status = conditions(condition("PodScheduled", **at), condition("Ready", "False", **at), phase="Running")
    spec = {"runtimeClassName": "kata", "nodeName": "n1", "overhead": {"memory": "1Mi"}}
    labels = OURS | {"pod-template-hash": "6d98db76f8"}
    pod = children.pod(a_raw("Pod", metadata={"labels": labels}, spec=spec, status=status))
    assert (pod.runtime_class, pod.node, pod.overhead_memory) == ("kata", "n1", 1 << 20)
    assert pod.revision == "6d98db76f8"
    assert (pod.running, pod.ready, pod.steps) == (True, False, (("Scheduled", 9.0),))


def a_status(state: Raw, last: Raw | None = None, count: int = 0, *, field: str = "containerStatuses") -> Raw:
    """Return the status of a pod with one container."""
    return {field: [{"name": "main", "state": state, "lastState": last or {}, "restartCount": count}]}


NOW_RUNS: Raw = {"running": {"startedAt": "2026-11-29T21:00:00Z"}}
HAS_ENDED: Raw = {"terminated": {"exitCode": 3, "startedAt": "2026-11-29T21:00:00Z"}}
NEVER_BEGAN: Raw = {"terminated": {"exitCode": 128, "reason": "StartError", "startedAt": "1970-01-01T00:00:00Z"}}
WAITS: Raw = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("status", "has_run", "has_restarted"),
    [
        ({}, False, False),
        (a_status({"waiting": {"reason": "ContainerCreating"}}), False, False),
        (a_status(NOW_RUNS), True, False),
        (a_status(HAS_ENDED), True, False),
        (a_status(WAITS, HAS_ENDED, 1), True, True),
        (a_status(NEVER_BEGAN), False, False),
        (a_status(WAITS, NEVER_BEGAN, 4), False, True),
        (a_status(HAS_ENDED, count=2, field="initContainerStatuses"), True, False),
    ],
)
def test_what_never_began_has_not_run_however_often_it_was_tried(
    status: Raw, *, has_run: bool, has_restarted: bool
) -> None:
    pod = children.pod(a_raw("Pod", status=status))
    assert (pod.has_run, pod.has_restarted) == (has_run, has_restarted)


def test_a_sidecar_that_began_anew_kept_its_pod_from_serving() -> None:
    status = a_status(NOW_RUNS, HAS_ENDED, 1, field="initContainerStatuses")
    spec: Raw = {"initContainers": [{"name": "main", "restartPolicy": "Always"}]}
    assert children.pod(a_raw("Pod", spec=spec, status=status)).has_restarted


def test_the_steps_of_a_pod_stand_in_the_order_in_which_it_reached_them() -> None:
    times = {"PodReadyToStartContainers": 5, "Initialized": 2, "PodScheduled": 2, "Ready": 7, "ContainersReady": 7}
    reached = [condition(kind, lastTransitionTime=f"1970-01-01T00:00:0{when}Z") for kind, when in times.items()]
    assert children.pod(a_raw("Pod", status=conditions(*reached))).steps == (
        ("Scheduled", 2.0),
        ("Initialized", 2.0),
        ("ReadyToStartContainers", 5.0),
        ("ContainersReady", 7.0),
        ("Ready", 7.0),
    )


@pytest.mark.parametrize(("phase", "finished"), [("Succeeded", True), ("Failed", True), ("Running", False)])
def test_a_pod_ends(phase: str, *, finished: bool) -> None:
    assert children.pod(a_raw("Pod", status={"phase": phase})).finished is finished


def test_the_pod_of_a_machine_is_its_launcher() -> None:
    assert children.pod(a_raw("Pod", metadata={"labels": {"kubevirt.io": "virt-launcher"}})).launcher


@pytest.mark.parametrize(("pod", "guest", "ready"), [(5, 9, 9.0), (9, 5, 9.0)])
def test_a_machine_is_ready_at_the_later_of_the_pod_and_the_guest(pod: int, guest: int, ready: float) -> None:
    phases = [{"phase": "Running", "phaseTransitionTimestamp": f"1970-01-01T00:00:0{guest}Z"}]
    seen = condition("Ready", lastTransitionTime=f"1970-01-01T00:00:0{pod}Z")
    status = conditions(seen, phase="Running", phaseTransitionTimestamps=phases)
    machine = children.machine(a_raw("VirtualMachineInstance", status=status))
    assert (machine.ready, machine.ready_at, machine.phases) == (True, ready, (("Running", float(guest)),))


def test_a_machine_that_is_not_ready_has_no_time() -> None:
    machine = children.machine(a_raw("VirtualMachineInstance", status=conditions(condition("Ready", "False"))))
    assert (machine.ready, machine.ready_at, machine.emulated) == (False, 0.0, False)


def test_software_emulation_is_seen() -> None:
    status = conditions(condition("SoftwareEmulation"))
    assert children.machine(a_raw("VirtualMachineInstance", status=status)).emulated


@pytest.mark.parametrize(("spec", "told"), [({}, True), ({"hostUsers": True}, True), ({"hostUsers": False}, False)])
def test_a_pod_has_users_of_its_own_only_where_its_spec_says_so(spec: Raw, told: bool) -> None:
    assert children.pod(a_raw("Pod", spec=spec)).host_users is told
