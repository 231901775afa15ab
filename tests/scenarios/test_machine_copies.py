"""Snapshots, restores, clones, exports and backups of a machine: none of them joins its Workload (docs/machines.md)."""

import pytest

from admission.world import serve
from ground.api import ApiError, eventually
from ground.kubevirt_sim import HOLD
from ground.kubevirt_sim.kinds import COPIERS
from scenarios import specs
from scenarios.acting import AUTHOR, VIRT_HANDLER, company, create, grant, patch, plays, refusal, untouched
from scenarios.kinds import BACKUP, CLAIM, CLONE, EXPORT, POD, RESTORE, SERVICE, SNAPSHOT, VM, VMI, Kind
from scenarios.objects import SECONDS, Json
from scenarios.process import Operator
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

ERP = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "erp"}
OTHERS = ["*", "!berth.dev/*"]
FILTERS: Json = {"labelFilters": OTHERS, "annotationFilters": OTHERS, "template": {"labelFilters": OTHERS}}
HELD = {"annotations": {HOLD: ""}}
GO_ON = {"metadata": {"annotations": {HOLD: None}}}
CLAIMED = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture(scope="module")
def machines(shared: Operator, shared_space: Space) -> Space:
    """A machine on a disk that is kept, and a pool."""
    for kind in COPIERS:
        serve(shared.cluster, kind)
    grant(shared.cluster)
    for name in ("root", "spare"):
        shared_space.put(CLAIM, name, CLAIMED)
    kept = {"persistentVolumeClaim": {"claimName": "root"}}
    shared_space.workload("erp", specs.machine(machine=specs.machine()["machine"] | {"bootDisk": kept}))
    shared_space.workload("herd", specs.machine(replicas=2))
    for name in ("erp", "herd"):
        shared_space.ready(name)
    return shared_space


def phase(space: Space, kind: Kind, name: str, wanted: str) -> Json:
    """Wait until an object is in a phase, and return it."""
    return space.until(kind, name, lambda found: found.get("status", {}).get("phase") == wanted)


def snapshot(space: Space, name: str) -> None:
    """Take a snapshot of erp as its author, and wait until it is taken."""
    create(space, AUTHOR, SNAPSHOT, name, {"spec": {"source": ERP}})
    phase(space, SNAPSHOT, name, "Succeeded")


@plays("snapshot")
def test_a_snapshot_locks_the_machine_and_lets_it_go_and_the_workload_says_nothing(machines: Space) -> None:
    with untouched(machines, "erp"):
        create(machines, AUTHOR, SNAPSHOT, "nightly", {"metadata": HELD, "spec": {"source": ERP}})
        lock = "snapshot.kubevirt.io/vmsnapshot-source-protection"
        found = machines.until(VM, "erp", lambda vm: lock in vm["metadata"]["finalizers"])
        assert found["status"]["snapshotInProgress"] == "nightly"
        machines.merge(SNAPSHOT, "nightly", GO_ON)
        phase(machines, SNAPSHOT, "nightly", "Succeeded")
    found = machines.get(VM, "erp")
    assert lock not in found["metadata"]["finalizers"]
    assert "snapshotInProgress" not in found["status"]


@plays("restore")
@pytest.mark.parametrize("target", ["erp", "herd-1"])
def test_a_restore_into_a_machine_of_a_workload_is_refused(machines: Space, target: str) -> None:
    spec = {"target": {**ERP, "name": target}, "virtualMachineSnapshotName": "nightly"}
    with pytest.raises(ApiError) as error:
        create(machines, AUTHOR, RESTORE, f"into-{target}", {"spec": spec})
    assert "would restore into a machine of Workload" in refusal(error.value)
    assert "Make a PersistentVolumeClaim from the VolumeSnapshot" in refusal(error.value)


@plays("restore into a new machine")
def test_a_restore_into_a_new_machine_tells_that_its_labels_would_take_it_into_the_workload(machines: Space) -> None:
    snapshot(machines, "before")
    with untouched(machines, "erp"):
        spec = {"target": {**ERP, "name": "back"}, "virtualMachineSnapshotName": "before"}
        create(machines, AUTHOR, RESTORE, "back", {"spec": spec})
        words = "its labels would take it into the Service and the NetworkPolicy"
        machines.until(RESTORE, "back", lambda found: words in condition(found, "Ready")["reason"])
    assert machines.get(VM, "back") == {}
    machines.delete(RESTORE, "back")


