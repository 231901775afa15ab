"""Disks that are made once and kept: cloned, filled from elsewhere, or empty."""

from collections.abc import Iterator

from berth.api.levels import Backend
from berth.api.machine_disks import DiskSource, MadeDisk
from berth.api.meta import MADE_FROM_ANNOTATION
from berth.api.workload import DeletionPolicy
from berth.decide.model import ClassFacts
from berth.render.disks import data_volume_name, made_from, named_disks
from berth.render.fields import canonical, present
from berth.render.metadata import child, disk_labels, metadata
from berth.render.model import Child, Object, Subject, Unrenderable


def data_volumes(subject: Subject, facts: ClassFacts) -> Iterator[Child]:
    """Yield a DataVolume for every disk of the machine that is made, if a machine is what runs.

    The machine never owns them, and the Workload does only where its disks are to go with it.
    """
    machine = subject.spec.machine
    if machine is None or facts.backend is not Backend.VIRTUAL_MACHINE:
        return
    for name, disk in named_disks(machine):
        if disk.made:
            yield _data_volume(subject, data_volume_name(subject.name, name), disk, disk.made)


def _data_volume(subject: Subject, name: str, disk: DiskSource, made: MadeDisk) -> Child:
    owned = subject.spec.deletion_policy is DeletionPolicy.DELETE
    meta = metadata(subject, disk_labels(subject), name=name, owned=owned)
    meta["annotations"][MADE_FROM_ANNOTATION] = made_from(disk)
    # CDI must not collect it when it is filled: the plan would then clone into a disk that is in use.
    meta["annotations"]["cdi.kubevirt.io/storage.deleteAfterCompletion"] = "false"
    return child(
        {
            "apiVersion": "cdi.kubevirt.io/v1beta1",
            "kind": "DataVolume",
            "metadata": meta,
            "spec": {
                "source": {} if name in subject.made else _source(subject, disk),
                "storage": present(
                    {
                        "resources": {"requests": {"storage": canonical(made.storage)}},
                        "storageClassName": made.storage_class_name,
                    }
                ),
            },
        }
    )


def _source(subject: Subject, disk: DiskSource) -> Object:
    """Return what a disk is filled from.

    A DataSource is written as what it leads to, not by its name: somebody could change it between Berth's look and
    CDI's, and CDI clones whatever Berth may clone.
    """
    if disk.data_source:
        clone = dict(subject.clones).get(disk.data_source.name)
        if clone is None:
            raise Unrenderable(f"DataSource {disk.data_source.name} leads to no image: create it, or name another")
        return {clone.kind: {"namespace": clone.namespace, "name": clone.name}}
    if disk.pvc:
        return {"pvc": {"namespace": subject.namespace, "name": disk.pvc.name}}
    if disk.blank:
        return {"blank": {}}
    remote = disk.http or disk.registry
    if remote is None:
        raise Unrenderable("a disk that is made has no source: give dataSource, blank, http, registry or pvc")
    given = {"url": remote.url, "secretRef": remote.secret_ref, "certConfigMap": remote.cert_config_map}
    return {"http" if disk.http else "registry": present(given)}
