"""KubeVirt's admission rules for the spec of a machine: what its webhooks refuse on the ground, as the real ones do.

The rules are those of KubeVirt 1.9 (pkg/virt-api/webhooks, pkg/network/admitter) that a generated manifest can break.
They look at what KubeVirt would get, so types and unknown fields are left to the CRD's schema. Nothing of this is
Berth's own code: it is an opinion of its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import NamedTuple

from ground.api import Json
from ground.kubevirt_sim.quantity import amount

RUN_STRATEGIES = ("Always", "RerunOnFailure", "Manual", "Halted", "Once", "WaitAsReceiver")
BINDINGS = ("masquerade", "bridge", "sriov", "slirp", "passt", "macvtap", "binding", "passtBinding")
DISCONTINUED = ("slirp", "passt", "macvtap")
NETWORK_SOURCES = ("pod", "multus", "resourceClaim")
PROBE_HANDLERS = ("httpGet", "tcpSocket", "exec", "guestAgentPing")
CLOUD_INIT = ("cloudInitNoCloud", "cloudInitConfigDrive")
MAX_INLINE_BYTES = 2048
MAX_NAME = 63
MAX_THREADS = 2
BETA = ("WorkloadEncryptionSEV",)
GATES = (*BETA, "WorkloadEncryptionTDX", "HostDevices")
PORT_NAME = re.compile(r"(?=.*[a-z])(?!-)(?!.*--)[a-z0-9-]{1,15}(?<!-)")
MACHINES = {"amd64": ["q35*", "pc-q35*"], "arm64": ["virt*"], "s390x": ["s390-ccw-virtio*"]}
BUSES = {"disk": ("virtio", "sata", "scsi", "usb"), "cdrom": ("sata", "scsi"), "lun": ("sata", "scsi")}
# With an instance type these may not be set in the template, if the type sets them (pkg/instancetype/apply).
OF_INSTANCETYPE = (
    "domain.cpu.sockets",
    "domain.cpu.cores",
    "domain.cpu.threads",
    "domain.memory.guest",
    "domain.memory.hugepages",
    "domain.resources.requests.cpu",
    "domain.resources.requests.memory",
    "domain.resources.limits.cpu",
    "domain.resources.limits.memory",
)


class Cause(NamedTuple):
    """One reason for a refusal: the field, empty where the message names it, and the message."""

    field: str
    message: str


def violations(vm: Json) -> list[str]:
    """Return why a VirtualMachine would not run, one sentence per reason: KubeVirt refuses it, or it is killed.

    All feature gates are taken to be on; `ground.kubevirt_sim.refuse` also looks at instance type and preference.
    """
    template = {"architecture": "amd64", **vm["spec"].get("template", {}).get("spec", {})}
    gates = {"developerConfiguration": {"featureGates": list(GATES)}}
    found = [*machine_causes(vm), *spec_causes("spec.template.spec", template, gates)]
    late = [*mandatory(template), *_overfull(template)] if "instancetype" not in vm["spec"] else []
    return [*(cause.message for cause in found), *_of_instancetype(vm["spec"], template), *late]


def machine_causes(vm: Json) -> list[Cause]:
    """Return why KubeVirt refuses a VirtualMachine by its own spec and its template's."""
    spec = vm["spec"]
    template = spec.get("template", {}).get("spec", {})
    found = [
        *_run_strategy(spec),
        *_matchers(spec),
        *_data_volume_templates(vm, template),
    ]
    return [*(Cause("spec", text) for text in found), *instance_causes("spec.template.spec", template)]


def instance_causes(field: str, spec: Json) -> list[Cause]:
    """Return why KubeVirt refuses the spec of an instance, which a machine's template at a field is, too."""
    found = [
        *_disks(spec),
        *_networks(spec),
        *_ports(spec),
        *_firmware(spec),
        *_cloud_init(spec),
        *_probes(spec),
        *_cpu(spec),
        *_memory(spec),
        *_names(spec),
    ]
    return [Cause(field, text) for text in found]


