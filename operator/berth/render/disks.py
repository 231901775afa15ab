"""What a machine sees as disks: its boot disk, further disks, first-boot configuration, and the Workload's volumes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from berth.api.machine import Machine
from berth.api.machine_disks import CDRomBus, Disk, DiskBus, DiskSource
from berth.api.volume import Volume
from berth.render.fields import canonical, present, written
from berth.render.model import Object, Subject, Unrenderable

BOOT_DISK: Final = "root"
CLOUD_INIT: Final = "cloudinit"
SYSPREP: Final = "sysprep"

_SERIAL_LENGTH: Final = 20
"""What virtio keeps of a serial number."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One volume of a machine and how the guest sees it."""

    name: str
    source: Object
    """The volume without its name."""
    cdrom: bool = False
    """Seen read-only: KubeVirt refuses read-only hard disks."""
    bus: str | None = None
    serial: str | None = None
    boot_order: int | None = None
    several: bool = True
    """Whether several machines may have it at once."""


def attached(subject: Subject, machine: Machine, architecture: str = "") -> list[Attached]:
    """Return all volumes of a machine, the boot disk first. Raises Unrenderable when two have the same name.

    What they are plugged into depends on the architecture; amd64 where none is given.
    """
    spec = subject.spec
    found = [
        _disk(subject, BOOT_DISK, machine.boot_disk),
        *(_further(subject, disk) for disk in machine.disks or ()),
        *_first_boot(machine),
        *(_volume(volume) for volume in spec.volumes or ()),
    ]
    names = [each.name for each in found]
    if taken := sorted({name for name in names if names.count(name) > 1}):
        raise Unrenderable(
            f"the machine has two disks called {taken[0]}: rename that volume or disk ({BOOT_DISK}, {CLOUD_INIT} and"
            f" {SYSPREP} are taken)"
        )
    return [replace(each, bus=each.bus or _bus(machine, architecture, cdrom=each.cdrom)) for each in found]


def _bus(machine: Machine, architecture: str, *, cdrom: bool) -> str | None:
    """Return the bus of a disk that names none; None leaves it to the preference, or to KubeVirt.

    A preference chooses the bus, which it can only where none is set. KubeVirt's own choice for CD-ROMs is virtio
    wherever the processor is not an amd64, and then refuses it.
    """
    if cdrom:
        return None if architecture in ("", "amd64") else CDRomBus.SCSI.value
    return None if machine.preference else DiskBus.VIRTIO.value


def named_disks(machine: Machine) -> Iterator[tuple[str, DiskSource]]:
    """Yield every disk that a machine names, with its name, the boot disk first."""
    yield BOOT_DISK, machine.boot_disk
    yield from ((disk.name, disk) for disk in machine.disks or ())


def data_volume_name(workload: str, disk: str) -> str:
    """Return the name of the DataVolume behind a disk of a Workload."""
    return f"{workload}-{disk}"


def made_from(disk: DiskSource) -> str:
    """Return what a disk is made from and stored in, as its DataVolume keeps it: `pvc golden in StorageClass fast`."""
    named = {
        "dataSource": disk.data_source and disk.data_source.name,
        "pvc": disk.pvc and disk.pvc.name,
        "http": disk.http and disk.http.url,
        "registry": disk.registry and disk.registry.url,
    }
    source = next((f"{kind} {name}" for kind, name in named.items() if name), "blank")
    stored = disk.made.storage_class_name if disk.made else None
    return f"{source} in StorageClass {stored}" if stored else source


def disk_entries(volumes: list[Attached]) -> list[Object]:
    """Return `domain.devices.disks`."""
    return [
        present(
            {
                "name": each.name,
                "cdrom" if each.cdrom else "disk": present({"bus": each.bus}),
                "serial": each.serial,
                "bootOrder": each.boot_order,
            }
        )
        for each in volumes
    ]


def volume_entries(volumes: list[Attached]) -> list[Object]:
    """Return `volumes`."""
    return [{"name": each.name, **each.source} for each in volumes]


def _disk(subject: Subject, name: str, disk: DiskSource) -> Attached:
    target = disk.cdrom or disk.disk
    return Attached(
        name,
        _source(subject, name, disk),
        cdrom=disk.cdrom is not None,
        bus=target.bus.value if target and target.bus else None,
        boot_order=disk.boot_order or (1 if name == BOOT_DISK else None),
        several=bool(disk.container_disk),
    )


def _further(subject: Subject, disk: Disk) -> Attached:
    seen = _disk(subject, disk.name, disk)
    return replace(seen, cdrom=seen.cdrom or bool(disk.read_only), serial=disk.serial)


def _source(subject: Subject, name: str, source: DiskSource) -> Object:
    if source.container_disk:
        return {"containerDisk": written(source.container_disk)}
    if source.made:
        return {"dataVolume": {"name": data_volume_name(subject.name, name)}}
    if source.persistent_volume_claim:
        return {"persistentVolumeClaim": {"claimName": source.persistent_volume_claim.claim_name}}
    raise Unrenderable(f"disk {name} has no source: give one, such as containerDisk or dataSource")


def _first_boot(machine: Machine) -> Iterator[Attached]:
    if machine.cloud_init:
        yield Attached(CLOUD_INIT, {"cloudInitNoCloud": written(machine.cloud_init)})
    if machine.cloud_init_config_drive:
        yield Attached(CLOUD_INIT, {"cloudInitConfigDrive": written(machine.cloud_init_config_drive)})
    if machine.sysprep:
        yield Attached(SYSPREP, {"sysprep": written(machine.sysprep)}, cdrom=True)


def _volume(volume: Volume) -> Attached:
    """Return a volume of the Workload as a disk that the guest finds by its serial number."""
    return Attached(
        volume.name,
        _volume_source(volume),
        cdrom=bool(volume.persistent_volume_claim and volume.persistent_volume_claim.read_only),
        serial=_serial(volume.name),
        several=volume.persistent_volume_claim is None or bool(volume.persistent_volume_claim.read_only),
    )


def _volume_source(volume: Volume) -> Object:
    keyed = volume.config_map or volume.secret
    if keyed and keyed.items:
        raise Unrenderable(f"volume {volume.name}: a machine gets all keys of a ConfigMap or Secret: remove items")
    if volume.empty_dir:
        if volume.empty_dir.medium:
            raise Unrenderable(f"volume {volume.name}: a machine has no emptyDir in memory: remove medium")
        if volume.empty_dir.size_limit is None:
            raise Unrenderable(f"volume {volume.name}: a machine sees it as a disk, which needs a size: set sizeLimit")
        return {"emptyDisk": {"capacity": canonical(volume.empty_dir.size_limit)}}
    if volume.persistent_volume_claim:
        return {"persistentVolumeClaim": {"claimName": volume.persistent_volume_claim.claim_name}}
    return {name: value for name, value in written(volume).items() if name != "name"}


def _serial(name: str) -> str:
    if len(name) <= _SERIAL_LENGTH:
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:_SERIAL_LENGTH]
