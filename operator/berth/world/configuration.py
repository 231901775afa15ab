"""The KubeVirt object -> record: whether it is deployed, and what its configuration changes (kubevirt.io/v1).

What the configuration does not say has KubeVirt's default (pkg/virt-config/configuration.go, kubevirt 1.9).
"""

from typing import Final

from berth.api.quantity import amount, millicores
from berth.world.parse import Raw
from berth.world.records import CONSOLE_LOG, CONTAINER_DISK, Beside, KubeVirtRecord
from berth.world.steady import steady

_MACHINE_TYPES: Final = {
    "amd64": ("q35*", "pc-q35*"),
    "arm64": ("virt*",),
    "s390x": ("s390-ccw-virtio*",),
}
_CPU_REQUEST: Final = 100
"""A cpuRequest of so many millicores is the default, and then processors are what counts."""
_EVEN_PARITY: Final = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity"


def kubevirt(raw: Raw) -> KubeVirtRecord:
    """Project the KubeVirt custom resource."""
    configuration = (raw.get("spec") or {}).get("configuration") or {}
    developer = configuration.get("developerConfiguration") or {}
    status = raw.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    available = conditions.get("Available", {})
    profile = (configuration.get("seccompConfiguration") or {}).get("virtualMachineInstanceProfile") or {}
    gates = frozenset(developer.get("featureGates") or ())
    policy = (configuration.get("instancetype") or {}).get("referencePolicy") or "reference"
    return KubeVirtRecord(
        phase=status.get("phase", ""),
        available=available.get("status", "True") == "True",
        message=steady(available.get("message", "")),
        emulation=bool(developer.get("useEmulation")),
        cpu_allocation_ratio=max(1, int(developer.get("cpuAllocationRatio") or 10)),
        cpu_manager="CPUManager" in gates,
        permitted_devices=_permitted(configuration.get("permittedHostDevices") or {}),
        restricted_seccomp=bool(profile.get("customProfile")),
        version=status.get("observedKubeVirtVersion", ""),
        architecture=status.get("defaultArchitecture", ""),
        gates=gates,
        disabled_gates=frozenset(developer.get("disabledFeatureGates") or ()),
        hypervisor=next((each.get("name") or "" for each in configuration.get("hypervisors") or ()), ""),
        memory_overcommit=int(developer.get("memoryOvercommit") or 100),
        overhead_ratio=max(1.0, float(configuration.get("additionalGuestMemoryOverheadRatio") or 1.0)),
        machine_types=_machine_types(configuration),
        cpu_model=configuration.get("cpuModel") or "",
        cpu_request=_cpu_request(configuration),
        console_log=_beside("guest-console-log", CONSOLE_LOG, configuration),
        container_disk=_beside("container-disk", CONTAINER_DISK, configuration),
        even_parity="AlignCPUs" in gates and _EVEN_PARITY in (raw["metadata"].get("annotations") or {}),
        expands=policy != "reference",
    )


def _permitted(devices: Raw) -> frozenset[str]:
    kinds = ("pciHostDevices", "mediatedDevices", "usb")
    return frozenset(each["resourceName"] for kind in kinds for each in devices.get(kind) or ())


def _machine_types(configuration: Raw) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the machine types of each architecture; the older list of them all comes first."""
    given, of_all = configuration.get("architectureConfiguration") or {}, configuration.get("emulatedMachines")
    return tuple(
        (each, tuple(of_all or (given.get(each) or {}).get("emulatedMachines") or usual))
        for each, usual in sorted(_MACHINE_TYPES.items())
    )


def _cpu_request(configuration: Raw) -> int | None:
    given = configuration.get("cpuRequest")
    return None if given is None or millicores(given) == _CPU_REQUEST else millicores(given)


def _beside(kind: str, usual: Beside, configuration: Raw) -> Beside:
    """Return what containers of a kind request; an amount of 0 counts as none given."""
    found = [each for each in configuration.get("supportContainerResources") or () if each.get("type") == kind]

    def first(part: str, resource: str) -> str | int | None:
        amounts = (((each.get("resources") or {}).get(part) or {}).get(resource) for each in found)
        return next((each for each in amounts if amount(each)), None)

    return Beside(
        millicores(first("requests", "cpu")) or usual.cpu,
        amount(first("requests", "memory")) or usual.memory,
        millicores(first("limits", "cpu")) or usual.cpu_limit,
        amount(first("limits", "memory")) or usual.memory_limit,
    )
