"""VirtualMachineRestore -> a new machine of what a snapshot has kept (pkg/storage/snapshot/restore.go).

Into a machine that exists it is not played: admission refuses that for a Workload's.
"""

import copy
from typing import Any

import orjson

from ground.api import ApiError, Json
from ground.kubevirt_sim.kinds import RESTORE, SNAPSHOT, VM
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.snapshot import content
from ground.kubevirt_sim.status import stamp, with_condition
from ground.kubevirt_sim.vmi import REFUSALS

MARK = "restore.kubevirt.io/lastRestoreUID"
RETRY_SECONDS = 1.0


async def sync(sim: Sim, found: Json) -> float | None:
    """Take a restore one step further; returns seconds after which to look again."""
    meta, target = found["metadata"], found["spec"]["target"]["name"]
    if found.get("status", {}).get("complete") or "deletionTimestamp" in meta:
        return None
    taken = sim.world.get(SNAPSHOT, meta["namespace"], found["spec"]["virtualMachineSnapshotName"])
    kept = content(sim, taken) if taken else None
    if kept is None:
        await _tell(sim, found, "VMSnapshot does not exist")
        return RETRY_SECONDS
    existing = sim.world.get(VM, meta["namespace"], target)
    if existing is None:
        try:
            await sim.create(VM, _restored(found, kept["spec"]["source"]["virtualMachine"]))
        except ApiError as error:
            if error.code not in REFUSALS:
                raise
            await _tell(sim, found, str(error.status["message"]))
            return RETRY_SECONDS
    elif existing["metadata"].get("annotations", {}).get(MARK) != _mark(found):
        await _tell(sim, found, "restore source and restore target are different but restore target already exists")
        return RETRY_SECONDS
    await _tell(sim, found, "Operation complete", complete=True)
    return None


def _mark(found: Json) -> str:
    return f"{found['metadata']['name']}-{found['metadata']['uid']}"


def _restored(found: Json, kept: Json) -> Json:
    meta = {
        "name": found["spec"]["target"]["name"],
        "namespace": found["metadata"]["namespace"],
        "labels": kept["metadata"].get("labels", {}),
        "annotations": {**kept["metadata"].get("annotations", {}), MARK: _mark(found)},
    }
    vm = {"metadata": meta, "spec": {**copy.deepcopy(kept["spec"]), "runStrategy": "Halted"}}
    for text in found["spec"].get("patches", []):
        _apply(vm, orjson.loads(text))
    return vm


def _apply(vm: Json, operation: Json) -> None:
    """Apply one operation of a JSON patch to an object: remove, or set."""
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
    place: Any = vm
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    if operation["op"] == "remove":
        del place[last]
    else:
        place[last] = operation["value"]


async def _tell(sim: Sim, found: Json, why: str, *, complete: bool = False) -> None:
    now, old = sim.now(), found.get("status", {})
    items = old.get("conditions", [])
    for kind, status in (("Progressing", "False"), ("Ready", str(complete))):
        items = with_condition(items, {"type": kind, "status": status, "reason": why}, now)
    times = {"restoreTime": stamp(now)} if complete else {}
    await sim.write_status(RESTORE, found, {**old, "complete": complete, "conditions": items, **times})
