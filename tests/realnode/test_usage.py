"""What a kubelet tells of pods in runc and in gVisor is what the dashboards show of their Workloads, and of these alone."""

from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from dashboards.replay import MINUTES, Series, asked, samples, steps, tried, written
from dashboards.usage import POD_CPU, POD_MEMORY, SANDBOX_MEMORY
from ground.api import eventually
from ground.node.configuration import NAME
from realnode.specs import service
from scenarios.process import Operator
from scenarios.site import Space, kubectl

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

TOLD_SECONDS = 60.0
SANDBOX_BYTES = 20_000_000
"""Less than gVisor takes for itself."""
WORKLOADS = {"web": "container", "web-uid": "gvisor"}
"""Names that begin alike, and where they run."""
ENDPOINTS = {
    "resource": ("pod_memory_working_set_bytes", "pod_cpu_usage_seconds_total"),
    "cadvisor": ("container_memory_working_set_bytes", "container_cpu_usage_seconds_total"),
}
"""What each tells of a whole pod."""


def scraped(space: Space, endpoint: str) -> str:
    """Return what the kubelet tells, as the API server hands it on."""
    return kubectl(space.cluster, "get", "--raw", f"/api/v1/nodes/{NAME}/proxy/metrics/{endpoint}")


def of_pods(space: Space, endpoint: str, text: str) -> dict[tuple[str, str], float]:
    """Return what is told of whole pods: by metric and pod."""
    return {
        (each.name, each.labels["pod"]): each.value
        for each in samples(text)
        if each.name in ENDPOINTS[endpoint] and each.labels["namespace"] == space.name and whole(each.labels)
    }


def whole(labels: dict[str, str]) -> bool:
    """Tell whether a series is of no single container."""
    return not labels.get("container") and not labels.get("image")


def of_containers(text: str, pod: str) -> float:
    """Return what the containers of a pod use, together."""
    name = "container_memory_working_set_bytes"
    return sum(each.value for each in samples(text) if each.name == name and each.labels["pod"] == pod)


def set_aside(own: list[Sample], workload: str) -> float:
    """Return the memory that Berth counts for the isolation of a Workload."""
    name, labels = "berth_workload_isolation_overhead", {"workload": workload, "resource": "memory"}
    (found,) = (each.value for each in own if each.name == name and labels.items() <= each.labels.items())
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_pods_use_is_shown_whole_and_by_workload(
    space: Space, shared: Operator, tmp_path: Path, endpoint: str
) -> None:
    for name, class_name in WORKLOADS.items():
        space.workload(name, service("demo/goweb:1") | {"isolation": {"className": class_name}})
    for name in WORKLOADS:
        space.ready(name)
    pods = {name: space.pods(name)[0]["metadata"]["name"] for name in WORKLOADS}
    memory, cpu = ENDPOINTS[endpoint]
    seen: dict[tuple[str, str], float] = {}
    texts: list[str] = []

    def told() -> bool:
        texts[:] = [scraped(space, endpoint)]
        seen.update(of_pods(space, endpoint, texts[0]))
        complete = endpoint == "cadvisor" or all(of_containers(texts[0], pod) for pod in pods.values())
        # What cAdvisor tells first may be of a pod that had only begun.
        sandbox = seen.get((memory, pods["web-uid"]), 0) > SANDBOX_BYTES
        return (
            complete
            and sandbox
            and all(seen.get((metric, pods[name]), 0) > 0 for metric in (memory, cpu) for name in pods)
        )

    eventually(told, TOLD_SECONDS, "the kubelet tells of both pods, and of gVisor's own memory")
    assert seen[memory, pods["web"]] < SANDBOX_BYTES
    own = [each for each in samples(shared.scrape()) if each.labels.get("namespace") == space.name]
    used = (each for each in samples(texts[0]) if each.name.endswith(("working_set_bytes", "cpu_usage_seconds_total")))
    given: Series = {written(each.name, each.labels): steps(each) for each in (*used, *own)}
    wanted: dict[str, float | None] = {
        asked(POD_MEMORY, space.name, name): seen[memory, pod] for name, pod in pods.items()
    }
    wanted |= {asked(POD_CPU, space.name, name): round(seen[cpu, pod] / MINUTES / 60, 6) for name, pod in pods.items()}
    if endpoint == "resource":
        taken = seen[memory, pods["web-uid"]] - of_containers(texts[0], pods["web-uid"])
        wanted[asked(SANDBOX_MEMORY, space.name, "web-uid")] = taken
        assert 0 < taken <= set_aside(own, "web-uid")
    tried(tmp_path, given, wanted)
