"""Values that the schema itself bounds, on a real API server: quantities, ports, paths, lists, sizes."""

from pathlib import Path

import pytest

from api.objects import SMALLEST, Json, made, merged, path
from ground.api import ApiError, call

pytestmark = pytest.mark.ground

STRICT_DRY = "?fieldValidation=Strict&dryRun=All"


@pytest.mark.parametrize(
    ("resources", "wrong"),
    [
        ({"cpu": 2, "memory": 536870912}, None),
        ({"cpu": "2", "memory": "1e9"}, None),
        ({"cpu": "0.5", "memory": "1.5Gi"}, None),
        ({"cpu": "9E"}, None),
        ({"cpu": -1}, "greater than or equal to 0"),
        ({"cpu": "-1"}, "should match"),
        ({"memory": "1 Gi"}, "should match"),
        ({"memory": "1GiB"}, "should match"),
        ({"memory": True}, "must be of type integer,string"),
        ({"cpu": 0.5}, "must be of type integer,string"),
        ({"memory": "1" * 33}, "may not be more than 32"),
    ],
)
def test_quantities(kubeconfig: Path, namespace: str, resources: Json, wrong: str | None) -> None:
    """A quantity is an integer or a string of the known grammar, and CEL reads both."""
    body = made("Workload", merged(SMALLEST["Workload"], {"resources": {"requests": resources}}))
    _accepts(kubeconfig, namespace, body, wrong)


@pytest.mark.parametrize(
    ("port", "wrong"),
    [
        (1, None),
        (65535, None),
        ("h-2", None),
        (0, "greater than or equal to 1"),
        (65536, "less than or equal to 65535"),
        ("8080", "should match"),
        ("a--b", "should match"),
        ("sixteen-letters-", "may not be more than 15"),
    ],
)
def test_ports_by_number_or_name(kubeconfig: Path, namespace: str, port: int | str, wrong: str | None) -> None:
    """The schema bounds numbers and names of ports, so no pod is refused later."""
    patch = {
        "container": {"ports": [{"name": "h-2", "containerPort": 80}], "readinessProbe": {"tcpSocket": {"port": port}}}
    }
    _accepts(kubeconfig, namespace, made("Workload", merged(SMALLEST["Workload"], patch)), wrong)


def _accepts(kubeconfig: Path, namespace: str, body: Json, wrong: str | None) -> None:
    where = path("Workload", namespace) + STRICT_DRY
    if wrong is None:
        call(kubeconfig, "POST", where, body)
        return
    with pytest.raises(ApiError, match=wrong):
        call(kubeconfig, "POST", where, body)


def test_the_largest_workload(kubeconfig: Path, namespace: str) -> None:
    """A Workload at the bounds of its lists stays within the API server's budget for rules at run time."""
    names = [f"{'n' * 58}{number:03}" for number in range(32)]
    mounts = [{"name": names[-1], "mountPath": f"/{name}"} for name in names]
    ports = [f"{'p' * 12}{number:03}" for number in range(32)]
    sides = [{"image": "x", "volumeMounts": mounts, "env": [{"name": name} for name in names]} for _ in range(8)]
    services = [{"name": n, "port": i, "targetPort": ports[-1]} for i, n in enumerate(names, 1)]
    claims = [{"name": f"d{i}", "persistentVolumeClaim": {"claimName": "c" * 250 + f"{i:03}"}} for i in range(16)]
    spec = {
        "container": {
            "image": "x",
            "volumeMounts": mounts,
            "ports": [{"name": name, "containerPort": i} for i, name in enumerate(ports, 1)],
            "env": [{"name": f"E{i}", "value": "x" * 500} for i in range(128)],
        },
        "initContainers": [side | {"name": f"{'s' * 60}i{i}"} for i, side in enumerate(sides)],
        "sidecars": [side | {"name": f"{'s' * 60}s{i}"} for i, side in enumerate(sides)],
        "volumes": [{"name": name, "secret": {"secretName": "s"}} for name in names],
        "service": {"ports": services},
        "machine": {
            "bootDisk": {"persistentVolumeClaim": {"claimName": "c" * 253}},
            "disks": claims,
            "ports": [{"name": name, "port": i} for i, name in enumerate(ports, 1)],
        },
        "resources": {
            "requests": {"cpu": 4, "memory": "8Gi"},
            "limits": {"cpu": 4, "memory": "8Gi"},
            "dedicated": True,
        },
    }
    _accepts(kubeconfig, namespace, made("Workload", spec), None)


@pytest.mark.parametrize("mount", ["data", "/", "//", "/a:b"])
def test_mount_paths(kubeconfig: Path, namespace: str, mount: str) -> None:
    """A mount is absolute, not the root, and has no colon."""
    patch = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "container": {"volumeMounts": [{"name": "v", "mountPath": mount}]},
    }
    _accepts(kubeconfig, namespace, made("Workload", merged(SMALLEST["Workload"], patch)), "mountPath")


@pytest.mark.parametrize(
    "patch",
    [
        {"container": {"ports": [{"containerPort": 80}, {"containerPort": 80}]}},
        {"container": {"env": [{"name": "A"}, {"name": "A"}]}},
        {"volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]},
        {"needs": {"kernelModules": ["kvm", "kvm"]}},
    ],
)
def test_lists_do_not_repeat(kubeconfig: Path, namespace: str, patch: Json) -> None:
    """Keys of list maps and entries of sets are unique."""
    _accepts(kubeconfig, namespace, made("Workload", merged(SMALLEST["Workload"], patch)), "Duplicate value")
