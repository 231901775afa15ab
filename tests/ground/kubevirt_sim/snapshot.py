"""VirtualMachineSnapshot -> the machine is locked, what it says is kept, and it is let go (pkg/storage/snapshot)."""

from ground.api import Json
from ground.kubevirt_sim.kinds import CONTENT, SNAPSHOT, VM
from ground.kubevirt_sim.sim import Sim, held
from ground.kubevirt_sim.status import stamp, with_condition

SOURCE_FINALIZER = "snapshot.kubevirt.io/vmsnapshot-source-protection"
LOOK_SECONDS = 0.5
LOCKED = "Source locked and operation in progress"


async def sync(sim: Sim, found: Json) -> float | None:
    """Take a snapshot one step further; returns seconds after which to look again."""
    meta = found["metadata"]
    vm = sim.world.get(VM, meta["namespace"], found["spec"]["source"]["name"])
    if found.get("status", {}).get("phase") == "Succeeded" or "deletionTimestamp" in meta:
        return None
    if vm is None:
        await _tell(sim, found, "InProgress", "Source does not exist")
    elif content(sim, found) is None:
        if await _lock(sim, vm, meta["name"]):
            await _tell(sim, found, "InProgress", LOCKED)
            await sim.create(CONTENT, _kept(found, vm))
    elif not held(found) and await _unlock(sim, vm, meta["name"]):
        await _tell(sim, found, "Succeeded", "Operation complete")
        return None
    return LOOK_SECONDS


def content(sim: Sim, found: Json) -> Json | None:
    """Return what a snapshot has kept."""
    return sim.world.get(CONTENT, found["metadata"]["namespace"], _content_name(found))


def _content_name(found: Json) -> str:
    return f"vmsnapshot-content-{found['metadata']['uid']}"


async def _lock(sim: Sim, vm: Json, name: str) -> bool:
    """Note the snapshot on its machine, then hold the machine: one write at a time; tells whether both are done."""
    status = vm.get("status", {})
    if status.get("snapshotInProgress", name) != name:
        return False
    if "snapshotInProgress" not in status:
        await sim.write_status(VM, vm, {**status, "snapshotInProgress": name})
        return False
    finalizers = vm["metadata"].get("finalizers", [])
    if SOURCE_FINALIZER in finalizers:
        return True
    await sim.patch(VM, vm, {"metadata": {"finalizers": [*finalizers, SOURCE_FINALIZER]}})
    return False


async def _unlock(sim: Sim, vm: Json, name: str) -> bool:
    """Let a machine go, in the reverse order; tells whether it is."""
    finalizers = vm["metadata"].get("finalizers", [])
    if SOURCE_FINALIZER in finalizers:
        await sim.release(VM, vm, SOURCE_FINALIZER)
        return False
    status = vm.get("status", {})
    if status.get("snapshotInProgress") == name:
        await sim.write_status(VM, vm, {key: value for key, value in status.items() if key != "snapshotInProgress"})
    return True


def _kept(found: Json, vm: Json) -> Json:
    meta = vm["metadata"]
    source = {key: meta[key] for key in ("name", "namespace", "uid", "labels", "annotations") if key in meta}
    volumes = vm["spec"]["template"]["spec"].get("volumes", [])
    backups = [
        {"volumeName": each["name"], "persistentVolumeClaim": {"metadata": {}, "spec": {}}}
        for each in volumes
        if "persistentVolumeClaim" in each or "dataVolume" in each
    ]
    return {
        "metadata": {"name": _content_name(found), "namespace": meta["namespace"]},
        "spec": {
            "virtualMachineSnapshotName": found["metadata"]["name"],
            "source": {"virtualMachine": {"metadata": source, "spec": vm["spec"]}},
            "volumeBackups": backups,
        },
    }


async def _tell(sim: Sim, found: Json, phase: str, why: str) -> None:
    done, now = phase == "Succeeded", sim.now()
    old = found.get("status", {})
    items = with_condition(
        old.get("conditions", []),
        {"type": "Progressing", "status": "True" if why == LOCKED else "False", "reason": why},
        now,
    )
    ready = {"type": "Ready", "status": str(done), "reason": "Ready" if done else "Not ready"}
    status = {**old, "phase": phase, "readyToUse": done, "conditions": with_condition(items, ready, now)}
    if done:
        status |= {"virtualMachineSnapshotContentName": _content_name(found), "creationTime": stamp(now)}
    await sim.write_status(SNAPSHOT, found, status)
