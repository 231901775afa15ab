"""Which instance type or preference a VirtualMachine refers to."""

from ground.api import Json
from ground.kubevirt_sim.kinds import CLUSTER_INSTANCETYPE, CLUSTER_PREFERENCE, INSTANCETYPE, PREFERENCE, Kind
from ground.kubevirt_sim.sim import Sim

KINDS = {"instancetype": (CLUSTER_INSTANCETYPE, INSTANCETYPE), "preference": (CLUSTER_PREFERENCE, PREFERENCE)}
"""The cluster's kind and the namespace's own, by field of a VirtualMachine's spec."""


def namespaced(matcher: Json, own: Kind) -> bool:
    """Tell which variant a matcher means: the cluster's unless it says otherwise, in any letter case, in plural too."""
    return str(matcher.get("kind", "")).lower() in (own.name.lower(), own.plural)


def referred(sim: Sim, namespace: str, matcher: Json, cluster: Kind, own: Kind) -> Json | None:
    """Return the object that a matcher of a VirtualMachine in a namespace names; None when it is not there."""
    if namespaced(matcher, own):
        return sim.world.get(own, namespace, matcher.get("name", ""))
    return sim.world.get(cluster, "", matcher.get("name", ""))
