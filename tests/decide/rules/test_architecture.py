"""What hardware there is for which architecture."""

from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome
from berth.decide.rules.architecture import architecture
from berth.world.records import PreferenceRecord
from decide.builders import a_guest, a_machine, machines, pods

ARM: dict[str, Any] = {"architecture": "arm64"}


def wanting(**fields: Any) -> dict[str, Any]:
    """Return a guest whose disks and CD-ROMs are left to a preference."""
    return {"preference": PreferenceRecord("p", **fields), "disk_buses": ("",), "cdroms": True}


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        ({"architecture": "riscv64"}, "KubeVirt has no machines of riscv64: set needs.architecture to one of amd64"),
        (ARM | {"model": "Haswell"}, "set machine.cpu.model to host-passthrough"),
        (ARM | {"bios": True}, "boot by UEFI only"),
        (ARM | {"secure_boot": True}, "have no secure boot"),
        (ARM | {"disk_buses": ("sata",)}, "have no sata disks"),
        (ARM | wanting(disk_bus="sata"), "preference p gives disks bus sata"),
        (ARM | wanting(video="vga"), "a video device vga, and arm64 has none of that kind"),
        (wanting(cdrom_bus="virtio"), "gives CD-ROMs bus virtio"),
        (wanting(secure_boot=True), "secure boot without System Management Mode"),
        ({"dedicated": True, "threads": 4}, "cannot have 4 threads for each core"),
        (ARM | {"dedicated": True, "threads": 2}, "cannot have 2 threads for each core"),
    ],
)
def test_what_there_is_not_is_refused(guest: dict[str, Any], words: str) -> None:
    verdict = architecture(a_machine(machine=a_guest(**guest)), machines(architecture="amd64"))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.NO_ELIGIBLE_CLASS)
    assert words in verdict.message


@pytest.mark.parametrize(
    "guest",
    [
        {},
        {"bios": True},
        {"disk_buses": ("sata",)},
        wanting(disk_bus="sata", video="vga", cdrom_bus="sata", secure_boot=True, smm=True),
        ARM | wanting(disk_bus="virtio", video="virtio", cdrom_bus="virtio"),
        ARM | wanting(disk_bus="sata") | {"disk_buses": ("scsi",)},
        wanting(secure_boot=True) | {"own_firmware": True},
        {"dedicated": True, "threads": 2},
    ],
)
def test_what_there_is_fits(guest: dict[str, Any]) -> None:
    assert architecture(a_machine(machine=a_guest(**guest)), machines(architecture="amd64")) is None


def test_an_architecture_that_nobody_tells_is_that_of_the_nodes() -> None:
    assert architecture(a_machine(machine=a_guest(bios=True)), machines()) is None
    verdict = architecture(a_machine(machine=a_guest(bios=True)), machines(architecture="arm64"))
    assert verdict is not None


def test_pods_fit() -> None:
    assert architecture(a_machine(machine=a_guest(**ARM, bios=True)), pods()) is None