def mandatory(spec: Json) -> list[str]:
    """Return what an instance must have, and its machine need not say."""
    fields = (
        "'spec.domain.memory.guest', 'spec.domain.memory.hugepages.size' or 'spec.domain.resources.requests.memory'"
    )
    text = f"no memory requested, at least one of {fields} must be set"
    return [] if _guest_memory(spec["domain"]) or spec["domain"].get("memory", {}).get("hugepages") else [text]


def _run_strategy(spec: Json) -> Iterator[str]:
    if "runStrategy" in spec and "running" in spec:
        yield "Running and RunStrategy are mutually exclusive"
    if "runStrategy" not in spec and "running" not in spec:
        yield "RunStrategy must be specified"
    if "runStrategy" in spec and spec["runStrategy"] not in RUN_STRATEGIES:
        yield f"Invalid RunStrategy ({spec['runStrategy']})"


def _disks(template: Json) -> Iterator[str]:
    devices = template["domain"].get("devices", {})
    disks, volumes = devices.get("disks", []), template.get("volumes", [])
    known = {volume["name"] for volume in volumes}
    for disk in (*disks, *devices.get("filesystems", [])):
        if disk["name"] not in known:
            yield f"spec.domain.devices.disks[].name '{disk['name']}' not found"
    yield from _twice("disk", (disk["name"] for disk in disks))
    yield from _twice("volume", (volume["name"] for volume in volumes))
    for disk in disks:
        yield from _disk(disk)
    for volume in volumes:
        if (count := len(volume) - 1) != 1:
            yield f"volume '{volume['name']}' must have exactly one source, it has {count}"
    if sum("serviceAccount" in volume for volume in volumes) > 1:
        yield "must have max one serviceAccount volume set"
    orders = [item["bootOrder"] for item in (*disks, *devices.get("interfaces", [])) if "bootOrder" in item]
    yield from _twice("bootOrder", orders)
    if any(order < 1 for order in orders):
        yield "bootOrder must have a value > 0"


def _disk(disk: Json) -> Iterator[str]:
    types = [type_ for type_ in BUSES if type_ in disk]
    if len(types) > 1:
        yield f"disk '{disk['name']}' can have only one type"
    for type_ in types:
        bus = disk[type_].get("bus")
        if bus is not None and bus not in BUSES[type_]:
            yield f"disk '{disk['name']}': bus {bus} is not supported for a {type_}"
    if disk.get("disk", {}).get("readonly") and disk["disk"].get("bus") in ("sata", "virtio"):
        yield f"disk '{disk['name']}': {disk['disk']['bus']} hard disks cannot be read-only, use a cdrom"


def _networks(template: Json) -> Iterator[str]:
    interfaces = template["domain"].get("devices", {}).get("interfaces", [])
    networks = {network["name"]: network for network in template.get("networks", [])}
    names = [interface["name"] for interface in interfaces]
    yield from _twice("interface", names)
    yield from _twice("network", (network["name"] for network in template.get("networks", [])))
    for name in networks.keys() - set(names):
        yield f"network '{name}' has no interface"
    if sum("pod" in network for network in networks.values()) > 1:
        yield "more than one interface is connected to a pod network"
    for network in networks.values():
        if sum(source in network for source in NETWORK_SOURCES) != 1:
            yield f"network '{network['name']}' must have exactly one type"
    for interface in interfaces:
        yield from _interface(interface, networks.get(interface["name"]))


def _interface(interface: Json, network: Json | None) -> Iterator[str]:
    name, bindings = interface["name"], [binding for binding in BINDINGS if binding in interface]
    if network is None:
        yield f"interface '{name}' has no network"
    if len(bindings) != 1:
        yield f"interface '{name}' must have exactly one binding, it has {bindings}"
    for binding in set(bindings) & set(DISCONTINUED):
        yield f"interface '{name}': {binding} is discontinued"
    if "masquerade" in bindings and network is not None and "pod" not in network:
        yield f"interface '{name}': masquerade only works with the pod network"


