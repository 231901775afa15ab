"""What of KubeVirt's own object counts."""

from typing import Any

import pytest

from berth.world.configuration import kubevirt
from berth.world.records import CONSOLE_LOG, CONTAINER_DISK, Beside, KubeVirtRecord
from world.raws import a_raw


def configured(annotations: dict[str, str] | None = None, **configuration: Any) -> KubeVirtRecord:
    """Return KubeVirt with this configuration."""
    metadata = {"annotations": annotations or {}}
    return kubevirt(a_raw("KubeVirt", metadata=metadata, spec={"configuration": configuration}))


def test_kubevirt_says_what_its_configuration_changes() -> None:
    developer = {"useEmulation": True, "cpuAllocationRatio": 4, "featureGates": ["CPUManager"]}
    permitted = {"pciHostDevices": [{"resourceName": "a/gpu"}], "usb": [{"resourceName": "a/key"}]}
    configuration = {"developerConfiguration": developer, "permittedHostDevices": permitted}
    status = {"phase": "Deployed", "conditions": [{"type": "Available", "status": "False", "message": "no"}]}
    record = kubevirt(a_raw("KubeVirt", spec={"configuration": configuration}, status=status))
    assert (record.phase, record.available, record.message) == ("Deployed", False, "no")
    assert (record.emulation, record.cpu_allocation_ratio, record.cpu_manager) == (True, 4, True)
    assert record.permitted_devices == {"a/gpu", "a/key"}


def test_kubevirt_without_configuration_has_its_defaults() -> None:
    record = kubevirt(a_raw("KubeVirt"))
    assert (record.emulation, record.cpu_allocation_ratio, record.cpu_manager) == (False, 10, False)
    assert dict(record.machine_types) == {
        "amd64": ("q35*", "pc-q35*"),
        "arm64": ("virt*",),
        "s390x": ("s390-ccw-virtio*",),
    }
    assert (record.cpu_model, record.cpu_request, record.even_parity, record.expands) == ("", None, False, False)
    assert (record.console_log, record.container_disk) == (CONSOLE_LOG, CONTAINER_DISK)


def test_machine_types_are_those_of_an_architecture_unless_the_older_list_is_for_all() -> None:
    own = {"architectureConfiguration": {"amd64": {"emulatedMachines": ["q35"]}, "arm64": {"machineType": "virt"}}}
    assert dict(configured(**own).machine_types) == {
        "amd64": ("q35",),
        "arm64": ("virt*",),
        "s390x": ("s390-ccw-virtio*",),
    }
    assert set(dict(configured(**own, emulatedMachines=["pc*"]).machine_types).values()) == {("pc*",)}


@pytest.mark.parametrize(("given", "millicores"), [("100m", None), ("0.1", None), ("250m", 250), ("2", 2000), (0, 0)])
def test_only_another_cpu_request_than_the_default_counts(given: str | int, millicores: int | None) -> None:
    assert configured(cpuRequest=given).cpu_request == millicores


def test_containers_beside_guests_request_what_is_configured_and_else_the_default() -> None:
    resources = {"requests": {"cpu": "20m", "memory": "0"}, "limits": {"memory": "80M"}}
    given = configured(supportContainerResources=[{"type": "guest-console-log", "resources": resources}])
    assert given.console_log == Beside(20, CONSOLE_LOG.memory, CONSOLE_LOG.cpu_limit, 80_000_000)
    assert given.container_disk == CONTAINER_DISK


@pytest.mark.parametrize(("gates", "even"), [(["AlignCPUs"], True), ([], False)])
def test_processors_are_made_even_by_gate_and_annotation_together(gates: list[str], *, even: bool) -> None:
    annotations = {"alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity": ""}
    assert configured(annotations, developerConfiguration={"featureGates": gates}).even_parity is even
    assert not configured(developerConfiguration={"featureGates": gates}).even_parity


@pytest.mark.parametrize(("policy", "expands"), [("reference", False), ("expand", True), ("expandAll", True)])
def test_references_are_kept_unless_they_are_expanded(policy: str, *, expands: bool) -> None:
    assert configured(instancetype={"referencePolicy": policy}).expands is expands
