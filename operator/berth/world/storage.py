"""Raw objects -> records: what the cluster offers for disks."""

from sys import intern
from typing import Final

from berth.api.meta import STORAGE_ANNOTATION
from berth.api.quantity import amount
from berth.world.conditions import condition
from berth.world.parse import Raw, key_of
from berth.world.records import ClaimRecord, StorageClassRecord
from berth.world.steady import steady

_DEFAULT: Final = ("storageclass.kubevirt.io/is-default-virt-class", "storageclass.kubernetes.io/is-default-class")
"""Annotations of the class that a disk gets which names none: CDI looks for the first, then for the second."""


_RESIZING: Final = ("ControllerResizeError", "NodeResizeError", "FileSystemResizePending", "Resizing")
"""Conditions of a claim that grows: why it fails comes before where it is."""


def resizing(status: Raw) -> str:
    """Return what the growth of a claim waits for or fails at, by its status; empty where it does not say."""
    found = (condition(status, kind) for kind in _RESIZING)
    said = next((each for each in found if each is not None), None)
    return steady(said.get("message", "")) if said else ""


def storage_class(raw: Raw) -> StorageClassRecord:
    """Project a StorageClass."""
    meta = raw["metadata"]
    marks = meta.get("annotations") or {}
    return StorageClassRecord(
        meta["name"],
        default=any(marks.get(mark) == "true" for mark in _DEFAULT),
        expands=raw.get("allowVolumeExpansion", False),
    )


def claim(raw: Raw) -> ClaimRecord:
    """Project a PersistentVolumeClaim."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    marks = raw["metadata"].get("annotations") or {}
    return ClaimRecord(
        key=key_of(raw),
        uid=raw["metadata"]["uid"],
        access_modes=tuple(sorted(spec.get("accessModes") or ())),
        block=spec.get("volumeMode") == "Block",
        storage_class=intern(spec.get("storageClassName") or ""),
        bound=status.get("phase") == "Bound",
        made=_made(raw["metadata"]),
        requested=amount(((spec.get("resources") or {}).get("requests") or {}).get("storage")),
        capacity=amount((status.get("capacity") or {}).get("storage")),
        grown=_grown(marks.get(STORAGE_ANNOTATION)),
        resizing=resizing(status),
    )


def _made(meta: Raw) -> bool:
    """Return whether CDI takes a claim for that of the DataVolume of its name."""
    populated = (meta.get("annotations") or {}).get("cdi.kubevirt.io/storage.populatedFor") == meta["name"]
    owners = (ref["kind"] for ref in meta.get("ownerReferences") or () if ref.get("controller"))
    return populated or "DataVolume" in owners


def _grown(noted: str | None) -> int:
    """Return the size that is noted on a claim; whoever has written nonsense there has noted nothing."""
    try:
        return amount(noted)
    except ValueError:
        return 0
