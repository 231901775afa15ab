"""The oracle of KubeVirt's admission: a sound machine passes, each trap of a generated one is named."""

from copy import deepcopy
from typing import Any

import pytest

from ground.kubevirt_admission import violations
from ground_tests import wishes

Json = dict[str, Any]
EFI: Json = {"firmware": {"bootloader": {"efi": {}}}}
SMM = {"features": {"smm": {"enabled": True}}}
PLAIN_EFI: Json = {"firmware": {"bootloader": {"efi": {"secureBoot": False}}}}
PINNED = {"cpu": {"sockets": 2, "cores": 1, "threads": 1, "dedicatedCpuPlacement": True}}
SIZED: Json = {"cpu": {}, "memory": {}}


def machine(**changes: Any) -> Json:
    """Return a sound machine with parts of its domain replaced."""
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": wishes.vm_spec("web", domain=changes)}


def with_template(**fields: Any) -> Json:
    """Return a sound machine with fields of its template's spec replaced."""
    vm = machine()
    vm["spec"]["template"]["spec"] |= fields
    return vm


def with_spec(**fields: Any) -> Json:
    """Return a sound machine with fields of its spec replaced; None takes one away."""
    vm = machine()
    vm["spec"] = {key: value for key, value in (vm["spec"] | fields).items() if value is not None}
    return vm


def with_disk(**fields: Any) -> Json:
    """Return a machine whose only disk has these fields."""
    interfaces = [{"name": "default", "masquerade": {}}]
    return machine(devices={"disks": [{"name": "root", **fields}], "interfaces": interfaces})


def with_interface(*interfaces: Json) -> Json:
    """Return a machine with these interfaces."""
    return machine(devices={"disks": [{"name": "root", "disk": {}}], "interfaces": list(interfaces)})


def with_port(**port: Any) -> Json:
    """Return a machine whose interface forwards one port."""
    return with_interface({"name": "default", "masquerade": {}, "ports": [port]})


def with_volume(**source: Any) -> Json:
    """Return a machine with a second volume."""
    vm = machine()
    vm["spec"]["template"]["spec"]["volumes"].append({"name": "extra", **source})
    return vm


def of_instancetype(**changes: Any) -> Json:
    """Return a machine that takes its size from an instance type."""
    vm = machine(**changes)
    vm["spec"]["instancetype"] = {"name": "u1.small"}
    return vm


SOUND = {
    "plain": machine(),
    "secure boot with SMM": machine(**EFI, **SMM),
    "pinned": machine(**PINNED),
    "instance type": of_instancetype(**SIZED),
    "user data by reference": with_volume(cloudInitNoCloud={"secretRef": {"name": "userdata"}}),
    "volume without disk": with_volume(emptyDisk={"capacity": "1Gi"}),
    "cdrom": with_disk(cdrom={"bus": "sata", "readonly": True}),
    "named port": with_port(name="http", port=8080, protocol="TCP"),
    "readiness": with_template(readinessProbe={"httpGet": {"port": 8080}}),
    "SNP": machine(**PLAIN_EFI, launchSecurity={"snp": {}}),
    "deprecated running": with_spec(runStrategy=None, running=True),
}

