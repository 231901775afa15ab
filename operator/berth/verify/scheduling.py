"""On which nodes a Workload runs, and beside whom: what the IsolationClass says, and nothing that an author chose."""

from typing import Any, Final

from berth.api.levels import NodeSharing
from berth.api.meta import TENANT_LABEL, WORKLOAD_LABEL
from berth.verify.metadata import match_labels
from berth.verify.model import Bounds
from berth.verify.rules import Rule
from berth.verify.table import Complaint, Field, derive, exactly, same, shown

ARCHITECTURE: Final = "kubernetes.io/arch"
_HOSTNAME: Final = "kubernetes.io/hostname"
_NESTED: Final = ("vmx", "svm")
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def _pod_nodes(bounds: Bounds) -> dict[str, str] | None:
    """Return the node labels of the class; those of the author's architecture only where it says nothing else."""
    architecture = bounds.named.architecture
    return {**({ARCHITECTURE: architecture} if architecture else {}), **dict(bounds.node_selector)} or None


def _machine_nodes(bounds: Bounds) -> dict[str, str] | None:
    """Return the node labels of the class: a machine says its architecture itself."""
    return dict(bounds.node_selector) or None


def _tolerations(value: Any, bounds: Bounds) -> Complaint:
    known = [_toleration(*each) for each in bounds.tolerations]
    if not isinstance(value, list):
        return "is no list: make it one"
    foreign = [item for item in value if not any(same(item, each) for each in known)]
    return f"stands {shown(foreign[0])}, which class {bounds.class_name} does not: remove it" if foreign else None


def _toleration(key: str, value: str | None, effect: str | None) -> dict[str, str]:
    fields = {"key": key, "operator": "Exists" if value is None else "Equal", "value": value, "effect": effect}
    return {name: each for name, each in fields.items() if each is not None}


def _neighbours(bounds: Bounds) -> dict[str, Any]:
    """Return the anti-affinity that keeps others off the node; nothing where nodes are shared."""
    if bounds.sharing is NodeSharing.SHARED:
        return {}
    others = (
        [{"key": WORKLOAD_LABEL, "operator": "Exists"}]
        if bounds.sharing is NodeSharing.EXCLUSIVE
        else [
            {"key": TENANT_LABEL, "operator": "Exists"},
            {"key": TENANT_LABEL, "operator": "NotIn", "values": [bounds.tenant]},
        ]
    )
    term = {"topologyKey": _HOSTNAME, "labelSelector": {"matchExpressions": others}, "namespaceSelector": {}}
    return {"podAntiAffinity": {_REQUIRED: [term]}}


def _can_nest(bounds: Bounds) -> dict[str, Any]:
    """Return the affinity for nodes that can run machines in machines, where that is asked for."""
    if not bounds.named.nested:
        return {}
    terms = [
        {"matchExpressions": [{"key": f"cpu-feature.node.kubevirt.io/{name}", "operator": "In", "values": ["true"]}]}
        for name in _NESTED
    ]
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": terms}}}


def _spread(value: Any, bounds: Bounds) -> Complaint:
    wanted = {
        "topologyKey": _HOSTNAME,
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": match_labels(bounds),
    }
    return None if same(value, [wanted]) else f"is {shown(value)}: set it to {shown([wanted])}, or remove it"


def nested_features(bounds: Bounds) -> list[dict[str, str]] | None:
    """Return the processor features of a machine that runs machines; None for all others."""
    return [{"name": name, "policy": "optional"} for name in _NESTED] if bounds.named.nested else None


def _probed(bounds: Bounds) -> dict[str, Any]:
    """Return the affinity for the one node that a probe looks at."""
    if bounds.probed is None:
        return {}
    fields = [{"key": "metadata.name", "operator": "In", "values": [bounds.probed]}]
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": [{"matchFields": fields}]}}}


POD_NODES: Final[Field] = exactly(Rule.NODES, _pod_nodes)
MACHINE_NODES: Final[Field] = exactly(Rule.NODES, _machine_nodes)
TOLERATIONS: Final[Field] = derive(Rule.NODES, _tolerations)
POD_AFFINITY: Final[Field] = exactly(Rule.NEIGHBOURS, lambda bounds: {**_probed(bounds), **_neighbours(bounds)} or None)
MACHINE_AFFINITY: Final[Field] = exactly(
    Rule.NEIGHBOURS, lambda bounds: {**_can_nest(bounds), **_neighbours(bounds)} or None
)
SPREAD: Final[Field] = derive(Rule.NEIGHBOURS, _spread)
