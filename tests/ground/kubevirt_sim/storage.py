"""DataVolume -> claim -> bound, DataSource -> ready (CDI). The contents of a disk are not there, of course."""

from datetime import datetime

from ground.api import Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import CLAIM, DATA_SOURCE, DATA_VOLUME
from ground.kubevirt_sim.quantity import amount
from ground.kubevirt_sim.sim import Sim, failing
from ground.kubevirt_sim.status import with_condition

CLAIM_FIELDS = ("accessModes", "resources", "storageClassName", "volumeMode", "volumeName")
FALLBACK_SIZE = "1Gi"
UNREADABLE = "Unable to process data: 404 Not Found"


async def sync(sim: Sim, volume: Json) -> None:
    """Make the claim of a DataVolume once its source is there, then write its status."""
    meta = volume["metadata"]
    if "deletionTimestamp" in meta or failing(volume) == "Ignored":
        return
    source, missing = _source(sim, volume)
    claim = sim.world.get(CLAIM, meta["namespace"], meta["name"])
    if claim is None and missing is None:
        await sim.create(CLAIM, _claim(volume, source))
        claim = sim.world.get(CLAIM, meta["namespace"], meta["name"])
    await sim.write_status(DATA_VOLUME, volume, _status(volume, claim, missing, sim.now()))


async def sync_claim(sim: Sim, claim: Json) -> None:
    """Give a bound claim what it asks for, as the resizer of a storage driver does; what it has lags behind."""
    status = claim.get("status", {})
    wanted = claim["spec"]["resources"]["requests"]["storage"]
    if status.get("phase") != "Bound" or amount(status.get("capacity", {}).get("storage", 0)) >= amount(wanted):
        return
    if failing(claim) == "NoRoom":
        waits = {"type": "Resizing", "status": "True", "reason": "", "message": "the pool has no room"}
        await sim.patch_conditions(CLAIM, claim, [waits])
        return
    await sim.write_status(CLAIM, claim, {**status, "capacity": {"storage": wanted}, "conditions": []})


async def sync_source(sim: Sim, found: Json) -> None:
    """Write a DataSource's status: ready when the claim it names is bound."""
    pvc = found["spec"]["source"].get("pvc")
    claim = sim.world.get(CLAIM, pvc["namespace"], pvc["name"]) if pvc else None
    if pvc is None:
        new = {"type": "Ready", "status": "False", "reason": "NoSource", "message": "No source PVC set"}
    elif claim is None:
        new = {"type": "Ready", "status": "False", "reason": "NotFound", "message": "PVC not found"}
    else:
        new = {"type": "Ready", "status": "True", "reason": "Ready", "message": "DataSource is ready to be consumed"}
    status = {**found.get("status", {}), "source": found["spec"]["source"]}
    status["conditions"] = with_condition(status.get("conditions", []), new, sim.now())
    await sim.write_status(DATA_SOURCE, found, status)


def _source(sim: Sim, volume: Json) -> tuple[Json | None, str | None]:
    """Return the claim a DataVolume is cloned from (None for blanks and imports) and what is missing, if anything."""
    namespace, spec = volume["metadata"]["namespace"], volume["spec"]
    pvc = spec.get("source", {}).get("pvc")
    if reference := spec.get("sourceRef"):
        where = reference.get("namespace", namespace)
        found = sim.world.get(DATA_SOURCE, where, reference["name"])
        if found is None:
            return None, f"DataSource {where}/{reference['name']} not found"
        pvc = found["spec"]["source"].get("pvc")
    if pvc is None:
        return None, None
    claim = sim.world.get(CLAIM, pvc["namespace"], pvc["name"])
    return claim, None if claim else f"Source PVC {pvc['namespace']}/{pvc['name']} not found"


def _claim(volume: Json, source: Json | None) -> Json:
    meta = volume["metadata"]
    given = volume["spec"].get("storage") or volume["spec"].get("pvc") or {}
    spec: Json = {key: given[key] for key in CLAIM_FIELDS if key in given}
    spec.setdefault("accessModes", ["ReadWriteOnce"])
    size = source["spec"]["resources"]["requests"]["storage"] if source else FALLBACK_SIZE
    spec["resources"] = {"requests": {"storage": size, **spec.get("resources", {}).get("requests", {})}}
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {
                **meta.get("labels", {}),
                "app": "containerized-data-importer",
                "app.kubernetes.io/managed-by": "cdi-controller",
            },
            "annotations": {**meta.get("annotations", {}), "cdi.kubevirt.io/storage.contentType": "kubevirt"},
            "ownerReferences": [launcher.owner_reference("DataVolume", DATA_VOLUME.api, meta)],
        },
        "spec": spec,
    }


def _status(volume: Json, claim: Json | None, missing: str | None, now: datetime) -> Json:
    """Return the status of a DataVolume as CDI writes it; an import that fails is tried for ever, and told so."""
    bound = bool(claim and claim.get("status", {}).get("phase") == "Bound")
    phases = {"Failed": "Failed", "Error": "ImportInProgress" if bound else "Pending"}
    phase = phases.get(failing(volume), "Succeeded" if bound else "Pending")
    done = phase == "Succeeded"
    status = {**volume.get("status", {}), "phase": phase, "progress": "100.0%" if done else "N/A"}
    if claim:
        status["claimName"] = claim["metadata"]["name"]
    transfers = phase == "ImportInProgress"
    waits = "TransferRunning" if transfers else "NotReady"
    running = _state("Running", on=False, reason="Completed" if done else "Pending", message=missing or "")
    if phase == "Failed" or transfers:
        running = _state("Running", on=False, reason="Error", message=UNREADABLE)
    items: list[Json] = status.get("conditions", [])
    items = with_condition(items, _state("Bound", bound, "Bound" if bound else "Pending", missing or ""), now)
    items = with_condition(items, _state("Ready", done, "" if done else waits, missing or ""), now)
    status["conditions"] = with_condition(items, running, now)
    return status


def _state(type_: str, on: bool, reason: str, message: str) -> Json:
    return {"type": type_, "status": "True" if on else "False", "reason": reason, "message": message}
