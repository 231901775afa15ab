"""`python -m bench --count N`: converge, restart and steady state of the operator beside a bare client; a table."""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

from bench.bare import JSON, WORKLOADS, Bare, converge
from berth.api.levels import Backend, IsolationLevel
from berth.api.workload import WorkloadSpec
from berth.app.session import Login
from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Subject
from ground import berth, cluster, identity

Json = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
PER_NAMESPACE = 100
PODS_PER_NODE = 400
STEADY_SECONDS = 60
IMAGE = dict(re.findall(r"(MALLOC_\w+)=(\S+)", (REPOSITORY / "Dockerfile").read_text()))
"""How the Dockerfile sets the allocator."""
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
PASSES = "controller_runtime_reconcile_total"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    """One operator process and where its metrics are."""

    child: subprocess.Popen[bytes]
    port: int

    def metrics(self) -> list[Any]:
        """Return all metric families."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return list(text_string_to_metric_families(answer.read().decode()))

    def value(self, name: str) -> float:
        """Return the sum of all samples of one name."""
        return sum(sample.value for family in self.metrics() for sample in family.samples if sample.name == name)

    def writes(self) -> Counter[str]:
        """Return successful writes by kind of object and verb; the Lease does not count."""
        found: Counter[str] = Counter()
        for family in self.metrics():
            for sample in family.samples:
                labels = sample.labels
                if sample.name != "rest_client_requests_total" or labels["method"] not in WRITES:
                    continue
                if labels["resource"] != "leases":
                    found[f"{labels['method']} {labels['resource']}"] += int(sample.value)
        return found

    def cpu(self) -> float:
        """Return processor seconds used so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, field: str) -> float:
        """Return VmHWM (peak) or VmRSS (now) in MiB."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024

    def stop(self) -> None:
        """End it politely."""
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(timeout=30)


def runtime() -> str:
    """Return a Python that has what the image has and nothing else: the operator and its locked dependencies."""
    home = BUILD / "bench-venv"
    python = str(home / "bin" / "python")
    uv = [str(Path(sys.executable).with_name("uv"))]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", str(REPOSITORY / "requirements.lock")], check=True)
    subprocess.run([*install, "--no-deps", "-e", str(REPOSITORY)], check=True)
    return python


def start(python: str, kubeconfig: Path, port: int) -> Process:
    """Start the operator and wait until it leads."""
    BUILD.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "BERTH_KUBECONFIG": str(kubeconfig),
        "BERTH_LISTEN_ADDRESS": "127.0.0.1",
        "BERTH_LISTEN_PORT": str(port),
        "BERTH_LOG_LEVEL": "WARNING",
        "PYTHONPYCACHEPREFIX": str(BUILD / "pycache"),  # compiled once, as in the image
        **IMAGE,
    }
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        environment.pop(name, None)
    with (BUILD / "bench-operator.log").open("ab") as log:
        child = subprocess.Popen([python, "-m", "berth", "operator"], env=environment, stderr=log)
    process = Process(child, port)
    until(lambda: process.value("leader_election_master_status") == 1, 60, "the operator leads")
    return process


def until(condition: Any, seconds: float, what: str) -> None:
    """Wait for a condition; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.2)


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


def children(stored: Json) -> list[Json]:
    """Return the children that Berth would make of a stored Workload in class container."""
    meta = stored["metadata"]
    spec = WorkloadSpec.model_validate_json(orjson.dumps(stored["spec"]))
    subject = Subject(meta["namespace"], meta["name"], meta["uid"], spec, f"ns.{meta['namespace']}")
    facts = ClassFacts(name="container", level=IsolationLevel.CONTAINER, backend=Backend.POD)
    return [child.body for child in render(subject, facts)]


async def prepare(bare: Bare, prefix: str, count: int) -> list[Json]:
    """Make the namespaces; return the Workloads."""
    found = [workload(prefix, index) for index in range(count)]
    for name in sorted({each["metadata"]["namespace"] for each in found}):
        await bare.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return found


