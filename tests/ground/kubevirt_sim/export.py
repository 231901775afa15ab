"""VirtualMachineExport of a machine -> a Service, and a pod that serves its claims (pkg/storage/export)."""

from ground.api import ApiError, Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import EXPORT, POD, SERVICE, VM, VMI
from ground.kubevirt_sim.sim import NOT_FOUND, Sim
from ground.kubevirt_sim.status import holds, with_condition
from ground.kubevirt_sim.vmi_status import FINAL, claims, data_volumes, phase_of

LABEL = "kubevirt.io.virt-export-service"
PORT = 8443
LOOK_SECONDS = 0.5


async def sync(sim: Sim, found: Json) -> float | None:
    """Take an export one step further; returns seconds after which to look again: for ever, for its source may start."""
    meta = found["metadata"]
    if "deletionTimestamp" in meta:
        return None
    await sim.create(SERVICE, _service(found))
    vm = sim.world.get(VM, meta["namespace"], found["spec"]["source"]["name"])
    named = [*claims(vm["spec"]["template"]["spec"]), *data_volumes(vm["spec"]["template"]["spec"])] if vm else []
    vmi = sim.world.get(VMI, meta["namespace"], found["spec"]["source"]["name"])
    pod = await _pod(sim, found)
    in_use = vmi is not None and phase_of(vmi) not in FINAL
    if in_use and pod:
        await sim.delete(POD, pod)
    elif named and not in_use and pod is None:
        await sim.create(POD, _exporter(found, named))
    where = f"{meta['namespace']}/{found['spec']['source']['name']}"
    if in_use:
        await _tell(sim, found, "Pending", "InUse", f"Virtual Machine {where} is running")
    elif not named:
        await _tell(sim, found, "Skipped", "VMNoVolumes", f"Virtual Machine {where} has no volumes")
    elif pod and holds(pod, "Ready"):
        await _tell(sim, found, "Ready", "PodReady", "")
    else:
        await _tell(sim, found, "Pending", "PodPending", "")
    return LOOK_SECONDS


async def _pod(sim: Sim, found: Json) -> Json | None:
    try:
        return await sim.client.call("GET", POD.path(found["metadata"]["namespace"], _name(found)))
    except ApiError as error:
        if error.code == NOT_FOUND:
            return None
        raise


def _name(found: Json) -> str:
    return f"virt-export-{found['metadata']['name']}"


def _metadata(found: Json, labels: Json) -> Json:
    """Return the metadata of a part of an export, which takes over what the export bears."""
    meta = found["metadata"]
    return {
        "name": _name(found),
        "namespace": meta["namespace"],
        "labels": {**labels, **meta.get("labels", {})},
        "annotations": meta.get("annotations", {}),
        "ownerReferences": [launcher.owner_reference("VirtualMachineExport", EXPORT.api, meta)],
    }


def _service(found: Json) -> Json:
    ports = [{"name": "export", "protocol": "TCP", "port": 443, "targetPort": PORT}]
    meta = _metadata(found, {"kubevirt.io": "virt-exporter"})
    return {"metadata": meta, "spec": {"ports": ports, "selector": {LABEL: found["metadata"]["name"]}}}


def _exporter(found: Json, named: list[str]) -> Json:
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in named]
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    resources = {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    exporter = {"name": "exporter", "image": "quay.io/kubevirt/virt-exportserver", "securityContext": security}
    spec = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "fsGroup": 107, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{**exporter, "resources": resources}],
        "volumes": volumes,
    }
    return {"metadata": _metadata(found, {LABEL: found["metadata"]["name"]}), "spec": spec}


async def _tell(sim: Sim, found: Json, phase: str, reason: str, message: str) -> None:
    old = found.get("status", {})
    ready = {"type": "Ready", "status": str(phase == "Ready"), "reason": reason, "message": message}
    items = with_condition(old.get("conditions", []), ready, sim.now())
    told = {"phase": phase, "serviceName": _name(found), "conditions": items}
    await sim.write_status(EXPORT, found, {**old, **told, "virtualMachineName": found["spec"]["source"]["name"]})
