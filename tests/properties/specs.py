"""Random specs of Workloads, with every field that is rendered, and the classes that they may be rendered for."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import orjson

from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts, NodeShape
from berth.render.children import render
from berth.render.model import Child, Peers, Subject, Unrenderable
from decide.builders import GI
from decide.drawing import pick, some
from golden.images import own_images
from render.specs import MACHINE_CLASSES, POD_CLASSES

Json = dict[str, Any]

SHAPE: Final = NodeShape(16000, 64 * GI, (("example.com/gpu", 4), ("example.com/nic", 4)), "amd64", True, True)
CLASSES: Final = tuple(
    replace(each, shapes=(SHAPE,), permitted_devices=frozenset(name for name, _ in SHAPE.devices))
    for each in (*POD_CLASSES, *MACHINE_CLASSES)
)
UID: Final = "0b6c1c1e-0000-4000-8000-000000000001"
OPEN: Final = None
PEERS: Final = (
    OPEN,
    OPEN,
    Peers(("shop",)),
    Peers(
        ("shop", "shop-db"), ("ingress",), ("10.0.0.0/8",), (("192.0.2.0/24", ((443, "TCP"),)), ("198.51.100.0/24", ()))
    ),
)

_QUANTITIES = ("1", "500m", "2.5", "1024Mi", "1Gi", "3e3", "1500M", 7)
_POD_PROBES: tuple[Json, ...] = (
    {"httpGet": {"port": 8080, "path": "/"}},
    {"tcpSocket": {"port": 1}, "periodSeconds": 3},
    {"exec": {"command": ["x"]}, "initialDelaySeconds": 2},
    {"grpc": {"port": 2}},
)
_MACHINE_PROBES: tuple[Json, ...] = (*_POD_PROBES[:3], {"guestAgentPing": {}})
_DISKS: tuple[Json, ...] = (
    {"containerDisk": {"image": "disk:1"}},
    {"containerDisk": {"image": "disk:2", "imagePullSecret": "r"}},
    {"dataSource": {"name": "gold", "storage": "30Gi"}},
    {"dataSource": {"name": "gold", "storage": "1e10", "storageClassName": "fast"}},
    {"persistentVolumeClaim": {"claimName": "boot"}},
    {"blank": {"storage": "1Gi"}},
    {"http": {"url": "http://images.example/a.iso", "storage": "1e9", "certConfigMap": "c"}},
    {"registry": {"url": "docker://disk:3", "storage": "2Gi", "secretRef": "s"}},
    {"pvc": {"name": "other", "storage": "1Gi", "storageClassName": "fast"}},
)
_TARGETS: tuple[Json, ...] = (
    {"readOnly": True},
    {"disk": {"bus": "scsi"}, "bootOrder": 2},
    {"cdrom": {"bus": "scsi"}, "bootOrder": 3},
    {"cdrom": {}},
)
_BOOTS: tuple[Json, ...] = ({}, {}, {"disk": {"bus": "sata"}, "bootOrder": 9}, {"cdrom": {}})
_VOLUMES: tuple[Json, ...] = (
    {"name": "a", "emptyDir": {"sizeLimit": "2048Mi"}},
    {"name": "b", "configMap": {"name": "c", "optional": False}},
    {"name": "c", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k"}]}},
    {"name": "d", "persistentVolumeClaim": {"claimName": "p", "readOnly": True}},
    {"name": "e", "persistentVolumeClaim": {"claimName": "q"}},
)
_RESOURCES: tuple[Json, ...] = (
    {},
    {"requests": {"cpu": "500m"}},
    {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    {"limits": {"cpu": "2.5", "memory": 1073741824}},
)
_CONTAINER: dict[str, tuple[Any, ...]] = {
    "command": (["run"],),
    "args": ([], ["", "x"]),
    "env": (
        [{"name": "A", "value": ""}],
        [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        [{"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}}],
    ),
    "envFrom": ([{"secretRef": {"name": "s", "optional": False}, "prefix": ""}], [{"configMapRef": {"name": "c"}}]),
    "workingDir": ("/srv",),
    "securityContext": (
        {"runAsUser": 7},
        {"runAsGroup": 3, "readOnlyRootFilesystem": True},
        {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
        {"capabilities": {}, "runAsUser": 7},
        {},
    ),
}
_MAIN: dict[str, tuple[Any, ...]] = {
    **_CONTAINER,
    "ports": ([{"containerPort": 8080}], [{"containerPort": 53, "protocol": "UDP", "name": "dns"}]),
    "readinessProbe": _POD_PROBES,
    "livenessProbe": _POD_PROBES,
    "startupProbe": _POD_PROBES,
    "lifecycle": ({"preStop": {"sleep": {"seconds": 0}}}, {"preStop": {"sleep": {"seconds": 3}}}),
}
_KEYS: Json = {"secret": {"secretName": "k"}}
_MACHINE: dict[str, tuple[Any, ...]] = {
    "os": ("Linux", "Windows"),
    "disks": tuple([{"name": "further", **target, **source}] for source in _DISKS for target in _TARGETS),
    "instancetype": ("u1.small",),
    "instancetypeKind": ("VirtualMachineInstancetype", "VirtualMachineClusterInstancetype"),
    "preferenceKind": ("VirtualMachinePreference",),
    "cpu": ({"sockets": 2, "threads": 2}, {"model": "Haswell"}, {"cores": 2, "numa": {"guestMappingPassthrough": {}}}),
    "hugepages": ({"pageSize": "2Mi"}, {"pageSize": "1Gi"}),
    "preference": ("fedora",),
    "cloudInit": ({"secretRef": {"name": "s"}}, {"secretRef": {"name": "s"}, "networkDataSecretRef": {"name": "n"}}),
    "sysprep": ({"configMap": {"name": "c"}}, {"secret": {"name": "s"}}),
    "firmware": (
        {"bootloader": {"bios": {}}},
        {"bootloader": {"efi": {"secureBoot": False}}},
        {"bootloader": {"efi": {}}},
        {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223", "serial": "VMware-56 4d 2a"},
    ),
    "cloudInitConfigDrive": ({"secretRef": {"name": "s"}},),
    "accessCredentials": (
        [{"sshPublicKey": {"source": _KEYS, "propagationMethod": {"qemuGuestAgent": {"users": ["root"]}}}}],
        [{"sshPublicKey": {"source": _KEYS, "propagationMethod": {"noCloud": {}}}}],
        [{"userPassword": {"source": _KEYS, "propagationMethod": {"qemuGuestAgent": {}}}}],
    ),
    "tpm": ({}, {"persistent": True}, {"enabled": False}),
    "machineType": ("q35",),
    "logSerialConsole": (True, False),
    "clock": ({"utc": {}}, {"utc": {"offsetSeconds": 0}}, {"timezone": "Europe/Berlin"}),
    "hostname": ("erp",),
    "evictionStrategy": ("None", "LiveMigrateIfPossible"),
    "interfaces": ([{"name": "default", "model": "e1000e"}], [{"name": "default", "macAddress": "52:54:00:ab:cd:ef"}]),
    "graphics": (True, False),
    "ports": ([{"port": 8080, "name": "http"}], [{"port": 22}, {"port": 53, "protocol": "UDP"}]),
    "readinessProbe": _MACHINE_PROBES,
    "livenessProbe": _MACHINE_PROBES,
}
_LAN: Json = {"networks": [{"name": "lan", "multus": {"networkName": "shared/lan"}}]}
_NETWORKS: tuple[Json, ...] = (
    _LAN | {"interfaces": [{"name": "lan", "bridge": {}, "model": "e1000"}]},
    _LAN | {"interfaces": [{"name": "lan", "sriov": {}}, {"name": "default", "model": "rtl8139"}]},
)
_NEEDS: tuple[Json, ...] = (
    {},
    {"root": True},
    {"nestedVirtualization": True},
    {"privileged": True},
    {"kernelModules": ["wireguard"]},
    {"gpu": {"deviceName": "example.com/gpu", "count": 2}},
    {"hostDevices": [{"deviceName": "example.com/nic"}]},
    {"architecture": "amd64"},
)
_SPEC: dict[str, tuple[Any, ...]] = {
    "type": ("Service", "Service", "Task"),
    "replicas": (0, 1, 2, 3),
    "autoscaling": ({"maxReplicas": 5}, {"minReplicas": 2, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}),
    "task": ({"backoffLimit": 0}, {"activeDeadlineSeconds": 60}),
    "service": (
        {"ports": [{"port": 80, "targetPort": 8080}]},
        {"type": "NodePort", "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}]},
        {"type": "LoadBalancer", "ports": [{"port": 8080}]},
    ),
    "serviceAccountName": ("runner",),
    "priorityClassName": ("high",),
    "imagePullSecrets": ([{"name": "registry"}],),
    "securityContext": ({"runAsUser": 5}, {"runAsGroup": 5, "fsGroup": 6}),
    "terminationGracePeriodSeconds": (0, 9),
    "needs": _NEEDS,
    "deletionPolicy": ("Retain", "Delete"),
    "isolation": ({"level": "Container"}, {"level": "Sandboxed"}, {}),
    "trust": ("Trusted", "Restricted", "Untrusted"),
    "switching": ({"strategy": "Recreate"}, {"approval": "Automatic", "allowDataLoss": True}),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A Workload as it is rendered for one class."""

    subject: Subject
    facts: ClassFacts


