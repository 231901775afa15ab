"""Disks that are cloned once from a golden image and kept."""

from collections.abc import Iterator

from berth.api.levels import Backend
from berth.api.machine import DataSource
from berth.api.workload import DeletionPolicy
from berth.decide.model import ClassFacts
from berth.render.disks import BOOT_DISK, data_volume_name
from berth.render.fields import canonical, present
from berth.render.metadata import child, labels, metadata
from berth.render.model import Child, Subject


def data_volumes(subject: Subject, facts: ClassFacts) -> Iterator[Child]:
    """Yield a DataVolume for every disk of the machine that is cloned, if a machine is what runs.

    The machine never owns them, and the Workload does only where its disks are to go with it.
    """
    machine = subject.spec.machine
    if machine is None or facts.backend is not Backend.VIRTUAL_MACHINE:
        return
    for name, disk in ((BOOT_DISK, machine.boot_disk), *((disk.name, disk) for disk in machine.disks or ())):
        if disk.data_source:
            yield _data_volume(subject, name, disk.data_source)


def _data_volume(subject: Subject, disk: str, source: DataSource) -> Child:
    meta = metadata(
        subject,
        labels(subject),
        name=data_volume_name(subject, disk),
        owned=subject.spec.deletion_policy is DeletionPolicy.DELETE,
    )
    # CDI must not collect it when it is filled: the plan would then clone into a disk that is in use.
    meta["annotations"]["cdi.kubevirt.io/storage.deleteAfterCompletion"] = "false"
    return child(
        {
            "apiVersion": "cdi.kubevirt.io/v1beta1",
            "kind": "DataVolume",
            "metadata": meta,
            "spec": {
                "sourceRef": {"kind": "DataSource", "name": source.name},  # in the same namespace: it names none
                "storage": present(
                    {
                        "resources": {"requests": {"storage": canonical(source.storage)}},
                        "storageClassName": source.storage_class_name,
                    }
                ),
            },
        }
    )
