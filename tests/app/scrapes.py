"""A scrape of metrics that a test filled, as Prometheus reads it."""

import asyncio
from typing import Any

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from berth.app.metrics.process import Metrics
from berth.app.outcomes import Outcome
from berth.decide.model import Cost


def an_outcome(**fields: Any) -> Outcome:
    """Return the outcome of a Workload of tenant acme that runs in class runc."""
    given: dict[str, Any] = {
        "class_name": "runc",
        "level": "Container",
        "backend": "Pod",
        "runtime_class": "",
        "reason": "Running",
        "ready": True,
        "below": False,
        "pending": False,
        "isolated": "True",
        "requested": Cost(500, 1 << 30),
        "overhead": Cost(250, 1 << 20),
        "limits": Cost(0, 2 << 30),
        "time_to_ready": None,
        "tenants": ("acme",),
        "required_by": "Tenant acme",
        "replicas": (3, 2, 1),
        "conditions": (("Placed", 1), ("Ready", 0)),
        "candidates": (("kata", "level", -1), ("runc", "", 2)),
        "children": (("Deployment", 1), ("Service", 1)),
        "pods": ("web-7595958d85-kwknt", "virt-launcher-web-x7x2p"),
        "machines": ("web",),
    }
    return Outcome(**(given | fields))


def scraped(cap: int = 10, **outcomes: Outcome) -> Metrics:
    """Return the metrics of a leader that has these Workloads in shop."""
    metrics = Metrics(cap, "https://127.0.0.1:6443", "c0ffee")
    metrics.state.outcomes.update({("shop", name): outcome for name, outcome in outcomes.items()})
    return metrics


def text_of(metrics: Metrics, *, open_metrics: bool = False) -> str:
    """Return the text of a scrape."""

    async def read() -> bytes:
        return b"".join([part async for part in metrics.scrape(open_metrics=open_metrics)])

    return asyncio.run(read()).decode()


def families_of(metrics: Metrics, *, open_metrics: bool = False) -> list[Metric]:
    """Return what a strict reader makes of a scrape."""
    parse = open_families if open_metrics else text_string_to_metric_families
    return list(parse(text_of(metrics, open_metrics=open_metrics)))


def series(metrics: Metrics, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
    """Return labels and value of all samples of a name that have at least these labels."""
    return [
        (sample.labels, sample.value)
        for family in families_of(metrics)
        for sample in family.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    ]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the one sample that has these labels, None where there is none."""
    found = series(metrics, name, **labels)
    assert len(found) <= 1, found
    return found[0][1] if found else None
