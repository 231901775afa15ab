"""What reaches a running instance when its machine's template changes, and what waits for a restart (vm.go)."""

import copy
import hashlib
from dataclasses import dataclass

import orjson

from ground.api import Json
from ground.kubevirt_sim.quantity import amount
from ground.kubevirt_sim.status import holds

GENERATION = "kubevirt.io/vm-generation"
TEMPLATE = "ground.berth.dev/template"
FIXED = "ground.berth.dev/fixed"
PLACEMENT = ("nodeSelector", "affinity", "tolerations")
NOT_LIVE = "a non-live-updatable field was changed in the template spec"
TOO_MANY_SOCKETS = "CPU sockets updated in template spec to a value higher than what's available"
FEWER_SOCKETS = "Reduction of CPU socket count requires a restart"
ARM_SOCKETS = "ARM doesn't support CPU hotplug"
MEMORY = "memory updated in template spec"
NOT_MIGRATABLE = f"{MEMORY}. Memory-hotplug is only available for migratable VMs"
NOT_HOTPLUGGABLE = f"{MEMORY}. Memory-hotplug is not available for this VM configuration"
TOO_LITTLE = f"{MEMORY} to a value lower than what the VM started with"
MOVED_WHILE_MIGRATING = (
    "Error encountered while handling node affinity change request: "
    "Node affinity should not be changed during VMI migration"
)
MOST_GUEST_RATIO = 4
ALIGNMENT = 2 << 20
LEAST_GUEST = 1 << 30


@dataclass(frozen=True)
class Change:
    """What a changed template means for the instance: a merge patch of it, or why it waits for a restart."""

    patch: Json
    restart: str = ""
    refusal: tuple[str, str] | None = None
    """Reason and message of Failure=True while something else goes on."""


def marks(vm: Json, wanted: Json) -> Json:
    """Return the annotations by which an instance knows what it was made of: `wanted` is the expanded template."""
    return {
        GENERATION: str(vm["metadata"]["generation"]),
        TEMPLATE: _digest(vm["spec"]["template"]),
        FIXED: _digest(_fixed(wanted)),
    }


def seen(vmi: Json) -> int:
    """Return the generation of its machine that an instance stands for, as noted on it."""
    return int(vmi["metadata"].get("annotations", {}).get(GENERATION, "0"))


def unchanged(vm: Json, vmi: Json) -> bool:
    """Tell whether the whole template is still the one that the instance was started with."""
    return bool(vmi["metadata"].get("annotations", {}).get(TEMPLATE) == _digest(vm["spec"]["template"]))


def change(vmi: Json, wanted: Json, *, going: bool) -> Change:
    """Tell what the expanded template means for an instance; one that is going is not changed any more."""
    if vmi["metadata"].get("annotations", {}).get(FIXED) != _digest(_fixed(wanted)):
        return Change({}, NOT_LIVE)
    if going:
        return Change({})
    patch: Json = {key: wanted.get(key) for key in PLACEMENT if wanted.get(key) != vmi["spec"].get(key)}
    migrating = is_migrating(vmi)
    if patch and migrating:
        return Change({}, refusal=("AffinityChangeError", MOVED_WHILE_MIGRATING))
    cpu = _sockets(vmi, wanted, migrating=migrating)
    memory = _memory(vmi, wanted, migrating=migrating)
    domain = {**cpu.patch, **memory.patch}
    patch |= {"domain": domain} if domain else {}
    return Change(patch, memory.restart or cpu.restart, cpu.refusal or memory.refusal)


def is_migrating(vmi: Json) -> bool:
    """Tell whether a migration of an instance has begun and not ended."""
    state = vmi.get("status", {}).get("migrationState")
    return bool(state and state.get("startTimestamp") and not state.get("endTimestamp"))


def most_guest(spec: Json) -> str | None:
    """Return up to how much memory an instance may be given while it runs, in bytes; None when to no more."""
    guest = spec["domain"].get("memory", {}).get("guest")
    most = str(int(amount(guest) * MOST_GUEST_RATIO)) if guest else None
    return most if most and not unfit_memory(spec, most) else None


