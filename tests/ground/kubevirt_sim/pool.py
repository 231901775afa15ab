"""VirtualMachinePool -> VirtualMachines NAME-0..n-1, their updates and the pool's status (watch/pool)."""

import copy
import hashlib
import math

import orjson

from ground.api import Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.kinds import POOL, VM, VMI
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.status import holds, with_condition, without_condition
from ground.kubevirt_sim.vmi_status import phase_of

REVISION = "kubevirt.io/vm-pool-revision-name"


async def sync(sim: Sim, pool: Json) -> None:
    """Make, update or remove the machines of a pool, then write its status."""
    if "deletionTimestamp" in pool["metadata"] or not sim.deployed():
        return
    machines = _machines(sim, pool)
    if not pool["spec"].get("paused"):
        await _scale(sim, pool, machines)
        await _update(sim, pool, machines)
    await sim.write_status(POOL, pool, _status(sim, pool))


def _machines(sim: Sim, pool: Json) -> list[Json]:
    found = sim.world.of_owner(VM, pool["metadata"]["uid"])
    return sorted((vm for vm in found if "deletionTimestamp" not in vm["metadata"]), key=ordinal)


def ordinal(vm: Json) -> int:
    """Return the number at the end of a machine's name."""
    return int(vm["metadata"]["name"].rpartition("-")[2])


async def _scale(sim: Sim, pool: Json, machines: list[Json]) -> None:
    """Create the lowest numbers that are missing, or remove the highest ones that are too many."""
    wanted = pool["spec"].get("replicas", 1)
    meta = pool["metadata"]
    # A machine of an earlier pool of this name that has not ended yet keeps its number.
    taken = {vm["metadata"]["name"] for vm in sim.world.all(VM, meta["namespace"])}
    free = (number for number in range(wanted + len(taken)) if f"{meta['name']}-{number}" not in taken)
    for _ in range(len(machines), wanted):
        await sim.create(VM, _machine(pool, next(free)))
    for vm in machines[wanted:]:
        await sim.delete(VM, vm)


def _machine(pool: Json, number: int) -> Json:
    meta, template = pool["metadata"], pool["spec"]["virtualMachineTemplate"]
    given = template.get("metadata") or {}
    return {
        "metadata": {
            "name": f"{meta['name']}-{number}",
            "namespace": meta["namespace"],
            "labels": {**(given.get("labels") or {}), REVISION: _revision(pool)},
            "annotations": given.get("annotations") or {},
            "ownerReferences": [launcher.owner_reference("VirtualMachinePool", POOL.api, meta)],
        },
        "spec": _spec(pool, number),
    }


def _spec(pool: Json, number: int) -> Json:
    """Return a machine's spec; with nameGeneration its Secrets and ConfigMaps are its own, by number."""
    spec: Json = copy.deepcopy(pool["spec"]["virtualMachineTemplate"]["spec"])
    meta = spec["template"].setdefault("metadata", {})
    meta["labels"] = {**(meta.get("labels") or {}), REVISION: _revision(pool)}
    naming = pool["spec"].get("nameGeneration", {})
    for volume in spec["template"]["spec"].get("volumes", []):
        for reference, key in _references(volume, naming):
            reference[key] = f"{reference[key]}-{number}"
    return spec


def _references(volume: Json, naming: Json) -> list[tuple[Json, str]]:
    found: list[tuple[Json, str]] = []
    if naming.get("appendIndexToSecretRefs"):
        for source in ("cloudInitNoCloud", "cloudInitConfigDrive"):
            found += [(ref, "name") for ref in volume.get(source, {}).values() if isinstance(ref, dict)]
        found += [(volume["secret"], "secretName")] if "secret" in volume else []
        found += [(volume["sysprep"]["secret"], "name")] if "secret" in volume.get("sysprep", {}) else []
    if naming.get("appendIndexToConfigMapRefs"):
        found += [(volume["configMap"], "name")] if "configMap" in volume else []
    return found


