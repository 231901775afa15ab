"""Identity of every child: name, namespace, labels, annotations and owner."""

import re
from typing import Any, Final

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
from berth.verify.model import Bounds
from berth.verify.rules import Rule
from berth.verify.table import Complaint, Field, Table, always, derive, exactly, inside, table

_HASH: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
NOT_OURS: Final[dict[Rule, tuple[str, ...]]] = {
    Rule.IDENTITY: ("generateName", "creationTimestamp", "generation", "resourceVersion", "selfLink", "uid"),
    Rule.LIFETIME: ("deletionGracePeriodSeconds", "deletionTimestamp", "finalizers"),
    Rule.NOT_WRITTEN: ("managedFields",),
}
"""Metadata that is the API server's or other controllers'."""


def selector(bounds: Bounds) -> dict[str, str]:
    """Return the one label by which everything that runs a Workload is selected."""
    return {WORKLOAD_LABEL: bounds.workload}


def match_labels(bounds: Bounds) -> dict[str, Any]:
    """Return the label selector of everything that runs a Workload."""
    return {"matchLabels": selector(bounds)}


def _labels(bounds: Bounds) -> dict[str, str]:
    return {
        WORKLOAD_LABEL: bounds.workload,
        NAME_LABEL: bounds.workload,
        MANAGED_BY_LABEL: FIELD_MANAGER,
    }


def _disk_labels(bounds: Bounds) -> dict[str, str]:
    """Without the label that selectors use: CDI copies labels to pods that run no Workload."""
    return {DISK_LABEL: bounds.workload, MANAGED_BY_LABEL: FIELD_MANAGER}


def _backing_labels(bounds: Bounds) -> dict[str, str]:
    return {**_labels(bounds), CLASS_LABEL: bounds.class_name}


def _pod_labels(bounds: Bounds) -> dict[str, str]:
    return {
        WORKLOAD_LABEL: bounds.workload,
        NAME_LABEL: bounds.workload,
        CLASS_LABEL: bounds.class_name,
        TENANT_LABEL: bounds.tenant,
    }


def _owners(bounds: Bounds) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "IsolationClass" if bounds.probed else "Workload",
            "name": bounds.class_name if bounds.probed else bounds.workload,
            "uid": bounds.uid,
            "controller": True,
            "blockOwnerDeletion": bounds.probed is None,
        }
    ]


def is_hash(value: Any) -> Complaint:
    """Return what keeps a value from being a hash."""
    return None if isinstance(value, str) and _HASH.fullmatch(value) else "is no hash: write 32 hexadecimal digits"


_HASHED: Final[Field] = derive(
    Rule.ANNOTATIONS, lambda value, _: is_hash(value), lambda _: "is missing: set it to the hash of what is wanted"
)


def _task_hash(value: Any, bounds: Bounds) -> Complaint:
    return is_hash(value) if bounds.named.task else "is set, but this is no Task: remove it"


_TASK_HASHED: Final[Field] = derive(
    Rule.ANNOTATIONS,
    _task_hash,
    lambda bounds: "is missing: set it to the hash of what the author wrote" if bounds.named.task else None,
)


def _annotations(**more: Field) -> Table:
    return table({DESIRED_HASH_ANNOTATION: _HASHED, **more}, unknown=Rule.ANNOTATIONS)


def _metadata(annotations: Table, **instead: Field) -> Table:
    fields = {
        "name": exactly(Rule.IDENTITY, lambda bounds: bounds.workload),
        "namespace": exactly(Rule.NAMESPACE, lambda bounds: bounds.namespace),
        "labels": exactly(Rule.LABELS, _labels),
        "annotations": inside(annotations, "is missing: add the hash of what is wanted"),
        "ownerReferences": exactly(Rule.OWNER, _owners),
    }
    return table(fields | instead, deny=NOT_OURS)


def disk_name(value: Any, bounds: Bounds) -> Complaint:
    """Return what keeps a value from being the name of a disk that is made for the Workload."""
    if isinstance(value, str) and value in bounds.named.disks:
        return None
    return "is the name of no disk of the Workload: use the Workload's name and that of the disk"


def _origin(value: Any, bounds: Bounds) -> Complaint:
    if isinstance(value, str) and value in bounds.named.made_from:
        return None
    return "is what no disk of the Workload is made from: restore it"


CHILD: Final = _metadata(_annotations())
"""Metadata of children that do not depend on the class."""

BACKING: Final = _metadata(_annotations(), labels=exactly(Rule.LABELS, _backing_labels))
"""Metadata of what runs a Workload."""

RUN: Final = _metadata(
    _annotations(**{f"{GROUP}/source-hash": _TASK_HASHED}), labels=exactly(Rule.LABELS, _backing_labels)
)
"""Metadata of what may run a Task: it notes what it was made of."""

DISK: Final = _metadata(
    _annotations(
        **{
            "cdi.kubevirt.io/storage.deleteAfterCompletion": always(Rule.DISKS, "false"),
            f"{GROUP}/made-from": derive(Rule.DISKS, _origin, lambda _: "is missing: say what the disk is made from"),
        }
    ),
    name=derive(Rule.IDENTITY, disk_name, lambda _: "is missing: set it to the name of the disk"),
    labels=exactly(Rule.LABELS, _disk_labels),
    # A disk outlives its Workload unless the author said otherwise.
    ownerReferences=exactly(Rule.OWNER, lambda bounds: _owners(bounds) if bounds.named.disks_go else None),
)
"""Metadata of a DataVolume."""

TEMPLATE: Final = table(
    {"labels": exactly(Rule.LABELS, _pod_labels)},
    deny={
        **NOT_OURS,
        Rule.IDENTITY: (*NOT_OURS[Rule.IDENTITY], "name"),
        Rule.NAMESPACE: ("namespace",),
        Rule.ANNOTATIONS: ("annotations",),
        Rule.OWNER: ("ownerReferences",),
    },
)
"""Metadata of pods and machines, which launcher pods take over: labels decide who reaches them."""
