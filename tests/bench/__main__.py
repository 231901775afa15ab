"""`python -m bench --count N`: converge, restart and steady state of the operator, of pods beside a bare client, and with
half of the Workloads machines; then what decides, alone; tables.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from typing import Any

from bench import machines, pods
from bench.process import BUILD
from ground.deadline import deadline

Json = dict[str, Any]

MINUTES, PER_MINUTE = 30.0, 20.0
"""Longest that it all may take: so many minutes, and one more for so many Workloads."""
ALONE = ("decide", "impact", "scrape")
"""Benches of pure functions."""


def alone(module: str) -> Json:
    """Return what a bench of pure functions measured, in a process of its own."""
    ran = subprocess.run([sys.executable, "-m", module], capture_output=True, check=True)
    found: Json = json.loads(ran.stdout)
    return found


def table(results: Json) -> str:
    """Return what the pure functions took as a table."""
    impact, scrape = results["impact"], results["scrape"]
    rows = [
        ("decisions per second", f"{results['decide']['decide_per_second']:.0f}", "target >= 10000"),
        (
            f"what-if, {impact['workloads']} x {impact['policies']} policies",
            f"{impact['impact_seconds']:.2f} s",
            "target <= 1",
        ),
        *(
            (
                f"scrape of {scrape['workloads']}, {each['cap']} with series",
                f"{each['seconds']:.2f} s",
                f"target <= 0.3; others waited {each['others_waited_ms']} ms, {each['others_waited_idle_ms']} without",
            )
            for each in scrape["scrapes"]
        ),
    ]
    return "\n".join(f"{name:<34} {value:>12}   {note}".rstrip() for name, value, note in rows)


def main() -> None:
    """Measure, print the tables, and write build/bench.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--keep", action="store_true", help="leave the control planes up")
    asked = parser.parse_args()
    with deadline(MINUTES + asked.count / PER_MINUTE, "make bench"):
        results = measured(asked.count, keep=asked.keep)
    (BUILD / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(pods.table(results["pods"]), table(results), machines.table(results["machines"]), sep="\n\n")


def measured(count: int, *, keep: bool) -> Json:
    """Return the results of all benches."""
    return {
        "pods": asyncio.run(pods.measure(count, keep=keep)),
        "machines": asyncio.run(machines.measure(count, keep=keep)),
        **{name: alone(f"bench.{name}") for name in ALONE},
    }


if __name__ == "__main__":
    main()
