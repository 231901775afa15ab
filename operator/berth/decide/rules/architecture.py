"""The architecture of the machine has the hardware that it, its instancetype and its preference want."""

from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.guest import AMD64, ARM64, architecture_of
from berth.decide.model import Ask, ClassFacts, Guest, Outcome, Verdict
from berth.world.records import PreferenceRecord

_VIDEO: Final = {
    AMD64: ("virtio", "vga", "bochs", "cirrus", "ramfb"),
    ARM64: ("virtio", "ramfb"),
    "s390x": ("virtio",),
}
"""Architectures that KubeVirt knows, and the video devices that they have."""
_BUSES_OF_ARM64: Final = ("", "virtio", "scsi")
_PINNED_THREADS: Final = {ARM64: 1}


def architecture(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines with hardware that KubeVirt does not have for their architecture."""
    if ask.machine is None or facts.backend is not Backend.VIRTUAL_MACHINE:
        return None
    guest, found = ask.machine.guest, architecture_of(ask.machine.guest, facts)
    wrong = _hardware(guest, found) or (_preferred(guest, guest.preference, found) if guest.preference else None)
    return Verdict(Outcome.NEVER, "architecture", Reason.NO_ELIGIBLE_CLASS, wrong) if wrong else None


def _hardware(guest: Guest, found: str) -> str | None:
    if guest.architecture is not None and found not in _VIDEO:
        return f"KubeVirt has no machines of {found}: set needs.architecture to one of {', '.join(_VIDEO)}"
    if guest.dedicated and guest.threads > _PINNED_THREADS.get(found, 2):
        return f"dedicated processors cannot have {guest.threads} threads for each core: name another preference"
    return _on_arm64(guest) if found == ARM64 else None


def _on_arm64(guest: Guest) -> str | None:
    if guest.model not in ("", "host-passthrough"):
        fix = "name another instancetype" if guest.instancetype else "set machine.cpu.model to host-passthrough"
        return f"arm64 machines have no processors of model {guest.model}: {fix}"
    if guest.bios:
        return "arm64 machines boot by UEFI only: remove firmware.bootloader.bios, or name another preference"
    if guest.secure_boot:
        return "arm64 machines have no secure boot: set firmware.bootloader.efi.secureBoot to false"
    if "sata" in guest.disk_buses:
        return "arm64 machines have no sata disks: set bus of the disks to virtio or scsi"
    return None


def _preferred(guest: Guest, preference: PreferenceRecord, found: str) -> str | None:
    name = f"preference {preference.name}"
    if found == ARM64 and "" in guest.disk_buses and preference.disk_bus not in _BUSES_OF_ARM64:
        return f"{name} gives disks bus {preference.disk_bus}, and arm64 has virtio and scsi only: name another"
    if guest.cdroms and preference.cdrom_bus in ("virtio", "ide") and found != ARM64:
        return f"{name} gives CD-ROMs bus {preference.cdrom_bus}, and they have sata and scsi only: name another"
    if preference.video and preference.video not in _VIDEO.get(found, (preference.video,)):
        return f"{name} gives a video device {preference.video}, and {found} has none of that kind: name another"
    if preference.secure_boot and not preference.smm and not guest.own_firmware:
        return f"{name} has secure boot without System Management Mode: set firmware.bootloader.efi"
    return None
