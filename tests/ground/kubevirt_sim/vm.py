"""VirtualMachine -> VirtualMachineInstance, by run strategy (virt-controller's watch/vm)."""

from datetime import datetime, timedelta

from ground.api import ApiError, Json
from ground.kubevirt_sim import launcher, live, revision
from ground.kubevirt_sim.expand import expanded
from ground.kubevirt_sim.fill import TOPOLOGY
from ground.kubevirt_sim.find import KINDS, namespaced
from ground.kubevirt_sim.kinds import VM, VMI
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.status import moment, stamp
from ground.kubevirt_sim.vm_status import vm_status
from ground.kubevirt_sim.vmi import FINALIZER, LOOK_AGAIN_SECONDS, REFUSALS, VM_FINALIZER
from ground.kubevirt_sim.vmi_status import FINAL, phase_of

MOST_VCPUS = 512
OURS = "ground.berth.dev/"
MAX_BACKOFF_SECONDS = 300.0


async def sync(sim: Sim, vm: Json) -> float | None:
    """Take a virtual machine one step further; returns seconds after which to look again by itself."""
    vmi = _instance(sim, vm)
    if "deletionTimestamp" in vm["metadata"]:
        await _finish(sim, vm, vmi)
        return None
    if not sim.deployed():
        return None
    held = vm["metadata"].get("finalizers", [])
    if VM_FINALIZER not in held:
        vm = await sim.patch(VM, vm, {"metadata": {"finalizers": [*held, VM_FINALIZER]}})
    if "printableStatus" not in vm.get("status", {}):
        await sim.write_status(VM, vm, {"printableStatus": "Stopped"})
        return None
    failure, restart, stuck = _missing_reference(sim, vm), None, None
    if failure is None:
        await revision.store(sim, vm)
        vm = sim.world.get(VM, vm["metadata"]["namespace"], vm["metadata"]["name"]) or vm
    if vmi:
        vm, vmi, restart, stuck = await _update(sim, vm, vmi)
    vm, wait, refusal = await _run(sim, vm, vmi, failure)
    failure = failure or refusal or stuck
    did = intent(vm, vmi) if vmi or _instance(sim, vm) else ""
    await sim.write_status(VM, vm, vm_status(sim, vm, vmi, failure, restart=restart, did=did))
    if vmi and phase_of(vmi) in FINAL:
        await sim.release(VMI, vmi, VM_FINALIZER)
    return wait


async def _update(sim: Sim, vm: Json, vmi: Json) -> tuple[Json, Json, str, Json | None]:
    """Let a changed template reach the instance as far as it does without a restart.

    Returns both, why a restart is needed, and the condition Failure while something else goes on.
    """
    going = "deletionTimestamp" in vmi["metadata"] or phase_of(vmi) in FINAL
    if not going:
        vmi = await _pass_on_annotations(sim, vm, vmi)
    noted = vmi["metadata"].get("annotations", {}).get(TOPOLOGY)
    if noted and TOPOLOGY not in ((vm["spec"]["template"].get("metadata") or {}).get("annotations") or {}):
        vm = await sim.patch(VM, vm, {"spec": {"template": {"metadata": {"annotations": {TOPOLOGY: noted}}}}})
    if live.unchanged(vm, vmi) and live.seen(vmi) != vm["metadata"]["generation"]:
        generation = {live.GENERATION: str(vm["metadata"]["generation"])}
        vmi = await sim.patch(VMI, vmi, {"metadata": {"annotations": generation}})
    change = live.change(vmi, _wanted(sim, vm), going=going)
    if change.patch:
        vmi = await sim.patch(VMI, vmi, {"spec": change.patch})
    return vm, vmi, change.restart, _failure(*change.refusal) if change.refusal else None


def _instance(sim: Sim, vm: Json) -> Json | None:
    meta = vm["metadata"]
    found = sim.world.get(VMI, meta["namespace"], meta["name"])
    owners = found["metadata"].get("ownerReferences", []) if found else []
    return found if any(ref["uid"] == meta["uid"] for ref in owners) else None


