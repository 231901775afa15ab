"""Firmware of a machine, and its TPM. Fields are named and mean as in KubeVirt."""

from berth.api.base import Model, Rule, exactly_one, rules
from berth.api.guest import FirmwareSerial, FirmwareUUID


class EFI(Model):
    """UEFI firmware."""

    secure_boot: bool | None = None
    """Whether only signed boot loaders start; true when unset, as in KubeVirt."""
    persistent: bool | None = None
    """Whether EFI variables outlive a restart; needs a StorageClass."""


class BIOS(Model):
    """Legacy firmware."""


class Bootloader(Model):
    """Firmware of the machine: exactly one kind."""

    efi: EFI | None = None
    """UEFI."""
    bios: BIOS | None = None
    """Legacy BIOS."""

    model_config = rules(exactly_one("a machine has one bootloader", "efi", "bios"))


class Firmware(Model):
    """Firmware of the machine."""

    bootloader: Bootloader | None = None
    """UEFI or BIOS."""
    uuid: FirmwareUUID | None = None
    """UUID of the hardware in SMBIOS, which licences may hang on; KubeVirt chooses one that stays when unset."""
    serial: FirmwareSerial | None = None
    """Serial number of the hardware in SMBIOS; KubeVirt chooses one that stays when unset."""


class TPM(Model):
    """A virtual trusted platform module."""

    enabled: bool | None = None
    """False takes away the one that the preference has."""
    persistent: bool | None = None
    """Whether its state outlives a restart; needs a StorageClass."""

    model_config = rules(
        Rule(
            "self.?enabled.orValue(true) || !self.?persistent.orValue(false)",
            "a TPM that is not there keeps no state: remove persistent, or set enabled to true",
            ".persistent",
        ),
    )
