"""`python -m bench.machines --count N`: what N/2 machines cost the operator beside N/2 Workloads of pods; a table."""

import argparse
import asyncio
import json
from typing import Any

from bench.load import create_and_wait, machine, workload
from bench.phases import at_rest, made, restarted, site
from bench.process import BUILD, running

Json = dict[str, Any]

PODS_PER_NODE = 200


async def measure(count: int, *, keep: bool) -> Json:
    """Run all phases; return the results."""
    each = range(count // 2)
    async with site("bench-machines", max(3, -(-count // PODS_PER_NODE)), kubevirt=True, keep=keep) as here:
        async with running(here.python, here.kubeconfig) as process:
            await create_and_wait(here.bare, [workload("warm-pods", 0), machine("warm-machines", 0)])
            print(f"berth: {len(each)} Workloads of pods, then {len(each)} machines", flush=True)
            results: Json = {"n": count}
            results["pods"] = await made(process, here.bare, [workload("pods", index) for index in each])
            results["machines"] = await made(process, here.bare, [machine("machines", index) for index in each])
            await at_rest(process)
        return results | await restarted(here, count)


def table(results: Json) -> str:
    """Return the results as a table."""
    pods, machines, again, steady = (results[name] for name in ("pods", "machines", "restart", "steady"))
    both = (pods, machines)
    rows = [
        (f"{results['n']} Workloads, half machines", "pods", "machines"),
        ("all ready", *(f"{each['seconds_ready']:.1f} s" for each in both)),
        ("operator CPU, each", *(f"{each['cpu_ms']:.2f} ms" for each in both)),
        ("passes, each", *(f"{each['passes']:.1f}" for each in both)),
        ("writes, each", *(f"{each['writes']:.3f}" for each in both)),
        ("dry runs, each", *(f"{each['dry_runs']:.3f}" for each in both)),
        ("operator peak RSS", *(f"{each['peak_rss_mib']:.0f} MiB" for each in both)),
        ("", "writes", "dry runs"),
        ("restart", f"{again['writes']}", f"{again['dry_runs']}"),
        (f"steady state of {steady['seconds']} s", f"{steady['writes']}", f"{steady['dry_runs']}"),
    ]
    return "\n".join(f"{name:<34} {one:>12} {other:>12}" for name, one, other in rows)


def main() -> None:
    """Measure, print the table, and write build/bench-machines.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--keep", action="store_true", help="leave the control plane up")
    asked = parser.parse_args()
    results = asyncio.run(measure(asked.count, keep=asked.keep))
    (BUILD / "bench-machines.json").write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
