"""What ten pods of every class take on the node, beside what Berth counts, and how long they take to be ready."""

from collections.abc import Callable
from statistics import mean
from time import monotonic

import pytest

from berth.api.quantity import amount
from ground.api import call, eventually
from ground.node.configuration import NAME as NODE
from realnode.specs import web
from scenarios.kinds import WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, condition
from scenarios.specs import pinned

pytestmark = [pytest.mark.realnode, pytest.mark.ground, pytest.mark.long]

Record = Callable[[str, object], None]
REPLICAS = 10
SECONDS = 240.0
MEBIBYTE = 1 << 20
COUNTED = 28
"""Mebibytes that the chart's class counts for gVisor."""
ABOUT = 0.2
"""What a machine's kernel may count otherwise."""
LIGHT = 4 * MEBIBYTE
"""What a user namespace may take beside the container."""


def test_a_sandbox_takes_about_as_much_as_is_counted_for_it(space: Space, record_property: Record) -> None:
    memory = {}
    for name in ("container", "container-userns", "gvisor"):
        for again in ("first", "again"):
            took = started(space, name)
            memory[name] = measured(space)
            used = f"{memory[name] / MEBIBYTE:.1f} MiB a pod; counted beside it: {counted(space) / MEBIBYTE:.1f} MiB"
            record_property("told", f"{name:18} {again:6} {took}, {used}")
            space.delete(WORKLOAD, "web")
            eventually(lambda: not space.pods("web"), SECONDS, "the pods end")
    assert memory["container-userns"] - memory["container"] < LIGHT
    assert memory["gvisor"] - memory["container"] == pytest.approx(COUNTED * MEBIBYTE, rel=ABOUT)


def started(space: Space, name: str) -> str:
    """Start ten pods and return how long the first and all took."""
    began = monotonic()
    space.workload("web", pinned(name, web(replicas=REPLICAS)))
    eventually(lambda: ready(space), SECONDS, "the first pod is ready")
    first = monotonic() - began
    eventually(lambda: ready(space) == REPLICAS, SECONDS, "all pods are ready")
    return f"first ready after {first:.1f} s, all after {monotonic() - began:.1f} s"


def ready(space: Space) -> int:
    """Return how many pods are ready."""
    return sum(condition(pod, "Ready")["status"] == "True" for pod in space.pods("web"))


def measured(space: Space) -> float:
    """Return the bytes of memory that a pod uses on average, once the kubelet has seen all of them."""
    return mean(eventually(lambda: seen(space), SECONDS, "the kubelet has measured every pod"))


def seen(space: Space) -> list[int]:
    """Return the bytes that each pod uses, as the kubelet has it; nothing while it lacks one."""
    told = call(space.cluster.kubeconfig, "GET", f"/api/v1/nodes/{NODE}/proxy/stats/summary")["pods"]
    used = [pod.get("memory", {}).get("workingSetBytes", 0) for pod in told if pod["podRef"]["namespace"] == space.name]
    return used if len(used) == REPLICAS and all(used) else []


def counted(space: Space) -> float:
    """Return the bytes that Berth counts for the isolation of one pod."""
    found: Json = space.get(WORKLOAD, "web")["status"].get("cost", {}).get("overhead", {})
    return amount(found.get("memory")) / REPLICAS
