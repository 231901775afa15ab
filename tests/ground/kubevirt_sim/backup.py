"""VirtualMachineBackup -> the claim to write to is plugged in, the backup taken, the claim taken out (pkg/storage/cbt)."""

from ground.api import Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import BACKUP, POD, VMI
from ground.kubevirt_sim.sim import Sim, held
from ground.kubevirt_sim.status import stamp
from ground.kubevirt_sim.vmi import current_pod
from ground.kubevirt_sim.vmi_status import phase_of

LOOK_SECONDS = 0.5


async def sync(sim: Sim, found: Json) -> float | None:
    """Take a backup one step further; returns seconds after which to look again."""
    meta, conditions = found["metadata"], found.get("status", {}).get("conditions", [])
    if any(each["type"] == "Complete" for each in conditions) or "deletionTimestamp" in meta:
        return None
    name = found["spec"]["source"]["name"]
    vmi = sim.world.get(VMI, meta["namespace"], name)
    if vmi is None or phase_of(vmi) != "Running":
        await _tell(sim, found, "Initializing", f"vm {name} is not running, cannot do backup")
    elif vmi["status"].get("changedBlockTracking", {}).get("state") != "Enabled":
        await _tell(sim, found, "Initializing", f"vm {name} has no ChangedBlockTracking, cannot start backup")
    elif not any(each["reason"] == "Initiated" for each in conditions):
        if await _attach(sim, vmi, found):
            await _begin(sim, vmi, found)
    elif not held(found):
        return await _finish(sim, vmi, found)
    return LOOK_SECONDS


async def _begin(sim: Sim, vmi: Json, found: Json) -> None:
    status = {"backupName": found["metadata"]["name"], "startTimestamp": stamp(sim.now())}
    tracking = {**vmi["status"]["changedBlockTracking"], "backupStatus": status}
    await sim.write_status(VMI, vmi, {**vmi["status"], "changedBlockTracking": tracking})
    await _tell(sim, found, "Initiated", "Backup is in progress")


async def _attach(sim: Sim, vmi: Json, found: Json) -> bool:
    """Plug the claim in by a pod beside the launcher's; tells whether the guest has it."""
    name, launched = _volume(found), current_pod(sim, vmi)
    plugged = vmi["spec"].get("utilityVolumes", [])
    if name not in [each["name"] for each in plugged]:
        volume = {"name": name, "claimName": found["spec"]["pvcName"], "type": "Backup"}
        await sim.patch(VMI, vmi, {"spec": {"utilityVolumes": [*plugged, volume]}})
        return False
    if launched is None:
        return False
    await sim.create(POD, _attachment(found, launched))
    return name in [each["name"] for each in vmi["status"].get("volumeStatus", [])]


def _volume(found: Json) -> str:
    return f"{found['metadata']['name']}-backup-target-pvc"


def _attachment(found: Json, launched: Json) -> Json:
    """Return the pod that has the claim mounted on the launcher's node: owned by the launcher, without its labels."""
    meta = launched["metadata"]
    security = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": launcher.LAUNCHER_USER}
    security |= {"seccompProfile": {"type": "RuntimeDefault"}, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "hotplug-disk", "image": launched["spec"]["containers"][0]["image"]}
    claim = {"name": "hp", "persistentVolumeClaim": {"claimName": found["spec"]["pvcName"]}}
    return {
        "metadata": {
            "name": f"hp-volume-{found['metadata']['name']}",
            "namespace": meta["namespace"],
            "labels": {"kubevirt.io": "hotplug-disk"},
            "ownerReferences": [launcher.owner_reference("Pod", POD.api, meta)],
        },
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": launched["spec"]["nodeName"]},
            "containers": [{**container, "securityContext": security}],
            "tolerations": launched["spec"].get("tolerations", []),
            "volumes": [claim],
            "terminationGracePeriodSeconds": 0,
        },
    }


async def _finish(sim: Sim, vmi: Json, found: Json) -> float | None:
    """Take the claim out, then the note of the backup, then tell that it is complete."""
    left = [each for each in vmi["spec"].get("utilityVolumes", []) if each["name"] != _volume(found)]
    tracking = vmi["status"]["changedBlockTracking"]
    if len(left) != len(vmi["spec"].get("utilityVolumes", [])):
        await sim.patch(VMI, vmi, {"spec": {"utilityVolumes": left or None}})
        path = POD.path(vmi["metadata"]["namespace"], f"hp-volume-{found['metadata']['name']}")
        await sim.client.call("DELETE", path)
        return LOOK_SECONDS
    if tracking.get("backupStatus"):
        kept = {key: value for key, value in tracking.items() if key != "backupStatus"}
        await sim.write_status(VMI, vmi, {**vmi["status"], "changedBlockTracking": kept})
        return LOOK_SECONDS
    await _tell(sim, found, "Completed", "Successfully completed VirtualMachineBackup", done=True)
    return None


async def _tell(sim: Sim, found: Json, reason: str, message: str, *, done: bool = False) -> None:
    old = found.get("status", {})
    since = {"reason": reason, "message": message, "lastTransitionTime": stamp(sim.now())}
    if any(each["reason"] == reason and each["message"] == message for each in old.get("conditions", [])):
        return
    items = [{"type": "Progressing", "status": str(not done), **since}]
    items += [{"type": "Complete", "status": "True", **since}] if done else []
    status = {**old, "conditions": items, **({"type": "Full"} if reason == "Initiated" else {})}
    await sim.write_status(BACKUP, found, status)
