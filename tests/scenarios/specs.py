"""Specs of Workloads, one small one of every sort; a test adds what it is about."""

from datetime import UTC, datetime, timedelta

from ground.cluster import ADMINISTRATOR
from scenarios.objects import Json

IMAGE = "registry.example/team/web:1"
DISK = "registry.example/team/disk:1"
RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "128Mi"}}
HTTP: Json = {"ports": [{"name": "http", "port": 80, "targetPort": "http"}]}


def container(**more: object) -> Json:
    """Return a service from an image, with one port and an address."""
    return {
        "type": "Service",
        "container": {"image": IMAGE, "ports": [{"name": "http", "containerPort": 8080}]},
        "resources": RESOURCES,
        "service": HTTP,
        **more,
    }


def machine(**more: object) -> Json:
    """Return a service from a disk that forgets, with one port and an address."""
    return {
        "type": "Service",
        "machine": {
            "bootDisk": {"containerDisk": {"image": DISK}},
            "ports": [{"name": "http", "port": 8080}],
            "readinessProbe": {"tcpSocket": {"port": "http"}},
        },
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
        "service": HTTP,
        **more,
    }


def both(**more: object) -> Json:
    """Return a service that may run from an image or from a disk."""
    return machine(container=container()["container"], **more)


def task(**more: object) -> Json:
    """Return a task from an image."""
    return {"type": "Task", "container": {"image": IMAGE}, "resources": RESOURCES, **more}


def machine_task(**more: object) -> Json:
    """Return a task from a disk."""
    return {
        "type": "Task",
        "machine": {"bootDisk": {"containerDisk": {"image": DISK}}},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
        **more,
    }


def later(**span: float) -> str:
    """Return the time so long after now as an API server takes it: `later(days=30)`."""
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def waiver(namespace: str, policy: str = "sandboxed-namespaces", **span: float) -> Json:
    """Return a Waiver for the Workload web from a policy, for so long, or for thirty days."""
    return {
        "workloads": [{"namespace": namespace, "name": "web"}],
        "policies": [policy],
        "reason": "a test",
        "approver": ADMINISTRATOR,
        "expiresAt": later(**span or {"days": 30}),
    }


def pinned(name: str, spec: Json) -> Json:
    """Return a spec that names its IsolationClass."""
    return {**spec, "isolation": {"className": name}}
