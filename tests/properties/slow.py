"""The decision once more, only to be read: from section 2 of the design, without a look at the real one.

Nothing is prepared, remembered or left out, and no code is shared: only records and the names of enums are.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from berth.decide.model import Ask, ClassFacts, Guest, MachineAsk, NodeShape
from berth.world.records import PreferenceRecord
from decide.worlds import World
from properties.slow_required import LEVELS, SHARINGS, Needed

FIT, NOT_NOW, NEVER = "Fit", "NotNow", "Never"
MI: Final = 1024 * 1024


# --- Whether a class fits ---


def outcome_in(ask: Ask, facts: ClassFacts, need: Needed, current: str | None) -> str:
    """Return Fit, or the worst of what all rules say of a class."""
    said = set(_everything(ask, facts, need, current))
    return NEVER if NEVER in said else NOT_NOW if NOT_NOW in said else FIT


def _everything(ask: Ask, facts: ClassFacts, need: Needed, current: str | None) -> Iterable[str]:
    if facts.unavailable:
        yield NEVER if facts.unavailable.reason == "Misconfigured" else NOT_NOW
    if need.classes is not None and facts.name not in need.classes:
        yield NEVER
    if LEVELS.index(facts.level) < LEVELS.index(need.level):
        yield NEVER
    if SHARINGS.index(facts.sharing) < SHARINGS.index(need.sharing):
        yield NEVER
    if ask.class_name and ask.class_name != facts.name:
        yield NEVER
    if not facts.enabled and facts.name != current:
        yield NEVER
    for refusal in ask.refusals:
        if refusal.class_name == facts.name:
            yield NOT_NOW if refusal.heals else NEVER
    yield from _of_what_runs_it(ask, facts)
    yield from _of_pods(ask, facts) if facts.backend == "Pod" else _of_machines(ask, facts)
    if not facts.unavailable and not any(_has_room(shape, ask, facts) for shape in facts.shapes):
        yield NOT_NOW


def _of_what_runs_it(ask: Ask, facts: ClassFacts) -> Iterable[str]:
    """Yield what level restricted of Pod Security, and a limit that a sandbox fills, say of pods and of launcher pods."""
    restricted = ask.pod_security is not None and ask.pod_security.level == "restricted"
    minor = ask.pod_security.minor if ask.pod_security else None
    if facts.backend == "Pod":
        if restricted and ask.root:
            yield NEVER
        if facts.overhead_within and 0 < ask.memory_limit <= facts.overhead.memory:
            yield NEVER
    elif restricted and not facts.restricted_seccomp and (minor is None or minor >= 19):
        yield NOT_NOW


def _of_pods(ask: Ask, facts: ClassFacts) -> Iterable[str]:
    if not ask.has_container:
        yield NEVER
    if ask.privileged or ask.kernel_modules or ask.nested_virtualization:
        yield NEVER
    if ask.root and facts.level == "Container" and not facts.user_namespaces:
        yield NEVER
    if _devices(ask) and facts.level == "Sandboxed":
        yield NEVER
    for claim in ask.claims:
        if claim.by_container:
            shared = {"ReadWriteMany", "ReadOnlyMany"} & set(claim.access_modes)
            if claim.block or (_most(ask) > 1 and claim.found and not shared):
                yield NEVER
            if not claim.found:
                yield NOT_NOW


def _of_machines(ask: Ask, facts: ClassFacts) -> Iterable[str]:
    machine = ask.machine
    if ask.type == "Task" and (_most(ask) > 1 or ask.task_limits):
        yield NEVER
    if any(name not in facts.permitted_devices for name in _passed_through(ask, facts)):
        yield NOT_NOW
    if machine is None:
        yield NEVER
        return
    disks = [claim for claim in ask.claims if claim.by_machine]
    if _most(ask) > 1 and (disks or machine.cloned_disks or machine.boots_from != "containerDisk"):
        yield NEVER
    if any(not claim.found for claim in disks):
        yield NOT_NOW
    for disk in ask.resized:
        if disk.wanted < disk.has:
            yield NEVER
        elif not disk.expands:
            yield NOT_NOW
    if ask.kept or any(not origin.found or not origin.leads for origin in ask.origins):
        yield NOT_NOW
    yield from _of_guests(ask, machine, facts)


def _of_guests(ask: Ask, machine: MachineAsk, facts: ClassFacts) -> Iterable[str]:
    if not facts.unavailable and (machine.missing or any(_missing_in_kubevirt(ask, machine.guest, facts))):
        yield NOT_NOW
    if not machine.missing and any(_contradictions(ask, machine.guest, facts)):
        yield NEVER
    if any(_not_there(machine.guest, facts)):
        yield NEVER


def _contradictions(ask: Ask, guest: Guest, facts: ClassFacts) -> Iterable[bool]:
    """Yield whether guest, instancetype and preference contradict each other, check by check of KubeVirt's admission."""
    kind, preference = guest.instancetype, guest.preference
    if guest.page_size:
        page = {"2Mi": 2 * MI, "1Gi": 1024 * MI}[guest.page_size]
        yield _backed(guest, facts) == 0 or _backed(guest, facts) % page != 0
    if kind:
        yield kind.namespaced and any(not name.startswith("cpu.") for name in kind.sets)
        yield bool(kind.devices) and bool(_devices(ask))
        yield "cpu.dedicatedCPUPlacement" in kind.sets and ask.dedicated and not kind.dedicated
        yield "launchSecurity" in kind.sets
        yield "nodeSelector" in kind.sets and facts.node_selector != ()
        yield 0 < kind.max_sockets < guest.sockets
    if preference:
        yield from _unmet(guest, preference, _architecture(guest, facts))


