"""The simulated webhooks refuse in KubeVirt's own words, which a recording of the real ones has, too."""

import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from ground.kubevirt_sim import refuse
from ground_tests.wishes import vm_spec

Json = dict[str, Any]

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "kubevirt-real" / "verdicts.jsonl"
GATES = {"developerConfiguration": {"featureGates": ["HostDevices", "WorkloadEncryptionTDX"]}}
NO_GRAPHICS = {"autoattachGraphicsDevice": False}
EFI = {"firmware": {"bootloader": {"efi": {"secureBoot": False}}}}
CPU, MEMORY = "spec.template.spec.domain.cpu", "spec.template.spec.domain.memory"
PREFERENCE = "failure checking preference requirements: "
BY_TYPE = {"cpu": {"guest": 1}, "memory": {"guest": "4Gi"}}
SPREAD = {"preferredCPUTopology": "spread", "spreadOptions": {"across": "SocketsCoresThreads"}}


def needs(cpu: int | None = None, memory: str | None = None, arch: str | None = None, **more: Any) -> Json:
    """Return the spec of a preference with requirements."""
    wanted: Json = {"cpu": {"guest": cpu}} if cpu else {}
    wanted |= {"memory": {"guest": memory}} if memory else {}
    wanted |= {"architecture": arch} if arch else {}
    return {"requirements": wanted, **more}


def domain(*, sockets: int = 1, guest: str = "1Gi", devices: Json | None = None, **more: Any) -> Json:
    """Return the domain of a small machine."""
    return {
        "cpu": {"sockets": sockets, "cores": 1, "threads": 1},
        "memory": {"guest": guest},
        "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}], **(devices or {})},
        **more,
    }


UNSIZED = {"devices": domain()["devices"]}

REFUSED: dict[str, tuple[Json, str, Json | None, Json | None, str]] = {
    "a video type without graphics": (
        domain(devices=NO_GRAPHICS),
        "amd64",
        None,
        {"devices": {"preferredVideoType": "virtio"}},
        "spec.template.spec.video: Video configuration is not allowed when autoattachGraphicsDevice is set to false",
    ),
    "too few sockets": (
        domain(),
        "amd64",
        None,
        needs(cpu=2),
        (
            f"{CPU}.sockets: {PREFERENCE}insufficient CPU resources of 1 vCPU provided by VirtualMachine, preference "
            "requires 2 vCPU provided as sockets"
        ),
    ),
    "too few vCPUs across all": (
        domain(sockets=2),
        "amd64",
        None,
        needs(cpu=8) | {"cpu": SPREAD},
        (
            f"{CPU}.sockets, {CPU}.cores, {CPU}.threads: {PREFERENCE}insufficient CPU resources of 2 vCPU provided by "
            "VirtualMachine, preference requires 8 vCPU provided as SocketsCoresThreads"
        ),
    ),
    "too few vCPUs of the instance type": (
        UNSIZED,
        "amd64",
        BY_TYPE,
        needs(cpu=2),
        (
            f"spec.instancetype: {PREFERENCE}insufficient CPU resources of 1 vCPU provided by instance type, preference "
            "requires 2 vCPU"
        ),
    ),
    "too little memory": (
        domain(),
        "amd64",
        None,
        needs(memory="2Gi"),
        f"{MEMORY}: {PREFERENCE}insufficient Memory resources of 1Gi provided by VirtualMachine, preference requires 2Gi",
    ),
    "too little memory of the instance type": (
        UNSIZED,
        "amd64",
        {"cpu": {"guest": 1}, "memory": {"guest": "512Mi"}},
        needs(memory="2Gi"),
        (
            f"spec.instancetype: {PREFERENCE}insufficient Memory resources of 512Mi provided by instance type, preference "
            "requires 2Gi"
        ),
    ),
    "another architecture": (
        domain(),
        "arm64",
        None,
        needs(arch="amd64"),
        (
            f"spec.template.spec.architecture: {PREFERENCE}preference requires architecture amd64 but arm64 is being "
            "requested"
        ),
    ),
    "threads that do not divide": (
        UNSIZED,
        "amd64",
        BY_TYPE,
        {"cpu": SPREAD},
        (
            "instancetype.spec.cpu.guest: 1 vCPUs provided by the instance type are not divisible by the number of threads "
            "per core 2 and Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio of 2"
        ),
    ),
    "encryption on arm64": (
        domain(launchSecurity={"sev": {}}, **EFI),
        "arm64",
        None,
        None,
        "spec.template.spec.architecture: No launchSecurity support for architecture: arm64",
    ),
    "a topology beside an instance type": (
        domain(),
        "amd64",
        BY_TYPE,
        None,
        f"{CPU}.sockets: VM field(s) {CPU}.sockets conflicts with selected instance type",
    ),
}


