"""What excludes encrypted memory."""

from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome
from berth.decide.rules.encryption import encryption
from berth.world.records import PreferenceRecord
from decide.builders import a_guest, a_machine, machines, pods

SECRET = PreferenceRecord("secret", sets=frozenset({"preferredLaunchSecurity"}))


@pytest.mark.parametrize(
    ("guest", "kind", "words"),
    [
        ({"architecture": "arm64"}, "sev", "sev encrypts memory on amd64 only, the machine has arm64"),
        ({"own_firmware": True, "bios": True}, "tdx", "tdx needs UEFI: remove firmware.bootloader.bios"),
        ({"secure_boot": True}, "snp", "snp excludes secure boot"),
        ({"persistent_efi": True}, "snp", "snp excludes a persistent EFI"),
        ({"persistent_efi": True}, "tdx", "tdx excludes a persistent EFI"),
        ({"preference": SECRET}, None, "preference secret encrypts memory"),
    ],
)
def test_what_it_excludes_is_refused(guest: dict[str, Any], kind: str | None, words: str) -> None:
    verdict = encryption(a_machine(machine=a_guest(**guest)), machines(launch_security=kind))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.NO_ELIGIBLE_CLASS)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("guest", "kind"),
    [
        ({"architecture": "amd64"}, "sev"),
        ({"preference": SECRET}, "snp"),
        ({"persistent_efi": True}, "sev"),
        ({"bios": True}, "sev"),
        ({"architecture": "arm64", "secure_boot": True}, None),
    ],
    ids=["amd64", "the class has the say", "SEV keeps EFI variables", "BIOS by preference gives way", "not encrypted"],
)
def test_the_rest_fits(guest: dict[str, Any], kind: str | None) -> None:
    assert encryption(a_machine(machine=a_guest(**guest)), machines(launch_security=kind)) is None


def test_pods_fit() -> None:
    assert encryption(a_machine(machine=a_guest(preference=SECRET)), pods()) is None
