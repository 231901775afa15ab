"""Fake nodes: Node objects that KWOK keeps Ready and on which it runs pods by changing their status only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ground.api import ApiError, Json, call, eventually

if TYPE_CHECKING:
    from ground.cluster import Cluster

ANNOTATION = "kwok.x-k8s.io/node"
CONTAINER_HANDLERS = ("", "runc")
SANDBOX_HANDLERS = ("runsc", "kata")
SIZE = {"cpu": "32", "memory": "128Gi", "pods": "500", "ephemeral-storage": "500Gi"}
DEVICES = ("devices.kubevirt.io/kvm", "devices.kubevirt.io/tun", "devices.kubevirt.io/vhost-net")
MACHINE_TYPES = ("q35", "pc-q35-rhel9.4.0")
CPU_MODELS = ("Haswell-noTSX", "Skylake-Server")
KUBEVIRT_LABELS = {
    "kubevirt.io/schedulable": "true",
    **{f"machine-type.node.kubevirt.io/{each}": "true" for each in MACHINE_TYPES},
    **{f"cpu-model.node.kubevirt.io/{each}": "true" for each in CPU_MODELS},
}
CONFLICT = 409
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Shape:
    """What a fake node offers.

    `kvm` is what KubeVirt's device plugins and labeller put on a node; `handlers` are the RuntimeClass handlers beside
    "" and runc; `user_namespaces` is a feature of these two and of runsc; `allocatable` adds to or replaces SIZE; `taints`
    are those of core/v1.
    """

    kvm: bool = True
    handlers: tuple[str, ...] = SANDBOX_HANDLERS
    user_namespaces: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Json, ...] = ()
    allocatable: dict[str, str] = field(default_factory=dict)


CAPABLE = Shape()
PLAIN = Shape(kvm=False, handlers=())


def add_nodes(cluster: Cluster, count: int, prefix: str = "node", shape: Shape = CAPABLE) -> list[str]:
    """Make nodes PREFIX-0..PREFIX-(count-1), wait until they are Ready, return their names.

    Nodes that exist stay as they are. Raises TimeoutError when KWOK does not make them Ready.
    """
    names = [f"{prefix}-{index}" for index in range(count)]
    for name in names:
        _create(cluster, node(name, shape))
    eventually(lambda: set(names) <= ready_nodes(cluster), READY_SECONDS, f"{count} nodes {prefix}-* Ready")
    return names


def node(name: str, shape: Shape) -> Json:
    """Return a fake Node as KubeVirt's own KWOK lane makes it (tests/testsuite/fixture.go), with runtime handlers."""
    resources = SIZE | (dict.fromkeys(DEVICES, "1k") if shape.kvm else {}) | shape.allocatable
    known = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    labels = known | (KUBEVIRT_LABELS if shape.kvm else {}) | shape.labels
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {ANNOTATION: "fake"}, "labels": labels},
        "spec": {"taints": list(shape.taints)},
        "status": {
            "allocatable": resources,
            "capacity": resources,
            "nodeInfo": _node_info(),
            "runtimeHandlers": [_handler(name, shape) for name in (*CONTAINER_HANDLERS, *shape.handlers)],
        },
    }


def _handler(name: str, shape: Shape) -> Json:
    """Return a handler with its features, as a real node has them: kubelet 1.37, containerd 2.4, runc 1.5, gVisor."""
    plain = name in CONTAINER_HANDLERS
    namespaces = shape.user_namespaces and name in (*CONTAINER_HANDLERS, "runsc")
    return {"name": name, "features": {"recursiveReadOnlyMounts": plain, "userNamespaces": namespaces}}


def ready_nodes(cluster: Cluster) -> set[str]:
    """Return the names of the nodes whose condition Ready is True."""
    return {
        item["metadata"]["name"]
        for item in call(cluster.kubeconfig, "GET", "/api/v1/nodes")["items"]
        for condition in item["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def _node_info() -> Json:
    empty = ("kubeProxyVersion", "machineID", "osImage", "systemUUID")
    known = {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.37.2"}
    known |= {"bootID": "2076b129-cc0c-4102-9415-b71750f4a86c", "kernelVersion": "6.18.44"}
    return {**dict.fromkeys(empty, ""), **known, "containerRuntimeVersion": "containerd://2.4.2"}


def _create(cluster: Cluster, body: Json) -> None:
    try:
        call(cluster.kubeconfig, "POST", "/api/v1/nodes", body)
    except ApiError as error:
        if error.code != CONFLICT:
            raise