def unfit_memory(spec: Json, most: str) -> str:
    """Return why an instance's memory cannot be changed while it runs; empty when it can."""
    domain = spec["domain"]
    guest = amount(domain["memory"]["guest"])
    checks = {
        "Memory hotplug is not compatible with realtime VMs": "realtime" in domain.get("cpu", {}),
        "Memory hotplug is not compatible with guest mapping passthrough": "numa" in domain.get("cpu", {}),
        "Memory hotplug is not compatible with encrypted VMs": "launchSecurity" in domain,
        "Guest memory is greater than the configured maxGuest memory": guest > amount(most),
        "Guest memory must be 2Mi aligned": guest % ALIGNMENT != 0,
        "Memory hotplug is only available for x86_64 VMs": spec.get("architecture", "amd64") != "amd64",
        "Memory hotplug is only available for VMs with at least 1Gi of guest memory": guest < LEAST_GUEST,
    }
    return next((text for text, wrong in checks.items() if wrong), "")


def _sockets(vmi: Json, wanted: Json, *, migrating: bool) -> Change:
    new, cpu = int(wanted["domain"].get("cpu", {}).get("sockets", 1)), vmi["spec"]["domain"]["cpu"]
    if new == cpu["sockets"]:
        return Change({})
    busy = {
        "another CPU hotplug is in progress": holds(vmi, "HotVCPUChange"),
        "CPU hotplug is not allowed while VMI is migrating": migrating,
    }
    restart = {
        TOO_MANY_SOCKETS: new > cpu.get("maxSockets", 0),
        FEWER_SOCKETS: new < cpu["sockets"],
        ARM_SOCKETS: vmi["spec"].get("architecture") == "arm64",
    }
    doing = ("HotPlugCPUError", "Error encountered while handling CPU change request")
    return _first(busy, restart, doing, {"cpu": {"sockets": new}})


def _memory(vmi: Json, wanted: Json, *, migrating: bool) -> Change:
    new, memory = wanted["domain"].get("memory", {}).get("guest"), vmi["spec"]["domain"].get("memory", {})
    status = vmi.get("status", {}).get("memory", {})
    if not new or "guestCurrent" not in status or amount(new) == amount(memory["guest"]):
        return Change({})
    if not holds(vmi, "LiveMigratable"):
        return Change({}, NOT_MIGRATABLE)
    if "maxGuest" not in memory:
        return Change({}, NOT_HOTPLUGGABLE)
    busy = {
        "another memory hotplug is in progress": holds(vmi, "HotMemoryChange"),
        "memory hotplug is not allowed while VMI is migrating": migrating,
    }
    unfit = unfit_memory(wanted, memory["maxGuest"])
    restart = {
        f"memory hotplug not supported, {unfit}": bool(unfit),
        TOO_LITTLE: amount(new) < amount(status["guestAtBoot"]),
    }
    doing = ("HotPlugMemoryError", "error encountered while handling memory hotplug requests")
    return _first(busy, restart, doing, {"memory": {"guest": new}})


def _first(busy: dict[str, bool], restart: dict[str, bool], doing: tuple[str, str], patch: Json) -> Change:
    """Return the first that holds: something else goes on, a restart is needed, the change reaches the instance."""
    reason, what = doing
    if why := next((text for text, holds_ in busy.items() if holds_), ""):
        return Change({}, refusal=(reason, f"{what}: {why}"))
    why = next((text for text, holds_ in restart.items() if holds_), "")
    return Change({} if why else patch, why)


def _fixed(wanted: Json) -> Json:
    """Return all of an expanded template that no live update changes; disks that are plugged in while it runs are not."""
    spec = copy.deepcopy(wanted)
    for field in PLACEMENT:
        spec.pop(field, None)
    domain = spec["domain"]
    domain.get("cpu", {}).pop("sockets", None)
    domain.get("memory", {}).pop("guest", None)
    plugged = {each["name"] for each in spec.get("volumes", []) if _is_plugged(each)}
    spec["volumes"] = [each for each in spec.get("volumes", []) if each["name"] not in plugged]
    disks = domain.get("devices", {}).get("disks", [])
    domain["devices"] = {**domain.get("devices", {}), "disks": [one for one in disks if one["name"] not in plugged]}
    return spec


def _is_plugged(volume: Json) -> bool:
    return any(source.get("hotpluggable") for source in volume.values() if isinstance(source, dict))


def _digest(value: Json) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