BROKEN = {
    "no run strategy": (with_spec(runStrategy=None), "RunStrategy must be specified"),
    "run strategy in lower case": (with_spec(runStrategy="always"), "Invalid RunStrategy (always)"),
    "running as well": (with_spec(running=True), "mutually exclusive"),
    "disk without volume": (with_template(volumes=[]), "'root' not found"),
    "two sources": (with_volume(emptyDisk={"capacity": "1Gi"}, secret={"secretName": "a"}), "exactly one source"),
    "volume twice": (with_template(volumes=2 * [{"name": "root", "emptyDisk": {"capacity": "1Gi"}}]), "volume 'root'"),
    "IDE": (with_disk(disk={"bus": "ide"}), "bus ide"),
    "read-only disk": (with_disk(disk={"bus": "virtio", "readonly": True}), "use a cdrom"),
    "two disk types": (with_disk(disk={}, cdrom={}), "only one type"),
    "boot order 0": (with_disk(disk={}, bootOrder=0), "value > 0"),
    "interface without network": (with_template(networks=[]), "has no network"),
    "network without interface": (
        with_template(networks=[{"name": "default", "pod": {}}, {"name": "b", "multus": {"networkName": "b"}}]),
        "network 'b' has no interface",
    ),
    "no binding": (with_interface({"name": "default"}), "exactly one binding"),
    "two bindings": (with_interface({"name": "default", "masquerade": {}, "bridge": {}}), "exactly one binding"),
    "slirp": (with_interface({"name": "default", "slirp": {}}), "discontinued"),
    "masquerade elsewhere": (
        with_template(networks=[{"name": "default", "multus": {"networkName": "b"}}]),
        "only works with the pod network",
    ),
    "network without type": (with_template(networks=[{"name": "default"}]), "exactly one type"),
    "long port name": (with_port(name="a-name-of-16-char", port=80), "invalid name"),
    "port name without letter": (with_port(name="8080", port=80), "invalid name"),
    "SCTP": (with_port(name="x", port=80, protocol="SCTP"), "unknown protocol"),
    "port 0": (with_port(name="x", port=0), "in range"),
    "port name twice": (
        with_interface({"name": "default", "masquerade": {}, "ports": 2 * [{"name": "x", "port": 80}]}),
        "port name 'x'",
    ),
    "EFI without SMM": (machine(**EFI), "requires SMM"),
    "EFI and BIOS": (
        machine(**SMM, firmware={"bootloader": {"efi": {}, "bios": {}}}),
        "EFI and BIOS are mutually exclusive",
    ),
    "machine type": (machine(machine={"type": "pc"}), "is not supported: pc (allowed values: [q35* pc-q35*])"),
    "SEV with secure boot": (machine(**EFI, **SMM, launchSecurity={"sev": {}}), "SecureBoot"),
    "SNP without EFI": (machine(launchSecurity={"snp": {}}), "SNP requires OVMF"),
    "two kinds of security": (machine(**PLAIN_EFI, launchSecurity={"sev": {}, "snp": {}}), "One and only one"),
    "TDX with SMM": (machine(**PLAIN_EFI, **SMM, launchSecurity={"tdx": {}}), "TDX does not work along with SMM"),
    "big user data": (with_volume(cloudInitNoCloud={"userData": 2049 * "x"}), "2048 byte limit"),
    "no user data": (with_volume(cloudInitNoCloud={}), "at least one of"),
    "two user data": (
        with_volume(cloudInitNoCloud={"userData": "x", "secretRef": {"name": "x"}}),
        "one user data source only",
    ),
    "probe without handler": (with_template(readinessProbe={"periodSeconds": 5}), "exactly one probe type"),
    "probe with two handlers": (
        with_template(livenessProbe={"tcpSocket": {"port": 1}, "guestAgentPing": {}}),
        "exactly one probe type",
    ),
    "probe without pod network": (
        with_template(readinessProbe={"tcpSocket": {"port": 1}}, networks=[]),
        "needs the pod network",
    ),
    "liveness of a paused start": (
        with_template(livenessProbe={"guestAgentPing": {}}, startStrategy="Paused"),
        "startStrategy Paused",
    ),
    "fraction of a pinned CPU": (machine(**PINNED, resources={"requests": {"cpu": "1500m"}}), "whole numbers"),
    "pinned request and limit": (
        machine(**PINNED, resources={"requests": {"cpu": "2"}, "limits": {"cpu": "3"}}),
        "must equal",
    ),
    "pinned topology and request": (machine(**PINNED, resources={"requests": {"cpu": "4"}}), "topology"),
    "three threads": (machine(cpu={"threads": 3, "dedicatedCpuPlacement": True}), "threads"),
    "isolated but not pinned": (machine(cpu={"isolateEmulatorThread": True}), "isolateEmulatorThread requires"),
    "NUMA without hugepages": (
        machine(cpu={"dedicatedCpuPlacement": True, "numa": {"guestMappingPassthrough": {}}}),
        "hugepages",
    ),
    "no memory": (machine(memory={}), "no memory requested"),
    "guest above limit": (machine(resources={"limits": {"memory": "512Mi"}}), "memory.guest is greater"),
    "request above limit": (
        machine(resources={"requests": {"memory": "4Gi"}, "limits": {"memory": "2Gi"}}),
        "requests.memory is greater",
    ),
    "part of a page": (machine(memory={"guest": "1500Mi", "hugepages": {"pageSize": "1Gi"}}), "multiple"),
    "instance type and topology": (of_instancetype(memory={}), "domain.cpu.sockets conflicts"),
    "instance type and memory": (of_instancetype(cpu={}), "domain.memory.guest conflicts"),
    "instance type without name": (
        with_spec(instancetype={"kind": "VirtualMachineInstancetype"}),
        "exactly one of name",
    ),
    "unused DataVolumeTemplate": (
        with_spec(dataVolumeTemplates=[{"metadata": {"name": "d"}, "spec": {"source": {}, "storage": {}}}]),
        "must be referenced",
    ),
    "long hostname": (with_template(hostname=64 * "x"), "63 characters"),
    "two service accounts": (
        with_template(volumes=[{"name": name, "serviceAccount": {}} for name in ("root", "b")]),
        "max one serviceAccount",
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_machine_passes(name: str) -> None:
    """What KubeVirt takes has no violation."""
    assert violations(SOUND[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_trap_is_named(name: str) -> None:
    """What KubeVirt refuses has a violation that says why; the machine itself is left as it was."""
    vm, expected = BROKEN[name]
    before = deepcopy(vm)
    found = violations(vm)
    assert any(expected in sentence for sentence in found), found
    assert vm == before
