"""What a spec names is read from all of its places, and from nowhere else."""

import pytest

from berth.verify.model import Named
from berth.verify.named import named_in
from render.specs import MACHINE, SIZE, Json, container, machine, subject

EMPTY = Named(images=frozenset({"app:1"}))


def named(spec: Json) -> Named:
    return named_in("shop", "web", subject(spec).spec)


@pytest.mark.parametrize(
    ("spec", "field", "names"),
    [
        ({"container": {"image": "a:1"}, "sidecars": [{"name": "s", "image": "b:1"}]}, "images", {"a:1", "b:1"}),
        (container(initContainers=[{"name": "i", "image": "c:1"}]), "images", {"app:1", "c:1"}),
        (machine(), "images", {"disk:1"}),
        (machine(disks=[{"name": "d", "containerDisk": {"image": "e:1"}}]), "images", {"disk:1", "e:1"}),
        (container(machine=MACHINE, resources=SIZE), "images", {"app:1", "disk:1"}),
        (container(imagePullSecrets=[{"name": "r"}]), "secrets", {"r"}),
        (container(volumes=[{"name": "v", "secret": {"secretName": "s"}}]), "secrets", {"s"}),
        ({"container": {"image": "a", "envFrom": [{"secretRef": {"name": "f"}}]}}, "secrets", {"f"}),
        (
            {
                "container": {
                    "image": "a",
                    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "k", "key": "x"}}}],
                }
            },
            "secrets",
            {"k"},
        ),
        (
            container(sidecars=[{"name": "s", "image": "b", "envFrom": [{"secretRef": {"name": "g"}}]}]),
            "secrets",
            {"g"},
        ),
        (machine(cloudInit={"secretRef": {"name": "u"}, "networkDataSecretRef": {"name": "n"}}), "secrets", {"u", "n"}),
        (machine(cloudInitConfigDrive={"secretRef": {"name": "u"}}), "secrets", {"u"}),
        (
            machine(
                accessCredentials=[
                    {"sshPublicKey": {"source": {"secret": {"secretName": "k"}}, "propagationMethod": {"noCloud": {}}}}
                ]
            ),
            "secrets",
            {"k"},
        ),
        (machine(sysprep={"secret": {"name": "y"}}, os="Windows", preference="w"), "secrets", {"y"}),
        (
            {"machine": {"bootDisk": {"containerDisk": {"image": "d", "imagePullSecret": "p"}}}, "resources": SIZE},
            "secrets",
            {"p"},
        ),
        (container(volumes=[{"name": "v", "configMap": {"name": "c"}}]), "config_maps", {"c"}),
        ({"container": {"image": "a", "envFrom": [{"configMapRef": {"name": "f"}}]}}, "config_maps", {"f"}),
        (
            {
                "container": {
                    "image": "a",
                    "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "k", "key": "x"}}}],
                }
            },
            "config_maps",
            {"k"},
        ),
        (machine(sysprep={"configMap": {"name": "y"}}), "config_maps", {"y"}),
        (container(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "p"}}]), "claims", {"p"}),
        (machine(disks=[{"name": "d", "persistentVolumeClaim": {"claimName": "q"}}]), "claims", {"q"}),
        (machine(bootDisk={"dataSource": {"name": "gold", "storage": "30Gi"}}), "fillings", set()),
        (machine(disks=[{"name": "d", "blank": {"storage": "1Gi"}}]), "fillings", {("blank", ())}),
        (
            machine(disks=[{"name": "d", "pvc": {"name": "o", "storage": "1Gi"}}]),
            "fillings",
            {("pvc", (("name", "o"), ("namespace", "shop")))},
        ),
        (
            machine(disks=[{"name": "d", "http": {"url": "https://i.example/a", "storage": "1Gi", "secretRef": "s"}}]),
            "fillings",
            {("http", (("secretRef", "s"), ("url", "https://i.example/a")))},
        ),
        (
            machine(disks=[{"name": "d", "registry": {"url": "docker://i.example/a:1", "storage": "1Gi"}}]),
            "images",
            {"disk:1", "i.example/a:1"},
        ),
        (machine(disks=[{"name": "d", "blank": {"storage": "1Gi"}}]), "disks", {"web-d"}),
        (machine(bootDisk={"dataSource": {"name": "gold", "storage": "30Gi"}}), "disks", {"web-root"}),
        (machine(disks=[{"name": "d", "dataSource": {"name": "g", "storage": "1Gi"}}]), "disks", {"web-d"}),
        (
            machine(bootDisk={"dataSource": {"name": "g", "storage": "1Gi", "storageClassName": "f"}}),
            "storage_classes",
            {"f"},
        ),
        (container(needs={"gpu": {"deviceName": "x.example/gpu"}}), "devices", {"x.example/gpu"}),
        (container(needs={"hostDevices": [{"deviceName": "x.example/nic"}]}), "devices", {"x.example/nic"}),
        ({"container": {"image": "a", "ports": [{"containerPort": 80}]}}, "ports", {(80, "TCP")}),
        (container(service={"ports": [{"port": 53, "protocol": "UDP"}]}), "ports", {(53, "UDP")}),
        (container(service={"ports": [{"port": 80, "targetPort": 8080}]}), "ports", {(8080, "TCP")}),
        (container(service={"ports": [{"port": 80, "targetPort": "http"}]}), "ports", set()),
        (machine(ports=[{"port": 22}]), "ports", {(22, "TCP")}),
        (machine(instancetype="u1"), "instancetype", ("VirtualMachineClusterInstancetype", "u1")),
        (machine(preference="fedora"), "preference", ("VirtualMachineClusterPreference", "fedora")),
        (container(service={"type": "NodePort", "ports": [{"port": 80}]}), "service_type", "NodePort"),
        (container(resources={"dedicated": True, **SIZE}), "dedicated", True),
        (container(needs={"nestedVirtualization": True}), "nested", True),
        (container(needs={"architecture": "arm64"}), "architecture", "arm64"),
        (container(deletionPolicy="Delete"), "disks_go", True),
        (container(type="Task"), "task", True),
        (container(replicas=3), "replicas", 3),
    ],
)
def test_every_place_that_names_something_is_read(spec: Json, field: str, names: object) -> None:
    assert getattr(named(spec), field) == names


def test_a_spec_that_names_nothing_names_nothing() -> None:
    assert named(container()) == EMPTY
