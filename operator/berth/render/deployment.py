"""A Service on pods."""

from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.metadata import backing_labels, child, metadata, selector
from berth.render.model import Child, Object, Subject
from berth.render.pod import pod_template


def deployment(subject: Subject, facts: ClassFacts) -> Child:
    """Return the Deployment; raise Unrenderable as `pod_template` does."""
    return child(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata(subject, backing_labels(subject, facts)),
            "spec": {
                "replicas": subject.spec.replicas,
                "revisionHistoryLimit": 2,
                "progressDeadlineSeconds": 600,
                "strategy": _strategy(subject.spec),
                "selector": {"matchLabels": selector(subject)},
                "template": pod_template(subject, facts),
            },
        },
    )


def _strategy(spec: WorkloadSpec) -> Object:
    claims = (volume.persistent_volume_claim for volume in spec.volumes or ())
    if any(claim and not claim.read_only for claim in claims):
        # Most disks have one writer; a new pod beside the old one would wait for the disk for ever.
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}
