"""A Task on pods."""

from berth.api.meta import GROUP
from berth.decide.model import ClassFacts
from berth.render.fields import present
from berth.render.metadata import backing_labels, child, fingerprint, metadata
from berth.render.model import Child, Object, Subject
from berth.render.pod import pod_template

SOURCE_HASH_ANNOTATION = f"{GROUP}/source-hash"
"""On a Job: hash of what the author wrote, without where it runs. A finished Task runs again only if that changed."""

_PLACEMENT = {"isolation", "trust", "switching", "deletion_policy"}


def job(subject: Subject, facts: ClassFacts) -> Child:
    """Return the Job; raise Unrenderable as `pod_template` does."""
    meta = metadata(subject, backing_labels(subject, facts))
    meta["annotations"][SOURCE_HASH_ANNOTATION] = source_hash(subject)
    return child(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": meta,
            "spec": _spec(subject, facts),
        },
    )


def source_hash(subject: Subject) -> str:
    """Return the hash of everything in the spec that says what runs.

    Defaults are left out: a field that a later version adds must not run every finished Task again.
    """
    return fingerprint(subject.spec.model_dump(mode="json", exclude_defaults=True, exclude=_PLACEMENT))


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