@plays("clone")
def test_a_clone_with_the_labels_of_a_workload_is_refused(machines: Space) -> None:
    with pytest.raises(ApiError) as error:
        create(machines, AUTHOR, CLONE, "copy", {"spec": {"source": ERP}})
    assert "would copy the labels of Workload erp" in refusal(error.value)


@plays("clone without labels", "clone a snapshot")
@pytest.mark.parametrize("source", ["erp", "golden"])
def test_a_clone_without_them_runs_beside_the_workload(machines: Space, source: str) -> None:
    if source == "golden":
        snapshot(machines, source)
    of = ERP if source == "erp" else {"apiGroup": "snapshot.kubevirt.io", "kind": SNAPSHOT.name, "name": source}
    twin = f"twin-of-{source}"
    with untouched(machines, "erp"):
        spec = {"source": of, "target": {**ERP, "name": twin}, **FILTERS}
        create(machines, AUTHOR, CLONE, twin, {"spec": spec})
        phase(machines, CLONE, twin, "Succeeded")
        found = machines.get(VM, twin)
        assert not [
            key for key in (*found["metadata"]["labels"], *found["metadata"]["annotations"]) if "berth.dev" in key
        ]
        machines.merge(VM, twin, {"spec": {"runStrategy": "Always"}})
        phase(machines, VMI, twin, "Running")
    machines.delete(VM, twin)


@plays("backup")
def test_a_backup_plugs_its_claim_in_and_out_and_the_workload_says_nothing(machines: Space) -> None:
    enabled = {"status": {"changedBlockTracking": {"state": "Enabled"}}}
    patch(machines, VIRT_HANDLER, VMI, "erp", enabled)
    with untouched(machines, "erp"):
        create(machines, AUTHOR, BACKUP, "weekly", {"metadata": HELD, "spec": {"source": ERP, "pvcName": "spare"}})
        machines.until(BACKUP, "weekly", lambda found: condition(found, "Progressing")["reason"] == "Initiated")
        assert machines.get(VMI, "erp")["spec"]["utilityVolumes"][0]["claimName"] == "spare"
        assert machines.get(POD, "hp-volume-weekly")["metadata"]["labels"] == {"kubevirt.io": "hotplug-disk"}
        machines.merge(BACKUP, "weekly", GO_ON)
        machines.until(BACKUP, "weekly", lambda found: condition(found, "Complete")["status"] == "True")
    assert "utilityVolumes" not in machines.get(VMI, "erp")["spec"]


@plays("export")
def test_an_export_waits_until_the_machine_is_stopped_and_is_then_served_beside_the_workload(machines: Space) -> None:
    with untouched(machines, "erp"):
        create(machines, AUTHOR, EXPORT, "out", {"spec": {"source": ERP}})
        found = machines.until(EXPORT, "out", lambda export: condition(export, "Ready")["reason"] == "InUse")
        assert condition(found, "Ready")["message"] == f"Virtual Machine {machines.name}/erp is running"
    machines.scale("erp", 0)
    phase(machines, EXPORT, "out", "Ready")
    machines.expect("erp", "Ready", "True", "ScaledToZero")
    eventually(lambda: company(machines, "erp") == {"VirtualMachine erp"}, SECONDS, "erp has no company")
    assert machines.get(SERVICE, "virt-export-out")["spec"]["selector"] == {"kubevirt.io.virt-export-service": "out"}
    machines.scale("erp", 1)
    machines.expect("erp", "Ready", "True", "Running")
    machines.gone(POD, "virt-export-out")
    machines.delete(EXPORT, "out")


@plays("export with labels")
def test_an_export_with_the_labels_of_a_workload_is_refused_for_its_pod_would_bear_them(machines: Space) -> None:
    labels = {"berth.dev/workload": "erp"}
    with pytest.raises(ApiError) as error:
        create(machines, AUTHOR, EXPORT, "forged", {"metadata": {"labels": labels}, "spec": {"source": ERP}})
    assert "would look like a part of a Workload" in refusal(error.value)
