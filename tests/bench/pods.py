"""What N Workloads of pods cost the operator, beside a bare client that writes the same on the same control plane."""

import time
from typing import Any

import orjson

from bench.bare import Bare, converge
from bench.load import create_and_wait, delete_all, make_namespaces, stored, workload
from bench.phases import at_rest, made, restarted, site
from bench.process import running
from berth.api.levels import Backend, IsolationLevel
from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Subject

Json = dict[str, Any]

PODS_PER_NODE = 400


def children(stored: Json) -> list[Json]:
    """Return the children that Berth would make of a stored Workload in class container."""
    meta = stored["metadata"]
    spec = WorkloadSpec.model_validate_json(orjson.dumps(stored["spec"]))
    subject = Subject(meta["namespace"], meta["name"], meta["uid"], spec, f"ns.{meta['namespace']}")
    facts = ClassFacts(name="container", level=IsolationLevel.CONTAINER, backend=Backend.POD)
    return [child.body for child in render(subject, facts)]


def statuses(shown: Json) -> tuple[Json, Json]:
    """Return two statuses of the size and kind that Berth writes: while it waits, and when all is ready."""
    first = {**shown, "ready": "0/1", "readyReplicas": 0, "replicas": 0, "reason": "Provisioning"}
    first.pop("timeToReady", None)
    return first, shown


async def floor(bare: Bare, count: int, shown: Json) -> Json:
    """Let the bare client make as many; return what that took."""
    print(f"floor: a bare client makes {count} Workloads, their children and statuses", flush=True)
    workloads = [workload("floor", index) for index in range(count)]
    await make_namespaces(bare, workloads)
    spent = time.process_time()
    seconds = await converge(bare, workloads, children, statuses(shown))
    cpu = (time.process_time() - spent) * 1000 / count
    print(f"floor: {seconds:.1f} s, {cpu:.1f} ms CPU per Workload; clearing up", flush=True)
    await delete_all(bare, "floor")
    return {"seconds": seconds, "cpu_ms_per_workload": cpu}


async def measure(count: int, *, keep: bool) -> Json:
    """Run all phases; return the results."""
    async with site("bench", max(3, -(-count * 2 // PODS_PER_NODE)), kubevirt=False, keep=keep) as here:
        async with running(here.python, here.kubeconfig):
            sample = workload("warm", 0)
            await create_and_wait(here.bare, [sample])
            shown = (await stored(here.bare, sample))["status"]
            await delete_all(here.bare, "warm")
        results: Json = {"n": count, "floor": await floor(here.bare, count, shown)}
        async with running(here.python, here.kubeconfig) as process:
            print(f"berth: {count} Workloads", flush=True)
            results["pods"] = await made(process, here.bare, [workload("berth", index) for index in range(count)])
            await at_rest(process)
        return results | await restarted(here, count)


def table(results: Json) -> str:
    """Return the results as a table."""
    bare, pods, again, steady = (results[name] for name in ("floor", "pods", "restart", "steady"))
    rows = [
        ("Workloads", f"{results['n']}", ""),
        ("bare client, all ready", f"{bare['seconds']:.1f} s", "the floor"),
        ("Berth, all placed", f"{pods['seconds_placed']:.1f} s", ""),
        ("Berth, all ready", f"{pods['seconds_ready']:.1f} s", ""),
        ("ratio to the floor", f"{pods['seconds_ready'] / bare['seconds']:.2f}", "target <= 1.5"),
        ("bare client, CPU per Workload", f"{bare['cpu_ms_per_workload']:.2f} ms", "writes alone, watching little"),
        ("operator CPU per Workload", f"{pods['cpu_ms']:.2f} ms", "target <= 4"),
        ("ratio to the bare client's CPU", f"{pods['cpu_ms'] / bare['cpu_ms_per_workload']:.2f}", ""),
        ("passes per Workload", f"{pods['passes']:.1f}", ""),
        ("operator peak RSS", f"{pods['peak_rss_mib']:.0f} MiB", "target <= 110"),
        ("API writes per Workload", f"{pods['writes']:.3f}", "target <= 5 (3 children + 2)"),
        *((f"  {kind}", f"{each:.3f}", "") for kind, each in pods["requests_by_kind"].items()),
        ("restart: writes", f"{again['writes']}", "target 0"),
        ("restart: CPU", f"{again['cpu_s']:.2f} s", ""),
        ("restart: RSS", f"{again['rss_mib']:.0f} MiB", ""),
        (f"steady state: writes in {steady['seconds']} s", f"{steady['writes']}", "target 0"),
    ]
    return "\n".join(f"{name:<34} {value:>12}   {note}".rstrip() for name, value, note in rows)