async def create_and_wait(bare: Bare, workloads: list[Json]) -> tuple[float, float]:
    """Create the Workloads; return seconds until all are placed and until all are ready."""
    left = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in workloads}
    placed_at: list[float] = []
    watch = asyncio.create_task(bare.until_settled(left, lambda: placed_at.append(time.perf_counter())))
    started = time.perf_counter()
    await asyncio.gather(*(bare.create_workload(each) for each in workloads))
    await watch
    return placed_at[-1] - started, time.perf_counter() - started


async def delete_all(bare: Bare, prefix: str) -> None:
    """Delete the namespaces of one phase and wait until they are gone."""
    session, server = bare._session, bare._server
    async with session.get(f"{server}/api/v1/namespaces") as answer:
        names = [item["metadata"]["name"] for item in (await answer.json())["items"]]
    for name in (name for name in names if name.startswith(prefix)):
        await bare.send("DELETE", f"/api/v1/namespaces/{name}", {"propagationPolicy": "Background"}, JSON)
    while True:
        async with session.get(f"{server}/api/v1/namespaces") as answer:
            if not any(i["metadata"]["name"].startswith(prefix) for i in (await answer.json())["items"]):
                return
        await asyncio.sleep(0.5)


async def statuses(bare: Bare, like: Json) -> tuple[Json, Json]:
    """Return two statuses of the size and kind that Berth has just written."""
    session, server = bare._session, bare._server
    meta = like["metadata"]
    path = f"{server}{WORKLOADS}/namespaces/{meta['namespace']}/workloads/{meta['name']}"
    async with session.get(path) as answer:
        ready: Json = (await answer.json())["status"]
    first = {**ready, "ready": "0/1", "readyReplicas": 0, "replicas": 0, "reason": "Provisioning"}
    first.pop("timeToReady", None)
    return first, ready


