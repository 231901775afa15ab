"""Raw instancetypes and preferences of KubeVirt -> records (instancetype.kubevirt.io/v1beta1)."""

from collections.abc import Iterator
from typing import Final

from berth.api.machine import PreferenceKind
from berth.api.quantity import amount
from berth.world.parse import Raw
from berth.world.records import InstancetypeRecord, PreferenceRecord

_SIZES: Final = frozenset({"cpu", "cpu.guest", "cpu.maxSockets", "memory", "ioThreads", "ioThreadsPolicy"})
"""Fields of an instancetype that say how large a guest is, and nothing else."""
_SHAPES: Final = frozenset(
    {
        "clock",
        "cpu",
        "devices",
        "features",
        "firmware",
        "machine",
        "preferSpreadSocketToCoreRatio",
        "preferredArchitecture",
        "preferredTerminationGracePeriodSeconds",
        "requirements",
        "volumes",
    }
)
"""Fields of a preference that say what a guest's hardware looks like, and nothing else."""
_DEPRECATED_TOPOLOGIES: Final = {
    f"prefer{topology}": topology.lower() for topology in ("Sockets", "Cores", "Threads", "Spread", "Any")
}


def instancetype(raw: Raw) -> InstancetypeRecord:
    """Project a VirtualMachineClusterInstancetype or a VirtualMachineInstancetype."""
    spec = raw["spec"]
    cpu, memory = spec.get("cpu") or {}, spec.get("memory") or {}
    return InstancetypeRecord(
        name=raw["metadata"]["name"],
        cpus=max(1, int(cpu.get("guest") or 1)),
        memory=amount(memory.get("guest")),
        dedicated=bool(cpu.get("dedicatedCPUPlacement")),
        isolated=bool(cpu.get("isolateEmulatorThread")),
        overcommit=int(memory.get("overcommitPercent") or 0),
        page_size=(memory.get("hugepages") or {}).get("pageSize", ""),
        io_threads=int((spec.get("ioThreads") or {}).get("supplementalPoolThreadCount") or 0),
        max_sockets=int(cpu.get("maxSockets") or 0),
        devices=_counted([*(spec.get("gpus") or ()), *(spec.get("hostDevices") or ())]),
        namespaced="namespace" in raw["metadata"],
        model=cpu.get("model") or "",
        sets=frozenset((*_more_of(spec), *(f"cpu.{name}" for name in cpu))) - _SIZES,
    )


def revision(raw: Raw) -> InstancetypeRecord | PreferenceRecord:
    """Project a ControllerRevision by which KubeVirt keeps an instancetype or a preference for one machine."""
    kept = raw["data"]
    return preference(kept) if kept["kind"] in {each.value for each in PreferenceKind} else instancetype(kept)


def _more_of(spec: Raw) -> Iterator[str]:
    """Yield the fields of a spec; annotations that only describe a machine, as `vm.kubevirt.io/os`, are none."""
    for name, value in spec.items():
        if name != "annotations" or not all(key.startswith("vm.kubevirt.io/") for key in value or ()):
            yield name


def _counted(devices: list[Raw]) -> tuple[tuple[str, int], ...]:
    names = [each.get("deviceName", "") for each in devices]
    return tuple((name, names.count(name)) for name in sorted(set(names)))


def preference(raw: Raw) -> PreferenceRecord:
    """Project a VirtualMachineClusterPreference or a VirtualMachinePreference."""
    spec = raw.get("spec") or {}
    required, cpu, devices = (spec.get(part) or {} for part in ("requirements", "cpu", "devices"))
    firmware, spread = spec.get("firmware") or {}, cpu.get("spreadOptions") or {}
    topology = cpu.get("preferredCPUTopology") or "sockets"
    return PreferenceRecord(
        name=raw["metadata"]["name"],
        cpus=int((required.get("cpu") or {}).get("guest") or 0),
        memory=amount((required.get("memory") or {}).get("guest")),
        architecture=required.get("architecture") or "",
        preferred_architecture=spec.get("preferredArchitecture") or "",
        topology=_DEPRECATED_TOPOLOGIES.get(topology, topology),
        across=spread.get("across") or "SocketsCores",
        ratio=max(1, int(spread.get("ratio") or spec.get("preferSpreadSocketToCoreRatio") or 2)),
        video=devices.get("preferredVideoType") or "",
        graphics=devices.get("preferredAutoattachGraphicsDevice"),
        tpm="preferredTPM" in devices and (devices["preferredTPM"] or {}).get("enabled", True),
        disk_bus=devices.get("preferredDiskBus") or "",
        cdrom_bus=devices.get("preferredCdromBus") or "",
        bios=bool(firmware.get("preferredUseBios")),
        secure_boot=_secure_boot(firmware),
        smm=_switched_on(spec.get("features") or {}, "preferredSmm"),
        machine_type=(spec.get("machine") or {}).get("preferredMachineType") or "",
        namespaced="namespace" in raw["metadata"],
        sets=frozenset(_more_of(spec)) - _SHAPES,
    )


def _secure_boot(firmware: Raw) -> bool:
    """Return whether a preference makes a guest boot by UEFI, and securely: UEFI does unless told otherwise."""
    if firmware.get("preferredUseBios"):
        return False
    if "preferredEfi" in firmware:
        return bool((firmware["preferredEfi"] or {}).get("secureBoot", True))
    return bool(firmware.get("preferredUseEfi")) and bool(firmware.get("preferredUseSecureBoot", True))


def _switched_on(features: Raw, name: str) -> bool:
    return name in features and bool((features[name] or {}).get("enabled", True))
