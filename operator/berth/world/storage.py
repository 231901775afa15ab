"""Raw objects -> records: what the cluster offers for disks."""

from typing import Final

from berth.world.parse import Raw
from berth.world.records import StorageClassRecord

_DEFAULT: Final = ("storageclass.kubevirt.io/is-default-virt-class", "storageclass.kubernetes.io/is-default-class")
"""Annotations of the class that a disk gets which names none: CDI looks for the first, then for the second."""


def storage_class(raw: Raw) -> StorageClassRecord:
    """Project a StorageClass."""
    meta = raw["metadata"]
    marks = meta.get("annotations") or {}
    return StorageClassRecord(meta["name"], default=any(marks.get(mark) == "true" for mark in _DEFAULT))
