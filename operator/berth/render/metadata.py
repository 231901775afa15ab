"""What every child has: name, labels, owner, and the hash of what is wanted."""

import hashlib
from typing import Final

import orjson

from berth.api.meta import (
    API_VERSION,
    CLASS_LABEL,
    DESIRED_HASH_ANNOTATION,
    DISK_LABEL,
    FIELD_MANAGER,
    GROUP,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    TENANT_LABEL,
    WORKLOAD_LABEL,
)
from berth.decide.model import ClassFacts
from berth.render.model import Child, Object, Subject

HASH_LENGTH: Final = 32

SOURCE_HASH_ANNOTATION: Final = f"{GROUP}/source-hash"
"""On what runs a Task: hash of what the author wrote, without where it runs. A Task runs again only if that changed."""

_PLACEMENT: Final = {"isolation", "trust", "switching", "deletion_policy"}


def selector(subject: Subject) -> Object:
    """Return the one label that selects everything that runs a Workload. It never changes."""
    return {WORKLOAD_LABEL: subject.name}


def labels(subject: Subject) -> Object:
    """Return the labels of a child that does not depend on the class."""
    return {WORKLOAD_LABEL: subject.name, NAME_LABEL: subject.name, MANAGED_BY_LABEL: FIELD_MANAGER}


def disk_labels(subject: Subject) -> Object:
    """Return the labels of a disk. No selector finds the pod that fills it by them."""
    return {DISK_LABEL: subject.name, MANAGED_BY_LABEL: FIELD_MANAGER}


def backing_labels(subject: Subject, facts: ClassFacts) -> Object:
    """Return the labels of the object that backs a Workload."""
    return labels(subject) | {CLASS_LABEL: facts.name}


def pod_labels(subject: Subject, facts: ClassFacts) -> Object:
    """Return the labels of pods and of machines, whose launcher pods take them over."""
    return {
        WORKLOAD_LABEL: subject.name,
        NAME_LABEL: subject.name,
        CLASS_LABEL: facts.name,
        TENANT_LABEL: subject.tenant,
    }


def metadata(subject: Subject, child_labels: Object, *, name: str | None = None, owned: bool = True) -> Object:
    """Return the metadata of a child, named like its Workload unless `name` is given.

    A child that is not `owned` outlives its Workload.
    """
    meta: Object = {
        "name": name or subject.name,
        "namespace": subject.namespace,
        "labels": child_labels,
        "annotations": {},
    }
    if owned:
        meta["ownerReferences"] = [_owner(subject)]
    return meta


def task_metadata(subject: Subject, facts: ClassFacts) -> Object:
    """Return the metadata of what runs a Task."""
    meta = metadata(subject, backing_labels(subject, facts))
    meta["annotations"][SOURCE_HASH_ANNOTATION] = _source_hash(subject)
    return meta


def _source_hash(subject: Subject) -> str:
    """Return the hash of everything in the spec that says what runs.

    Defaults are left out: a field that a later version adds must not run every finished Task again.
    """
    return fingerprint(subject.spec.model_dump(mode="json", exclude_defaults=True, exclude=_PLACEMENT))


def _owner(subject: Subject) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "Workload",
        "name": subject.name,
        "uid": subject.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def child(body: Object) -> Child:
    """Return a body as a child, and write the hash of it into its annotations."""
    meta = body["metadata"]
    meta["annotations"][DESIRED_HASH_ANNOTATION] = fingerprint(body)
    return Child(kind=body["kind"], name=meta["name"], body=body)


def fingerprint(value: Object) -> str:
    """Return a hash that does not depend on the order of keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:HASH_LENGTH]
