"""VirtualMachineClone -> a snapshot, and a restore of it into a new machine (watch/clone)."""

import re

import orjson

from ground.api import Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import CLONE, RESTORE, SNAPSHOT, VM
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.snapshot import content
from ground.kubevirt_sim.status import with_condition

LOOK_SECONDS = 0.5


async def sync(sim: Sim, found: Json) -> float | None:
    """Take a clone one step further; returns seconds after which to look again."""
    meta, source = found["metadata"], found["spec"]["source"]
    if found.get("status", {}).get("phase") == "Succeeded" or "deletionTimestamp" in meta:
        return None
    own = source["kind"] == VM.name
    name = f"tmp-snapshot-{meta['uid']}" if own else source["name"]
    taken = sim.world.get(SNAPSHOT, meta["namespace"], name)
    if taken is None and own:
        await sim.create(SNAPSHOT, {"metadata": _part(found, name), "spec": {"source": source}})
    if taken is None or taken.get("status", {}).get("phase") != "Succeeded":
        await _tell(sim, found, "SnapshotInProgress")
        return LOOK_SECONDS
    restore = sim.world.get(RESTORE, meta["namespace"], f"tmp-restore-{meta['uid']}")
    if restore is None:
        await sim.create(RESTORE, _restore(sim, found, taken))
    if restore is None or not restore.get("status", {}).get("complete"):
        await _tell(sim, found, "RestoreInProgress")
        return LOOK_SECONDS
    await _tell(sim, found, "Succeeded")
    await sim.delete(RESTORE, restore)
    if own:
        await sim.delete(SNAPSHOT, taken)
    return None


def _part(found: Json, name: str) -> Json:
    meta = found["metadata"]
    owner = launcher.owner_reference("VirtualMachineClone", CLONE.api, meta)
    return {"name": name, "namespace": meta["namespace"], "ownerReferences": [owner]}


def _restore(sim: Sim, found: Json, taken: Json) -> Json:
    kept = content(sim, taken)
    machine = kept["spec"]["source"]["virtualMachine"] if kept else {}
    target = found["spec"].get("target") or {}
    named = {"apiGroup": "kubevirt.io", "kind": VM.name, "name": f"{machine['metadata']['name']}-clone", **target}
    return {
        "metadata": _part(found, f"tmp-restore-{found['metadata']['uid']}"),
        "spec": {
            "target": named,
            "virtualMachineSnapshotName": taken["metadata"]["name"],
            "patches": [orjson.dumps(each).decode() for each in _patches(found["spec"], machine)],
        },
    }


def _patches(spec: Json, machine: Json) -> list[Json]:
    """Return what a clone leaves out of the machine that it copies, and the identity that it has filled anew."""
    meta, inner = machine["metadata"], machine["spec"]["template"].get("metadata", {})
    filters = spec.get("template", {})
    places = (
        ("/metadata/labels", meta.get("labels", {}), spec.get("labelFilters")),
        ("/metadata/annotations", meta.get("annotations", {}), spec.get("annotationFilters")),
        ("/spec/template/metadata/labels", inner.get("labels", {}), filters.get("labelFilters")),
        ("/spec/template/metadata/annotations", inner.get("annotations", {}), filters.get("annotationFilters")),
    )
    removed = [
        {"op": "remove", "path": f"{place}/{key.replace('~', '~0').replace('/', '~1')}"}
        for place, keys, chosen in places
        for key in keys
        if chosen is not None and not _passes(key, chosen)
    ]
    firmware = "/spec/template/spec/domain/firmware"
    return [*removed, *({"op": "replace", "path": f"{firmware}/{each}", "value": ""} for each in ("serial", "uuid"))]


def _passes(key: str, filters: list[str]) -> bool:
    """Tell whether a key is kept: one filter matches it, as a regular expression anywhere in it, and no negated one."""
    negated = [each[1:] for each in filters if each.startswith("!")]
    plain = [".*" if each == "*" else each for each in filters if not each.startswith("!")]
    return any(re.search(each, key) for each in plain) and not any(re.search(each, key) for each in negated)


async def _tell(sim: Sim, found: Json, phase: str) -> None:
    done, now, old = phase == "Succeeded", sim.now(), found.get("status", {})
    reason = "Ready" if done else "Still processing"
    items = old.get("conditions", [])
    for kind, holds in (("Progressing", not done), ("Ready", done)):
        items = with_condition(items, {"type": kind, "status": str(holds), "reason": reason}, now)
    await sim.write_status(CLONE, found, {**old, "phase": phase, "conditions": items})
