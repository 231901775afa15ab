"""Lets load set the replicas of a Workload."""

from berth.api.levels import Backend
from berth.api.meta import API_VERSION
from berth.api.quantity import format_cpu
from berth.api.workload import Autoscaling
from berth.decide.model import ClassFacts
from berth.render.machine_template import guest
from berth.render.metadata import child, labels, metadata
from berth.render.model import Child, Object, Subject


def autoscaler(subject: Subject, facts: ClassFacts) -> Child | None:
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
                "metrics": [
                    {"type": "Resource", "resource": {"name": "cpu", "target": _target(subject, facts, wanted)}}
                ],
            },
        }
    )


def _target(subject: Subject, facts: ClassFacts, wanted: Autoscaling) -> Object:
    """Return the use to aim at: of what a pod requests, or of a guest's own processors.

    KubeVirt requests but a part of each virtual processor, so a share of that would say nothing of the guest.
    """
    percent, machine = wanted.target_cpu_utilization_percentage, subject.spec.machine
    if facts.backend is Backend.POD or machine is None:
        return {"type": "Utilization", "averageUtilization": percent}
    millicores = guest(subject, machine).vcpus * 1000 * percent // 100
    return {"type": "AverageValue", "averageValue": format_cpu(millicores)}