def machine(inner: Json, architecture: str) -> Json:
    """Return a machine of a domain."""
    spec = vm_spec("w")
    template = spec["template"]["spec"]
    del template["networks"]
    spec["template"]["spec"] = {**template, "domain": inner, "architecture": architecture}
    return {"metadata": {"name": "w", "namespace": "shop"}, "spec": spec}


def words(text: str) -> str:
    """Return a refusal without its numbers and their units."""
    return re.sub(r"[0-9.]+[KMG]?i?", "N", text)


@pytest.fixture(scope="module")
def recorded() -> set[str]:
    """What the real webhooks said, without numbers."""
    path = Path(os.environ.get("VERDICTS") or RECORDED)
    if not path.is_file():
        pytest.skip(f"KubeVirt's recorded verdicts are not at hand: {path}")
    said = (orjson.loads(line)["verdict"] for line in path.read_bytes().splitlines() if line)
    return {words(one) for text in said for one in text.split(" | ")}


@pytest.mark.parametrize("name", REFUSED)
def test_a_machine_is_refused_in_these_words(name: str) -> None:
    """The first cause names the field and says why."""
    inner, architecture, instancetype, preference, expected = REFUSED[name]
    causes = refuse.of_machine(machine(inner, architecture), instancetype, preference, GATES)
    assert f"{causes[0].field}: {causes[0].message}" == expected


@pytest.mark.parametrize("name", [name for name in REFUSED if "beside" not in name])
def test_kubevirt_said_it_in_these_words(name: str, recorded: set[str]) -> None:
    """What is expected above stands in the recording."""
    assert words(REFUSED[name][-1]) in recorded


@pytest.mark.parametrize("gate", ["HostDevices", "WorkloadEncryptionTDX"])
def test_a_gate_that_is_off_refuses(gate: str) -> None:
    """What an Alpha gate guards is refused without it, and taken with it."""
    inner = domain(devices={"hostDevices": [{"name": "a", "deviceName": "x/y"}]}, launchSecurity={"tdx": {}}, **EFI)
    config = {
        "developerConfiguration": {
            "featureGates": [each for each in ("HostDevices", "WorkloadEncryptionTDX") if each != gate]
        }
    }
    said = [cause.message for cause in refuse.of_machine(machine(inner, "amd64"), None, None, config)]
    shown = {"HostDevices": "Host Devices", "WorkloadEncryptionTDX": "WorkloadEncryptionTDX"}[gate]
    assert said == [f"{shown} feature gate is not enabled in kubevirt-config"]
    assert refuse.of_machine(machine(inner, "amd64"), None, None, GATES) == []


def test_a_pool_is_looked_at_as_it_is() -> None:
    """Nothing is filled in for a pool: without an architecture there is no encryption."""
    made = machine(domain(launchSecurity={"sev": {}}, **EFI), "amd64")
    del made["spec"]["template"]["spec"]["architecture"]
    pool = {"metadata": made["metadata"], "spec": {"virtualMachineTemplate": {"spec": made["spec"]}}}
    (cause,) = refuse.of_pool(pool, GATES)
    assert cause.field == "spec.virtualMachineTemplate.spec.template.spec.architecture"
    assert cause.message == "No launchSecurity support for architecture: "


ARM64 = {
    "a CD-ROM without a bus": ({"name": "root", "cdrom": {}}, "Bus type virtio is invalid for CD-ROM device"),
    "a sata disk": (
        {"name": "root", "disk": {"bus": "sata"}},
        "Arm64 not support this disk bus type, please use virtio or scsi",
    ),
}


@pytest.mark.parametrize("name", ARM64)
def test_an_instance_on_arm64_is_refused_late(name: str) -> None:
    """The machine is taken, and its instance is refused."""
    disk, expected = ARM64[name]
    made = machine(domain(devices={"disks": [disk]}), "arm64")
    assert refuse.of_machine(made, None, None, GATES) == []
    assert [cause.message for cause in refuse.of_instance(made["spec"]["template"]["spec"], GATES)] == [expected]


def test_bios_is_refused_on_arm64() -> None:
    """There is only EFI."""
    made = machine(domain(firmware={"bootloader": {"bios": {}}}), "arm64")
    (cause,) = refuse.of_instance(made["spec"]["template"]["spec"], GATES)
    assert cause.message == "Arm64 does not support bios boot, please change to uefi boot"