async def measure(count: int, keep: bool) -> Json:
    """Run all phases; return the results."""
    cluster.down("bench", say=lambda *_: None)
    ground = cluster.up("bench", nodes=max(3, -(-count * 2 // PODS_PER_NODE)))
    berth.install(ground)
    kubeconfig = identity.kubeconfig_for(ground, "berth-system", "berth", BUILD / "bench.kubeconfig")
    python = runtime()
    login = Login(ground.kubeconfig)
    bare = Bare(login.session(), login.server)
    try:
        process = start(python, kubeconfig, 18090)
        sample = (await prepare(bare, "warm", 1))[0]
        await create_and_wait(bare, [sample])
        shown = await statuses(bare, sample)
        await delete_all(bare, "warm")
        process.stop()

        floor_workloads = await prepare(bare, "floor", count)
        print(f"floor: a bare client makes {count} Workloads, their children and statuses", flush=True)
        spent = time.process_time()
        floor = await converge(bare, floor_workloads, children, shown)
        floor_cpu = (time.process_time() - spent) * 1000 / count
        print(f"floor: {floor:.1f} s, {floor_cpu:.1f} ms CPU per Workload; clearing up", flush=True)
        await delete_all(bare, "floor")

        process = start(python, kubeconfig, 18090)
        workloads = await prepare(bare, "berth", count)
        print(f"berth: {count} Workloads", flush=True)
        cpu, writes, passes = process.cpu(), process.writes(), process.value(PASSES)
        placed, ready = await create_and_wait(bare, workloads)
        results: Json = {"n": count, "floor": {"seconds": floor, "cpu_ms_per_workload": floor_cpu}}
        spent = process.cpu() - cpu
        made = process.writes() - writes
        results["converge"] = {
            "seconds_placed": placed,
            "seconds_ready": ready,
            "ratio_to_floor": ready / floor,
            "cpu_ms_per_workload": spent * 1000 / count,
            "cpu_ratio_to_floor": spent * 1000 / count / floor_cpu,
            "peak_rss_mib": process.memory("VmHWM"),
            "writes_per_workload": sum(made.values()) / count,
            "passes_per_workload": (process.value(PASSES) - passes) / count,
            "writes_by_kind": {kind: made[kind] / count for kind in sorted(made)},
        }
        process.stop()
        results["restart"] = restart(python, kubeconfig, count)
        process = results["restart"].pop("process")
        print(f"steady state: {STEADY_SECONDS} s", flush=True)
        before = process.writes()
        await asyncio.sleep(STEADY_SECONDS)
        results["steady"] = {"seconds": STEADY_SECONDS, "writes": sum((process.writes() - before).values())}
        process.stop()
    finally:
        await login.close()
        if not keep:
            cluster.down("bench", say=lambda *_: None)
    return results


def restart(python: str, kubeconfig: Path, count: int) -> Json:
    """Start the operator on what is there; return what it took until it had looked at everything."""
    print("restart", flush=True)
    process = start(python, kubeconfig, 18090)

    def settled() -> bool:
        looked = process.value(PASSES)
        return looked >= count and process.value("workqueue_depth") == 0

    until(settled, 300, "everything looked at again")
    return {
        "process": process,
        "writes": sum(process.writes().values()),
        "cpu_s": process.cpu(),
        "rss_mib": process.memory("VmRSS"),
    }


def alone(module: str) -> Json:
    """Return what a bench of pure functions measured, in a process of its own."""
    ran = subprocess.run([sys.executable, "-m", module], capture_output=True, check=True)
    found: Json = json.loads(ran.stdout)
    return found


def table(results: Json) -> str:
    """Return the results as a table."""
    converged, again, steady = results["converge"], results["restart"], results["steady"]
    rows = [
        ("Workloads", f"{results['n']}", ""),
        ("bare client, all ready", f"{results['floor']['seconds']:.1f} s", "the floor"),
        ("Berth, all placed", f"{converged['seconds_placed']:.1f} s", ""),
        ("Berth, all ready", f"{converged['seconds_ready']:.1f} s", ""),
        ("ratio to the floor", f"{converged['ratio_to_floor']:.2f}", "target <= 1.5"),
        (
            "bare client, CPU per Workload",
            f"{results['floor']['cpu_ms_per_workload']:.2f} ms",
            "writes alone, watching little",
        ),
        ("operator CPU per Workload", f"{converged['cpu_ms_per_workload']:.2f} ms", "target <= 4"),
        ("ratio to the bare client's CPU", f"{converged['cpu_ratio_to_floor']:.2f}", ""),
        ("passes per Workload", f"{converged['passes_per_workload']:.1f}", ""),
        ("operator peak RSS", f"{converged['peak_rss_mib']:.0f} MiB", "target <= 110"),
        ("API writes per Workload", f"{converged['writes_per_workload']:.3f}", "target <= 5 (3 children + 2)"),
        *((f"  {kind}", f"{each:.3f}", "") for kind, each in converged["writes_by_kind"].items()),
        ("restart: writes", f"{again['writes']}", "target 0"),
        ("restart: CPU", f"{again['cpu_s']:.2f} s", ""),
        ("restart: RSS", f"{again['rss_mib']:.0f} MiB", ""),
        (f"steady state: writes in {steady['seconds']} s", f"{steady['writes']}", "target 0"),
        ("decisions per second", f"{results['decide']['decide_per_second']:.0f}", "target >= 10000"),
        (
            f"what-if, {results['impact']['workloads']} x {results['impact']['policies']} policies",
            f"{results['impact']['impact_seconds']:.2f} s",
            "target <= 1",
        ),
        *(
            (
                f"scrape of {results['scrape']['workloads']}, {each['cap']} with series",
                f"{each['seconds']:.2f} s",
                f"target <= 0.3; others waited {each['others_waited_ms']} ms, {each['others_waited_idle_ms']} without",
            )
            for each in results["scrape"]["scrapes"]
        ),
    ]
    return "\n".join(f"{name:<34} {value:>12}   {note}".rstrip() for name, value, note in rows)


def main() -> None:
    """Measure, print the table, and write build/bench.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--keep", action="store_true", help="leave the control plane up")
    asked = parser.parse_args()
    results = asyncio.run(measure(asked.count, asked.keep))
    results |= {name: alone(f"bench.{name}") for name in ("decide", "impact", "scrape")}
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
