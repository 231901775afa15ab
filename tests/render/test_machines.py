"""Machines: the pairs that KubeVirt accepts, what is refused, and what is left to it."""

import pytest

from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Unrenderable
from render.specs import (
    CONTAINER,
    EXCLUSIVE,
    MACHINE,
    SIZE,
    SNP,
    VM,
    Json,
    bodies,
    container,
    instance_of,
    machine,
    subject,
)

SEV = ClassFacts("sev", SNP.level, SNP.backend, launch_security="sev")
TDX = ClassFacts("tdx", SNP.level, SNP.backend, launch_security="tdx")
CLAIM = {"persistentVolumeClaim": {"claimName": "c"}}


def firmware(efi: Json) -> Json:
    """Return a machine's firmware with UEFI."""
    return {"bootloader": {"efi": efi}}


@pytest.mark.parametrize(
    ("given", "facts", "efi", "smm"),
    [
        ({}, VM, None, None),
        ({"firmware": firmware({})}, VM, {"secureBoot": True}, True),
        ({"firmware": firmware({"secureBoot": False})}, VM, {"secureBoot": False}, None),
        ({"firmware": firmware({"persistent": True})}, VM, {"secureBoot": True, "persistent": True}, True),
        ({}, SNP, {"secureBoot": False}, None),
        ({"firmware": firmware({"persistent": True})}, SEV, {"secureBoot": False, "persistent": True}, None),
        ({}, TDX, {"secureBoot": False}, False),
    ],
)
def test_firmware(given: Json, facts: ClassFacts, efi: Json | None, smm: bool | None) -> None:
    """Secure boot comes with SMM, encrypted memory without secure boot, TDX without SMM."""
    domain = instance_of(machine(**given), facts)["domain"]
    assert domain.get("firmware", {}).get("bootloader", {}).get("efi") == efi
    assert domain.get("features", {}).get("smm", {}).get("enabled") is smm
    assert domain.get("launchSecurity") == ({facts.launch_security: {}} if facts.launch_security else None)


