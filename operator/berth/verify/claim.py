"""Claims of disks that are to become larger: their size may be written, and nothing else."""

from typing import Final

from berth.api.meta import GROUP
from berth.verify.metadata import NOT_OURS, disk_name
from berth.verify.rules import Rule
from berth.verify.shapes import quantity
from berth.verify.table import allow, always, derive, exactly, inside, table

_ANNOTATIONS: Final = table({f"{GROUP}/storage": allow(quantity)}, unknown=Rule.ANNOTATIONS)
_METADATA: Final = table(
    {
        "name": derive(Rule.IDENTITY, disk_name, lambda _: "is missing: set it to the name of the disk"),
        "namespace": exactly(Rule.NAMESPACE, lambda bounds: bounds.namespace),
        "annotations": inside(_ANNOTATIONS, "is missing: say how large the disk is to be"),
    },
    deny={**NOT_OURS, Rule.IDENTITY: (*NOT_OURS[Rule.IDENTITY], "labels", "ownerReferences")},
)
_RESOURCES: Final = table(
    {"requests": inside(table({"storage": allow(quantity)}, unknown=Rule.STORAGE), "is missing: set the size")},
    deny={Rule.STORAGE: ("limits",)},
)
CLAIM: Final = table(
    {
        "apiVersion": always(Rule.KIND, "v1"),
        "kind": always(Rule.KIND, "PersistentVolumeClaim"),
        "metadata": inside(_METADATA, "is missing: name the claim"),
        "spec": inside(table({"resources": inside(_RESOURCES)}, unknown=Rule.STORAGE), "is missing: set the size"),
    },
    deny={Rule.NOT_WRITTEN: ("status",)},
)
"""A PersistentVolumeClaim."""
