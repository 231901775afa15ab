"""Lets load set the replicas of a Workload."""

from berth.api.meta import API_VERSION
from berth.api.workload import Autoscaling
from berth.render.metadata import child, labels, metadata
from berth.render.model import Child, Object, Subject


def autoscaler(subject: Subject) -> Child | None:
    """Return the HorizontalPodAutoscaler, or None when none is asked for.

    It writes `spec.replicas` of the Workload, so it stays as it is when the backing changes.
    """
    wanted = subject.spec.autoscaling
    if wanted is None:
        return None
    return child(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata(subject, labels(subject)),
            "spec": {
                "scaleTargetRef": {"apiVersion": API_VERSION, "kind": "Workload", "name": subject.name},
                "minReplicas": wanted.min_replicas,
                "maxReplicas": wanted.max_replicas,
                "metrics": [_cpu(wanted)],
            },
        }
    )


def _cpu(wanted: Autoscaling) -> Object:
    return {
        "type": "Resource",
        "resource": {
            "name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": wanted.target_cpu_utilization_percentage},
        },
    }
