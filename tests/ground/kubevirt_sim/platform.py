"""The KubeVirt and CDI objects and their statuses: what tells an operator that virtual machines can be had."""

from ground.api import Json
from ground.kubevirt_sim import NAMESPACE
from ground.kubevirt_sim.kinds import CDI, KUBEVIRT
from ground.kubevirt_sim.sim import Sim, failing
from ground.kubevirt_sim.status import with_condition

OBJECTS = {
    KUBEVIRT.name: {"metadata": {"name": "kubevirt", "namespace": NAMESPACE}, "spec": {}},
    CDI.name: {"metadata": {"name": "cdi"}, "spec": {}},
}
CDI_VERSION = "v1.66.0"


async def sync_kubevirt(sim: Sim, found: Json) -> None:
    """Write the status of the KubeVirt object: deployed, or degraded when its annotation asks for that."""
    old = found.get("status", {})
    conditions = _conditions(sim, found)
    own = {
        "phase": "Deploying" if failing(found) else "Deployed",
        "observedGeneration": found["metadata"]["generation"],
        "observedKubeVirtVersion": sim.version,
        "targetKubeVirtVersion": sim.version,
        "operatorVersion": sim.version,
        "defaultArchitecture": "amd64",
        "conditions": conditions,
    }
    await sim.write_status(KUBEVIRT, found, {**old, **own})


async def sync_cdi(sim: Sim, found: Json) -> None:
    """Write the status of the CDI object."""
    phase = "Error" if failing(found) else "Deployed"
    own = {"phase": phase, "observedVersion": CDI_VERSION, "operatorVersion": CDI_VERSION}
    await sim.write_status(CDI, found, {**found.get("status", {}), **own, "conditions": _conditions(sim, found)})


def _conditions(sim: Sim, found: Json) -> list[Json]:
    items: list[Json] = found.get("status", {}).get("conditions", [])
    ill = bool(failing(found))
    states = {"Available": not ill, "Progressing": False, "Degraded": ill}
    for type_, on in states.items():
        reason = "SimulatedFailure" if ill else "AllComponentsReady"
        items = with_condition(items, {"type": type_, "status": "True" if on else "False", "reason": reason}, sim.now())
    return items
