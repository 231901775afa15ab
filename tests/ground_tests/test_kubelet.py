"""Pods of fake nodes fail as those of a real node were seen to: the same states, in the same words.

The recording is that of tests/observe/recorded_pods.py. A state that it does not have is one that no kubelet showed.
"""

import re
from typing import Any

import pytest

from ground.api import eventually, history
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import POD
from ground_tests import wishes
from observe.recorded_pods import observations

pytestmark = pytest.mark.ground

Json = dict[str, Any]
FAIL = "ground.berth.dev/fail"
IMAGE = "registry.invalid/app:1"
RECORDED = {
    "CrashLoopBackOff": ("crash", "exits0", "recovers"),
    "OOMKilled": ("oom", "oom-gvisor"),
    "Completed": ("exits0", "recovers"),
    "Evicted": ("scratch",),
    "ImagePullBackOff": ("badtag",),
    "NeedsRoot": ("root",),
    "NamedUser": ("named",),
    "NoSecret": ("no-secret",),
    "NoBinary": ("nobinary",),
    "Creating": ("no-config-volume", "no-sandbox"),
    "NeverReady": ("never-ready",),
}
"""By what a pod is asked to do, the cases that were recorded."""
SHOWN = {
    "CrashLoopBackOff": {"running", "running again", "Error", "CrashLoopBackOff"},
    "OOMKilled": {"running", "running again", "OOMKilled", "CrashLoopBackOff"},
    "Completed": {"running", "running again", "Completed", "CrashLoopBackOff"},
    "Evicted": {"running", "ContainerStatusUnknown"},
    "ImagePullBackOff": {"ImagePullBackOff"},
    "NeedsRoot": {"CreateContainerConfigError"},
    "NamedUser": {"CreateContainerConfigError"},
    "NoSecret": {"CreateContainerConfigError"},
    "NoBinary": {"RunContainerError"},
    "Creating": {"ContainerCreating"},
    "NeverReady": {"running"},
}
"""By the same, the states through which it goes."""


def of(status: Json) -> Json:
    """Return the status of the one container; empty before it has any."""
    return next(iter(status.get("containerStatuses", ())), {})


def state(status: Json) -> str:
    """Return in one word what the container does."""
    told = of(status)
    if "running" in told.get("state", {}):
        return "running again" if told.get("lastState") else "running"
    return next((each.get("reason", "") for each in told.get("state", {}).values() if each), "")


def shape(status: Json) -> tuple[Any, ...]:
    """Return what can be compared of two statuses: no times, names, counts and exit codes of one's own."""
    told = of(status)
    ready = next((each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
    last = told.get("lastState", {}).get("terminated", {}).get("reason")
    messages = [each.get("message", "") for each in told.get("state", {}).values() if each]
    flags = (told.get("ready"), told.get("started"))
    return (status.get("phase"), status.get("reason"), ready, flags, state(status), last, *map(masked, messages))


def masked(message: str) -> str:
    """Return a message without the names of pod and image, and without its pause."""
    message = re.sub(r"registry\.[\w./-]+:\d+", "IMAGE", message)
    message = re.sub(r"pod=\S+|pod: \"[^\"]*\"", "POD", message)
    return re.sub(r"back-off \w+", "back-off", message)


@pytest.mark.parametrize("how", RECORDED)
def test_a_pod_fails_as_on_a_real_node(ground: Cluster, space: str, how: str) -> None:
    """Every state that it shows was recorded, and all that it is to go through are shown."""
    recorded = {shape(row.get("status", {})) for case in RECORDED[how] for row in observations()[case]}
    body = {
        "metadata": {"name": "web", "annotations": {FAIL: how}},
        "spec": {"containers": [{"name": "main", "image": IMAGE}]},
    }
    wishes.make(ground, POD, space, body)
    since = wishes.get(ground, wishes.NAMESPACE, "", space)["metadata"]["resourceVersion"]
    shown: dict[str, tuple[Any, ...]] = {}

    def all_shown() -> bool:
        for pod in history(ground.kubeconfig, POD.path(space), since):
            if of(status := pod.get("status", {})):
                shown.setdefault(state(status), shape(status))
        return SHOWN[how] <= shown.keys()

    eventually(all_shown, wishes.SECONDS, f"{how} goes through {sorted(SHOWN[how])}")
    assert set(shown.values()) - recorded == set()
