"""`python -m bench.machines --count N`: what N/2 machines cost the operator beside N/2 Workloads of pods; a table."""

import argparse
import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bench.__main__ import BUILD, STEADY_SECONDS, Process, create_and_wait, prepare, restart, runtime, start
from bench.bare import Bare
from berth.app.session import Login
from berth.app.settings import Settings
from ground import berth, cluster, crds, identity, simulator

Json = dict[str, Any]

PORT: Final = 18091
PODS_PER_NODE: Final = 200
REST_SECONDS: Final = 2 * Settings.model_fields["progress_seconds"].default
DRY_RUNS: Final = "berth_preflight_total"


def machine(workload: Json) -> Json:
    """Return the same Workload as a machine that boots from a disk of its own, so that no two are alike."""
    spec, name = workload["spec"], workload["metadata"]["name"]
    source = {
        "bootDisk": {"containerDisk": {"image": f"registry.example/bench/disk:{name}"}},
        "ports": [{"name": "http", "port": 8080}],
    }
    rest = {"type": spec["type"], "service": spec["service"]}
    return {**workload, "spec": {**rest, "machine": source, "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}}


async def made(process: Process, bare: Bare, workloads: list[Json]) -> Json:
    """Create Workloads and wait until all are ready; return what that took of the operator, for each."""
    cpu, writes, asked, count = process.cpu(), process.writes(), process.value(DRY_RUNS), len(workloads)
    _, seconds = await create_and_wait(bare, workloads)
    dry_runs = process.value(DRY_RUNS) - asked
    kinds = Counter({kind: number for kind, number in (process.writes() - writes).items() if number})
    return {
        "seconds_ready": seconds,
        "cpu_ms": (process.cpu() - cpu) * 1000 / count,
        "writes": (sum(kinds.values()) - dry_runs) / count,
        "dry_runs": dry_runs / count,
        "requests_by_kind": {kind: number / count for kind, number in sorted(kinds.items())},
    }


async def at_rest(process: Process) -> None:
    """Wait until nothing was written for longer than progress alone may wait to be."""
    before, since = process.writes(), time.monotonic()
    while time.monotonic() - since < REST_SECONDS:
        await asyncio.sleep(1.0)
        now = process.writes()
        if now != before:
            before, since = now, time.monotonic()


async def measure(count: int) -> Json:
    """Run all phases on a control plane of its own; return the results."""
    name = "bench-machines"
    cluster.down(name, say=lambda *_: None)
    ground = cluster.up(name, nodes=max(3, -(-count // PODS_PER_NODE)))
    login = Login(ground.kubeconfig)
    try:
        crds.install(ground)
        simulator.start(ground)
        berth.install(ground)
        kubeconfig = identity.kubeconfig_for(ground, "berth-system", "berth", BUILD / "bench-machines.kubeconfig")
        python = runtime()
        bare = Bare(login.session(), login.server)
        process = start(python, kubeconfig, PORT)
        pods = await prepare(bare, "pods", count // 2)
        machines = [machine(each) for each in await prepare(bare, "machines", count // 2)]
        await create_and_wait(bare, await prepare(bare, "warm", 1))
        results: Json = {"n": count, "pods": await made(process, bare, pods)}
        results["machines"] = await made(process, bare, machines)
        await at_rest(process)
        process.stop()
        results["restart"] = restart(python, kubeconfig, count)
        process = results["restart"].pop("process")
        results["restart"]["dry_runs"] = process.value(DRY_RUNS)
        before = process.writes()
        await asyncio.sleep(STEADY_SECONDS)
        steady = sum((process.writes() - before).values())
        results["steady"] = {"writes": steady, "dry_runs": process.value(DRY_RUNS) - results["restart"]["dry_runs"]}
        process.stop()
    finally:
        await login.close()
        cluster.down(name, say=lambda *_: None)
    return results


def table(results: Json) -> str:
    """Return the results as a table."""
    pods, machines, again, steady = (results[name] for name in ("pods", "machines", "restart", "steady"))
    rows = [
        ("", "pods", "machines"),
        ("all ready", *(f"{each['seconds_ready']:.1f} s" for each in (pods, machines))),
        ("operator CPU, each", *(f"{each['cpu_ms']:.2f} ms" for each in (pods, machines))),
        ("writes, each", *(f"{each['writes']:.3f}" for each in (pods, machines))),
        ("dry runs, each", *(f"{each['dry_runs']:.3f}" for each in (pods, machines))),
        ("restart: writes, dry runs", f"{again['writes']:.0f}", f"{again['dry_runs']:.0f}"),
        (f"{STEADY_SECONDS} s: writes, dry runs", f"{steady['writes']:.0f}", f"{steady['dry_runs']:.0f}"),
    ]
    return "\n".join(f"{name:<30} {one:>12} {other:>12}" for name, one, other in rows)


def main() -> None:
    """Measure, print the table, and write build/bench-machines.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    BUILD.mkdir(exist_ok=True)
    results = asyncio.run(measure(parser.parse_args().count))
    Path(BUILD / "bench-machines.json").write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
