"""A Task on pods."""

from berth.decide.model import ClassFacts
from berth.render.fields import present
from berth.render.metadata import child, task_metadata
from berth.render.model import Child, Object, Subject
from berth.render.pod import pod_template


def job(subject: Subject, facts: ClassFacts) -> Child:
    """Return the Job; raise Unrenderable as `pod_template` does."""
    return child(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": task_metadata(subject, facts),
            "spec": _spec(subject, facts),
        },
    )


def _spec(subject: Subject, facts: ClassFacts) -> Object:
    settings = subject.spec.task
    count = max(subject.spec.replicas, 1)
    return present(
        {
            "completionMode": "Indexed",
            "completions": count,
            "parallelism": count,
            # Without completions a Job has succeeded at once, so no replicas means that it waits.
            "suspend": True if subject.spec.replicas == 0 else None,
            "backoffLimit": settings.backoff_limit if settings else None,
            "activeDeadlineSeconds": settings.active_deadline_seconds if settings else None,
            "podReplacementPolicy": "Failed",  # never two pods of one index: they may share a disk
            "template": pod_template(subject, facts, restart_policy="Never"),
        }
    )
