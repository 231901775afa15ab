"""A Workload tells what its machine does: changes that are live or wait, pauses, moves, and disks that are not filled."""

import pytest

from scenarios import specs
from scenarios.acting import plays
from scenarios.kinds import CLAIM, CLASS, DATA_SOURCE, DATA_VOLUME, MIGRATION, POOL, TENANT, VM, VMI, WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

FAIL = "ground.berth.dev/fail"
VM_CLASS: Json = {"level": "Virtualized", "virtualMachine": {}}


def sized(cpu: str, memory: str) -> Json:
    """Return a machine of a size."""
    return specs.machine(resources={"requests": {"cpu": cpu, "memory": memory}})


def graphics() -> Json:
    """Return a machine with a screen."""
    spec = specs.machine()
    return spec | {"machine": spec["machine"] | {"graphics": True}}


def cloned() -> Json:
    """Return a machine whose boot disk is cloned."""
    spec = specs.machine()
    return spec | {"machine": spec["machine"] | {"bootDisk": {"dataSource": {"name": "golden", "storage": "1Gi"}}}}


@pytest.mark.parametrize("replicas", [1, 2], ids=["machine", "pool"])
def test_a_toleration_of_its_class_leaves_a_machine_ready(space: Space, replicas: int) -> None:
    name = space.isolation_class("own", VM_CLASS)
    space.workload("erp", specs.pinned(name, specs.machine(replicas=replicas)))
    space.ready("erp")
    space.put(CLASS, name, {"preference": -1000, **VM_CLASS, "nodes": {"tolerations": [{"key": "k"}]}})
    kind = VM if replicas == 1 else POOL
    space.until(kind, "erp", lambda found: "'key': 'k'" in str(found["spec"]))
    space.expect("erp", "Ready", "True", "Running")
    space.expect("erp", "Reconciling", "False")


def test_processors_and_memory_that_are_added_reach_a_guest_that_serves(space: Space) -> None:
    space.workload("erp", sized("1", "1Gi"))
    uid = _running(space, "erp")
    space.workload("erp", sized("2", "2Gi"))
    space.expect("erp", "Ready", "True", "LiveUpdating")
    both = "HotVCPUChange, HotMemoryChange: "
    space.until(WORKLOAD, "erp", lambda found: condition(found, "Ready")["message"].startswith(both))
    space.put_body(MIGRATION, {"metadata": {"name": "grow"}, "spec": {"vmiName": "erp"}})
    space.expect("erp", "Ready", "True", "Running")
    space.expect("erp", "Reconciling", "False")
    found = space.until(WORKLOAD, "erp", lambda found: "running" not in found["status"]["cost"])
    assert found["status"]["cost"]["requested"] == {"cpu": "200m", "memory": "2Gi"}
    assert space.get(VMI, "erp")["metadata"]["uid"] == uid


def test_a_change_that_waits_for_a_restart_is_told_and_comes_with_replicas_0_and_back(space: Space) -> None:
    space.workload("erp", specs.machine())
    uid = _running(space, "erp")
    space.workload("erp", graphics())
    why = "a non-live-updatable field was changed in the template spec"
    fix = f"kubectl scale workloads.berth.dev -n {space.name} erp --replicas=0"
    found = space.expect("erp", "Ready", "True", "RestartRequired", says=(why, fix))
    assert (found["status"]["reason"], condition(found, "Stalled")["status"]) == ("RestartRequired", "False")
    space.quiet()
    space.silence(2.0)
    assert [event["reason"] for event in space.events("erp")] == ["RestartRequired"]
    assert space.get(VMI, "erp")["metadata"]["uid"] == uid
    space.scale("erp", 0)
    space.expect("erp", "Ready", "True", "ScaledToZero")
    space.scale("erp", 1)
    space.expect("erp", "Ready", "True", "Running")
    assert space.get(VMI, "erp")["spec"]["domain"]["devices"]["autoattachGraphicsDevice"]


