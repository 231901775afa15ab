"""What attacks start from: specs that are let through as they are, and the classes that their Workloads run in."""

from typing import Any

from berth.decide.model import ClassFacts
from render.specs import GVISOR, VM

Json = dict[str, Any]

IMAGE = "registry.example/evil/web:1"
DISK = "registry.example/evil/disk:1"
SIZE: Json = {"requests": {"cpu": "100m", "memory": "128Mi"}}
GUEST_SIZE: Json = {"requests": {"cpu": "1", "memory": "1Gi"}}
PORTS: Json = {"ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
CONTAINER: Json = {
    "type": "Service",
    "container": {"image": IMAGE, "ports": [{"name": "http", "containerPort": 8080}]},
    "resources": SIZE,
    "service": PORTS,
}
FULL: Json = {
    **CONTAINER,
    "container": {
        **CONTAINER["container"],
        "env": [{"name": "A", "value": "a"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "own", "key": "k"}}}],
        "envFrom": [{"configMapRef": {"name": "own"}}],
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}, {"name": "keys", "mountPath": "/keys"}],
        "readinessProbe": {"httpGet": {"port": 8080, "path": "/", "httpHeaders": [{"name": "A", "value": "a"}]}},
        "livenessProbe": {"tcpSocket": {"port": 8080}},
        "startupProbe": {"exec": {"command": ["true"]}},
        "securityContext": {"runAsUser": 1000},
    },
    "initContainers": [{"name": "init", "image": "registry.example/evil/init:1", "resources": SIZE}],
    "sidecars": [
        {
            "name": "side",
            "image": "registry.example/evil/side:1",
            "resources": SIZE,
            "readinessProbe": {"tcpSocket": {"port": 9090}},
        }
    ],
    "volumes": [
        {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "keys", "secret": {"secretName": "own", "items": [{"key": "k", "path": "k"}]}},
        {"name": "config", "configMap": {"name": "own"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "own"}},
    ],
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccountName": "runner",
    "priorityClassName": "batch",
    "securityContext": {"fsGroup": 1000},
}
TASK: Json = {"type": "Task", "container": {"image": IMAGE}, "resources": SIZE}
MACHINE: Json = {
    "type": "Service",
    "machine": {
        "bootDisk": {"containerDisk": {"image": DISK, "imagePullSecret": "registry"}},
        "disks": [{"name": "data", "persistentVolumeClaim": {"claimName": "own"}}],
        "cloudInit": {"secretRef": {"name": "own"}},
        "ports": [{"name": "http", "port": 8080}],
        "readinessProbe": {"tcpSocket": {"port": "http"}},
    },
    "resources": GUEST_SIZE,
    "service": PORTS,
}
GUEST: Json = {**MACHINE, "machine": {key: value for key, value in MACHINE["machine"].items() if key != "disks"}}
"""A machine that shares no disk with others."""
DISKS: Json = {
    "type": "Service",
    "machine": {
        "bootDisk": {"dataSource": {"name": "golden", "storage": "30Gi", "storageClassName": "ground"}},
        "ports": [{"name": "http", "port": 8080}],
    },
    "resources": GUEST_SIZE,
}
POOL: Json = {
    "type": "Service",
    "replicas": 2,
    "machine": {"bootDisk": {"containerDisk": {"image": DISK}}, "ports": [{"name": "http", "port": 8080}]},
    "resources": GUEST_SIZE,
}
BASES: dict[str, Json] = {
    "container": CONTAINER,
    "full": FULL,
    "task": TASK,
    "machine": MACHINE,
    "disks": DISKS,
    "pool": POOL,
    "none": {},
}
"""By the name that vectors give them."""

LOADED: Json = {**CONTAINER, "replicas": 2, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}}
RUNNING: dict[str, tuple[Json, ClassFacts]] = {
    "web": (LOADED, GVISOR),
    "full": (FULL, GVISOR),
    "build": (TASK, GVISOR),
    "erp": (MACHINE, VM),
    "herd": (POOL, VM),
    "db": (DISKS, VM),
}
"""Workloads of namespace evil that the operator has written children for, and the class that it chose."""

THEIRS: Json = {**CONTAINER, "container": {**CONTAINER["container"], "image": "registry.example/acme/web:1"}}
"""What the victim runs."""