async def _finish(sim: Sim, vm: Json, vmi: Json | None) -> None:
    if vmi:
        await sim.delete(VMI, vmi)
        await sim.write_status(VM, vm, vm_status(sim, vm, vmi, None, restart=None))
        if phase_of(vmi) in FINAL:
            await sim.release(VMI, vmi, VM_FINALIZER)
    else:
        await sim.release(VM, vm, VM_FINALIZER)


async def _run(sim: Sim, vm: Json, vmi: Json | None, failure: Json | None) -> tuple[Json, float | None, Json | None]:
    """Start or stop the instance as the run strategy says.

    Returns the VM, seconds to wait before another try, and the condition Failure when the server refused the instance.
    """
    action = intent(vm, vmi)
    if action == "stop" and vmi:
        vm = await _record_failed_start(sim, vm, vmi)
        await sim.delete(VMI, vmi)
    if action != "start" or failure:
        return vm, None, None
    wait = _backoff(vm, sim.now())
    if wait > 0:
        return vm, wait, None
    try:
        await sim.create(VMI, _new_instance(sim, vm))
    except ApiError as error:
        if error.code not in REFUSALS:
            raise
        return (
            vm,
            LOOK_AGAIN_SECONDS,
            _failure("FailedCreate", f"Failure while starting VMI: {error.status['message']}"),
        )
    return vm, None, None


def _failure(reason: str, message: str) -> Json:
    return {"type": "Failure", "status": "True", "reason": reason, "message": message}


def intent(vm: Json, vmi: Json | None) -> str:
    """Return start, stop or nothing for a run strategy and the state of the instance."""
    strategy = run_strategy(vm)
    requests = vm.get("status", {}).get("stateChangeRequests", [])
    asked = requests[0]["action"] if requests else ""
    final = vmi is not None and phase_of(vmi) in FINAL
    if vmi is None:
        first = vm.get("status", {}).get("runStrategy") != strategy
        starts = {"Always": True, "Once": True, "RerunOnFailure": first or asked == "Start", "Manual": asked == "Start"}
        return "start" if starts.get(strategy) else ""
    stops = {"Always": final, "RerunOnFailure": final, "Halted": True}
    return "stop" if stops.get(strategy) or asked == "Stop" else ""


def run_strategy(vm: Json) -> str:
    """Return the run strategy; the deprecated field `running` stands for Always or Halted."""
    if "runStrategy" in vm["spec"]:
        return str(vm["spec"]["runStrategy"])
    return "Always" if vm["spec"].get("running") else "Halted"


async def _record_failed_start(sim: Sim, vm: Json, vmi: Json) -> Json:
    """Count an instance that failed before it ran, and ask for the rerun of a failed one, before it is deleted."""
    status = dict(vm.get("status", {}))
    ran = any(item["phase"] == "Running" for item in vmi.get("status", {}).get("phaseTransitionTimestamps", []))
    if phase_of(vmi) == "Failed" and run_strategy(vm) == "RerunOnFailure":
        status["stateChangeRequests"] = [{"action": "Start"}]
    uid, before = vmi["metadata"]["uid"], status.get("startFailure", {})
    if ran:
        status.pop("startFailure", None)
    elif phase_of(vmi) in FINAL and before.get("lastFailedVMIUID") != uid:
        status["startFailure"] = _failed_start(sim, uid, before.get("consecutiveFailCount", 0) + 1)
    await sim.write_status(VM, vm, status)
    meta = vm["metadata"]
    return sim.world.get(VM, meta["namespace"], meta["name"]) or vm


def _failed_start(sim: Sim, uid: str, count: int) -> Json:
    seconds = min(sim.crash_backoff * count**2, MAX_BACKOFF_SECONDS)
    retry = stamp(sim.now() + timedelta(seconds=seconds))
    return {"consecutiveFailCount": count, "lastFailedVMIUID": uid, "retryAfterTimestamp": retry}


def _backoff(vm: Json, now: datetime) -> float:
    retry = vm.get("status", {}).get("startFailure", {}).get("retryAfterTimestamp")
    return (moment(retry) - now).total_seconds() if retry else 0.0