def test_a_change_that_waits_is_taken_back_and_nothing_waits_any_more(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.workload("erp", graphics())
    space.expect("erp", "Ready", "True", "RestartRequired")
    space.workload("erp", specs.machine())
    space.expect("erp", "Ready", "True", "Running")


def test_a_guest_that_is_to_shrink_counts_with_its_own_size_until_it_is_restarted(space: Space) -> None:
    space.enact(TENANT, space.name, {**space.selector, "quota": {"memory": "8Gi"}})
    space.workload("erp", sized("1", "4Gi"))
    space.ready("erp")
    space.workload("erp", sized("1", "1Gi"))
    space.expect("erp", "Ready", "True", "RestartRequired")
    found = space.until(WORKLOAD, "erp", lambda found: "running" in found["status"]["cost"])
    cost = found["status"]["cost"]
    assert (cost["requested"]["memory"], cost["running"]["memory"]) == ("1Gi", "4Gi")
    space.workload("late", sized("1", "5Gi"))
    space.expect("late", "Ready", "False", "WaitingForQuota")
    space.scale("erp", 0)
    space.expect("erp", "Ready", "True", "ScaledToZero")
    space.scale("erp", 1)
    space.ready("late")
    space.expect("erp", "Ready", "True", "Running")
    space.until(WORKLOAD, "erp", lambda found: "running" not in found["status"]["cost"])


def test_a_paused_machine_is_not_ready_until_it_is_unpaused(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.edit(VMI, "erp", lambda found: found["status"]["conditions"].append(PAUSED))
    found = space.expect("erp", "Ready", "False", "Paused", says=f"virtctl unpause vm erp -n {space.name}")
    assert (found["status"]["ready"], condition(found, "Stalled")["status"]) == ("0/1", "False")
    space.edit(VMI, "erp", lambda found: found["status"]["conditions"].remove(PAUSED))
    space.expect("erp", "Ready", "True", "Running")


PAUSED: Json = {
    "type": "Paused",
    "status": "True",
    "reason": "PausedByUser",
    "message": "VMI was paused by user",
    "lastProbeTime": "2026-03-01T10:00:00Z",
    "lastTransitionTime": "2026-03-01T10:00:00Z",
}


def test_a_disk_tells_that_it_is_filled_what_it_fails_at_and_nothing_once_it_is_there(space: Space) -> None:
    space.put(DATA_SOURCE, "golden", {"source": {"pvc": {"namespace": space.name, "name": "golden"}}})
    space.workload("erp", cloned())
    space.until(VMI, "erp", lambda found: "FailedPvcNotFound" in str(found.get("status")))
    space.quiet()
    says = "disk root is being filled: Pending"
    found = space.expect("erp", "Ready", "False", "Provisioning", says=says)
    assert condition(found, "Ready")["message"] == says
    space.merge(DATA_VOLUME, "erp-root", {"metadata": {"annotations": {FAIL: "Error"}}})
    space.put(CLAIM, "golden", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    text = "disk root cannot be filled: Error: Unable to process data: 404 Not Found"
    found = space.expect("erp", "Ready", "False", "VolumeMissing", says=text)
    assert (found["status"]["reason"], condition(found, "Stalled")["status"]) == ("VolumeMissing", "False")
    space.merge(DATA_VOLUME, "erp-root", {"metadata": {"annotations": {FAIL: None}}})
    space.expect("erp", "Ready", "True", "Running")


@plays("drain")
def test_a_machine_that_is_to_leave_a_node_that_is_drained_tells_so_until_it_has_moved(space: Space) -> None:
    space.workload("erp", specs.machine())
    uid = _running(space, "erp")
    node = space.get(VMI, "erp")["status"]["nodeName"]
    space.merge(VMI, "erp", {"status": {"evacuationNodeName": node}})  # as KubeVirt does with an eviction
    says = f"node {node} is being drained, and no live migration has begun"
    found = space.expect("erp", "Ready", "True", "Migrating", says=says)
    assert condition(found, "Ready")["message"].startswith(says)
    space.put_body(MIGRATION, {"metadata": {"name": "away"}, "spec": {"vmiName": "erp"}})
    space.until(VMI, "erp", lambda seen: seen["status"]["nodeName"] != node)
    space.merge(VMI, "erp", {"status": {"evacuationNodeName": None}})
    space.expect("erp", "Ready", "True", "Running")
    assert space.get(VMI, "erp")["metadata"]["uid"] == uid


def _running(space: Space, name: str) -> str:
    """Wait until a machine serves, and return the UID of its instance."""
    space.ready(name)
    uid: str = space.get(VMI, name)["metadata"]["uid"]
    return uid
