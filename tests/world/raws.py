"""Objects as the API server sends them, with the least that projecting reads."""

from typing import Any

from berth.api.meta import CLASS_LABEL, DISK_LABEL, WORKLOAD_LABEL

Raw = dict[str, Any]

OURS = {WORKLOAD_LABEL: "web", CLASS_LABEL: "runc"}
DISK = {DISK_LABEL: "web"}
BORN = "2026-03-01T10:00:00Z"
BORN_SECONDS = 1772359200.0


def a_raw(kind: str, name: str = "web", *, namespace: str = "shop", **parts: Any) -> Raw:
    """Return an object with our labels; `metadata` is merged into its metadata, all else stands beside it."""
    meta = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-of-{name}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": BORN,
        "labels": DISK if kind == "DataVolume" else OURS,
    }
    return {"kind": kind, "metadata": meta | parts.pop("metadata", {}), **parts}


def a_cluster_raw(kind: str, name: str, **parts: Any) -> Raw:
    """Return an object without a namespace and without labels."""
    raw = a_raw(kind, name, **parts)
    del raw["metadata"]["namespace"]
    raw["metadata"]["labels"] = (parts.get("metadata") or {}).get("labels", {})
    return raw


def condition(kind: str, status: str = "True", reason: str = "", message: str = "", **more: Any) -> Raw:
    """Return one condition."""
    return {"type": kind, "status": status, "reason": reason, "message": message, **more}


def conditions(*given: Raw, **status: Any) -> Raw:
    """Return a status with these conditions."""
    return {"conditions": list(given), **status}


def waiting(reason: str, message: str = "", **more: Any) -> Raw:
    """Return the status of a pod whose container `main` waits."""
    container = {"name": "main", "image": "app:1", "state": {"waiting": {"reason": reason, "message": message}}}
    return {"containerStatuses": [container | more]}


def a_node(**parts: Any) -> Raw:
    """Return a node with KVM."""
    status = {
        "allocatable": {"cpu": "7910m", "memory": "32Gi", "pods": "110", "devices.kubevirt.io/kvm": "1k"},
        "runtimeHandlers": [
            {"name": "", "features": {"recursiveReadOnlyMounts": True, "userNamespaces": True}},
            {"name": "runsc", "features": {"recursiveReadOnlyMounts": False, "userNamespaces": False}},
        ],
    }
    return a_cluster_raw("Node", "n1", **({"status": status, "spec": {}} | parts))
