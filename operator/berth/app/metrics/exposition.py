"""The text of a scrape: what the library renders, then series of single Workloads, in slices.

Tens of thousands of lines take the library half a second, during which nothing else gets a turn for long. So series of
single Workloads are written here, a slice at a time, and the event loop goes on in between. Gauges read the same in
Prometheus' text format and in OpenMetrics 1.0, but for the end of the text.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from berth.app.metrics import declared
from berth.app.metrics.declare import Declared
from berth.app.outcomes import Outcome
from berth.world.records import Key

_SLICE: Final = 100
"""Workloads whose lines are written in one go: well below a millisecond."""
_END: Final = b"# EOF\n"

CONTENT_TYPES: Final = {False: CONTENT_TYPE_PLAIN_0_0_4, True: openmetrics.CONTENT_TYPE_LATEST}
"""Content type of the text format, and of OpenMetrics."""

Lines = Callable[[Outcome], Iterable[tuple[str, float]]]
"""Gives the labels of each series of a Workload beside its names, and the value."""


class One(NamedTuple):
    """A Workload that has series of its own."""

    labels: str
    """Namespace and name, as labels."""
    outcome: Outcome


async def exposition(
    registry: CollectorRegistry, outcomes: Mapping[Key, Outcome], cap: int, *, open_metrics: bool
) -> AsyncIterator[bytes]:
    """Yield the text of a scrape, in parts. At most `cap` Workloads have series of their own."""
    render = openmetrics.generate_latest if open_metrics else generate_latest
    # In a thread: sums over ten thousand Workloads take a while, and reconciling must go on.
    yield (await asyncio.to_thread(render, registry)).removesuffix(_END)
    shown = await asyncio.to_thread(chosen, dict(outcomes), cap)
    for metric in declared.PER_WORKLOAD if shown else ():
        yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.type}\n".encode()
        for start in range(0, len(shown), _SLICE):
            yield "".join(_lines(metric, shown[start : start + _SLICE])).encode()
            await asyncio.sleep(0)
    if open_metrics:
        yield _END


def chosen(outcomes: Mapping[Key, Outcome], cap: int) -> list[One]:
    """Return the Workloads that have series of their own: above the cap those in trouble first, then by name."""
    keys: Iterable[Key] = outcomes
    if len(outcomes) > cap:
        keys = sorted(outcomes, key=lambda key: (not outcomes[key].below, outcomes[key].ready, key))[:cap]
    return [One(f'namespace="{_safe(key[0])}",workload="{_safe(key[1])}"', outcomes[key]) for key in keys]


def _lines(metric: Declared, some: Iterable[One]) -> Iterator[str]:
    head, series = f"{metric.name}{{", _SERIES[metric]
    for labels, outcome in some:
        for more, value in series(outcome):
            yield f"{head}{labels}{more}}} {value}\n"


@lru_cache(maxsize=4096)
def _safe(value: str) -> str:
    """Return a label's value as the text format wants it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@lru_cache(maxsize=4096)
def _place(*values: str) -> str:
    names = (name for name in declared.WORKLOAD_INFO.labels if name not in ("namespace", "workload"))
    return "".join(f',{name}="{_safe(value)}"' for name, value in zip(names, values, strict=True))


def _info(o: Outcome) -> Iterable[tuple[str, float]]:
    yield _place(o.tenant, o.class_name, o.level, o.backend, o.runtime_class, o.reason, o.required_by), 1


def _conditions(o: Outcome) -> Iterable[tuple[str, float]]:
    return ((f',condition="{name}"', value) for name, value in o.conditions)


def _requests(o: Outcome) -> Iterable[tuple[str, float]]:
    return (',resource="cpu"', o.requested.cpu / 1000), (',resource="memory"', o.requested.memory)


def _overhead(o: Outcome) -> Iterable[tuple[str, float]]:
    return (',resource="cpu"', o.overhead.cpu / 1000), (',resource="memory"', o.overhead.memory)


def _candidates(o: Outcome) -> Iterable[tuple[str, float]]:
    return ((f',class="{_safe(name)}",rule="{rule}"', value) for name, rule, value in o.candidates)


def _children(o: Outcome) -> Iterable[tuple[str, float]]:
    return ((f',kind="{kind}"', count) for kind, count in o.children)


def _pods(o: Outcome) -> Iterable[tuple[str, float]]:
    return ((f',pod="{name}"', 1) for name in o.pods)


def _machines(o: Outcome) -> Iterable[tuple[str, float]]:
    return ((f',name="{name}"', 1) for name in o.machines)


def _time_to_ready(o: Outcome) -> Iterable[tuple[str, float]]:
    return () if o.time_to_ready is None else (("", o.time_to_ready),)


_SERIES: Final[Mapping[Declared, Lines]] = {
    declared.WORKLOAD_INFO: _info,
    declared.WORKLOAD_CONDITION: _conditions,
    declared.WORKLOAD_SPEC_REPLICAS: lambda o: (("", o.replicas[0]),),
    declared.WORKLOAD_REPLICAS: lambda o: (("", o.replicas[1]),),
    declared.WORKLOAD_READY: lambda o: (("", o.replicas[2]),),
    declared.WORKLOAD_REQUESTS: _requests,
    declared.WORKLOAD_OVERHEAD: _overhead,
    declared.WORKLOAD_CANDIDATE: _candidates,
    declared.WORKLOAD_CHILDREN: _children,
    declared.WORKLOAD_POD: _pods,
    declared.WORKLOAD_MACHINE: _machines,
    declared.WORKLOAD_TIME_TO_READY: _time_to_ready,
}
