"""Disks that are made: cloned from what the Workload's DataSources lead to, or filled from what it names itself.

CDI asks whether whoever creates a DataVolume may read its source, and that is Berth: a source in a namespace that the
tenant does not list would copy somebody else's disk.
"""

from typing import Any, Final

from berth.verify.image import image
from berth.verify.model import Bounds, Filling
from berth.verify.rules import Rule
from berth.verify.shapes import quantity
from berth.verify.table import Complaint, Table, allow, derive, inside, shown, table


def _storage_class(value: Any, bounds: Bounds) -> Complaint:
    if not isinstance(value, str) or value not in bounds.named.storage_classes:
        return f"is {shown(value)}, which the Workload does not name: remove it"
    if bounds.storage_classes is None or value in bounds.storage_classes:
        return None
    allowed = ", ".join(sorted(bounds.storage_classes)) or "none"
    return f"is {value}, which is not allowed: use one of {allowed}"


def _source(value: Any, bounds: Bounds) -> Complaint:
    filling = _filling(value)
    if filling is None or filling not in bounds.named.fillings | bounds.clones:
        return f"is {shown(value)}, which the Workload does not name: remove it"
    kind, fields = filling[0], dict(filling[1])
    where = fields.get("namespace", bounds.namespace)
    if where != bounds.namespace and where not in bounds.image_namespaces:
        return f"is in namespace {where}, which the tenant does not list: clone from {bounds.namespace}"
    if kind == "registry":
        return image(fields.get("url", "").removeprefix("docker://"), bounds)
    return None


def _filling(value: Any) -> Filling | None:
    """Return what a source is filled from; None for anything but one source with texts in it."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(kind, fields)] = value.items()
    if not isinstance(kind, str) or not isinstance(fields, dict):
        return None
    if not all(isinstance(each, str) for pair in fields.items() for each in pair):
        return None
    return kind, tuple(sorted(fields.items()))


_RESOURCES: Final = table(
    {"requests": inside(table({"storage": allow(quantity)}, unknown=Rule.STORAGE))},
    deny={Rule.STORAGE: ("limits",)},
)
_STORAGE: Final = table(
    {"resources": inside(_RESOURCES), "storageClassName": derive(Rule.STORAGE, _storage_class)},
    deny={Rule.STORAGE: ("accessModes", "volumeMode", "volumeName")},
)
DATA_VOLUME: Final[Table] = table(
    {
        "source": derive(Rule.STORAGE, _source, lambda _: "is missing: say what the disk is filled from"),
        "storage": inside(_STORAGE, "is missing: set the size of the disk"),
    },
    deny={
        Rule.STORAGE: ("sourceRef", "pvc", "contentType", "preallocation"),
        Rule.PRIORITY: ("priorityClassName",),
    },
)
