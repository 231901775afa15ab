"""Why KubeVirt's validating webhooks refuse a machine, a pool or an instance: field and message, in its own words.

What a preference or an instance type brings is looked at here (virt-api's vms-admitter, pkg/instancetype); the rules
that look at one spec alone are those of `ground.kubevirt_admission`.
"""

from collections.abc import Iterator

from ground.api import Json
from ground.kubevirt_admission import Cause, instance_causes, machine_causes, mandatory, spec_causes
from ground.kubevirt_sim.expand import SPREAD, THREADS_PER_CORE, expanded, spread, topology
from ground.kubevirt_sim.fill import DEFAULT_ARCHITECTURE
from ground.kubevirt_sim.launcher import vcpus
from ground.kubevirt_sim.quantity import amount

TEMPLATE = "spec.template.spec"
RATIO = "Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio"
PARTS = {"cores": "cores", "preferCores": "cores", "threads": "threads", "preferThreads": "threads"}
ANY = ("any", "preferAny")
REQUESTS = ("requests", "limits")
MODES = {"dedicatedCPUPlacement": "dedicatedCpuPlacement", "isolateEmulatorThread": "isolateEmulatorThread"}
MODES |= {"model": "model", "numa": "numa", "realtime": "realtime"}


def of_machine(vm: Json, instancetype: Json | None, preference: Json | None, config: Json) -> list[Cause]:
    """Return why a VirtualMachine is refused; `instancetype` and `preference` are specs, None where there is none."""
    spec = vm["spec"]["template"]["spec"]
    if cause := _uneven(instancetype, preference):
        return [cause]
    if instancetype and (conflicts := list(_conflicts(spec, instancetype))):
        return conflicts
    made = expanded(spec, instancetype, preference)
    made["architecture"] = made.get("architecture") or DEFAULT_ARCHITECTURE
    for check in (_too_few_vcpus, _too_little_memory, _other_architecture):
        if cause := check(made, instancetype, preference):
            return [Cause(cause.field, f"failure checking preference requirements: {cause.message}")]
    whole = {**vm, "spec": {**vm["spec"], "template": {**vm["spec"]["template"], "spec": made}}}
    return [*machine_causes(whole), *spec_causes(TEMPLATE, made, config)]


def of_pool(pool: Json, config: Json) -> list[Cause]:
    """Return why a VirtualMachinePool is refused: its template is looked at as it is, with nothing filled in."""
    inner = pool["spec"]["virtualMachineTemplate"]["spec"]
    template = inner["template"]["spec"]
    machine = {"metadata": pool["metadata"], "spec": inner}
    return [*machine_causes(machine), *spec_causes(f"spec.virtualMachineTemplate.{TEMPLATE}", template, config)]


def of_instance(spec: Json, config: Json) -> list[Cause]:
    """Return why a VirtualMachineInstance is refused."""
    of_architecture = _of_arm64(spec) if spec.get("architecture") == "arm64" else []
    found = [*instance_causes("spec", spec), *spec_causes("spec", spec, config), *of_architecture]
    return [*found, *(Cause("", text) for text in mandatory(spec))]


def _uneven(instancetype: Json | None, preference: Json | None) -> Cause | None:
    if not instancetype or not preference or topology(preference) not in SPREAD:
        return None
    count, (ratio, across) = int(instancetype["cpu"]["guest"]), spread(preference)
    prefix = f"{count} vCPUs provided by the instance type are not divisible by the"
    threads = f"number of threads per core {THREADS_PER_CORE}"
    wrong = {
        "SocketsCores": (count % ratio, f"{prefix} {RATIO} of {ratio} provided by the preference"),
        "CoresThreads": (count % ratio, f"{prefix} number of threads per core {ratio}"),
        "SocketsCoresThreads": (
            count % THREADS_PER_CORE or count // THREADS_PER_CORE % ratio,
            f"{prefix} {threads} and {RATIO} of {ratio}",
        ),
    }
    rest, text = wrong[across]
    return Cause("instancetype.spec.cpu.guest", text) if rest else None


def _conflicts(spec: Json, instancetype: Json) -> Iterator[Cause]:
    """Yield what the template and its instance type both say; of memory only the first."""
    domain = spec["domain"]
    yield from (_conflict(path) for path in _of_cpu(domain, instancetype["cpu"]))
    memory, resources = domain.get("memory", {}), domain.get("resources", {})
    both = (field for field in ("hugepages", "maxGuest") if field in memory and field in instancetype["memory"])
    twice = [*(["memory.guest"] if "guest" in memory else []), *(f"memory.{field}" for field in both)]
    twice += [f"resources.{where}.memory" for where in REQUESTS if "memory" in resources.get(where, {})]
    yield from (_conflict(path) for path in twice[:1])
    for field in ("gpus", "hostDevices"):
        if domain.get("devices", {}).get(field) and field in instancetype:
            yield _conflict(f"devices.{field}")
    if "launchSecurity" in domain and "launchSecurity" in instancetype:
        yield _conflict("launchSecurity")


