"""A machine's template with its instance type and its preference applied (pkg/instancetype/apply and preference/apply).

What a preference says counts where the template says nothing; what an instance type says conflicts with the template.
"""

import copy
from typing import Any

from ground.api import Json
from ground.kubevirt_sim.quantity import amount

CPU_FIELDS = {
    "model": "model",
    "isolateEmulatorThread": "isolateEmulatorThread",
    "numa": "numa",
    "realtime": "realtime",
}
CPU_FIELDS |= {"dedicatedCPUPlacement": "dedicatedCpuPlacement", "maxSockets": "maxSockets"}
MEMORY_FIELDS = ("hugepages", "maxGuest")
DEVICE_FIELDS = {
    "preferredAutoattachGraphicsDevice": "autoattachGraphicsDevice",
    "preferredAutoattachMemBalloon": "autoattachMemBalloon",
    "preferredAutoattachPodInterface": "autoattachPodInterface",
    "preferredAutoattachSerialConsole": "autoattachSerialConsole",
    "preferredAutoattachInputDevice": "autoattachInputDevice",
    "preferredUseVirtioTransitional": "useVirtioTransitional",
    "preferredBlockMultiQueue": "blockMultiQueue",
    "preferredNetworkInterfaceMultiQueue": "networkInterfaceMultiqueue",
    "preferredRng": "rng",
    "preferredTPM": "tpm",
}
BUSES = {"disk": "preferredDiskBus", "cdrom": "preferredCdromBus", "lun": "preferredLunBus"}
FEATURES = {"preferredAcpi": "acpi", "preferredApic": "apic", "preferredKvm": "kvm", "preferredSmm": "smm"}
FEATURES |= {"preferredHyperv": "hyperv", "preferredPvspinlock": "pvspinlock"}
THREADS_PER_CORE = 2
SPREAD = ("spread", "preferSpread")


def expanded(spec: Json, instancetype: Json | None, preference: Json | None) -> Json:
    """Return the spec of the instance that a template makes with the specs of an instance type and a preference."""
    made = copy.deepcopy(spec)
    if instancetype:
        _size(made, instancetype, preference)
    if preference:
        _prefer(made, preference)
    return made


def topology(preference: Json | None) -> str:
    """Return by what a preference wants vCPUs to be provided: sockets when it does not say."""
    return str((preference or {}).get("cpu", {}).get("preferredCPUTopology", "sockets"))


def spread(preference: Json) -> tuple[int, str]:
    """Return the ratio of a preference that spreads vCPUs, and across what."""
    options = preference.get("cpu", {}).get("spreadOptions", {})
    ratio = options.get("ratio") or preference.get("preferSpreadSocketToCoreRatio") or 2
    return int(ratio), str(options.get("across", "SocketsCores"))


def _size(made: Json, instancetype: Json, preference: Json | None) -> None:
    given, domain = instancetype["cpu"], made["domain"]
    cpu = {ours: given[theirs] for theirs, ours in CPU_FIELDS.items() if given.get(theirs)}
    domain["cpu"] = {**domain.get("cpu", {}), **cpu, **_topology(given["guest"], preference)}
    memory = instancetype["memory"]
    kept = {field: memory[field] for field in MEMORY_FIELDS if field in memory}
    domain["memory"] = {**domain.get("memory", {}), "guest": memory["guest"], **kept}
    if percent := memory.get("overcommitPercent"):
        requests = domain.setdefault("resources", {}).setdefault("requests", {})
        requests["memory"] = str(int(amount(memory["guest"]) * (100 - percent) / 100))
    for field in ("gpus", "hostDevices"):
        if field in instancetype:
            domain["devices"][field] = instancetype[field]
    if "launchSecurity" in instancetype:
        domain["launchSecurity"] = instancetype["launchSecurity"]
    if "nodeSelector" in instancetype:
        made["nodeSelector"] = {**made.get("nodeSelector", {}), **instancetype["nodeSelector"]}


def _topology(vcpus: int, preference: Json | None) -> Json:
    shape = {"sockets": 1, "cores": 1, "threads": 1}
    wanted = topology(preference)
    if vcpus == 1:
        return shape
    if wanted in SPREAD and preference:
        return shape | _spread(vcpus, preference)
    part = {"cores": "cores", "preferCores": "cores", "threads": "threads", "preferThreads": "threads"}
    return shape | {part.get(wanted, "sockets"): vcpus}


def _spread(vcpus: int, preference: Json) -> Json:
    ratio, across = spread(preference)
    if across == "CoresThreads":
        return {"threads": ratio, "cores": vcpus // ratio}
    if across == "SocketsCoresThreads":
        return {"threads": THREADS_PER_CORE, "cores": ratio, "sockets": vcpus // THREADS_PER_CORE // ratio}
    return {"cores": ratio, "sockets": vcpus // ratio}


def _prefer(made: Json, preference: Json) -> None:
    domain = made["domain"]
    given = preference.get("devices", {})
    _default(domain.setdefault("devices", {}), {ours: given.get(theirs) for theirs, ours in DEVICE_FIELDS.items()})
    if video := given.get("preferredVideoType"):
        domain["devices"]["video"] = {"type": video, **domain["devices"].get("video", {})}
    _disks(domain["devices"], given)
    for interface in domain["devices"].get("interfaces", []):
        _default(interface, {"model": given.get("preferredInterfaceModel")})
    if wanted := preference.get("features"):
        _default(domain.setdefault("features", {}), {ours: wanted.get(theirs) for theirs, ours in FEATURES.items()})
    _firmware(domain, preference.get("firmware"))
    if machine := preference.get("machine", {}).get("preferredMachineType"):
        domain["machine"] = {"type": machine, **domain.get("machine", {})}
    _default(domain, {"launchSecurity": preference.get("preferredLaunchSecurity")})
    _default(
        made,
        {
            "subdomain": preference.get("preferredSubdomain"),
            "architecture": preference.get("preferredArchitecture"),
            "terminationGracePeriodSeconds": preference.get("preferredTerminationGracePeriodSeconds"),
        },
    )


def _default(target: Json, wanted: dict[str, Any]) -> None:
    """Set what is wanted and not set yet; an empty object is a wish, None is none."""
    for key, value in wanted.items():
        if value is not None and target.get(key) in (None, ""):
            target[key] = copy.deepcopy(value)


def _disks(devices: Json, given: Json) -> None:
    for disk in devices.get("disks", []):
        kind = next((kind for kind in BUSES if kind in disk), "disk")
        _default(disk.setdefault(kind, {}), {"bus": given.get(BUSES[kind]) or None})


def _firmware(domain: Json, wanted: Json | None) -> None:
    if wanted is None:
        return
    loader = domain.setdefault("firmware", {}).setdefault("bootloader", {})
    if wanted.get("preferredUseBios") and not loader:
        loader["bios"] = {}
    if not loader and wanted.get("preferredEfi") is not None:
        loader["efi"] = copy.deepcopy(wanted["preferredEfi"])
        return
    if not loader and wanted.get("preferredUseEfi"):
        loader["efi"] = {}
    if "efi" in loader and wanted.get("preferredUseSecureBoot") is not None:
        _default(loader["efi"], {"secureBoot": wanted["preferredUseSecureBoot"]})
