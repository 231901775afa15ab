"""What goes wrong behind a Workload stands on the Workload, with a reason and a message."""

import pytest

from scenarios import specs
from scenarios.kinds import CLAIM, CLUSTER_INSTANCETYPE, CLUSTER_PREFERENCE, POD, QUOTA, VM, VMI
from scenarios.objects import Json
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

FAIL = "ground.berth.dev/fail"


def said(space: Space, name: str, reason: str, *words: str) -> Json:
    """Wait until a Workload is not Ready for this reason and says these words, and return it."""
    return space.expect(name, "Ready", "False", reason, says=words)


def failing_image(how: str) -> Json:
    """Return a service whose pods are made to fail as its image is tagged (see failures.yaml)."""
    spec = specs.container()
    spec["container"] = spec["container"] | {"image": f"registry.example/team/web:fail-{how}"}
    return spec


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ("ImagePullBackOff", "ImagePullFailed", "there is no such image (not found): correct its name or tag"),
        ("NeedsRoot", "ImageNeedsRoot", "starts as root: set container.securityContext.runAsUser"),
        ("NamedUser", "ImageNeedsRoot", "starts as user 'app', and only a number shows that it is not root"),
        ("NoSecret", "ConfigMissing", 'secret "nope" not found: create it'),
        ("NoBinary", "CrashLooping", "no such file or directory: correct container.command, or the image"),
    ],
)
def test_a_pod_that_does_not_start_tells_what_mends_it(space: Space, how: str, reason: str, words: str) -> None:
    space.workload("web", failing_image(how))
    found = said(space, "web", reason, words)
    assert "nothing blocks" not in condition(found, "Stalled")["message"]
    space.workload("web", specs.container())
    space.ready("web")


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ("CrashLoopBackOff", "CrashLooping", "ended with exit code 1 (Error)"),
        ("OOMKilled", "OutOfMemory", "was killed at its memory limit of 64Mi (OOMKilled, exit code 137): raise"),
        ("Completed", "CrashLooping", "what a Service runs must not end: keep it in the foreground"),
        ("Evicted", "Evicted", 'Usage of EmptyDir volume "tmp" exceeds the limit "10Mi": raise emptyDir.sizeLimit'),
    ],
)
def test_what_is_told_of_pods_that_come_and_go_stays(space: Space, how: str, reason: str, words: str) -> None:
    """They run, end, wait and run again meanwhile: once in less than five seconds."""
    size = {"requests": specs.RESOURCES["requests"] | {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    space.workload("web", failing_image(how) | {"resources": size})
    said(space, "web", reason, words)
    space.quiet(5.0)
    space.silence(10.0)


def test_a_pod_that_runs_and_never_passes_its_readiness_probe(space: Space) -> None:
    spec = failing_image("NeverReady")
    probe = {"httpGet": {"port": "http", "path": "/ready"}, "periodSeconds": 1, "failureThreshold": 1}
    spec["container"] = spec["container"] | {"readinessProbe": probe}
    space.workload("web", spec)
    said(space, "web", "ProbeFailing", "its readinessProbe (HTTP GET /ready at port http) does not pass")


def test_a_pod_that_starts_to_crash_later(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    pod = space.pods("web")[0]["metadata"]["name"]
    space.merge(POD, pod, {"metadata": {"annotations": {FAIL: "CrashLoopBackOff"}}})
    said(space, "web", "CrashLooping")
    space.delete(POD, pod)
    space.expect("web", "Ready", "True")


def test_a_pod_that_fits_no_node_now(space: Space) -> None:
    node = space.node("full")
    name = space.isolation_class("pool", {"level": "Container", "pod": {}, **space.pool})
    filler = {"containers": [{"name": "main", "image": specs.IMAGE, "resources": {"requests": {"cpu": "31"}}}]}
    space.put(POD, "filler", {**filler, "nodeName": node})
    space.workload("web", specs.pinned(name, specs.container(resources={"requests": {"cpu": "2", "memory": "128Mi"}})))
    said(space, "web", "Unschedulable", "Insufficient cpu")
    space.delete(POD, "filler")
    space.ready("web")


def test_a_claim_that_does_not_exist(space: Space) -> None:
    spec = specs.container(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    spec["container"] = spec["container"] | {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    space.workload("web", spec)
    said(space, "web", "VolumeMissing", "data does not exist")
    space.put(CLAIM, "data", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.ready("web")


def test_a_quota_that_is_used_up(space: Space) -> None:
    space.put(QUOTA, "few", {"hard": {"pods": "0"}})
    space.workload("web", specs.container())
    said(space, "web", "WaitingForQuota", "exceeded quota: few")
    space.quiet()
    space.silence(3.0)
    space.put(QUOTA, "few", {"hard": {"pods": "5"}})
    space.ready("web")


def test_a_machine_whose_preference_is_missing(space: Space) -> None:
    spec = specs.machine()
    spec["machine"] = spec["machine"] | {"preference": space.name}
    space.workload("erp", spec)
    said(space, "erp", "NotAdmitted", space.name)
    space.put(CLUSTER_PREFERENCE, space.name, {})
    space.ready("erp")


def test_a_machine_whose_instancetype_is_missing(space: Space) -> None:
    spec = specs.machine()
    spec["machine"] = spec["machine"] | {"instancetype": space.name}
    del spec["resources"]
    space.workload("erp", spec)
    said(space, "erp", "NotAdmitted", space.name)
    space.put(CLUSTER_INSTANCETYPE, space.name, {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}})
    space.ready("erp")


@pytest.mark.parametrize(
    ("how", "reason"),
    [("CrashLoop", "CrashLooping"), ("PSA", "ChildRejected"), ("ImagePullBackOff", "ImagePullFailed")],
)
def test_a_machine_that_does_not_start(space: Space, how: str, reason: str) -> None:
    space.put(QUOTA, "none", {"hard": {"pods": "0"}})
    space.workload("erp", specs.machine())
    said(space, "erp", "WaitingForQuota")
    space.merge(VM, "erp", {"metadata": {"annotations": {FAIL: how}}})
    # KubeVirt keeps the first message for as long as the reason stays: another instance begins with its own.
    space.delete(VMI, "erp")
    space.until(VMI, "erp", lambda found: found["metadata"]["annotations"].get(FAIL) == how)
    space.delete(QUOTA, "none")
    said(space, "erp", reason)
    space.merge(VM, "erp", {"metadata": {"annotations": {FAIL: None}}})
    space.expect("erp", "Ready", "True", seconds=60.0)


def test_a_task_that_fails(space: Space) -> None:
    spec = specs.task(task={"backoffLimit": 0})
    spec["container"] = {"image": "registry.example/team/build:fail-Error"}
    space.workload("build", spec)
    said(space, "build", "TaskFailed", "1 of 1 tries failed; the last: container main: ended with exit code 1 (Error)")
    space.expect("build", "Stalled", "True", "TaskFailed")
    space.quiet()
    space.silence(2.0)
