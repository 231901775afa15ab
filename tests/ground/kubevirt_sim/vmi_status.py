"""Status of a VirtualMachineInstance: phase, conditions, and what virt-handler tells of the guest (vmi/lifecycle.go)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ground.api import Json
from ground.kubevirt_sim import BOOT_AFTER, launcher
from ground.kubevirt_sim.kinds import CLAIM, DATA_VOLUME
from ground.kubevirt_sim.quantity import amount
from ground.kubevirt_sim.sim import Sim, failing
from ground.kubevirt_sim.status import condition, duration, moment, stamp, with_condition, without_condition

UNPROCESSED = ("", "Pending")
FINAL = ("Succeeded", "Failed")
IMAGE_ERRORS = ("ErrImagePull", "ImagePullBackOff")
SHARED = "ReadWriteMany"


@dataclass(frozen=True)
class Problem:
    """Why an instance could not go on: what KubeVirt writes into Synchronized=False."""

    reason: str
    message: str


def phase_of(vmi: Json) -> str:
    """Return the phase; empty before the first status."""
    phase: str = vmi.get("status", {}).get("phase", "")
    return phase


def claims(spec: Json) -> list[str]:
    """Return the names of the claims that the volumes name directly."""
    found = (volume.get("persistentVolumeClaim", {}).get("claimName") for volume in spec.get("volumes", []))
    return [name for name in found if name]


def data_volumes(spec: Json) -> list[str]:
    """Return the names of the DataVolumes that the volumes name; their claims have the same names."""
    return [volume["dataVolume"]["name"] for volume in spec.get("volumes", []) if "dataVolume" in volume]


def instance_status(sim: Sim, vmi: Json, pod: Json | None, problem: Problem | None, now: datetime) -> Json:
    """Return the whole new status of an instance."""
    old = vmi.get("status", {})
    phase = _phase(vmi, pod, now)
    status = {**old, "phase": phase}
    if phase != old.get("phase"):
        reached = {"phase": phase, "phaseTransitionTimestamp": stamp(now)}
        status["phaseTransitionTimestamps"] = [*old.get("phaseTransitionTimestamps", []), reached]
    if pod and phase in ("Scheduling", "Scheduled", "Running"):
        status |= _placement(sim, vmi, pod, phase)
    status["conditions"] = _conditions(sim, vmi, pod, problem or _image_problem(pod), phase)
    return status


def _phase(vmi: Json, pod: Json | None, now: datetime) -> str:
    """Return the next phase; each write moves on by one, so that every phase can be seen."""
    phase = phase_of(vmi)
    if phase in FINAL:
        return phase
    if pod is None:
        # A pod that was there once is not made again: the instance has failed and its VM starts another one.
        waits = phase in UNPROCESSED and "deletionTimestamp" not in vmi["metadata"]
        return "Pending" if waits else "Failed"
    ended = pod.get("status", {}).get("phase")
    if ended in FINAL:
        return str(ended)
    if phase in UNPROCESSED:
        return "Scheduling"
    if phase == "Scheduling":
        return "Failed" if _going(pod) else "Scheduled" if is_launched(pod) else "Scheduling"
    booted = boot_seconds(vmi, vmi["status"].get("phaseTransitionTimestamps", []), now) <= 0
    return "Running" if phase == "Running" or booted else "Scheduled"


def boot_seconds(vmi: Json, reached: list[Json], now: datetime) -> float:
    """Return how long the guest still boots, in seconds; at most 0 when it has booted."""
    wanted = duration(vmi["metadata"].get("annotations", {}).get(BOOT_AFTER, ""))
    since = next((item["phaseTransitionTimestamp"] for item in reached if item["phase"] == "Scheduled"), None)
    return ((moment(since) if since else now) + timedelta(seconds=wanted) - now).total_seconds()


def is_launched(pod: Json) -> bool:
    """Tell whether the compute container runs and all others are ready (KubeVirt's IsPodReady)."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    fine = ("running" in item["state"] if item["name"] == "compute" else item["ready"] for item in statuses)
    return bool(statuses) and all(fine) and pod["status"].get("phase") == "Running" and not _going(pod)


def _going(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _placement(sim: Sim, vmi: Json, pod: Json, phase: str) -> Json:
    domain, old = vmi["spec"]["domain"], vmi.get("status", {})
    meta, node = pod["metadata"], pod["spec"].get("nodeName")
    placed = {"activePods": {meta["uid"]: node or ""}, "qosClass": pod.get("status", {}).get("qosClass", "Burstable")}
    if phase == "Scheduling":
        return placed
    # What the guest has got changes only when it is started or migrated.
    guest = {f"guest{when}": _guest(domain) for when in ("AtBoot", "Current", "Requested")}
    memory = {**guest, **old.get("memory", {}), "memoryOverhead": str(launcher.overhead(vmi["spec"]))}
    return placed | {
        "nodeName": node,
        "memory": memory,
        "currentCPUTopology": old.get("currentCPUTopology") or launcher.shape(domain),
        "machine": {"type": domain.get("machine", {}).get("type", "q35")},
        "interfaces": _interfaces(domain, pod),
        "volumeStatus": _volume_status(sim, vmi),
        "launcherContainerImageVersion": pod["spec"]["containers"][0]["image"],
        "migrationMethod": "LiveMigration",
        "runtimeUser": launcher.LAUNCHER_USER,
    }


def _guest(domain: Json) -> str:
    return str(domain.get("memory", {}).get("guest") or launcher.guest_memory(domain))


def _interfaces(domain: Json, pod: Json) -> list[Json]:
    address = pod.get("status", {}).get("podIP", "")
    given = domain.get("devices", {}).get("interfaces", [])
    base = {"ipAddress": address, "ipAddresses": [address], "infoSource": "domain", "queueCount": 1}
    return [{"name": item["name"], "podInterfaceName": "eth0", **base} for item in given]


def _volume_status(sim: Sim, vmi: Json) -> list[Json]:
    """Return the disks of a guest, and what is plugged in; of those on claims, how large these are, and are to be."""
    spec, namespace = vmi["spec"], vmi["metadata"]["namespace"]
    found = [
        {"name": volume["name"], "target": f"vd{chr(ord('a') + index % 26)}", **_claim(sim, namespace, volume)}
        for index, volume in enumerate(spec.get("volumes", []))
    ]
    plugged = [each["name"] for each in spec.get("utilityVolumes", [])]
    return [*found, *({"name": name, "target": "", "phase": "MountedToPod", "hotplugVolume": {}} for name in plugged)]


def _claim(sim: Sim, namespace: str, volume: Json) -> Json:
    name = volume.get("dataVolume", {}).get("name") or volume.get("persistentVolumeClaim", {}).get("claimName")
    claim = sim.world.get(CLAIM, namespace, name) if name else None
    if claim is None:
        return {}
    size = {
        "capacity": claim.get("status", {}).get("capacity", {}),
        "requests": claim["spec"]["resources"]["requests"],
    }
    told = {"claimName": name, "accessModes": claim["spec"]["accessModes"], **size}
    return {"persistentVolumeClaimInfo": told}


def _image_problem(pod: Json | None) -> Problem | None:
    statuses = pod.get("status", {}).get("containerStatuses", []) if pod else []
    for item in statuses:
        waiting = item["state"].get("waiting", {})
        if waiting.get("reason") in IMAGE_ERRORS:
            return Problem(waiting["reason"], waiting.get("message", ""))
    return None


def _conditions(sim: Sim, vmi: Json, pod: Json | None, problem: Problem | None, phase: str) -> list[Json]:
    now = sim.now()
    items: list[Json] = vmi.get("status", {}).get("conditions", [])
    items = with_condition(items, _ready(pod, phase), now)
    items = _synchronized(items, problem, now)
    items = _scheduled(items, pod, problem, now, phase)
    if data_volumes(vmi["spec"]):
        items = with_condition(items, _volumes_ready(sim, vmi), now)
    if phase != "Running":
        return items
    migratable = _migratable(sim, vmi)
    items = with_condition(items, {"type": "LiveMigratable", **migratable}, now)
    items = with_condition(items, {"type": "StorageLiveMigratable", **migratable}, now)
    if failing(vmi) == "SoftwareEmulation" or sim.config().get("developerConfiguration", {}).get("useEmulation"):
        emulated = {"type": "SoftwareEmulation", "status": "True", "message": "the guest runs without KVM"}
        items = with_condition(items, emulated, now)
    for type_, waits in _hotplugs(vmi).items():
        made = with_condition(items, {"type": type_, "status": "True"}, now)
        items = made if waits else without_condition(items, type_)
    return items


def _hotplugs(vmi: Json) -> dict[str, bool]:
    """Tell of each live update whether the guest still waits for it: it comes with the next migration."""
    domain, status = vmi["spec"]["domain"], vmi.get("status", {})
    got = status.get("currentCPUTopology", launcher.shape(domain))
    requested = status.get("memory", {}).get("guestRequested", _guest(domain))
    return {
        "HotVCPUChange": launcher.vcpus(domain) != launcher.vcpus({"cpu": got}),
        "HotMemoryChange": "maxGuest" in domain.get("memory", {}) and amount(_guest(domain)) != amount(requested),
    }


def _ready(pod: Json | None, phase: str) -> Json:
    """Return the condition Ready: the launcher pod's, once the guest runs."""
    false = {"type": "Ready", "status": "False"}
    if pod is None:
        return {**false, "reason": "PodNotExists", "message": "virt-launcher pod has not yet been scheduled"}
    if _going(pod) or pod.get("status", {}).get("phase") in FINAL:
        return {**false, "reason": "PodTerminating", "message": "virt-launcher pod is terminating"}
    if phase != "Running":
        return {**false, "reason": "GuestNotRunning", "message": "Guest VM is not reported as running"}
    found = next((item for item in pod["status"].get("conditions", []) if item["type"] == "Ready"), None)
    if found is None:
        return {**false, "reason": "PodConditionMissing", "message": "virt-launcher pod is missing the Ready condition"}
    return {"type": "Ready", "status": found["status"], "reason": found.get("reason"), "message": found.get("message")}


def _synchronized(items: list[Json], problem: Problem | None, now: datetime) -> list[Json]:
    """Set or take back Synchronized=False; while its reason stays the same, so does its message."""
    if problem is None:
        return without_condition(items, "Synchronized")
    if any(item["type"] == "Synchronized" and item.get("reason") == problem.reason for item in items):
        return items
    false = {"type": "Synchronized", "status": "False", "reason": problem.reason, "message": problem.message}
    return with_condition(items, false, now)


def _scheduled(items: list[Json], pod: Json | None, problem: Problem | None, now: datetime, phase: str) -> list[Json]:
    """Copy PodScheduled=False from the pod; a missing claim counts as unschedulable, too, and stays until then."""
    false = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    if problem and problem.reason == "FailedPvcNotFound":
        return with_condition(items, {**false, "message": problem.message}, now)
    if phase in UNPROCESSED or pod is None:
        return items
    for item in pod.get("status", {}).get("conditions", []):
        if item["type"] == "PodScheduled" and item["status"] == "False":
            return with_condition(items, {**false, "message": item.get("message", "")}, now)
    return without_condition(items, "PodScheduled")


def _volumes_ready(sim: Sim, vmi: Json) -> Json:
    """Return DataVolumesReady: the worst of the DataVolumes' own conditions, which may not be there yet."""
    found = [sim.world.get(DATA_VOLUME, vmi["metadata"]["namespace"], name) for name in data_volumes(vmi["spec"])]
    states = {(condition(volume, "Ready") or {"status": "Unknown"})["status"] for volume in found if volume}
    worst = next((state for state in ("False", "Unknown") if state in states), "True")
    if worst == "True":
        told = {"reason": "AllDVsReady", "message": "All of the VMI's DVs are bound and ready"}
    else:
        told = {"reason": "NotAllDVsReady", "message": "Not all of the VMI's DVs are ready"}
    return {"type": "DataVolumesReady", "status": worst, **told}


def _migratable(sim: Sim, vmi: Json) -> Json:
    """Return status, reason and message of LiveMigratable for what the instance is made of."""
    spec, domain = vmi["spec"], vmi["spec"]["domain"]
    devices, security = domain.get("devices", {}), domain.get("launchSecurity", {})
    namespace = vmi["metadata"]["namespace"]
    found = [sim.world.get(CLAIM, namespace, name) for name in (*claims(spec), *data_volumes(spec))]
    single = [item for item in found if item and SHARED not in item["spec"].get("accessModes", [])]
    checks = {
        "DisksNotLiveMigratable": bool(single) or failing(vmi) == "NotMigratable",
        "InterfaceNotLiveMigratable": any("bridge" in item for item in devices.get("interfaces", [])),
        "HostDeviceNotLiveMigratable": bool(devices.get("gpus") or devices.get("hostDevices")),
        "VirtIOFSNotLiveMigratable": bool(devices.get("filesystems")),
        "SEVNotLiveMigratable": "sev" in security,
        "SecureExecutionNotLiveMigratable": "snp" in security,
        "TDXNotLiveMigratable": "tdx" in security,
    }
    reason = next((name for name, wrong in checks.items() if wrong), None)
    if reason is None:
        return {"status": "True"}
    return {"status": "False", "reason": reason, "message": f"cannot migrate VMI: {reason}"}