def a_spec(random: Random) -> Json:
    """Draw a spec. Often one backend or the other refuses it."""
    spec = _part(random, _SPEC, 0.2)
    sources = random.random()
    if sources < 0.75:
        spec["container"] = {"image": "app:1", **_part(random, _MAIN, 0.3)}
        if random.random() < 0.3:
            spec["sidecars"] = [{"name": "side", "image": "s:1", **_part(random, _MAIN, 0.2)}]
            for field in ("ports", "lifecycle"):
                spec["sidecars"][0].pop(field, None)
        if random.random() < 0.3:
            spec["initContainers"] = [{"name": "init", "image": "i:1", **_part(random, _CONTAINER, 0.2)}]
            spec["initContainers"][0]["resources"] = pick(random, _RESOURCES)
    if sources > 0.45:
        spec["machine"] = {"bootDisk": pick(random, _DISKS) | pick(random, _BOOTS), **_part(random, _MACHINE, 0.25)}
        if "instancetype" in spec["machine"]:  # it gives the processors and the memory
            spec["machine"] = {name: each for name, each in spec["machine"].items() if name not in ("cpu", "hugepages")}
    volumes = some(random, _VOLUMES, 2)
    if volumes:
        spec["volumes"] = volumes
        if "container" in spec:
            spec["container"]["volumeMounts"] = [
                {"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes
            ]
    spec["resources"] = _resources(random)
    if "lifecycle" in spec.get("container", {}) and spec.get("terminationGracePeriodSeconds") == 0:
        del spec["terminationGracePeriodSeconds"]  # a pause takes some of it
    return spec


def _resources(random: Random) -> Json:
    if random.random() < 0.2:
        return {"requests": {"cpu": "2", "memory": "4Gi"}, "dedicated": True}
    requests = {"cpu": pick(random, _QUANTITIES[:3]), "memory": pick(random, ("512Mi", "1024Mi", "3e9", "1Gi"))}
    return {"requests": requests} | ({"limits": {"memory": "8Gi"}} if random.random() < 0.3 else {})


def _part(random: Random, fields: dict[str, tuple[Any, ...]], odds: float) -> Json:
    """Draw some of these fields."""
    return {name: pick(random, values) for name, values in fields.items() if random.random() < odds}


def parsed(spec: Json) -> WorkloadSpec:
    """Return a spec as it is worked on."""
    return WorkloadSpec.model_validate_json(orjson.dumps(spec))


def a_scene(random: Random) -> Scene:
    """Draw a Workload and a class."""
    peers = pick(random, PEERS)
    tenant = "acme" if peers and len(peers.namespaces) > 1 else "ns.shop"
    drawn = a_spec(random)
    if peers is None and "machine" in drawn and random.random() < 0.2:  # an isolated one may join no other network
        drawn["machine"] |= pick(random, _NETWORKS)
    spec = parsed(drawn)
    subject = Subject("shop", "web", UID, spec, tenant, peers, clones=own_images(spec, "shop"))
    return Scene(subject, pick(random, CLASSES))


def children_of(scene: Scene) -> tuple[Child, ...] | None:
    """Return what a Workload renders to; None where the class does not take it."""
    try:
        return render(scene.subject, scene.facts)
    except Unrenderable:
        return None


def bodies_of(scene: Scene) -> bytes:
    """Return what a Workload renders to as bytes, as they would be sent."""
    return orjson.dumps([child.body for child in children_of(scene) or ()])
