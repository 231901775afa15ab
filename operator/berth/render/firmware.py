"""Firmware, TPM and memory encryption of a machine, in the pairs that KubeVirt's admission accepts.

Secure boot needs System Management Mode, and KubeVirt takes secure boot as wanted unless told otherwise. SEV and SNP
refuse secure boot, TDX refuses System Management Mode, SNP and TDX refuse a persistent EFI, and arm64 has no secure
boot.
"""

from typing import Final

from berth.api.firmware import EFI
from berth.api.machine import Machine
from berth.render.fields import present
from berth.render.model import Object, Unrenderable

ARM64: Final = "arm64"
TDX: Final = "tdx"
_NO_PERSISTENT_EFI: Final = frozenset({"snp", TDX})


def firmware(machine: Machine, launch_security: str | None, architecture: str | None) -> Object:
    """Return `domain.firmware`, `domain.features` and `domain.launchSecurity`, as far as they are to be set.

    What is not asked for is left to the preference, or else to KubeVirt. Raises Unrenderable for a pair that KubeVirt
    would refuse: what the author asked for is never dropped silently.
    """
    domain = _boot(machine, launch_security, architecture)
    given = machine.firmware
    known_by = present({"uuid": given.uuid, "serial": given.serial}) if given else {}
    return {**domain, "firmware": {**known_by, **domain.get("firmware", {})}} if known_by else domain


def _boot(machine: Machine, launch_security: str | None, architecture: str | None) -> Object:
    bootloader = machine.firmware.bootloader if machine.firmware else None
    efi = bootloader.efi if bootloader else None
    if launch_security:
        if bootloader and bootloader.bios:
            raise Unrenderable(f"{launch_security} needs UEFI: remove firmware.bootloader.bios")
        return _encrypted(efi or EFI(), launch_security)
    if bootloader is None:
        return {}
    if efi is None:
        if architecture == ARM64:
            raise Unrenderable("arm64 machines boot by UEFI only: remove firmware.bootloader.bios")
        return {"firmware": {"bootloader": {"bios": {}}}}
    return _plain(efi, architecture)


def _plain(efi: EFI, architecture: str | None) -> Object:
    if efi.secure_boot and architecture == ARM64:
        raise Unrenderable("arm64 machines have no secure boot: set firmware.bootloader.efi.secureBoot to false")
    secure = architecture != ARM64 if efi.secure_boot is None else efi.secure_boot
    return _with_efi(efi, secure=secure) | ({"features": {"smm": {"enabled": True}}} if secure else {})


def _encrypted(efi: EFI, launch_security: str) -> Object:
    if efi.secure_boot:
        raise Unrenderable(f"{launch_security} excludes secure boot: set firmware.bootloader.efi.secureBoot to false")
    if efi.persistent and launch_security in _NO_PERSISTENT_EFI:
        raise Unrenderable(f"{launch_security} excludes a persistent EFI: remove firmware.bootloader.efi.persistent")
    domain = _with_efi(efi, secure=False) | {"launchSecurity": {launch_security: {}}}
    # Said outright, so that no preference switches it on.
    return domain | ({"features": {"smm": {"enabled": False}}} if launch_security == TDX else {})


def _with_efi(efi: EFI, *, secure: bool) -> Object:
    return {"firmware": {"bootloader": {"efi": present({"secureBoot": secure, "persistent": efi.persistent})}}}


def tpm(machine: Machine) -> Object | None:
    """Return `domain.devices.tpm`, or None to leave it to the preference."""
    if machine.tpm is None:
        return None
    return present({"enabled": machine.tpm.enabled, "persistent": machine.tpm.persistent})
