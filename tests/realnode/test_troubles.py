"""What a person reads of a Workload in trouble, whose pods a real kubelet runs: a reason of its own that stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic

import pytest

from ground.api import eventually
from realnode.specs import REGISTRY, service
from scenarios.kinds import WORKLOAD
from scenarios.objects import Json, history
from scenarios.site import Space, condition
from scenarios.specs import pinned, task

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

Record = Callable[[str, object], None]
IMAGE = "demo/goweb:1"
SECONDS = 120.0
SMALL = {"resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}}
OVER = {"volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "10Mi"}}]}
MOUNTED = {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
EATS = ["/app", "eat", "200"]
INIT = {"name": "migrate", "image": f"{REGISTRY}/{IMAGE}", "command": ["/app", "exit", "7"]}
UNREADY = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
SECRET = {"secretKeyRef": {"name": "nope", "key": "password"}}

TROUBLES: dict[str, tuple[Json, str, str]] = {
    "no-image": (service("demo/nosuch:1"), "ImagePullFailed", "there is no such image"),
    "no-registry": (
        service(IMAGE, registry="down.example"),
        "ImagePullFailed",
        "its registry does not answer the node",
    ),
    "refused": (service("private/web:1"), "ImagePullFailed", "the registry refuses it"),
    "ends": (service(IMAGE, command=["/app", "exit", "3"]), "CrashLooping", "ended with exit code 3"),
    "no-program": (service(IMAGE, command=["/usr/bin/server"]), "CrashLooping", "no such file or directory"),
    "eats": (service(IMAGE, command=EATS) | SMALL, "OutOfMemory", "limit of 64Mi (OOMKilled, exit code 137)"),
    "eats-in-gvisor": (
        pinned("gvisor", service(IMAGE, command=EATS) | SMALL),
        "OutOfMemory",
        "limit of 64Mi (OOMKilled, exit code 128)",
    ),
    "not-ready": (
        service(IMAGE, env=[{"name": "READY", "value": "no"}], readinessProbe=UNREADY),
        "ProbeFailing",
        "its readinessProbe (HTTP GET /ready at port http) does not pass",
    ),
    "init-fails": (
        service(IMAGE) | {"initContainers": [INIT]},
        "CrashLooping",
        "container migrate: ended with exit code 7",
    ),
    "no-secret": (
        service(IMAGE, env=[{"name": "PASSWORD", "valueFrom": SECRET}]),
        "ConfigMissing",
        'secret "nope" not found',
    ),
    "no-config-volume": (
        service(IMAGE, volumeMounts=[{"name": "config", "mountPath": "/etc/app"}])
        | {"volumes": [{"name": "config", "configMap": {"name": "nope"}}]},
        "Provisioning",
        "it needs ConfigMap nope",
    ),
    "init-hangs": (
        service(IMAGE) | {"initContainers": [INIT | {"command": ["/app", "serve"]}]},
        "Provisioning",
        "container migrate: runs, and the containers after it start once it has ended",
    ),
    "exec-probe": (
        service(IMAGE, readinessProbe={"exec": {"command": ["/app", "exit", "1"]}, "periodSeconds": 1}),
        "ProbeFailing",
        "its readinessProbe (command /app) does not pass",
    ),
    "grpc-probe": (
        service(IMAGE, readinessProbe={"grpc": {"port": 8080}, "periodSeconds": 1}),
        "ProbeFailing",
        "its readinessProbe (gRPC health check at port 8080) does not pass",
    ),
    "task-fails": (
        task(container={"image": f"{REGISTRY}/{IMAGE}", "command": ["/app", "exit", "4"]}),
        "CrashLooping",
        "of 7 tries failed; the last: container main: ended with exit code 4",
    ),
    "over-its-disk": (service(IMAGE, command=["/app", "write", "/tmp/x", "50"], **MOUNTED) | OVER, "Evicted", "10Mi"),
}


def test_every_trouble_has_a_reason_that_stays_and_a_message_with_its_cause(
    space: Space, record_property: Record
) -> None:
    for name, (spec, _, _) in TROUBLES.items():
        space.workload(name, spec)
    with ThreadPoolExecutor(len(TROUBLES)) as pool:
        for name, seconds in zip(TROUBLES, pool.map(partial(told_after, space), TROUBLES), strict=True):
            record_property("told", f"{name:16} {TROUBLES[name][1]:15} read {seconds:3.0f} s after all were written")
    since = str(max(int(space.get(WORKLOAD, name)["metadata"]["resourceVersion"]) for name in TROUBLES))
    eventually(lambda: restarts(space, "ends") > 2, SECONDS, "it has ended three times")
    for state in history(space.cluster, WORKLOAD, space.name, since):
        told, name = condition(state, "Ready"), state["metadata"]["name"]
        assert (told["status"], told["reason"]) == ("False", TROUBLES[name][1]), name
        assert condition(state, "Stalled")["message"] != "nothing blocks progress", name


def told_after(space: Space, name: str) -> float:
    """Return the seconds until a trouble is told as it should be, from when all are written."""
    _, reason, text = TROUBLES[name]
    began = monotonic()
    told = condition(space.until(WORKLOAD, name, tells(text), SECONDS), "Ready")
    assert (told["status"], told["reason"]) == ("False", reason), told
    return monotonic() - began


def tells(text: str) -> Callable[[Json], bool]:
    """Return the wish that the condition Ready has a text in its message."""
    return lambda found: text in condition(found, "Ready")["message"]


def restarts(space: Space, name: str) -> int:
    """Return how often the containers of a Workload were started again."""
    return sum(each["restartCount"] for pod in space.pods(name) for each in pod["status"]["containerStatuses"])
