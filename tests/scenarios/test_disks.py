"""Disks of a machine that runs: another one of a name is told, none is lost, and they grow as far as they may."""

import pytest

from scenarios import specs
from scenarios.acting import plays
from scenarios.kinds import CLAIM, DATA_VOLUME, STORAGE_CLASS, TENANT, VM, VMI, WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space

pytestmark = pytest.mark.ground

BLANK: Json = {"name": "data", "blank": {"storage": "1Gi"}}
COPY: Json = {"name": "data", "pvc": {"name": "old", "storage": "1Gi"}}


def machine(*disks: Json) -> Json:
    """Return a machine with further disks."""
    spec = specs.machine()
    return spec | {"machine": spec["machine"] | {"disks": list(disks)}}


def volumes(space: Space, name: str) -> set[str]:
    """Return the names of the disks of a machine as it is asked for."""
    return {each["name"] for each in space.get(VM, name)["spec"]["template"]["spec"]["volumes"]}


def test_a_disk_that_comes_back_with_another_source_is_told_and_holds_what_it_held(space: Space) -> None:
    """The API refuses to change a source, but not to take a disk away and to add one of its name."""
    space.put(CLAIM, "old", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.workload("db", machine(BLANK))
    space.ready("db")
    kept, guest = space.get(DATA_VOLUME, "db-data"), space.get(VMI, "db")["metadata"]["uid"]
    space.workload("db", machine())
    space.until(VM, "db", lambda found: "data" not in str(found["spec"]["template"]["spec"]["volumes"]))
    space.workload("db", machine(COPY))
    says = "DataVolume db-data was made from blank and is kept, and the spec makes it from pvc old"
    space.expect("db", "Stalled", "True", "Misconfigured", says=says)
    space.quiet()
    assert "data" not in volumes(space, "db")
    assert space.get(DATA_VOLUME, "db-data")["spec"] == kept["spec"]
    assert space.get(VMI, "db")["metadata"]["uid"] == guest
    space.delete(DATA_VOLUME, "db-data")
    space.until(VM, "db", lambda found: "db-data" in str(found["spec"]["template"]["spec"]["volumes"]))
    copied = {"pvc": {"namespace": space.name, "name": "old"}}
    space.until(DATA_VOLUME, "db-data", lambda found: found["spec"]["source"] == copied)
    space.expect("db", "Stalled", "False")


def test_a_workload_that_comes_back_takes_its_disk_up_by_the_same_source_only(space: Space) -> None:
    space.put(CLAIM, "old", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.workload("db", machine(BLANK))
    space.ready("db")
    claim = space.get(CLAIM, "db-data")["metadata"]["uid"]
    for disk, fits in ((COPY, False), (BLANK, True)):
        space.delete(WORKLOAD, "db")
        space.gone(VM, "db")
        space.workload("db", machine(disk))
        if fits:
            space.ready("db")
        else:
            space.expect("db", "Placed", "False", "Misconfigured")
            assert space.get(VM, "db") == {}
        assert space.get(CLAIM, "db-data")["metadata"]["uid"] == claim


def seen(space: Space, claim: str) -> None:
    """Wait until the operator has seen a claim: a Workload that mounts it has a place from then on, and goes again."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    spec = specs.container(volumes=volumes, replicas=0)
    spec["container"] = spec["container"] | {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    space.workload("sees", spec)
    space.expect("sees", "Placed", "True")
    space.delete(WORKLOAD, "sees")
    space.gone(WORKLOAD, "sees")


def test_a_claim_of_others_is_told_before_anything_is_made(space: Space) -> None:
    space.put(CLAIM, "db-data", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    seen(space, "db-data")
    space.workload("db", machine(BLANK))
    says = "PersistentVolumeClaim db-data was not made for this disk: give the disk"
    space.expect("db", "Placed", "False", "Misconfigured", says=says)
    assert (space.get(VM, "db"), space.get(DATA_VOLUME, "db-data")) == ({}, {})
    space.delete(CLAIM, "db-data")
    space.ready("db")


def test_a_storage_class_that_is_missing_is_waited_for_before_anything_is_made(space: Space) -> None:
    stored = {"name": "data", "blank": {"storage": "1Gi", "storageClassName": f"{space.name}-fast"}}
    space.workload("db", machine(stored))
    says = f"StorageClass {space.name}-fast of a disk does not exist: create it, or name another"
    space.expect("db", "Placed", "False", "VolumeMissing", says=says)
    assert (space.get(VM, "db"), space.get(DATA_VOLUME, "db-data")) == ({}, {})
    provisioner = "ground.berth.dev/volume"
    space.put_body(STORAGE_CLASS, {"metadata": {"name": f"{space.name}-fast"}, "provisioner": provisioner})
    space.ready("db")
    space.delete(STORAGE_CLASS, f"{space.name}-fast")


def blank(size: str, **more: str) -> Json:
    """Return a further disk of a size."""
    return {"name": "data", "blank": {"storage": size, **more}}


def shown(vmi: Json) -> Json:
    """Return what an instance shows of the claim of its further disk."""
    told = next(each for each in vmi["status"]["volumeStatus"] if each["name"] == "data")
    found: Json = told["persistentVolumeClaimInfo"]
    return found


@plays("grow a disk")
def test_a_disk_grows_while_its_machine_runs_as_far_as_the_quota_lets_it(space: Space) -> None:
    """CDI's DataVolume stays what it was made with: its claim is let to grow, and the guest sees the larger disk."""
    space.enact(TENANT, space.name, {**space.selector, "quota": {"storage": "4Gi"}})
    space.workload("db", machine(blank("1Gi")))
    guest = space.ready("db") and space.get(VMI, "db")["metadata"]["uid"]
    space.workload("db", machine(blank("5Gi")))
    says = f"needs 5Gi storage, but Tenant {space.name} may have 4Gi"
    space.expect("db", "Stalled", "True", "ExceedsQuota", says=says)
    space.quiet()
    assert space.get(CLAIM, "db-data")["spec"]["resources"]["requests"] == {"storage": "1Gi"}
    space.workload("db", machine(blank("3Gi")))
    vmi = space.until(VMI, "db", lambda found: shown(found)["capacity"] == {"storage": "3Gi"})
    assert (shown(vmi)["requests"], vmi["metadata"]["uid"]) == ({"storage": "3Gi"}, guest)
    assert space.get(DATA_VOLUME, "db-data")["spec"]["storage"]["resources"]["requests"] == {"storage": "1Gi"}
    space.expect("db", "Ready", "True", "Running")
    used = {"resource": "storage", "used": "3Gi", "requested": "3Gi", "overhead": "0", "reserved": "0", "limit": "4Gi"}
    space.until(TENANT, space.name, lambda found: used in found["status"]["usage"])
    space.workload("db", machine(blank("2Gi")))
    says = "disk db-data has 3Gi and does not shrink to 2Gi: set its storage to 3Gi or more"
    space.expect("db", "Stalled", "True", "Misconfigured", says=says)
    space.workload("db", machine(blank("3Gi")))
    space.expect("db", "Stalled", "False")


def test_growth_that_a_storage_driver_owes_is_told_while_the_guest_serves(space: Space) -> None:
    space.workload("db", machine(blank("1Gi")))
    space.ready("db")
    space.merge(CLAIM, "db-data", {"metadata": {"annotations": {"ground.berth.dev/fail": "NoRoom"}}})
    space.workload("db", machine(blank("2Gi")))
    says = "disk db-data grows to 2Gi: StorageClass ground has yet to give its claim 2Gi"
    space.expect("db", "Ready", "True", "LiveUpdating", says=(says, "the pool has no room"))
    space.merge(CLAIM, "db-data", {"metadata": {"annotations": {"ground.berth.dev/fail": None}}})
    space.expect("db", "Ready", "True", "Running")


def test_a_disk_of_a_class_that_lets_no_claim_grow_is_told_with_the_fix(space: Space) -> None:
    fixed = f"{space.name}-fixed"
    space.put_body(STORAGE_CLASS, {"metadata": {"name": fixed}, "provisioner": "ground.berth.dev/volume"})
    space.workload("db", machine(blank("1Gi", storageClassName=fixed)))
    space.ready("db")
    space.workload("db", machine(blank("2Gi", storageClassName=fixed)))
    says = f"disk db-data has 1Gi and cannot grow to 2Gi, for StorageClass {fixed} does not let claims grow"
    space.expect("db", "Stalled", "True", "Misconfigured", says=says)
    space.merge(STORAGE_CLASS, fixed, {"allowVolumeExpansion": True})
    space.until(CLAIM, "db-data", lambda found: found["status"]["capacity"] == {"storage": "2Gi"})
    space.expect("db", "Ready", "True", "Running")
