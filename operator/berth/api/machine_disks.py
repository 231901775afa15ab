"""Disks of a machine: what they are made from, and how guests see them. Fields are named and mean as in KubeVirt."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import (
    Image,
    Model,
    Name,
    ObjectName,
    Quantity,
    Rule,
    exactly_one,
    is_image,
    rules,
    validations,
)

LAUNCHER_VOLUMES: Final = (
    "cloudinit-ndata",
    "cloudinit-udata",
    "container-disks",
    "ephemeral-disks",
    "hook-sidecar-sockets",
    "hotplug-disks",
    "hugepages",
    "hugetblfs-dir",
    "kernel-boot-volume",
    "kubevirt-plugin-sockets",
    "launcher-volume",
    "libvirt-runtime",
    "network-info-annotation",
    "private",
    "private-libvirt",
    "private-libvirt-qemu",
    "public",
    "sockets",
    "virt-bin-share-dir",
    "virtiofs-containers",
    "vm-state",
)
"""Volumes that KubeVirt adds to the pod of a machine itself. A disk becomes a volume of its own name there."""

MAX_CONTAINER_DISK_NAME: Final = 52
"""KubeVirt names containers after it: `volumeNAME`, and `volumeNAME-init` without ImageVolume, within 63 characters."""


class DiskBus(StrEnum):
    """What a hard disk is plugged into. A guest needs the driver: most have those of sata, some lack virtio's."""

    VIRTIO = "virtio"
    SATA = "sata"
    SCSI = "scsi"


class CDRomBus(StrEnum):
    """What a CD-ROM is plugged into."""

    SATA = "sata"
    SCSI = "scsi"


class DiskTarget(Model):
    """A hard disk, as the guest sees it."""

    bus: DiskBus | None = None
    """What it is plugged into; what the preference chooses, or virtio without one, when unset."""


class CDRomTarget(Model):
    """A CD-ROM, as the guest sees it."""

    bus: CDRomBus | None = None
    """What it is plugged into; what the preference chooses, or what the processor architecture has, when unset."""


class ContainerDisk(Model):
    """A disk inside an OCI image. It forgets every change when the machine restarts."""

    image: Image
    """The image; pin it by digest where it matters."""
    image_pull_secret: ObjectName | None = None
    """Secret with the registry's credentials."""


HTTP_URL: Final = r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9_][A-Za-z0-9._~+-]*)+$"
"""A file on a web server. No part of the path begins with a dot, and there is no query."""

_SCHEME: Final = "docker://"
REGISTRY_URL: Final = rf"^{_SCHEME}[A-Za-z0-9][-A-Za-z0-9._:/@]*$"

_MADE: Final = (
    Rule(
        "quantity(string(self.storage)).compareTo(quantity('1Mi')) >= 0",
        "storage is below 1Mi: it counts bytes, so add a unit, such as 30Gi",
        ".storage",
    ),
    Rule(
        "has(self.storageClassName) == has(oldSelf.storageClassName) &&"
        " (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
        "the storageClassName of a disk is immutable: restore it, and add another disk or Workload instead",
        ".storageClassName",
    ),
)


def _filled_from(field: str, *optional: str) -> Rule:
    """Return the rule that what a disk was filled from stays. What is compared is bounded, or it costs too much."""
    same = [f"self.{field} == oldSelf.{field}"]
    same += [
        f"has(self.{each}) == has(oldSelf.{each}) && (!has(self.{each}) || self.{each} == oldSelf.{each})"
        for each in optional
    ]
    return Rule(
        " && ".join(same),
        f"what a disk was filled from is immutable: restore {', '.join((field, *optional))}, and add another disk or"
        " Workload instead",
    )


class MadeDisk(Model):
    """A disk that is made once and kept."""

    storage: Quantity
    """Size of the disk in bytes. It may be raised, where the StorageClass lets claims grow, and never lowered."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the disk; the cluster's default when unset."""


class DataSource(MadeDisk):
    """A golden image (CDI DataSource of the same namespace), cloned once into a disk that is kept."""

    name: ObjectName
    """Name of the DataSource. It may lead to another namespace if the tenant's disks.imageNamespaces has that."""

    model_config = rules(*_MADE, _filled_from("name"))


class BlankDisk(MadeDisk):
    """An empty disk."""

    model_config = rules(*_MADE)


class HTTPDisk(MadeDisk):
    """A disk that is filled once from a file on a web server: raw or qcow2, plain or compressed, or an ISO."""

    url: Annotated[str, Field(min_length=10, max_length=1024, pattern=HTTP_URL)]
    """Where the file is; it must begin with one of the tenant's disks.urls."""
    secret_ref: ObjectName | None = None
    """Secret with `accessKeyId` and `secretKey`, the name and password for it."""
    cert_config_map: ObjectName | None = None
    """ConfigMap with the certificates of further authorities."""

    model_config = rules(*_MADE, _filled_from("url", "secretRef", "certConfigMap"))


