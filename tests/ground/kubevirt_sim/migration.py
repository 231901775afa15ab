"""VirtualMachineInstanceMigration -> target pod -> the guest moves (watch/migration, and virt-handler on both nodes)."""

from ground.api import ApiError, Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import MIGRATION, POD, VMI
from ground.kubevirt_sim.sim import Sim, failing, held
from ground.kubevirt_sim.status import moment, stamp
from ground.kubevirt_sim.vmi import REFUSALS, current_pod
from ground.kubevirt_sim.vmi_status import FINAL, is_launched, phase_of

FINALIZER = "kubevirt.io/migrationJobFinalize"
NEXT = {"Scheduling": "Scheduled", "Scheduled": "PreparingTarget", "PreparingTarget": "TargetReady"}
NEXT |= {"TargetReady": "Running"}
MOVE_SECONDS = 2.0
"""Whoever watches sees it move: its start is noted in whole seconds, so that this takes one at least."""
RETRY_SECONDS = 1.0
COMPLETED = [{"type": type_, "status": "False", "reason": "PodCompleted"} for type_ in ("Ready", "ContainersReady")]


async def sync(sim: Sim, found: Json) -> float | None:
    """Take a migration one step further; returns seconds after which to look again by itself."""
    meta, phase = found["metadata"], phase_of(found)
    vmi = sim.world.get(VMI, meta["namespace"], found["spec"]["vmiName"])
    if "deletionTimestamp" in meta:
        await _abort(sim, found)
        return None
    if phase in FINAL or not sim.deployed():
        return None
    if FINALIZER not in meta.get("finalizers", []):
        found = await sim.patch(MIGRATION, found, {"metadata": {"finalizers": [FINALIZER]}})
    if vmi is None or phase_of(vmi) in FINAL or failing(found):
        await _step(sim, found, "Failed")
    elif phase == "":
        await _step(sim, found, "Pending")
    elif (target := _target(sim, vmi, found)) is None:
        return await _prepare(sim, vmi, found)
    elif phase == "Running":
        return await _move(sim, vmi, found, target)
    elif phase != "Scheduling" or is_launched(target):
        await _begin(sim, vmi, found, target, NEXT.get(phase, "Scheduling"))
    return None


async def _step(sim: Sim, found: Json, phase: str) -> None:
    reached = {"phase": phase, "phaseTransitionTimestamp": stamp(sim.now())}
    old = found.get("status", {})
    times = [*old.get("phaseTransitionTimestamps", []), reached]
    await sim.write_status(MIGRATION, found, {**old, "phase": phase, "phaseTransitionTimestamps": times})


def _target(sim: Sim, vmi: Json, found: Json) -> Json | None:
    pods = sim.world.of_owner(POD, vmi["metadata"]["uid"])
    uid = found["metadata"]["uid"]
    return next((pod for pod in pods if pod["metadata"].get("labels", {}).get(launcher.TARGET) == uid), None)


async def _prepare(sim: Sim, vmi: Json, found: Json) -> float | None:
    """Make the pod that the guest moves to; while that is refused the migration stays Pending, and says nothing."""
    if phase_of(vmi) != "Running":
        return RETRY_SECONDS
    limits = sim.quota_limits(vmi["metadata"]["namespace"])
    pod = launcher.target_pod(vmi, sim.config(), found["metadata"]["uid"], quota_limits=limits)
    try:
        await sim.create(POD, pod)
    except ApiError as error:
        if error.code not in REFUSALS:
            raise
        return RETRY_SECONDS
    await _step(sim, found, "Scheduling")
    return None


async def _begin(sim: Sim, vmi: Json, found: Json, target: Json, phase: str) -> None:
    """Go on to the next phase; with Running the instance says that it migrates."""
    if phase == "Running":
        source = current_pod(sim, vmi)
        state = {
            "migrationUid": found["metadata"]["uid"],
            "sourceNode": vmi["status"]["nodeName"],
            "sourcePod": source["metadata"]["name"] if source else "",
            "targetNode": target["spec"]["nodeName"],
            "targetPod": target["metadata"]["name"],
            "startTimestamp": stamp(sim.now()),
        }
        await sim.write_status(VMI, vmi, {**vmi["status"], "migrationState": state})
    await _step(sim, found, phase)


async def _move(sim: Sim, vmi: Json, found: Json, target: Json) -> float | None:
    """End the migration when it has taken its time: the guest is in the target pod, with what it was given meanwhile."""
    status, state = vmi["status"], vmi["status"]["migrationState"]
    taken = (sim.now() - moment(state["startTimestamp"])).total_seconds()
    if taken < MOVE_SECONDS or held(found):
        return max(MOVE_SECONDS - taken, RETRY_SECONDS)
    source = current_pod(sim, vmi)
    domain, guest = vmi["spec"]["domain"], vmi["spec"]["domain"].get("memory", {}).get("guest")
    memory = {**status.get("memory", {}), **({"guestCurrent": guest, "guestRequested": guest} if guest else {})}
    moved = {
        "nodeName": target["spec"]["nodeName"],
        "activePods": {target["metadata"]["uid"]: target["spec"]["nodeName"]},
        "migrationState": {**state, "completed": True, "endTimestamp": stamp(sim.now())},
        "currentCPUTopology": launcher.shape(domain),
        "memory": memory,
    }
    await sim.write_status(VMI, vmi, {**status, **moved})
    if source and source["metadata"]["uid"] != target["metadata"]["uid"]:
        await sim.patch_conditions(POD, source, COMPLETED, phase="Succeeded")
    await _step(sim, found, "Succeeded")
    return None


async def _abort(sim: Sim, found: Json) -> None:
    """Take back a migration that is deleted: its pod goes unless the guest is in it."""
    vmi = sim.world.get(VMI, found["metadata"]["namespace"], found["spec"]["vmiName"])
    target = _target(sim, vmi, found) if vmi else None
    if vmi and target and phase_of(found) not in FINAL:
        state = vmi.get("status", {}).get("migrationState")
        if state and "endTimestamp" not in state:
            ended = {**state, "abortStatus": "Succeeded", "failed": True, "endTimestamp": stamp(sim.now())}
            await sim.write_status(VMI, vmi, {**vmi["status"], "migrationState": {**ended, "completed": True}})
        await sim.delete(POD, target)
    await sim.release(MIGRATION, found, FINALIZER)