def _revision(pool: Json) -> str:
    text = orjson.dumps(pool["spec"]["virtualMachineTemplate"], option=orjson.OPT_SORT_KEYS)
    return f"{pool['metadata']['name'][:40]}-{hashlib.sha256(text).hexdigest()[:8]}"


async def _update(sim: Sim, pool: Json, machines: list[Json]) -> None:
    """Give outdated machines the new template; with the proactive strategy also restart the ones that need it."""
    strategy = pool["spec"].get("updateStrategy", {})
    if "unmanaged" in strategy:
        return
    for vm in machines[: pool["spec"].get("replicas", 1)]:
        if vm["metadata"].get("labels", {}).get(REVISION) != _revision(pool):
            await _renew(sim, pool, vm)
    if "opportunistic" not in strategy:
        await _restart(sim, pool, machines)


async def _renew(sim: Sim, pool: Json, vm: Json) -> None:
    new, old = _machine(pool, ordinal(vm)), vm["spec"]["template"]["spec"]["domain"]
    domain = new["spec"]["template"]["spec"]["domain"]
    # What identifies the machine to its guest was filled on create and stays; the rest is filled again.
    domain["firmware"] = {**domain.get("firmware", {}), **{key: old["firmware"][key] for key in ("uuid", "serial")}}
    spec = {**dict.fromkeys(vm["spec"]), **new["spec"]}
    spec["template"] = _replaced(vm["spec"]["template"], spec["template"])
    await sim.patch(VM, vm, {"metadata": {"labels": new["metadata"]["labels"]}, "spec": spec})


def _replaced(old: Json, new: Json) -> Json:
    """Return the merge patch that turns one object into another."""
    patch: Json = {key: None for key in old if key not in new}
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(old.get(key), dict)
        patch[key] = _replaced(old[key], value) if both else value
    return patch


async def _restart(sim: Sim, pool: Json, machines: list[Json]) -> None:
    """Restart instances that were made of another template, never more than maxUnavailable out of service at once."""
    instances = [(vm, sim.world.get(VMI, vm["metadata"]["namespace"], vm["metadata"]["name"])) for vm in machines]
    out = sum(not (vmi and phase_of(vmi) == "Running" and holds(vmi, "Ready") and _stays(vmi)) for _, vmi in instances)
    outdated = [vmi for vm, vmi in instances if vmi and _stays(vmi) and _made_of(vmi) != _made_of(vm)]
    for vmi in outdated[: max(0, _max_unavailable(pool, len(machines)) - out)]:
        await sim.delete(VMI, vmi)


def _stays(vmi: Json) -> bool:
    return "deletionTimestamp" not in vmi["metadata"]


def _made_of(found: Json) -> str:
    """Return the revision of the pool that a machine or an instance was made of."""
    return str(found["metadata"].get("labels", {}).get(REVISION, ""))


def _max_unavailable(pool: Json, count: int) -> int:
    given = pool["spec"].get("maxUnavailable", "100%")
    if isinstance(given, str) and given.endswith("%"):
        return max(1, math.floor(count * int(given.removesuffix("%")) / 100))
    return max(1, int(given))


def _status(sim: Sim, pool: Json) -> Json:
    machines = _machines(sim, pool)
    selector = pool["spec"]["selector"].get("matchLabels", {})
    status = {
        **pool.get("status", {}),
        "replicas": len(machines),
        "readyReplicas": sum(holds(vm, "Ready") for vm in machines),
        "labelSelector": ",".join(f"{key}={value}" for key, value in sorted(selector.items())),
    }
    items = status.get("conditions", [])
    if pool["spec"].get("paused"):
        status["conditions"] = with_condition(
            items, {"type": "ReplicaPaused", "status": "True", "reason": "Paused"}, sim.now()
        )
    elif items:
        status["conditions"] = without_condition(items, "ReplicaPaused")
    return status