@pytest.mark.parametrize(
    ("spec", "facts", "why"),
    [
        (machine(firmware={"bootloader": {"bios": {}}}), SNP, "needs UEFI"),
        (machine(firmware=firmware({"secureBoot": True})), SEV, "excludes secure boot"),
        (machine(firmware=firmware({"persistent": True})), SNP, "excludes a persistent EFI"),
        (machine(firmware=firmware({"persistent": True})), TDX, "excludes a persistent EFI"),
        (machine(firmware={"bootloader": {"bios": {}}}) | {"needs": {"architecture": "arm64"}}, VM, "UEFI only"),
        (machine(firmware=firmware({"secureBoot": True})) | {"needs": {"architecture": "arm64"}}, VM, "no secure boot"),
        (machine() | {"type": "Task", "replicas": 2}, VM, "one machine"),
        (machine(bootDisk=CLAIM) | {"replicas": 2}, VM, "write disk root"),
        (machine(disks=[{"name": "d", **CLAIM}]) | {"replicas": 2}, VM, "write disk d"),
        (machine() | {"replicas": 2, "volumes": [{"name": "v", **CLAIM}]}, VM, "write disk v"),
        (machine(disks=[{"name": "root", **CLAIM}]), VM, "two disks called root"),
        (
            machine(disks=[{"name": "v", **CLAIM}]) | {"volumes": [{"name": "v", "configMap": {"name": "c"}}]},
            VM,
            "two disks",
        ),
        (machine() | {"volumes": [{"name": "v", "emptyDir": {}}]}, VM, "set sizeLimit"),
        (machine() | {"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]}, VM, "remove medium"),
        (
            machine()
            | {"volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}]},
            VM,
            "remove items",
        ),
        ({"machine": MACHINE}, VM, "needs a size"),
        (container(), VM, "add machine"),
    ],
)
def test_refusals(spec: Json, facts: ClassFacts, why: str) -> None:
    """What a machine cannot be as it is written is refused with the fix, never changed silently."""
    with pytest.raises(Unrenderable, match=why):
        bodies(spec, facts)


@pytest.mark.parametrize(
    ("resources", "sockets", "guest"),
    [
        ({"requests": {"memory": "1024Mi"}}, 1, "1Gi"),
        ({"requests": {"cpu": "1500m", "memory": "1Gi"}}, 2, "1Gi"),
        ({"limits": {"cpu": "4", "memory": "4Gi"}}, 4, "4Gi"),
        ({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "4Gi"}}, 1, "1Gi"),
    ],
)
def test_size_of_the_guest(resources: Json, sockets: int, guest: str) -> None:
    """Requests are the size, as KubeVirt itself takes them; the launcher gets no limit that could kill the guest."""
    domain = instance_of({"machine": MACHINE, "resources": resources})["domain"]
    assert domain["cpu"] == {"sockets": sockets, "cores": 1, "threads": 1}
    assert domain["memory"] == {"guest": guest}
    assert "resources" not in domain


def test_a_machine_scales_by_the_processors_of_its_guest() -> None:
    """KubeVirt requests a tenth of them, so a share of the request would be a tenth of what is meant."""
    spec = machine() | {
        "resources": {"requests": {"cpu": "3", "memory": "1Gi"}},
        "autoscaling": {"maxReplicas": 5, "targetCPUUtilizationPercentage": 50},
    }
    found = next(each.body for each in render(subject(spec), VM) if each.kind == "HorizontalPodAutoscaler")
    assert found["spec"]["metrics"][0]["resource"]["target"] == {"type": "AverageValue", "averageValue": "1500m"}


def test_an_instancetype_gives_the_whole_size() -> None:
    """KubeVirt refuses a template that sets what the instancetype sets."""
    spec = machine(instancetype="cx1.large") | container(resources=SIZE | {"dedicated": True})
    assert not {"cpu", "memory"} & instance_of(spec)["domain"].keys()


@pytest.mark.parametrize(
    ("given", "probe"),
    [
        ({}, None),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, None),
        ({"readinessProbe": {"guestAgentPing": {}}}, {"guestAgentPing": {}}),
        ({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 22}, {"port": 80}]}, {"tcpSocket": {"port": 22}}),
        ({"readinessProbe": {"httpGet": {"port": 1}}, "ports": [{"port": 22}]}, {"httpGet": {"port": 1}}),
    ],
)
def test_a_machine_is_ready_by_its_probe_or_its_first_tcp_port_or_when_it_runs(given: Json, probe: Json | None) -> None:
    """No guest agent is needed unless the author asks for it: most images have none."""
    assert instance_of(machine(**given)).get("readinessProbe") == probe


def test_ports_behind_a_list() -> None:
    """Once ports are listed all others are closed, so those of the service and of probes are listed, too."""
    spec = machine(ports=[{"name": "http", "port": 80}], livenessProbe={"tcpSocket": {"port": 9}})
    service = {"ports": [{"port": 443, "targetPort": 8443}, {"name": "h", "port": 80, "targetPort": "http"}]}
    [interface] = instance_of(spec | {"service": service})["domain"]["devices"]["interfaces"]
    assert interface["ports"] == [
        {"name": "http", "port": 80, "protocol": "TCP"},
        {"port": 9, "protocol": "TCP"},
        {"port": 8443, "protocol": "TCP"},
    ]


@pytest.mark.parametrize(("preference", "disk"), [({}, {"bus": "virtio"}), ({"preference": "fedora"}, {})])
def test_a_preference_chooses_the_bus(preference: Json, disk: Json) -> None:
    """A preference only sets what is unset."""
    assert instance_of(machine(**preference))["domain"]["devices"]["disks"][0]["disk"] == disk


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"disk": {"bus": "sata"}}, {"disk": {"bus": "sata"}}),
        ({"disk": {}}, {"disk": {"bus": "virtio"}}),
        ({"cdrom": {}}, {"cdrom": {}}),
        ({"cdrom": {"bus": "scsi"}}, {"cdrom": {"bus": "scsi"}}),
        ({"readOnly": True}, {"cdrom": {}}),
        ({"readOnly": True, "cdrom": {"bus": "sata"}}, {"cdrom": {"bus": "sata"}}),
        ({"cdrom": {}, "bootOrder": 2}, {"cdrom": {}, "bootOrder": 2}),
    ],
)
def test_how_the_guest_sees_a_disk(given: Json, seen: Json) -> None:
    """As it was installed: a guest without the driver of a bus does not find its disk there."""
    [_, further] = instance_of(machine(disks=[{"name": "d", **CLAIM, **given}]))["domain"]["devices"]["disks"]
    assert further == {"name": "d", **seen}


