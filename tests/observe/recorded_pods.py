"""What a kubelet was seen to write of pods in trouble, moment by moment, played to a Workload's status.

tests/world/recorded/pods.jsonl: kubelet 1.37.2, containerd 2.4.2, runc 1.5.2, gVisor (20260905), as Berth renders pods. One
observation a line: `at`, `case`, `pod`, its `status`, with the first one `born` and `spec`, and `gone` where it was deleted.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from berth.api.meta import CLASS_LABEL, WORKLOAD_LABEL
from berth.observe.model import Scene, Status
from berth.observe.status import compute_status
from berth.world import children
from berth.world.parse import seconds
from berth.world.records import PodRecord
from observe.scenes import a_scene, served
from render.specs import Json, container

RECORDING = Path(__file__).parents[1] / "world" / "recorded" / "pods.jsonl"
LASTING = frozenset(
    {
        *("never-ready", "exec-probe", "grpc-probe", "init-hangs"),
        *("no-config-volume", "no-secret-volume", "no-sandbox"),
    }
)
"""Cases in which the kubelet had no more to tell for minutes after the last observation."""
TASK: Json = {"type": "Task", "container": {"image": "app:1"}}


@cache
def observations() -> dict[str, list[Json]]:
    """Return what was recorded by case, in the order of time."""
    found: dict[str, list[Json]] = {}
    for line in RECORDING.read_text(encoding="utf-8").splitlines():
        row = orjson.loads(line)
        found.setdefault(row["case"], []).append(row)
    return found


def statuses(case: str) -> Iterator[tuple[float, Status]]:
    """Yield what a Workload tells at each observation and just before the next one, with the time."""
    rows = observations()[case]
    moments = [seconds(row["at"]) for row in rows]
    end = moments[-1] + (60 if case in LASTING else 1)
    seen: dict[str, Json] = {}
    for row, now, then in zip(rows, moments, [*moments[1:], end], strict=True):
        if row.get("gone"):
            seen.pop(row["pod"], None)
        else:
            seen[row["pod"]] = seen.get(row["pod"], {}) | row
        scene = _scene(case, [_pod(each) for each in seen.values()])
        for at in (now, max(now, then - 0.1)):
            yield at, compute_status(scene, {}, at)


def _scene(case: str, pods: list[PodRecord]) -> Scene:
    spec = TASK if case.startswith("job-") else container()
    ready = sum(pod.ready and not pod.finished for pod in pods)
    done = case.startswith("job-") and {"complete": any(pod.finished and not pod.troubles for pod in pods)}
    return a_scene(spec, children=served(spec, ready=ready, **(done or {})), pods=tuple(pods))


def _pod(row: Json) -> PodRecord:
    """Return the record of a pod as it was observed last."""
    meta: dict[str, Any] = {
        "namespace": "shop",
        "name": row["pod"],
        "uid": row["pod"],
        "resourceVersion": "1",
        "creationTimestamp": row["born"],
        "labels": {WORKLOAD_LABEL: "web", CLASS_LABEL: "container"},
    }
    if row.get("deleting"):
        meta["deletionTimestamp"] = row["at"]
    spec = row["spec"] | ({"nodeName": row["node"]} if row["node"] else {})
    record = children.pod({"kind": "Pod", "metadata": meta, "spec": spec, "status": row["status"]})
    return replace(record, runtime_class="")  # its isolation is not what is played