def _ports(template: Json) -> Iterator[str]:
    for interface in template["domain"].get("devices", {}).get("interfaces", []):
        ports = interface.get("ports", [])
        yield from _twice("port name", (port["name"] for port in ports if port.get("name")))
        for port in ports:
            yield from _port(port)


def _port(port: Json) -> Iterator[str]:
    if not 0 < port["port"] < 1 << 16:
        yield f"port {port['port']} must be in range 0 < x < 65536"
    if port.get("protocol", "TCP") not in ("TCP", "UDP"):
        yield f"port {port['port']}: unknown protocol {port['protocol']}, only TCP or UDP allowed"
    if port.get("name") and not PORT_NAME.fullmatch(port["name"]):
        yield f"port {port['port']}: invalid name {port['name']} (at most 15 of a-z, 0-9 and -, with a letter)"


def _firmware(template: Json) -> Iterator[str]:
    domain = template["domain"]
    loader = domain.get("firmware", {}).get("bootloader", {})
    smm = domain.get("features", {}).get("smm")
    has_smm = smm is not None and smm.get("enabled") is not False
    secure = "efi" in loader and loader["efi"].get("secureBoot") is not False
    if "efi" in loader and "bios" in loader:
        yield "EFI and BIOS are mutually exclusive"
    if secure and not has_smm:
        yield "SecureBoot requires SMM to be enabled (efi.secureBoot is true by default)"


def _cloud_init(template: Json) -> Iterator[str]:
    for volume in template.get("volumes", []):
        for kind in CLOUD_INIT:
            if kind in volume:
                yield from _cloud_init_source(volume["name"], volume[kind])


def _cloud_init_source(name: str, source: Json) -> Iterator[str]:
    user = [key for key in ("secretRef", "userData", "userDataBase64") if source.get(key)]
    network = [key for key in ("networkDataSecretRef", "networkData", "networkDataBase64") if source.get(key)]
    if len(user) > 1 or len(network) > 1:
        yield f"volume '{name}' must have one user data source only, and one network data source only"
    if not user and not network:
        yield f"volume '{name}' must have at least one of user data and network data"
    for key in ("userData", "userDataBase64", "networkData", "networkDataBase64"):
        if len(source.get(key, "").encode()) > MAX_INLINE_BYTES:
            yield f"volume '{name}': {key} exceeds {MAX_INLINE_BYTES} byte limit, use a Secret"


def _probes(template: Json) -> Iterator[str]:
    pod_network = any("pod" in network for network in template.get("networks", []))
    for field in ("readinessProbe", "livenessProbe"):
        probe = template.get(field)
        if probe is None:
            continue
        handlers = [handler for handler in PROBE_HANDLERS if handler in probe]
        if len(handlers) != 1:
            yield f"{field} must have exactly one probe type set, it has {handlers}"
        if {"httpGet", "tcpSocket"} & set(handlers) and not pod_network:
            yield f"{field} of type {handlers[0]} needs the pod network"
    if "livenessProbe" in template and template.get("startStrategy") == "Paused":
        yield "livenessProbe is not allowed with startStrategy Paused"