def test_a_bus_holds_with_a_preference_too() -> None:
    """What is said holds, whatever the preference would choose."""
    spec = machine(preference="fedora", bootDisk=CLAIM | {"disk": {"bus": "scsi"}})
    assert instance_of(spec)["domain"]["devices"]["disks"][0]["disk"] == {"bus": "scsi"}


def test_an_iso_is_booted_before_the_disk_that_it_installs() -> None:
    """Boot order is as in KubeVirt: the lowest is tried first."""
    iso = {"name": "iso", **CLAIM, "cdrom": {}, "bootOrder": 1}
    disks = instance_of(machine(bootDisk={**CLAIM, "bootOrder": 2}, disks=[iso]))["domain"]["devices"]["disks"]
    assert [(each["name"], each["bootOrder"]) for each in disks] == [("root", 2), ("iso", 1)]


@pytest.mark.parametrize("architecture", ["arm64", "s390x"])
def test_cd_roms_are_scsi_where_there_is_no_sata(architecture: str) -> None:
    """KubeVirt itself would choose virtio there, and then refuse it (finding W13)."""
    spec = machine(sysprep={"secret": {"name": "s"}}, disks=[{"name": "d", **CLAIM, "readOnly": True}])
    disks = instance_of(spec | {"needs": {"architecture": architecture}})["domain"]["devices"]["disks"]
    assert [each["cdrom"] for each in disks if "cdrom" in each] == [{"bus": "scsi"}, {"bus": "scsi"}]


@pytest.mark.parametrize(
    ("kind", "replicas", "strategy"),
    [("Service", 1, "Always"), ("Service", 0, "Halted"), ("Task", 1, "Once"), ("Task", 0, "Halted")],
)
def test_run_strategy(kind: str, replicas: int, strategy: str) -> None:
    """A service runs always, a task once, and without replicas a machine is halted."""
    vm = bodies(machine() | {"type": kind, "replicas": replicas}, VM)["VirtualMachine"]
    assert vm["spec"]["runStrategy"] == strategy


def test_grace() -> None:
    """Windows' preferences know how long a shutdown takes, unless the author says."""
    windows = {"os": "Windows", "preference": "windows.2k22", "bootDisk": CLAIM}
    assert instance_of(machine())["terminationGracePeriodSeconds"] == 180
    assert "terminationGracePeriodSeconds" not in instance_of(machine(**windows))
    assert instance_of(machine(**windows) | {"terminationGracePeriodSeconds": 0})["terminationGracePeriodSeconds"] == 0


def test_an_exclusive_node_has_no_other_workload() -> None:
    """Node sharing and nested virtualization meet in one affinity."""
    affinity = instance_of(machine() | {"needs": {"nestedVirtualization": True}}, EXCLUSIVE)["affinity"]
    [term] = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchExpressions"] == [{"key": "berth.dev/workload", "operator": "Exists"}]
    assert "nodeAffinity" in affinity


def test_passing_between_one_and_two_keeps_an_autoscaled_pool() -> None:
    """The kind of backing does not follow the autoscaler."""
    for replicas in (0, 1, 2):
        spec = machine() | {"replicas": replicas, "autoscaling": {"maxReplicas": 3}}
        assert "VirtualMachinePool" in bodies(spec, VM)


def test_a_switch_touches_neither_service_nor_network_policy() -> None:
    """Both are the same bytes whichever backend was chosen."""
    spec = container(
        machine=MACHINE | {"ports": [{"name": "http", "port": 8080}, {"port": 22}]},
        resources=SIZE,
        service={"ports": [{"port": 80, "targetPort": "http"}]},
    )
    spec["container"]["ports"] = [{"name": "http", "containerPort": 80}]
    pod, vm = bodies(spec, CONTAINER), bodies(spec, VM)
    assert [pod[kind] for kind in ("Service", "NetworkPolicy")] == [vm[kind] for kind in ("Service", "NetworkPolicy")]


def test_kept_disks_are_not_rendered_for_pods() -> None:
    """A disk is cloned only when a machine is what runs."""
    spec = container(machine={"bootDisk": {"dataSource": {"name": "g", "storage": "1Gi"}}}, resources=SIZE)
    assert "DataVolume" not in bodies(spec, CONTAINER)
    assert "DataVolume" in bodies(spec, VM)
