"""Status of a VirtualMachine: conditions copied from its instance, and the printable status (vm.go, updateStatus)."""

from datetime import datetime

from ground.api import Json
from ground.kubevirt_sim.kinds import CLAIM, DATA_VOLUME
from ground.kubevirt_sim.live import is_migrating, seen
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.status import condition, holds, with_condition, without_condition
from ground.kubevirt_sim.vmi_status import FINAL, claims, data_volumes, phase_of

OWN = ("Ready", "Failure", "RestartRequired")
KEEP_RUNNING = ("Always", "RerunOnFailure", "Once")


def vm_status(
    sim: Sim, vm: Json, vmi: Json | None, failure: Json | None, *, restart: str | None, did: str = ""
) -> Json:
    """Return the whole new status of a virtual machine.

    `restart` tells what waits for one, empty when nothing does, None when that is not known; `did`: its instance was
    started or stopped just now, which that does not show yet.
    """
    status = {**vm.get("status", {}), "created": vmi is not None, "ready": bool(vmi and holds(vmi, "Ready"))}
    strategy = vm["spec"].get("runStrategy") or ("Always" if vm["spec"].get("running") else "Halted")
    if vmi or "runStrategy" in status:
        status["runStrategy"] = strategy
    if vmi:
        status |= {"observedGeneration": seen(vmi), "desiredGeneration": vm["metadata"]["generation"]}
    if _done(status.get("stateChangeRequests", []), vmi):
        del status["stateChangeRequests"]
    if vmi and any(item["phase"] == "Running" for item in vmi.get("status", {}).get("phaseTransitionTimestamps", [])):
        status.pop("startFailure", None)
    restart = "" if did == "start" else restart
    status["conditions"] = _conditions(vm, vmi, failure, restart=restart, now=sim.now())
    crashed = bool(status.get("startFailure")) and strategy in KEEP_RUNNING and failure is None
    status["printableStatus"] = _printable(sim, vm, vmi, crashed=crashed, did=did)
    return status


def _done(requests: list[Json], vmi: Json | None) -> bool:
    """Tell whether the first request to start or stop has been met."""
    if not requests:
        return False
    if requests[0]["action"] == "Stop":
        return vmi is None or requests[0].get("uid") not in (None, vmi["metadata"]["uid"])
    return vmi is not None and "deletionTimestamp" not in vmi["metadata"] and phase_of(vmi) not in FINAL


def _conditions(vm: Json, vmi: Json | None, failure: Json | None, *, restart: str | None, now: datetime) -> list[Json]:
    items: list[Json] = vm.get("status", {}).get("conditions", [])
    items = _copy_ready(items, vmi, now)
    items = with_condition(items, failure, now) if failure else without_condition(items, "Failure")
    if restart:
        items = with_condition(items, {"type": "RestartRequired", "status": "True", "message": restart}, now)
    elif restart == "":
        items = without_condition(items, "RestartRequired")
    if vmi is None:
        return items
    copied = [item for item in vmi.get("status", {}).get("conditions", []) if item["type"] not in OWN]
    return [item for item in items if item["type"] in OWN] + copied


def _copy_ready(items: list[Json], vmi: Json | None, now: datetime) -> list[Json]:
    false = {"type": "Ready", "status": "False"}
    if vmi is None:
        return with_condition(items, {**false, "reason": "VMINotExists", "message": "VMI does not exist"}, now)
    found = condition(vmi, "Ready")
    if found is None:
        missing = {"reason": "VMIConditionMissing", "message": "VMI is missing the Ready condition"}
        return with_condition(items, {**false, **missing}, now)
    if any(item["type"] == "Ready" for item in items):
        return [found if item["type"] == "Ready" else item for item in items]
    return [*items, found]


def _printable(sim: Sim, vm: Json, vmi: Json | None, *, crashed: bool, did: str) -> str:
    """Return the first of KubeVirt's printable statuses that holds; their order is KubeVirt's."""
    phase = phase_of(vmi) if vmi else ""
    final = phase in FINAL
    synchronized = (condition(vmi, "Synchronized") if vmi else None) or {}
    volumes = _volumes(sim, vm)
    gone = vmi is None or final
    first = {
        "Terminating": "deletionTimestamp" in vm["metadata"],
        "Stopping": vmi is not None and not final and (did == "stop" or "deletionTimestamp" in vmi["metadata"]),
        "Migrating": vmi is not None and is_migrating(vmi),
        "Paused": phase == "Running" and holds(vmi or {}, "Paused"),
        "Running": phase == "Running",
        "ErrorPvcNotFound": synchronized.get("reason") == "FailedPvcNotFound",
        "DataVolumeError": "Failed" in volumes,
        "ErrorUnschedulable": vmi is not None and holds(vmi, "PodScheduled", "False", "Unschedulable"),
        "Provisioning": "Provisioning" in volumes,
        "WaitingForVolumeBinding": "Unbound" in volumes and (vmi is not None or did == "start"),
        "ErrImagePull": synchronized.get("reason") == "ErrImagePull",
        "ImagePullBackOff": synchronized.get("reason") == "ImagePullBackOff",
        "Starting": did == "start" or (vmi is not None and not final),
        "CrashLoopBackOff": gone and crashed,
        "Stopped": gone,
    }
    return next((name for name, found in first.items() if found), "Unknown")


def _volumes(sim: Sim, vm: Json) -> set[str]:
    """Return what is the matter with the disks: Failed, Provisioning, Unbound."""
    namespace, spec = vm["metadata"]["namespace"], vm["spec"]["template"]["spec"]
    found = [sim.world.get(DATA_VOLUME, namespace, name) for name in data_volumes(spec)]
    states = {"Failed" for item in found if item and _is_in_error(item)}
    if any(item and item.get("status", {}).get("phase") not in ("Succeeded", "Failed") for item in found):
        states.add("Provisioning")
    held = [sim.world.get(CLAIM, namespace, name) for name in (*claims(spec), *data_volumes(spec))]
    if any(item and item.get("status", {}).get("phase") != "Bound" for item in held):
        states.add("Unbound")
    return states


def _is_in_error(volume: Json) -> bool:
    return volume.get("status", {}).get("phase") == "Failed" or holds(volume, "Running", "False", "Error")