def _cpu(template: Json) -> Iterator[str]:
    domain = template["domain"]
    cpu, resources = domain.get("cpu", {}), domain.get("resources", {})
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    dedicated = cpu.get("dedicatedCpuPlacement", False)
    if cpu.get("isolateEmulatorThread") and not dedicated:
        yield "isolateEmulatorThread requires dedicatedCpuPlacement"
    if "numa" in cpu and not (dedicated and domain.get("memory", {}).get("hugepages")):
        yield "NUMA passthrough requires dedicatedCpuPlacement and hugepages"
    vcpus = cpu.get("sockets", 1) * cpu.get("cores", 1) * cpu.get("threads", 1)
    asked = [amount(where["cpu"]) for where in (requests, limits) if "cpu" in where]
    if not dedicated:
        if limits.get("cpu") and requests.get("cpu") and amount(requests["cpu"]) > amount(limits["cpu"]):
            yield "requests.cpu is greater than limits.cpu"
        return
    if any(value != int(value) for value in asked):
        yield "dedicatedCpuPlacement: requests and limits of cpu must be whole numbers"
    if len(set(asked)) > 1:
        yield "dedicatedCpuPlacement: requests.cpu must equal limits.cpu"
    if asked and {"sockets", "cores", "threads"} & cpu.keys() and asked[0] != vcpus:
        yield "dedicatedCpuPlacement: cpu topology and resources.cpu differ"
    if cpu.get("threads", 1) > MAX_THREADS:
        yield f"dedicatedCpuPlacement: not more than {MAX_THREADS} threads"
    if not _guest_memory(domain):
        yield "dedicatedCpuPlacement: memory must be set"


def _guest_memory(domain: Json) -> Decimal:
    resources = domain.get("resources", {})
    given = domain.get("memory", {}).get("guest")
    given = given or resources.get("requests", {}).get("memory") or resources.get("limits", {}).get("memory")
    return amount(given or 0)


def _memory(template: Json) -> Iterator[str]:
    domain = template["domain"]
    memory, resources = domain.get("memory", {}), domain.get("resources", {})
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    if "memory" in requests and "memory" in limits and amount(requests["memory"]) > amount(limits["memory"]):
        yield "requests.memory is greater than limits.memory"
    page = memory.get("hugepages", {}).get("pageSize")
    guest = _guest_memory(domain)
    if page and guest % amount(page):
        yield f"memory {guest} is not a multiple of the page size {page}"
    for name, value in (*requests.items(), *limits.items()):
        if amount(value) < 0:
            yield f"{name} must not be negative"


def _overfull(template: Json) -> Iterator[str]:
    """Yield what KubeVirt accepts with its default rollout strategy, and what then is killed for certain."""
    domain = template["domain"]
    given, limits = domain.get("memory", {}).get("guest"), domain.get("resources", {}).get("limits", {})
    if given and "memory" in limits and amount(given) > amount(limits["memory"]):
        yield "memory.guest is greater than limits.memory"


def _matchers(spec: Json) -> Iterator[str]:
    for field in ("instancetype", "preference"):
        matcher = spec.get(field)
        if matcher is not None and bool(matcher.get("name")) == bool(matcher.get("inferFromVolume")):
            yield f"{field} must have exactly one of name and inferFromVolume"


def _of_instancetype(spec: Json, template: Json) -> Iterator[str]:
    """Yield what a template says that every instance type says, too."""
    for path in OF_INSTANCETYPE if "instancetype" in spec else ():
        if _at(template, path.split(".")) is not None:
            yield f"spec.template.spec.{path} conflicts with the instance type"


def _at(node: Json, path: list[str]) -> object:
    for part in path:
        node = node.get(part, {}) if part != path[-1] else node
    return node.get(path[-1])


def _data_volume_templates(vm: Json, template: Json) -> Iterator[str]:
    used = {volume["dataVolume"]["name"] for volume in template.get("volumes", []) if "dataVolume" in volume}
    for item in vm["spec"].get("dataVolumeTemplates", []):
        name, inner = item["metadata"]["name"], item["spec"]
        if name not in used:
            yield f"DataVolumeTemplate '{name}' must be referenced in the template's volumes"
        if item["metadata"].get("namespace", vm["metadata"].get("namespace")) != vm["metadata"].get("namespace"):
            yield f"DataVolumeTemplate '{name}' must be in the namespace of its machine"
        if ("storage" in inner) == ("pvc" in inner) or ("source" in inner) == ("sourceRef" in inner):
            yield f"DataVolumeTemplate '{name}' must have one of storage, pvc and one of source, sourceRef"


