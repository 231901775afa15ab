"""Disks that are cloned from a golden image of the Workload's own namespace.

CDI asks whether whoever creates a DataVolume may read its source, and that is Berth: a source in another namespace
would copy somebody else's disk.
"""

from typing import Any, Final

from berth.verify.model import Bounds
from berth.verify.references import DATA_SOURCE_NAME
from berth.verify.rules import Rule
from berth.verify.shapes import quantity
from berth.verify.table import Complaint, Table, allow, always, derive, inside, shown, table


def _storage_class(value: Any, bounds: Bounds) -> Complaint:
    if not isinstance(value, str) or value not in bounds.named.storage_classes:
        return f"is {shown(value)}, which the Workload does not name: remove it"
    if bounds.storage_classes is None or value in bounds.storage_classes:
        return None
    allowed = ", ".join(sorted(bounds.storage_classes)) or "none"
    return f"is {value}, which is not allowed: use one of {allowed}"


_SOURCE: Final = table(
    {"kind": always(Rule.STORAGE, "DataSource"), "name": DATA_SOURCE_NAME}, deny={Rule.NAMESPACE: ("namespace",)}
)
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
        "sourceRef": inside(_SOURCE, "is missing: name the DataSource of the disk"),
        "storage": inside(_STORAGE, "is missing: set the size of the disk"),
    },
    deny={
        Rule.STORAGE: ("source", "pvc", "contentType", "preallocation"),
        Rule.PRIORITY: ("priorityClassName",),
    },
)
