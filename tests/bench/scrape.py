"""How long a scrape takes with 10,000 Workloads, and for how long it keeps others from going on.

Run with `PYTHONPATH=operator:tests python -m bench.scrape`; prints JSON. What others notice is measured by a task that
wants a turn every millisecond, with the scrape and without it, in the same process.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

from app.scrapes import an_outcome, scraped
from berth.app.metrics.process import Metrics
from berth.app.settings import Settings
from berth.decide.impact import Effect
from berth.decide.model import Cost

COUNT = 10_000
ROUNDS = 5
CLASSES = ("container", "container-userns", "gvisor", "kata", "vm", "vm-sev")
FLIP = Effect("pci", "container", "kata", Cost(250, 320 << 20))


def metrics_of(cap: int) -> Metrics:
    """Return the metrics of a leader with 10,000 Workloads of 20 tenants in 100 namespaces, on six classes."""
    metrics = scraped(cap)
    for number in range(COUNT):
        chosen = CLASSES[number % 5]
        metrics.state.outcomes[f"ns-{number % 100}", f"workload-{number}"] = an_outcome(
            tenants=(f"tenant-{number % 20}",),
            class_name=chosen,
            policies=("pci",),
            effects=(FLIP,) if number % 2 else (),
            candidates=tuple(
                (name, "" if name == chosen else "level", 2 if name == chosen else -1) for name in CLASSES
            ),
            conditions=(("Accepted", 1), ("Placed", 1), ("Isolated", 1), ("Ready", 1)),
            children=(("Deployment", 1), ("NetworkPolicy", 1), ("Service", 1)),
            time_to_ready=number % 60,
        )
    return metrics


async def longest_wait(meanwhile: Callable[[], Awaitable[None]]) -> float:
    """Return the most seconds that a task waited for its turn while something was done."""
    longest = 0.0

    async def others() -> None:
        nonlocal longest
        while True:
            asked = perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, perf_counter() - asked - 0.001)

    going_on = asyncio.create_task(others())
    await meanwhile()
    going_on.cancel()
    return longest


async def measure(cap: int) -> dict[str, float]:
    """Return seconds, bytes and series of a scrape as Prometheus asks for it, and what others waited."""
    metrics, size, series, took = metrics_of(cap), 0, 0, [0.0] * ROUNDS

    async def scrape() -> None:
        nonlocal size, series
        for number in range(ROUNDS):
            started, size, series = perf_counter(), 0, 0
            async for part in metrics.scrape(open_metrics=True):
                size += len(part)
                series += part.count(b"\n") - part.count(b"\n#")
            took[number] = perf_counter() - started

    waited = await longest_wait(scrape)
    idle = await longest_wait(lambda: asyncio.sleep(sum(took)))
    return {
        "cap": cap,
        "seconds": round(sorted(took)[ROUNDS // 2], 3),
        "bytes": size,
        "series": series,
        "others_waited_ms": round(waited * 1000, 1),
        "others_waited_idle_ms": round(idle * 1000, 1),
    }


def main() -> None:
    """Measure with the default cap and with series for all, and print."""
    caps = (Settings.model_fields["per_workload_metrics_cap"].default, COUNT)
    json.dump({"workloads": COUNT, "scrapes": [asyncio.run(measure(cap)) for cap in caps]}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
