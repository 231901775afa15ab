"""The memory of the machine can be encrypted as the class does it, and by nobody else."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.guest import AMD64
from berth.decide.model import Ask, ClassFacts, Guest, Outcome, Verdict


def encryption(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines that the launch security of a class excludes."""
    if ask.machine is None or facts.backend is not Backend.VIRTUAL_MACHINE:
        return None
    guest, kind = ask.machine.guest, facts.launch_security
    wrong = _unasked(guest) if kind is None else _excluded(guest, kind)
    return Verdict(Outcome.NEVER, "encryption", Reason.NO_ELIGIBLE_CLASS, wrong) if wrong else None


def _unasked(guest: Guest) -> str | None:
    preference = guest.preference
    if preference is None or "preferredLaunchSecurity" not in preference.sets:
        return None
    return f"preference {preference.name} encrypts memory, which is for the class to do: use a Confidential class"


def _excluded(guest: Guest, kind: str) -> str | None:
    if guest.architecture not in (None, AMD64):
        return f"{kind} encrypts memory on {AMD64} only, the machine has {guest.architecture}: use another class"
    if guest.own_firmware and guest.bios:
        return f"{kind} needs UEFI: remove firmware.bootloader.bios"
    if guest.secure_boot:
        return f"{kind} excludes secure boot: set firmware.bootloader.efi.secureBoot to false"
    if guest.persistent_efi and kind != "sev":
        return f"{kind} excludes a persistent EFI: remove firmware.bootloader.efi.persistent"
    return None
