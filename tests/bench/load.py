"""What is put on the operator: Workloads of pods and machines that all differ, in namespaces of a hundred."""

import asyncio
import time
from typing import Any

from bench.bare import JSON, WORKLOADS, Bare
from bench.deadline import listed, patience, within

Json = dict[str, Any]

PER_NAMESPACE = 100
POLL_SECONDS = 0.5


def workload(prefix: str, index: int) -> Json:
    """Return a Workload that becomes a Deployment, a Service and a NetworkPolicy."""
    return {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": f"w{index:05d}", "namespace": f"{prefix}-{index // PER_NAMESPACE:03d}"},
        "spec": {
            "type": "Service",
            "container": {
                "image": f"registry.example/bench/app:{index}",
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [{"name": "INDEX", "value": str(index)}],
                "readinessProbe": {"httpGet": {"port": "http", "path": "/healthz"}},
            },
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
            "service": {"ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    }


def machine(prefix: str, index: int) -> Json:
    """Return the same Workload as a machine that boots from a disk of its own, so that no two are alike."""
    pods = workload(prefix, index)
    return pods | {
        "spec": {
            "type": "Service",
            "machine": {
                "bootDisk": {"containerDisk": {"image": f"registry.example/bench/disk:{index}"}},
                "ports": [{"name": "http", "port": 8080}],
            },
            "resources": {"requests": {"cpu": "1", "memory": "64Mi"}},
            "service": pods["spec"]["service"],
        }
    }


async def make_namespaces(bare: Bare, workloads: list[Json]) -> None:
    """Make the namespaces of Workloads."""
    for name in sorted({each["metadata"]["namespace"] for each in workloads}):
        await bare.create("/api/v1/namespaces", {"metadata": {"name": name}})


async def create_and_wait(bare: Bare, workloads: list[Json]) -> tuple[float, float]:
    """Create Workloads in their namespaces; return seconds until all are placed and until all are ready."""
    await make_namespaces(bare, workloads)
    left = {(each["metadata"]["namespace"], each["metadata"]["name"]): "no status" for each in workloads}
    placed_at: list[float] = []

    def missing() -> str:
        unready = [f"{namespace}/{name} ({state})" for (namespace, name), state in left.items()]
        return f"Workloads of {len(workloads)} that are not ready, {listed(unready)}"

    started = time.perf_counter()
    async with within(patience(len(workloads)), missing), asyncio.TaskGroup() as group:
        group.create_task(bare.until_settled(left, lambda: placed_at.append(time.perf_counter())))
        for each in workloads:
            group.create_task(bare.create_workload(each))
    return placed_at[-1] - started, time.perf_counter() - started


async def delete_all(bare: Bare, prefix: str) -> None:
    """Delete the namespaces of one phase and wait until they are gone."""
    left = await _namespaces(bare, prefix)
    for name in left:
        await bare.send("DELETE", f"/api/v1/namespaces/{name}", {"propagationPolicy": "Background"}, JSON)
    async with within(patience(len(left) * PER_NAMESPACE), lambda: f"namespaces that are not gone, {listed(left)}"):
        while left:
            await asyncio.sleep(POLL_SECONDS)
            left = await _namespaces(bare, prefix)


async def _namespaces(bare: Bare, prefix: str) -> list[str]:
    names = [each["metadata"]["name"] for each in (await bare.get("/api/v1/namespaces"))["items"]]
    return [name for name in names if name.startswith(prefix)]


async def stored(bare: Bare, like: Json) -> Json:
    """Return a Workload as the API server has it."""
    meta = like["metadata"]
    return await bare.get(f"{WORKLOADS}/namespaces/{meta['namespace']}/workloads/{meta['name']}")
