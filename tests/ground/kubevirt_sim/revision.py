"""What a VirtualMachine keeps of its instance type and its preference: a ControllerRevision (pkg/instancetype/revision)."""

from ground.api import Json
from ground.kubevirt_sim import launcher
from ground.kubevirt_sim.find import KINDS, namespaced, referred
from ground.kubevirt_sim.kinds import REVISION, VM, Kind
from ground.kubevirt_sim.sim import Sim

LABELS = "instancetype.kubevirt.io/object-"


def kept(sim: Sim, vm: Json, field: str) -> Json | None:
    """Return what counts for a machine: what it keeps of what it names, else that itself; None when neither is there."""
    matcher, (cluster, own) = vm["spec"].get(field), KINDS[field]
    if not matcher:
        return None
    ref = vm.get("status", {}).get(f"{field}Ref", {})
    revision = ref.get("controllerRevisionRef", {}).get("name", "") if _is_for(ref, matcher, cluster, own) else ""
    found = sim.world.get(REVISION, vm["metadata"]["namespace"], revision)
    return found["data"] if found else referred(sim, vm["metadata"]["namespace"], matcher, cluster, own)


async def store(sim: Sim, vm: Json) -> None:
    """Keep what a machine names and does not keep yet, and note it in its status."""
    status: Json = dict(vm.get("status", {}))
    for field, (cluster, own) in KINDS.items():
        matcher, ref = vm["spec"].get(field), status.get(f"{field}Ref", {})
        if not matcher:
            status.pop(f"{field}Ref", None)
            continue
        found = referred(sim, vm["metadata"]["namespace"], matcher, cluster, own)
        if found and not (_is_for(ref, matcher, cluster, own) and ref.get("controllerRevisionRef")):
            body = _revision(vm, found, own if namespaced(matcher, own) else cluster)
            await sim.create(REVISION, body)
            names = {"kind": body["data"]["kind"], "name": matcher["name"]}
            status[f"{field}Ref"] = {**names, "controllerRevisionRef": {"name": body["metadata"]["name"]}}
    await sim.write_status(VM, vm, status)


def _is_for(ref: Json, matcher: Json, cluster: Kind, own: Kind) -> bool:
    kind = own if namespaced(matcher, own) else cluster
    return bool(ref.get("name") == matcher.get("name") and ref.get("kind") == kind.name)


def _revision(vm: Json, found: Json, kind: Kind) -> Json:
    meta, machine = found["metadata"], vm["metadata"]
    identity = {"name": meta["name"], "uid": meta["uid"], "generation": meta.get("generation", 1)}
    place = {"namespace": meta["namespace"]} if kind.namespaced else {}
    version = kind.api.split("/")[1]
    name = f"{machine['name']}-{meta['name']}-{version}-{identity['uid']}-{identity['generation']}"
    marks = {"kind": kind.name, "version": version, **{key: str(value) for key, value in identity.items()}}
    return {
        "metadata": {
            "name": name,
            "namespace": machine["namespace"],
            "labels": {f"{LABELS}{key}": value for key, value in marks.items()},
            "ownerReferences": [launcher.owner_reference("VirtualMachine", VM.api, machine)],
        },
        "revision": 0,
        "data": {"apiVersion": kind.api, "kind": kind.name, "metadata": identity | place, "spec": found["spec"]},
    }
