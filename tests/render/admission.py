"""What KubeVirt's webhooks refuse although the schema allows it, for the fields that Berth writes.

Source: kubevirt 1.9, pkg/virt-api/webhooks/validating-webhook/admitters and pkg/network/admitter.
"""

import importlib.util
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

RUN_STRATEGIES = {"Always", "Once", "Halted", "RerunOnFailure", "Manual"}
HANDLERS = {"httpGet", "tcpSocket", "exec", "guestAgentPing"}
CPU_POLICIES = {"force", "require", "optional", "disable", "forbid"}


def machines(bodies: list[Json]) -> list[Json]:
    """Return every VirtualMachine among some bodies, those that a pool makes included."""
    pools = (body["spec"]["virtualMachineTemplate"] for body in bodies if body["kind"] == "VirtualMachinePool")
    return [body for body in bodies if body["kind"] == "VirtualMachine"] + list(pools)


def violations(vm: Json) -> list[str]:
    """Return why KubeVirt would refuse a VirtualMachine: by the rules here, and by the ground's if it has any."""
    found = list(_violations(vm["spec"]))
    if importlib.util.find_spec("ground.kubevirt_admission"):
        oracle = importlib.import_module("ground.kubevirt_admission")
        found += oracle.violations(vm)
    return found


def _violations(spec: Json) -> Iterator[str]:
    instance = spec["template"]["spec"]
    domain = instance["domain"]
    if spec.get("runStrategy") not in RUN_STRATEGIES:
        yield "RunStrategy must be specified"
    if "instancetype" in spec and {"memory", "resources"} & domain.keys():
        yield "an instancetype and a size"
    if "instancetype" not in spec and not domain.get("memory", {}).get("guest"):
        yield "no memory requested"
    yield from _disks(domain["devices"], instance["volumes"])
    yield from _network(domain["devices"], instance["networks"])
    yield from _firmware(domain, instance.get("architecture"))
    yield from _probes(instance)
    yield from _cpu(domain)


def _disks(devices: Json, volumes: list[Json]) -> Iterator[str]:
    names = [each["name"] for each in volumes]
    if len(set(names)) < len(names) or any(len(name) > 63 for name in names):
        yield "volume names repeat or are too long"
    if sorted(names) != sorted(disk["name"] for disk in devices["disks"]):
        yield "disks and volumes do not pair"
    orders = [disk["bootOrder"] for disk in devices["disks"] if "bootOrder" in disk]
    if len(set(orders)) < len(orders):
        yield "duplicate boot order"
    for disk in devices["disks"]:
        if len({"disk", "cdrom", "lun"} & disk.keys()) != 1:
            yield f"disk {disk['name']} needs one target"
        if disk.get("disk", {}).get("readonly"):
            yield "read-only hard disk"
    for volume in volumes:
        if len(volume) != 2:
            yield f"volume {volume['name']} needs one source"


def _network(devices: Json, networks: list[Json]) -> Iterator[str]:
    interfaces = devices["interfaces"]
    if [each["name"] for each in interfaces] != [each["name"] for each in networks]:
        yield "interfaces and networks do not pair"
    for interface in interfaces:
        if len(interface.keys() - {"name", "ports", "model", "macAddress"}) != 1:
            yield "an interface needs one binding"
        ports = interface.get("ports", [])
        names = [port["name"] for port in ports if "name" in port]
        if len(set(names)) < len(names) or any(len(name) > 15 for name in names):
            yield "port names"
        if any(port["protocol"] not in {"TCP", "UDP"} for port in ports):
            yield "port protocol"


def _firmware(domain: Json, architecture: str | None) -> Iterator[str]:
    bootloader = domain.get("firmware", {}).get("bootloader", {})
    efi, secure = bootloader.get("efi"), bootloader.get("efi", {}).get("secureBoot", "efi" in bootloader)
    smm = domain.get("features", {}).get("smm", {"enabled": False}).get("enabled", True)
    launch = domain.get("launchSecurity", {})
    if efi is not None and "bios" in bootloader:
        yield "EFI and BIOS"
    if secure and not smm:
        yield "secure boot without SMM"
    if architecture == "arm64" and (secure or "bios" in bootloader):
        yield "arm64 boots by EFI without secure boot"
    if launch and (len(launch) != 1 or efi is None):
        yield "launch security needs EFI and is one kind"
    if launch.keys() & {"sev", "snp"} and secure:
        yield "SEV and SNP exclude secure boot"
    if launch.keys() & {"snp", "tdx"} and efi and efi.get("persistent"):
        yield "SNP and TDX exclude a persistent EFI"
    if "tdx" in launch and smm:
        yield "TDX excludes SMM"


def _probes(instance: Json) -> Iterator[str]:
    for name in ("readinessProbe", "livenessProbe"):
        if name in instance and len(HANDLERS & instance[name].keys()) != 1:
            yield f"{name} needs one handler"


def _cpu(domain: Json) -> Iterator[str]:
    cpu = domain.get("cpu", {})
    if "resources" in domain:
        yield "resources of the launcher are KubeVirt's matter"
    if cpu.get("dedicatedCpuPlacement") and "sockets" not in cpu:
        yield "dedicated processors without a count"
    if any(each["policy"] not in CPU_POLICIES for each in cpu.get("features", ())):
        yield "CPU feature policy"