def _names(template: Json) -> Iterator[str]:
    for field in ("hostname", "subdomain"):
        if len(template.get(field, "")) > MAX_NAME:
            yield f"{field} has more than {MAX_NAME} characters"


def _twice(what: str, names: Iterable[object]) -> Iterator[str]:
    yield from (f"{what} {name!r} is not unique" for name, count in Counter(names).items() if count > 1)


def spec_causes(field: str, spec: Json, config: Json) -> list[Cause]:
    """Return why the spec of an instance, at a field, is refused by KubeVirt as it is configured.

    That is for its machine type, its video, its encryption, or a gate that is off.
    """
    found = (_machine_type, _launch_security, _devices)
    return [cause for causes in found for cause in causes(field, spec, config)]


def _machine_type(field: str, spec: Json, config: Json) -> Iterator[Cause]:
    machine, architecture = spec["domain"].get("machine", {}).get("type"), spec.get("architecture") or "amd64"
    given = config.get("architectureConfiguration", {}).get(architecture, {}).get("emulatedMachines")
    taken = config.get("emulatedMachines") or given or MACHINES.get(architecture, MACHINES["amd64"])
    if machine and not any(fnmatchcase(machine, pattern) for pattern in taken):
        where = f"{field}.domain.machine.type"
        yield Cause(where, f"{where} is not supported: {machine} (allowed values: [{' '.join(taken)}])")


def _devices(field: str, spec: Json, config: Json) -> Iterator[Cause]:
    devices = spec["domain"].get("devices", {})
    if "video" in devices and devices.get("autoattachGraphicsDevice") is False:
        text = "Video configuration is not allowed when autoattachGraphicsDevice is set to false"
        yield Cause(f"{field}.video", text)
    if devices.get("hostDevices") and not enabled("HostDevices", config):
        yield Cause(f"{field}.HostDevices", "Host Devices feature gate is not enabled in kubevirt-config")


def _launch_security(field: str, spec: Json, config: Json) -> Iterator[Cause]:
    domain, architecture = spec["domain"], spec.get("architecture", "")
    security, where = domain.get("launchSecurity"), f"{field}.launchSecurity"
    if security is None:
        return
    if architecture != "amd64":
        text = f"No launchSecurity support for architecture: {architecture}"
        yield from [Cause(f"{field}.architecture", text)] if architecture != "s390x" else []
        return
    kinds = [kind for kind in ("sev", "snp", "tdx") if kind in security]
    gate = "WorkloadEncryptionTDX" if kinds == ["tdx"] else "WorkloadEncryptionSEV"
    if len(kinds) != 1:
        yield Cause(where, "One and only one launchSecurity type can be set")
    elif not enabled(gate, config):
        yield Cause(where, f"{gate} feature gate is not enabled in kubevirt-config")
    else:
        yield from (Cause(where, text) for text in _encryption(domain, kinds[0]))


def _encryption(domain: Json, kind: str) -> Iterator[str]:
    loader, name = domain.get("firmware", {}).get("bootloader", {}), kind.upper()
    smm = domain.get("features", {}).get("smm")
    if kind == "tdx" and smm is not None and smm.get("enabled") is not False:
        yield "TDX does not work along with SMM"
    if "efi" not in loader:
        yield f"{name} requires OVMF (UEFI)"
    elif kind != "tdx" and loader["efi"].get("secureBoot") is not False:
        yield f"{name} does not work along with SecureBoot"
    if kind != "sev" and loader.get("efi", {}).get("persistent"):
        yield f"{name} does not work along with Persistent EFI variables"
    for interface in domain.get("devices", {}).get("interfaces", []):
        if "bootOrder" in interface:
            yield f"{name} does not work with bootable NICs: {interface['name']}"


def enabled(gate: str, config: Json) -> bool:
    """Tell whether a feature gate is on: those that are Beta are, unless they are switched off."""
    developer = config.get("developerConfiguration", {})
    on = gate in developer.get("featureGates", []) or gate in BETA
    return on and gate not in developer.get("disabledFeatureGates", [])
