"""How many replicas a drain may take away at once: one."""

from berth.api.levels import Backend, WorkloadType
from berth.decide.model import ClassFacts
from berth.render.metadata import child, labels, metadata, selector
from berth.render.model import Child, Object, Subject


def disruption_budget(subject: Subject, facts: ClassFacts) -> Child | None:
    """Return the PodDisruptionBudget of a service with several replicas, else None.

    A Job has none: its controller has no scale to count against.
    """
    if subject.spec.replicas <= 1 or subject.spec.type is WorkloadType.TASK:
        return None
    return child(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(subject, labels(subject)),
            "spec": {
                "selector": {"matchLabels": selector(subject)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",  # or a drain waits for ever for a pod that never starts
                **_allowance(subject, facts),
            },
        }
    )


def _allowance(subject: Subject, facts: ClassFacts) -> Object:
    if facts.backend is Backend.POD:
        return {"maxUnavailable": 1}
    # Launcher pods belong to a VirtualMachineInstance, which has no scale: there only a whole minAvailable works.
    return {"minAvailable": subject.spec.replicas - 1}
