"""VirtualMachineInstance -> launcher pod -> phases and conditions (virt-controller's watch/vmi, and virt-handler)."""

from ground.api import ApiError, Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import CLAIM, DATA_VOLUME, POD, STORAGE_CLASS, VM, VMI
from ground.kubevirt_sim.launcher import TARGET
from ground.kubevirt_sim.sim import Sim, failing
from ground.kubevirt_sim.status import holds, stamp
from ground.kubevirt_sim.vmi_status import (
    FINAL,
    UNPROCESSED,
    Problem,
    boot_seconds,
    claims,
    data_volumes,
    instance_status,
    phase_of,
)
from ground.kubevirt_sim.world import owner_of

FINALIZER = "kubevirt.io/foregroundDeleteVirtualMachine"
VM_FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
REFUSALS = (400, 403, 422)
LOOK_AGAIN_SECONDS = 2.0
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
DEFAULT_VIRT_CLASS = "storageclass.kubevirt.io/is-default-virt-class"
STATE_SIZE = "10Mi"
PSA_MESSAGE = 'pods "virt-launcher" is forbidden: violates PodSecurity "restricted:latest": seccompProfile'


async def sync(sim: Sim, vmi: Json) -> float | None:
    """Take an instance one step further; returns seconds after which to look again by itself."""
    pod = current_pod(sim, vmi)
    now = sim.now()
    if "deletionTimestamp" in vmi["metadata"]:
        await _finish(sim, vmi, pod)
        return None
    if not sim.deployed():
        return None
    if pod:
        await _pass_on_annotations(sim, vmi, pod)
    problem = None if pod or phase_of(vmi) not in UNPROCESSED else await _start(sim, vmi)
    pod = current_pod(sim, vmi)
    if pod:
        await _open_gate(sim, vmi, pod)
    status = instance_status(sim, vmi, pod, problem, now)
    await sim.write_status(VMI, vmi, status)
    if status["phase"] == "Scheduled":
        return boot_seconds(vmi, status["phaseTransitionTimestamps"], now)
    return LOOK_AGAIN_SECONDS if problem else None


def current_pod(sim: Sim, vmi: Json) -> Json | None:
    """Return the launcher pod that the guest is in: the newest on the instance's node, none that it is to move to."""
    node = vmi.get("status", {}).get("nodeName")
    pods = sim.world.of_owner(POD, vmi["metadata"]["uid"])
    here = [pod for pod in pods if TARGET not in pod["metadata"].get("labels", {}) or _is_on(pod, node)]
    here = [pod for pod in here if not node or _is_on(pod, node)]
    return max(here, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)


def _is_on(pod: Json, node: str | None) -> bool:
    return node is not None and pod["spec"].get("nodeName") == node


async def _finish(sim: Sim, vmi: Json, pod: Json | None) -> None:
    """Tell that the pods end, delete them, and let go of an instance that has ended and has said so."""
    pods = sim.world.of_owner(POD, vmi["metadata"]["uid"])
    if pod:
        pod = {**pod, "metadata": {"deletionTimestamp": stamp(sim.now()), **pod["metadata"]}}
    status = instance_status(sim, vmi, pod, None, sim.now())
    await sim.write_status(VMI, vmi, status)
    for each in pods:
        await sim.delete(POD, each)
    if pods or status != vmi.get("status"):
        return
    await sim.release(VMI, vmi, FINALIZER)
    owner, meta = owner_of(vmi), vmi["metadata"]
    left = sim.world.get(VMI, meta["namespace"], meta["name"])
    if left and owner and sim.world.get(VM, meta["namespace"], owner["name"]) is None:
        await sim.release(VMI, left, VM_FINALIZER)


async def _open_gate(sim: Sim, vmi: Json, pod: Json) -> None:
    """Set the readiness gate of the launcher pod: open unless the guest is paused."""
    paused = holds(vmi, "Paused")
    gate = {"type": launcher.GATE, "status": "False" if paused else "True"}
    gate |= {"reason": "Paused" if paused else "NotPaused"}
    gate |= {"message": "the virtual machine is paused" if paused else "the virtual machine is not paused"}
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in FINAL:
        return
    if not holds(pod, launcher.GATE, gate["status"], gate["reason"]):
        await sim.patch_conditions(POD, pod, [gate])


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
    for name in (*data_volumes(vmi["spec"]), *claims(vmi["spec"])):
        if sim.world.get(CLAIM, namespace, name) is None:
            message = f"PVC {namespace}/{name} does not exist, waiting for it to appear"
            return Problem("FailedPvcNotFound", message), True
        volume = sim.world.get(DATA_VOLUME, namespace, name)
        if volume and volume.get("status", {}).get("phase") != "Succeeded":
            return None, True
    return None, False


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
    found = sim.world.get(CLAIM, meta["namespace"], name)
    if found is None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": STATE_SIZE}}}
        labels = {"persistent-state-for": meta["name"]}
        body = {"name": name, "namespace": meta["namespace"], "labels": labels}
        await sim.create(CLAIM, {"metadata": body, "spec": {**spec, "storageClassName": class_}})
    if not found or found.get("status", {}).get("phase") != "Bound":
        return Problem("BackendStorageNotReady", "PVC pending")
    return None


def _default_class(sim: Sim) -> str | None:
    for mark in (DEFAULT_VIRT_CLASS, DEFAULT_CLASS):
        for item in sim.world.all(STORAGE_CLASS):
            if item["metadata"].get("annotations", {}).get(mark) == "true":
                return str(item["metadata"]["name"])
    return None
