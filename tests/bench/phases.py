"""What is measured of the operator, whatever the Workloads are: it makes them, starts anew on them, and is at rest."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare import Bare
from bench.deadline import patience, within
from bench.load import create_and_wait
from bench.process import BUILD, DRY_RUNS, PASSES, POLL_SECONDS, Process, running, runtime
from berth.app.session import Login
from berth.app.settings import Settings
from ground import berth, cluster, crds, identity, simulator

Json = dict[str, Any]

STEADY_SECONDS = 60
REST_SECONDS = 2 * Settings.model_fields["progress_seconds"].default
"""Longer than a status that only tells of progress may wait to be written."""
UNREST_SECONDS = 10 * REST_SECONDS


@dataclass(frozen=True)
class Site:
    """A control plane of its own: a bare client, and what the operator runs with."""

    bare: Bare
    python: str
    kubeconfig: Path


@asynccontextmanager
async def site(name: str, nodes: int, *, kubevirt: bool, keep: bool) -> AsyncIterator[Site]:
    """Have an empty control plane with Berth installed for the length of a block, and after it with `keep`."""
    BUILD.mkdir(exist_ok=True)
    cluster.down(name, say=lambda *_: None)
    ground = cluster.up(name, nodes=nodes)
    login = Login(ground.kubeconfig)
    try:
        if kubevirt:
            crds.install(ground)
            simulator.start(ground)
        berth.install(ground)
        kubeconfig = identity.kubeconfig_for(ground, "berth-system", "berth", BUILD / f"{name}.kubeconfig")
        yield Site(Bare(login.session(), login.server), runtime(), kubeconfig)
    finally:
        await login.close()
        if not keep:
            cluster.down(name, say=lambda *_: None)


async def made(process: Process, bare: Bare, workloads: list[Json]) -> Json:
    """Create Workloads and wait until all are ready; return what that took of the operator, for each."""
    cpu, requests, dry_runs = process.cpu(), process.requests(), process.value(DRY_RUNS)
    passes, count = process.value(PASSES), len(workloads)
    placed, ready = await create_and_wait(bare, workloads)
    kinds = process.requests() - requests
    asked = process.value(DRY_RUNS) - dry_runs
    return {
        "seconds_placed": placed,
        "seconds_ready": ready,
        "cpu_ms": (process.cpu() - cpu) * 1000 / count,
        "peak_rss_mib": process.memory("VmHWM"),
        "passes": (process.value(PASSES) - passes) / count,
        "writes": (sum(kinds.values()) - asked) / count,
        "dry_runs": asked / count,
        "requests_by_kind": {kind: kinds[kind] / count for kind in sorted(kinds)},
    }


async def at_rest(process: Process) -> None:
    """Wait until nothing was written for longer than progress alone may wait to be."""
    before, since, last = process.requests(), time.monotonic(), "nothing"
    async with within(UNREST_SECONDS, lambda: f"{REST_SECONDS:g} s without a write; the last ones were {last}"):
        while time.monotonic() - since < REST_SECONDS:
            await asyncio.sleep(1.0)
            if (now := process.requests()) != before:
                last = ", ".join(f"{number} {kind}" for kind, number in (now - before).items())
                before, since = now, time.monotonic()


async def restarted(here: Site, count: int) -> Json:
    """Start the operator on what is there; return what it took to look at everything, and what it did at rest."""
    print("restart", flush=True)
    async with running(here.python, here.kubeconfig) as process:
        await _looked_at(process, count)
        results: Json = {"restart": {**_written(process), "cpu_s": process.cpu(), "rss_mib": process.memory("VmRSS")}}
        print(f"steady state: {STEADY_SECONDS} s", flush=True)
        before = _written(process)
        await asyncio.sleep(STEADY_SECONDS)
        steady = {name: value - before[name] for name, value in _written(process).items()}
        return results | {"steady": {"seconds": STEADY_SECONDS, **steady}}


async def _looked_at(process: Process, count: int) -> None:
    """Wait until every Workload was looked at."""
    looked, queued = 0.0, 0.0
    what = f"looks at {count} Workloads with an empty queue"
    async with within(patience(count), lambda: f"{what}; {looked:.0f} are done, {queued:.0f} wait"):
        while looked < count or queued:
            await asyncio.sleep(POLL_SECONDS)
            looked, queued = process.value(PASSES), process.value("workqueue_depth")


def _written(process: Process) -> dict[str, int]:
    dry_runs = int(process.value(DRY_RUNS))
    return {"writes": sum(process.requests().values()) - dry_runs, "dry_runs": dry_runs}