def _unmet(guest: Guest, preference: PreferenceRecord, on: str) -> Iterable[bool]:
    given = guest.sockets * guest.cores * guest.threads
    if guest.instancetype:
        groups = preference.ratio * (2 if preference.across == "SocketsCoresThreads" else 1)
        yield preference.topology == "spread" and guest.instancetype.cpus % groups != 0
    else:
        counted = {"sockets": guest.sockets, "cores": guest.cores, "threads": guest.threads}
        given = counted.get(preference.topology, given)
    yield preference.namespaced and preference.sets != frozenset()
    yield given < preference.cpus
    yield guest.memory < preference.memory
    yield bool(preference.architecture) and on not in ("", preference.architecture)
    if preference.video:
        yield guest.graphics is False or (guest.graphics is None and preference.graphics is False)


def _not_there(guest: Guest, facts: ClassFacts) -> Iterable[bool]:
    """Yield whether a class or an architecture lacks what a guest wants."""
    preference, encrypted, on = guest.preference, facts.launch_security, _architecture(guest, facts)
    arm = on == "arm64"
    yield guest.architecture not in (None, "amd64", "arm64", "s390x")
    yield arm and (guest.bios or guest.secure_boot or "sata" in guest.disk_buses)
    yield arm and guest.model not in ("", "host-passthrough")
    for architecture, taken in () if facts.unavailable else facts.machine_types:
        if architecture == on and guest.machine_type:
            yield not any(re.fullmatch(each.replace("*", ".*"), guest.machine_type) for each in taken)
    yield guest.dedicated and guest.threads > (1 if arm else 2)
    if encrypted:
        yield guest.architecture not in (None, "amd64")
        yield guest.own_firmware and guest.bios
        yield guest.secure_boot
        yield guest.persistent_efi and encrypted in ("snp", "tdx")
    if preference:
        yield not encrypted and "preferredLaunchSecurity" in preference.sets
        yield arm and preference.video not in ("", "virtio", "ramfb")
        yield arm and "" in guest.disk_buses and preference.disk_bus not in ("", "virtio", "scsi")
        yield guest.cdroms and not arm and preference.cdrom_bus == "virtio"
        yield preference.secure_boot and not preference.smm and not guest.own_firmware


def _missing_in_kubevirt(ask: Ask, guest: Guest, facts: ClassFacts) -> Iterable[bool]:
    kind, preference, version = guest.instancetype, guest.preference, facts.kubevirt_version
    yield facts.expands and _most(ask) < 2 and not ask.max_replicas and (kind or preference) is not None
    yield ask.service_account is not None and version is not None and version < (1, 9)
    if "HostDevices" in facts.gates_off:
        yield ask.host_devices != () or (kind is not None and "hostDevices" in kind.sets)
    if "VideoConfig" in facts.gates_off:
        yield preference is not None and preference.video != ""


def _most(ask: Ask) -> int:
    return max(ask.replicas, ask.max_replicas)


def _devices(ask: Ask) -> dict[str, int]:
    found = dict(ask.host_devices)
    if ask.gpu:
        found[ask.gpu[0]] = found.get(ask.gpu[0], 0) + ask.gpu[1]
    return found


def _passed_through(ask: Ask, facts: ClassFacts) -> dict[str, int]:
    kind = ask.machine.guest.instancetype if ask.machine and facts.backend != "Pod" else None
    return _devices(ask) or dict(kind.devices if kind else ())


