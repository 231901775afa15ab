"""VirtualMachineInstance -> launcher pod -> phases and conditions (virt-controller's watch/vmi, and virt-handler)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ground.api import ApiError, Json
from ground.kubevirt_sim import BOOT_AFTER, launcher
from ground.kubevirt_sim.kinds import CLAIM, DATA_VOLUME, POD, STORAGE_CLASS, VMI
from ground.kubevirt_sim.sim import Sim, failing
from ground.kubevirt_sim.status import duration, holds, moment, stamp, with_condition, without_condition

FINALIZER = "foregroundDeleteVirtualMachine"
REFUSALS = (400, 403, 422)
LOOK_AGAIN_SECONDS = 2.0
UNPROCESSED = ("", "Pending")
FINAL = ("Succeeded", "Failed")
IMAGE_ERRORS = ("ErrImagePull", "ImagePullBackOff")
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
DEFAULT_VIRT_CLASS = "storageclass.kubevirt.io/is-default-virt-class"
STATE_SIZE = "10Mi"
SHARED = "ReadWriteMany"
PSA_MESSAGE = 'pods "virt-launcher" is forbidden: violates PodSecurity "restricted:latest": seccompProfile'


@dataclass(frozen=True)
class Problem:
    """Why an instance could not go on: what KubeVirt writes into Synchronized=False."""

    reason: str
    message: str


async def sync(sim: Sim, vmi: Json) -> float | None:
    """Take an instance one step further; returns seconds after which to look again by itself."""
    pod = next(iter(sim.world.of_owner(POD, vmi["metadata"]["uid"])), None)
    if "deletionTimestamp" in vmi["metadata"]:
        await _finish(sim, vmi, pod)
        return None
    if not sim.deployed():
        return None
    if pod:
        await _pass_on_annotations(sim, vmi, pod)
    problem = None if pod or phase_of(vmi) not in UNPROCESSED else await _start(sim, vmi)
    pod = pod or next(iter(sim.world.of_owner(POD, vmi["metadata"]["uid"])), None)
    now = sim.now()
    status = _status(sim, vmi, pod, problem, now)
    await sim.write_status(VMI, vmi, status)
    if status["phase"] == "Scheduled":
        return _boot_seconds(vmi, status["phaseTransitionTimestamps"], now)
    return LOOK_AGAIN_SECONDS if problem else None


def phase_of(vmi: Json) -> str:
    """Return the phase; empty before the first status."""
    phase: str = vmi.get("status", {}).get("phase", "")
    return phase


async def _finish(sim: Sim, vmi: Json, pod: Json | None) -> None:
    if pod:
        await sim.delete(POD, pod)
    else:
        await sim.release(VMI, vmi, FINALIZER)


async def _pass_on_annotations(sim: Sim, vmi: Json, pod: Json) -> None:
    """Let a failure that is asked for, or taken back, while the instance runs reach the pod."""
    wanted = launcher.pod(vmi, sim.config())["metadata"]["annotations"]
    found = pod["metadata"].get("annotations", {})
    ours = {key for key in (*wanted, *found) if key.startswith("ground.berth.dev/")}
    changed = {key: wanted.get(key) for key in ours if wanted.get(key) != found.get(key)}
    if changed and "deletionTimestamp" not in pod["metadata"]:
        await sim.patch(POD, pod, {"metadata": {"annotations": changed}})


async def _start(sim: Sim, vmi: Json) -> Problem | None:
    """Create the launcher pod once everything it needs is there."""
    problem, waits = _storage(sim, vmi)
    problem = problem or await _state_claim(sim, vmi)
    if problem or waits:
        return problem
    if failing(vmi) == "PSA":
        return _refused(vmi, PSA_MESSAGE)
    limits = sim.quota_limits(vmi["metadata"]["namespace"])
    try:
        await sim.create(POD, launcher.pod(vmi, sim.config(), quota_limits=limits))
    except ApiError as error:
        if error.code not in REFUSALS:
            raise
        return _refused(vmi, str(error.status.get("message", error)))
    return None


def _refused(vmi: Json, answer: str) -> Problem:
    meta = vmi["metadata"]
    if "violates PodSecurity" in answer:
        where = f"{meta['namespace']}/{meta['name']}"
        return Problem(
            "FailedCreate", f"failed to create pod for vmi {where}, it needs a privileged namespace to run: {answer}"
        )
    return Problem("FailedCreate", f"failed to create virtual machine pod: {answer}")


def _storage(sim: Sim, vmi: Json) -> tuple[Problem | None, bool]:
    """Tell what is wrong with the claims, and whether DataVolumes or claims still have to be waited for."""
    namespace = vmi["metadata"]["namespace"]
    for name in data_volumes(vmi["spec"]):
        volume, claim = sim.world.get(DATA_VOLUME, namespace, name), sim.world.get(CLAIM, namespace, name)
        if claim is None or (volume and volume.get("status", {}).get("phase") != "Succeeded"):
            return None, True
    for name in claims(vmi["spec"]):
        if sim.world.get(CLAIM, namespace, name) is None:
            message = f"failed to render launch manifest: didn't find PVC {name}"
            return Problem("FailedPvcNotFound", message), True
    return None, False


def claims(spec: Json) -> list[str]:
    """Return the names of the claims that the volumes name directly."""
    found = (volume.get("persistentVolumeClaim", {}).get("claimName") for volume in spec.get("volumes", []))
    return [name for name in found if name]


def data_volumes(spec: Json) -> list[str]:
    """Return the names of the DataVolumes that the volumes name; their claims have the same names."""
    return [volume["dataVolume"]["name"] for volume in spec.get("volumes", []) if "dataVolume" in volume]


async def _state_claim(sim: Sim, vmi: Json) -> Problem | None:
    """Make the claim that keeps the state of a persistent TPM or EFI; needs a StorageClass to be had."""
    domain, meta = vmi["spec"]["domain"], vmi["metadata"]
    efi = domain.get("firmware", {}).get("bootloader", {}).get("efi", {})
    if not (domain.get("devices", {}).get("tpm", {}).get("persistent") or efi.get("persistent")):
        return None
    class_ = sim.config().get("vmStateStorageClass") or _default_class(sim)
    if not class_:
        return Problem("FailedBackendStorageCreate", "no default storage class found")
    name = f"persistent-state-for-{meta['name']}"
    if sim.world.get(CLAIM, meta["namespace"], name) is None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": STATE_SIZE}}}
        labels = {"persistent-state-for": meta["name"]}
        body = {"name": name, "namespace": meta["namespace"], "labels": labels}
        await sim.create(CLAIM, {"metadata": body, "spec": {**spec, "storageClassName": class_}})
    return None


def _default_class(sim: Sim) -> str | None:
    for mark in (DEFAULT_VIRT_CLASS, DEFAULT_CLASS):
        for item in sim.world.all(STORAGE_CLASS):
            if item["metadata"].get("annotations", {}).get(mark) == "true":
                return str(item["metadata"]["name"])
    return None


def _status(sim: Sim, vmi: Json, pod: Json | None, problem: Problem | None, now: datetime) -> Json:
    """Return the whole new status of an instance."""
    old = vmi.get("status", {})
    phase = _phase(vmi, pod, now)
    status = {**old, "phase": phase}
    if phase != old.get("phase"):
        reached = {"phase": phase, "phaseTransitionTimestamp": stamp(now)}
        status["phaseTransitionTimestamps"] = [*old.get("phaseTransitionTimestamps", []), reached]
    if pod and phase in ("Scheduling", "Scheduled", "Running"):
        status |= _placement(vmi, pod, phase)
    status["conditions"] = _conditions(sim, vmi, pod, problem or _image_problem(pod), phase)
    return status


def _phase(vmi: Json, pod: Json | None, now: datetime) -> str:
    """Return the next phase; each write moves on by one, so that every phase can be seen."""
    phase = phase_of(vmi)
    if phase in FINAL:
        return phase
    if pod is None:
        # A pod that was there once is not made again: the instance has failed and its VM starts another one.
        return "Pending" if phase in UNPROCESSED else "Failed"
    ended = pod.get("status", {}).get("phase")
    if ended in FINAL:
        return str(ended)
    if phase in UNPROCESSED:
        return "Scheduling"
    if phase == "Scheduling":
        return "Scheduled" if _launched(pod) else "Scheduling"
    booted = _boot_seconds(vmi, vmi["status"].get("phaseTransitionTimestamps", []), now) <= 0
    return "Running" if phase == "Running" or booted else "Scheduled"


def _boot_seconds(vmi: Json, reached: list[Json], now: datetime) -> float:
    """Return how long the guest still boots, in seconds; at most 0 when it has booted."""
    wanted = duration(vmi["metadata"].get("annotations", {}).get(BOOT_AFTER, ""))
    since = next((item["phaseTransitionTimestamp"] for item in reached if item["phase"] == "Scheduled"), None)
    return ((moment(since) if since else now) + timedelta(seconds=wanted) - now).total_seconds()


def _launched(pod: Json) -> bool:
    """Tell whether the compute container runs and all others are ready (KubeVirt's IsPodReady)."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    fine = ("running" in item["state"] if item["name"] == "compute" else item["ready"] for item in statuses)
    return bool(statuses) and all(fine) and pod["status"].get("phase") == "Running" and not _going(pod)


def _going(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _placement(vmi: Json, pod: Json, phase: str) -> Json:
    domain = vmi["spec"]["domain"]
    meta = pod["metadata"]
    node = pod["spec"].get("nodeName")
    memory, over = launcher.guest_memory(domain), launcher.overhead(vmi["spec"])
    placed = {"activePods": {meta["uid"]: node or ""}, "qosClass": pod.get("status", {}).get("qosClass", "Burstable")}
    if phase == "Scheduling":
        return placed
    guest = {f"guest{when}": str(memory) for when in ("AtBoot", "Current", "Requested")}
    cpu = {part: domain.get("cpu", {}).get(part, 1) for part in ("sockets", "cores", "threads")}
    return placed | {
        "nodeName": node,
        "memory": {**guest, "memoryOverhead": str(over)},
        "currentCPUTopology": cpu,
        "machine": {"type": domain.get("machine", {}).get("type", "q35")},
        "interfaces": _interfaces(domain, pod),
        "volumeStatus": _volume_status(vmi["spec"]),
        "launcherContainerImageVersion": pod["spec"]["containers"][0]["image"],
        "migrationMethod": "LiveMigration",
        "runtimeUser": launcher.LAUNCHER_USER,
    }


def _interfaces(domain: Json, pod: Json) -> list[Json]:
    address = pod.get("status", {}).get("podIP", "")
    given = domain.get("devices", {}).get("interfaces", [])
    base = {"ipAddress": address, "ipAddresses": [address], "infoSource": "domain", "queueCount": 1}
    return [{"name": item["name"], "podInterfaceName": "eth0", **base} for item in given]


def _volume_status(spec: Json) -> list[Json]:
    names = [volume["name"] for volume in spec.get("volumes", [])]
    return [{"name": name, "target": f"vd{chr(ord('a') + index % 26)}"} for index, name in enumerate(names)]


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
    items = (
        without_condition(items, "Synchronized")
        if problem is None
        else with_condition(items, _synchronized(problem), now)
    )
    items = _scheduled(items, pod, problem, now)
    if data_volumes(vmi["spec"]):
        items = with_condition(items, _volumes_ready(vmi, phase), now)
    if phase in ("Scheduled", "Running"):
        migratable = _migratable(sim, vmi)
        items = with_condition(items, {"type": "LiveMigratable", **migratable}, now)
        items = with_condition(items, {"type": "StorageLiveMigratable", **migratable}, now)
        if failing(vmi) == "SoftwareEmulation" or sim.config().get("developerConfiguration", {}).get("useEmulation"):
            emulated = {"type": "SoftwareEmulation", "status": "True", "message": "the guest runs without KVM"}
            items = with_condition(items, emulated, now)
    return items


def _ready(pod: Json | None, phase: str) -> Json:
    """Return the condition Ready: the launcher pod's, once the guest runs."""
    false = {"type": "Ready", "status": "False"}
    if pod is None:
        return {**false, "reason": "PodNotExists", "message": "virt-launcher pod has not yet been scheduled"}
    if _going(pod):
        return {**false, "reason": "PodTerminating", "message": "virt-launcher pod is terminating"}
    if phase != "Running":
        return {**false, "reason": "GuestNotRunning", "message": "Guest VM is not reported as running"}
    found = next((item for item in pod["status"].get("conditions", []) if item["type"] == "Ready"), None)
    if found is None:
        return {**false, "reason": "PodConditionMissing", "message": "virt-launcher pod is missing the Ready condition"}
    return {"type": "Ready", "status": found["status"], "reason": found.get("reason"), "message": found.get("message")}


def _synchronized(problem: Problem) -> Json:
    return {"type": "Synchronized", "status": "False", "reason": problem.reason, "message": problem.message}


def _scheduled(items: list[Json], pod: Json | None, problem: Problem | None, now: datetime) -> list[Json]:
    """Copy PodScheduled=False from the pod; a missing claim counts as unschedulable, too."""
    false = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    if problem and problem.reason == "FailedPvcNotFound":
        return with_condition(items, {**false, "message": problem.message}, now)
    found = pod.get("status", {}).get("conditions", []) if pod else []
    for item in found:
        if item["type"] == "PodScheduled" and item["status"] == "False":
            return with_condition(items, {**false, "message": item.get("message", "")}, now)
    return without_condition(items, "PodScheduled")


def _volumes_ready(vmi: Json, phase: str) -> Json:
    ready = phase not in UNPROCESSED or holds(vmi, "DataVolumesReady")
    reason = "AllDVsReady" if ready else "NotAllDVsReady"
    return {"type": "DataVolumesReady", "status": "True" if ready else "False", "reason": reason}


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
