"""On which nodes a Workload may run, and beside whom. It comes from the class alone, never from the author."""

from typing import Final

from berth.api.levels import NodeSharing
from berth.api.meta import TENANT_LABEL, WORKLOAD_LABEL
from berth.decide.model import ClassFacts
from berth.render.fields import present
from berth.render.metadata import selector
from berth.render.model import Object, Subject

HOSTNAME: Final = "kubernetes.io/hostname"


def tolerations(facts: ClassFacts) -> list[Object]:
    """Return the tolerations for the taints of the class' nodes."""
    return [
        present({"key": key, "operator": "Exists" if value is None else "Equal", "value": value, "effect": effect})
        for key, value, effect in facts.tolerations
    ]


def anti_affinity(subject: Subject, facts: ClassFacts) -> Object:
    """Return the `podAntiAffinity` that keeps others off the node, or nothing where nodes are shared.

    The scheduler honours it for pods that come later, too.
    """
    if facts.sharing is NodeSharing.SHARED:
        return {}
    term = {
        "topologyKey": HOSTNAME,
        "labelSelector": {"matchExpressions": _others(subject, facts.sharing)},
        "namespaceSelector": {},  # all namespaces; absent would mean only its own
    }
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _others(subject: Subject, sharing: NodeSharing) -> list[Object]:
    if sharing is NodeSharing.EXCLUSIVE:
        return [{"key": WORKLOAD_LABEL, "operator": "Exists"}]
    return [
        # NotIn holds for pods without the label, too: without Exists every DaemonSet would bar the node.
        {"key": TENANT_LABEL, "operator": "Exists"},
        {"key": TENANT_LABEL, "operator": "NotIn", "values": [subject.tenant]},
    ]


def spread(subject: Subject) -> list[Object]:
    """Return the constraint that spreads replicas over nodes where that is possible.

    It stands there whatever the number of replicas: scaling must not change the template and so restart everything.
    """
    return [
        {
            "topologyKey": HOSTNAME,
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(subject)},
        }
    ]