def _of_cpu(domain: Json, given: Json) -> list[str]:
    cpu, resources = domain.get("cpu", {}), domain.get("resources", {})
    asked = [f"resources.{where}.cpu" for where in REQUESTS if "cpu" in resources.get(where, {})]
    parts = [f"cpu.{part}" for part in ("sockets", "cores", "threads") if cpu.get(part)]
    both = [f"cpu.{theirs}" for theirs, ours in MODES.items() if cpu.get(ours) and given.get(theirs) is not None]
    return asked + parts + both


def _conflict(path: str) -> Cause:
    whole = f"{TEMPLATE}.domain.{path}"
    return Cause(whole, f"VM field(s) {whole} conflicts with selected instance type")


def _too_few_vcpus(made: Json, instancetype: Json | None, preference: Json | None) -> Cause | None:
    wanted = (preference or {}).get("requirements", {}).get("cpu", {}).get("guest", 0)
    needs = f"preference requires {wanted} vCPU"
    if instancetype:
        got = instancetype["cpu"]["guest"]
        text = f"insufficient CPU resources of {got} vCPU provided by instance type, {needs}"
        return Cause("spec.instancetype", text) if got < wanted else None
    parts, by = _parts(preference)
    cpu = {part: made["domain"].get("cpu", {}).get(part, 1) for part in parts}
    got = vcpus({"cpu": cpu})
    text = f"insufficient CPU resources of {got} vCPU provided by VirtualMachine, {needs} provided as {by}"
    return Cause(", ".join(f"{TEMPLATE}.domain.cpu.{part}" for part in parts), text) if got < wanted else None


def _parts(preference: Json | None) -> tuple[tuple[str, ...], str]:
    """Return which parts of the topology a preference counts, and how it calls them."""
    shape = topology(preference)
    if shape in ANY:
        return ("cores", "sockets", "threads"), "cores, sockets and threads"
    if shape in SPREAD:
        across = spread(preference or {})[1]
        whole = {"CoresThreads": ("cores", "threads"), "SocketsCoresThreads": ("sockets", "cores", "threads")}
        return whole.get(across, ("sockets", "cores")), across
    part = PARTS.get(shape, "sockets")
    return (part,), part


def _too_little_memory(made: Json, instancetype: Json | None, preference: Json | None) -> Cause | None:
    wanted = (preference or {}).get("requirements", {}).get("memory", {}).get("guest")
    got = made["domain"].get("memory", {}).get("guest", "0")
    if not wanted or amount(got) >= amount(wanted):
        return None
    by, field = (
        ("instance type", "spec.instancetype") if instancetype else ("VirtualMachine", f"{TEMPLATE}.domain.memory")
    )
    return Cause(field, f"insufficient Memory resources of {got} provided by {by}, preference requires {wanted}")


def _other_architecture(made: Json, _: Json | None, preference: Json | None) -> Cause | None:
    wanted, got = (preference or {}).get("requirements", {}).get("architecture"), made["architecture"]
    text = f"preference requires architecture {wanted} but {got} is being requested"
    return Cause(f"{TEMPLATE}.architecture", text) if wanted and wanted != got else None


def _of_arm64(spec: Json) -> Iterator[Cause]:
    """Yield what an instance on arm64 cannot have; a disk without a bus has been given virtio there."""
    domain = spec["domain"]
    if "bios" in domain.get("firmware", {}).get("bootloader", {}):
        text = "Arm64 does not support bios boot, please change to uefi boot"
        yield Cause("spec.domain.firmware.bootloader.bios", text)
    for index, disk in enumerate(domain.get("devices", {}).get("disks", [])):
        for kind in ("disk", "cdrom", "lun"):
            field, bus = f"spec.domain.devices.disks[{index}].{kind}.bus", disk.get(kind, {}).get("bus") or "virtio"
            if kind in disk and bus not in ("virtio", "scsi"):
                yield Cause(field, "Arm64 not support this disk bus type, please use virtio or scsi")
            if kind == "cdrom" and kind in disk and bus == "virtio":
                yield Cause(field, f"Bus type {bus} is invalid for CD-ROM device")
    if "watchdog" in domain.get("devices", {}):
        yield Cause("spec.domain.devices.watchdog", "Arm64 not support Watchdog device")