def _missing_reference(sim: Sim, vm: Json) -> Json | None:
    """Return the condition Failure for an instance type or preference that is not there."""
    for field, (cluster, own) in KINDS.items():
        matcher = vm["spec"].get(field)
        if matcher and revision.kept(sim, vm, field) is None:
            kind = own if namespaced(matcher, own) else cluster
            message = f'{kind.plural}.{kind.api.split("/")[0]} "{matcher.get("name")}" not found'
            return _failure(f"FailedFind{field.capitalize()}", message)
    return None


def _wanted(sim: Sim, vm: Json) -> Json:
    """Return the template with its instance type and its preference applied."""
    found: list[Json | None] = []
    for field in KINDS:
        one = revision.kept(sim, vm, field)
        found.append(one["spec"] if one else None)
    return expanded(vm["spec"]["template"]["spec"], *found)


def _new_instance(sim: Sim, vm: Json) -> Json:
    """Return the instance of a virtual machine: its expanded template, and what the webhook fills."""
    meta, given = vm["metadata"], vm["spec"]["template"].get("metadata") or {}
    spec = _wanted(sim, vm)
    marks = live.marks(vm, spec)
    _fill(spec, sim.config())
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": given.get("labels") or {},
            "annotations": {**(given.get("annotations") or {}), **_ours(meta.get("annotations", {})), **marks},
            "finalizers": [FINALIZER, VM_FINALIZER],
            "ownerReferences": [launcher.owner_reference("VirtualMachine", VM.api, meta)],
        },
        "spec": spec,
        "status": {"phase": "Pending", "phaseTransitionTimestamps": [{"phase": "Pending", **_reached(sim)}]},
    }


def _reached(sim: Sim) -> Json:
    return {"phaseTransitionTimestamp": stamp(sim.now())}


def _fill(spec: Json, config: Json) -> None:
    """Fill an instance as KubeVirt's webhook does: topology, CPU model, network, a disk per volume, eviction."""
    domain = spec["domain"]
    domain["cpu"] = {"sockets": 1, "cores": 1, "threads": 1, "model": "host-model", **domain.get("cpu", {})}
    devices = domain.setdefault("devices", {})
    if "interfaces" not in devices and devices.get("autoattachPodInterface") is not False:
        devices["interfaces"] = [{"name": "default", "bridge": {}}]
        spec.setdefault("networks", [{"name": "default", "pod": {}}])
    named = {item["name"] for field in ("disks", "filesystems") for item in devices.get(field, [])}
    for volume in spec.get("volumes", []):
        if volume["name"] not in named:
            devices.setdefault("disks", []).append({"name": volume["name"], "disk": {"bus": "virtio"}})
    if spec.get("architecture") != "arm64":
        _allow_more(spec)
    spec.setdefault("evictionStrategy", config.get("evictionStrategy", "None"))
    spec.setdefault("terminationGracePeriodSeconds", launcher.DEFAULT_GRACE_SECONDS)


def _allow_more(spec: Json) -> None:
    """Say up to how many sockets and how much memory the instance may be given while it runs."""
    cpu, memory = spec["domain"]["cpu"], spec["domain"].setdefault("memory", {})
    most = MOST_VCPUS // (cpu["cores"] * cpu["threads"])
    cpu.setdefault("maxSockets", max(cpu["sockets"], min(cpu["sockets"] * live.MOST_GUEST_RATIO, most)))
    if "maxGuest" not in memory and (guest := live.most_guest(spec)):
        memory["maxGuest"] = guest


def _ours(annotations: Json) -> Json:
    return {key: value for key, value in annotations.items() if key.startswith(OURS)}


async def _pass_on_annotations(sim: Sim, vm: Json, vmi: Json) -> Json:
    """Let a failure that is asked for, or taken back, on the running virtual machine reach its instance."""
    template = (vm["spec"]["template"].get("metadata") or {}).get("annotations") or {}
    wanted = {**_ours(template), **_ours(vm["metadata"].get("annotations", {}))}
    found = _ours(vmi["metadata"].get("annotations", {}))
    for mark in (live.TEMPLATE, live.FIXED):
        found.pop(mark, None)
    changed = {key: wanted.get(key) for key in (*wanted, *found) if wanted.get(key) != found.get(key)}
    return await sim.patch(VMI, vmi, {"metadata": {"annotations": changed}}) if changed else vmi