def _has_room(shape: NodeShape, ask: Ask, facts: ClassFacts) -> bool:
    cpu, memory = _size(ask, facts)
    wanted = _architecture(ask.machine.guest, facts) if ask.machine and facts.backend != "Pod" else ask.architecture
    room = shape.cpu >= cpu and shape.memory >= memory and wanted in (None, "", shape.architecture)
    has = dict(shape.devices)
    taken = _passed_through(ask, facts)
    for name, count in ask.network_devices if facts.backend != "Pod" else ():
        taken[name] = taken.get(name, 0) + count
    room = room and all(has.get(name, 0) >= count for name, count in taken.items())
    if facts.backend == "Pod" or ask.machine is None:
        return room
    guest = ask.machine.guest
    pages = has.get(f"hugepages-{guest.page_size}", 0) if guest.page_size else _backed(guest, facts)
    pinned = ask.dedicated or guest.dedicated
    model = guest.model or ("" if _architecture(guest, facts) == "arm64" else facts.cpu_model)
    return (
        room
        and model in ("", "host-model", "host-passthrough", *shape.cpu_models)
        and guest.machine_type in ("", *shape.machine_types)
        and pages >= _backed(guest, facts)
        and (shape.cpu_manager or not pinned)
        and (shape.nested or not ask.nested_virtualization)
    )


def _architecture(guest: Guest, facts: ClassFacts) -> str:
    known = [guest.architecture, "amd64" if facts.launch_security else "", facts.architecture]
    nodes = {shape.architecture for shape in facts.shapes}
    return next((each for each in known if each), nodes.pop() if len(nodes) == 1 else "")


def _backed(guest: Guest, facts: ClassFacts) -> int:
    """Return the bytes that are requested for the memory of a guest."""
    if guest.instancetype and guest.instancetype.overcommit:
        return guest.memory * (100 - guest.instancetype.overcommit) // 100
    return guest.memory * 100 // facts.memory_overcommit


def _size(ask: Ask, facts: ClassFacts) -> tuple[int, int]:
    cpu, memory = _overhead(ask, facts)
    if facts.backend == "Pod":
        return cpu + ask.cpu, memory + ask.memory
    if ask.machine is None:
        return 0, 0
    guest = ask.machine.guest
    share = 1 if ask.dedicated or guest.dedicated else facts.cpu_allocation_ratio
    threads = guest.instancetype.io_threads if guest.instancetype else 0
    processors = math.ceil((guest.sockets * guest.cores * guest.threads + threads) * 1000 / share)
    if share > 1 and facts.cpu_request is not None:
        processors = facts.cpu_request
    return cpu + processors, memory + (0 if guest.page_size else _backed(guest, facts))


def _overhead(ask: Ask, facts: ClassFacts) -> tuple[int, int]:
    machine = ask.machine
    if facts.backend == "Pod":
        return facts.overhead.cpu, facts.overhead.memory
    if machine is None:
        return 0, 0
    guest = machine.guest
    kind, preference = guest.instancetype, guest.preference
    video = bool(preference and preference.video)
    parts = [
        (248 + 8 * guest.sockets * guest.cores * guest.threads, True),
        (-20, (facts.kubevirt_version or (9, 9)) < (1, 9)),
        (32, guest.graphics or (guest.graphics is None and video)),
        (128, _architecture(guest, facts) == "arm64"),
        (1024, guest.virtual_functions or bool(_passed_through(ask, facts))),
        (53, guest.tpm),
        (100, ask.dedicated or guest.dedicated),
        (256, facts.launch_security in ("sev", "snp")),
    ]
    probes = 100 + 10 * guest.exec_probes if guest.exec_probes else 0
    added = (sum(size for size, holds in parts if holds) + probes) * MI
    if kind and kind.overcommit:
        added += math.ceil(_backed(guest, facts) / 1000) * 1000 // 512
    added += int(math.ceil(added / 1000) * (facts.overhead_ratio - 1)) * 1000
    cpu = 0
    if kind and kind.isolated:
        odd = guest.sockets * guest.cores * guest.threads % 2 == 1
        cpu = 1000 if odd or not facts.even_parity else 2000
    images = guest.container_disks if "ImageVolume" in facts.gates_off else 0
    for count, beside in ((int(guest.console_log), facts.console_log), (images, facts.container_disk)):
        pinned = ask.dedicated or guest.dedicated
        cpu += count * (beside.cpu_limit if pinned else beside.cpu)
        added += count * (beside.memory_limit if pinned else beside.memory)
    return cpu, added


# --- Where it goes ---


def decide_slow(world: World, need: Needed) -> tuple[str | None, dict[str, str]]:
    """Return the class that is chosen, and what becomes of every class."""
    outcomes = {facts.name: outcome_in(world.ask, facts, need, world.current) for facts in world.catalog}
    fitting = [facts for facts in world.catalog if outcomes[facts.name] == FIT]
    if need.denied or not fitting:
        return None, outcomes
    if outcomes.get(world.current or "") == FIT:
        return world.current, outcomes
    return min(fitting, key=lambda facts: _cheapness(world.ask, facts, need)).name, outcomes


def _cheapness(ask: Ask, facts: ClassFacts, need: Needed) -> tuple[Any, ...]:
    cpu, memory = _overhead(ask, facts)
    return (
        facts.name != need.preferred,
        LEVELS.index(facts.level),
        ask.has_container and facts.backend == "VirtualMachine",
        memory,
        cpu,
        -facts.preference,
        facts.name,
    )