class RegistryDisk(MadeDisk):
    """A disk that is filled once from an OCI image that holds a disk, and then kept."""

    url: Annotated[
        str,
        Field(min_length=10, max_length=1024, pattern=REGISTRY_URL, json_schema_extra=validations(is_image(_SCHEME))),
    ]
    """The image, with `docker://` before it; images of the Workload must be allowed, so must this."""
    secret_ref: ObjectName | None = None
    """Secret with `accessKeyId` and `secretKey`, the name and password at the registry."""
    cert_config_map: ObjectName | None = None
    """ConfigMap with the certificates of further authorities."""

    model_config = rules(*_MADE, _filled_from("url", "secretRef", "certConfigMap"))


class ClonedClaim(MadeDisk):
    """Another PersistentVolumeClaim of the same namespace, cloned once into a disk that is kept."""

    name: ObjectName
    """Name of the claim."""

    model_config = rules(*_MADE, _filled_from("name"))


class ClaimDisk(Model):
    """An existing PersistentVolumeClaim as a disk."""

    claim_name: ObjectName
    """Name of the claim."""

    model_config = rules(
        Rule(
            "self.claimName == oldSelf.claimName",
            "the claim of a disk is immutable: restore claimName, and add another disk or Workload instead",
            ".claimName",
        ),
    )


class DiskSource(Model):
    """Where a disk comes from, which is exactly one source, and how the guest sees it."""

    container_disk: ContainerDisk | None = None
    """An OCI image that holds a disk."""
    data_source: DataSource | None = None
    """A golden image to clone."""
    blank: BlankDisk | None = None
    """An empty disk to make."""
    http: HTTPDisk | None = None
    """A file on a web server to fill a disk from."""
    registry: RegistryDisk | None = None
    """An OCI image to fill a disk from."""
    pvc: ClonedClaim | None = None
    """Another claim to clone."""
    persistent_volume_claim: ClaimDisk | None = None
    """An existing disk."""
    disk: DiskTarget | None = None
    """See it as a hard disk, which is the default."""
    cdrom: CDRomTarget | None = None
    """See it as a CD-ROM, which can only be read."""
    boot_order: Annotated[int, Field(ge=1, le=32)] | None = None
    """Its place among the disks to boot from, lowest first. The boot disk has 1 when unset, others are not tried."""

    @property
    def made(self) -> MadeDisk | None:
        """Return what Berth makes the disk from; None for one that is there already or forgets."""
        return self.data_source or self.blank or self.http or self.registry or self.pvc


_SOURCES: Final = ("containerDisk", "dataSource", "blank", "http", "registry", "pvc", "persistentVolumeClaim")
_DISK_RULES: Final = (
    exactly_one("a disk has one source", *_SOURCES),
    Rule(
        " && ".join(f"has(self.{source}) == has(oldSelf.{source})" for source in _SOURCES),
        "the kind of a disk's source is immutable: restore it, and add another disk or Workload instead",
    ),
    Rule("!has(self.disk) || !has(self.cdrom)", "a disk is a hard disk or a CD-ROM: remove disk or cdrom", ".cdrom"),
)


class BootDisk(DiskSource):
    """The disk that the machine boots from."""

    model_config = rules(*_DISK_RULES)


class Disk(DiskSource):
    """A further disk."""

    name: Name
    """Its name, unique in the machine."""
    serial: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    """Serial number that the guest sees, for a stable /dev/disk/by-id."""
    read_only: bool | None = None
    """Whether the guest may only read it: it is a CD-ROM then."""

    model_config = rules(
        *_DISK_RULES,
        Rule(
            "!has(self.disk) || !self.?readOnly.orValue(false)",
            "a disk that is read-only is a CD-ROM: set cdrom instead of disk, or remove readOnly",
            ".disk",
        ),
        Rule(
            f"!has(self.containerDisk) || self.name.size() <= {MAX_CONTAINER_DISK_NAME}",
            f"the name of a containerDisk is longer than {MAX_CONTAINER_DISK_NAME} characters: KubeVirt names"
            " containers volumeNAME-init after it, so shorten it",
            ".name",
        ),
        Rule(
            f"!(self.name in {list(LAUNCHER_VOLUMES)})",
            "the disk has the name of a volume that KubeVirt adds to the machine's pod, as private, public or sockets"
            " are: give it another name",
            ".name",
        ),
    )
