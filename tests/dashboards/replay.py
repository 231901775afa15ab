"""Texts of scrapes, put to a query by promtool: gauges as they are, counters grown evenly from 0 to what they say."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from ground import prometheus
from pictures.variables import substitute

MINUTES: Final = 5
"""For so long everything was there, one sample a minute."""

Series = dict[str, str]
"""Values by series, as promtool takes them."""


def samples(text: str) -> Iterator[Sample]:
    """Yield the samples of a scrape."""
    for family in text_string_to_metric_families(text):
        yield from family.samples


def written(name: str, labels: Mapping[str, str]) -> str:
    """Return a series as promtool takes it."""
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inside}}}"


def steps(sample: Sample) -> str:
    """Return the values that a sample's series had until it was scraped."""
    grows = sample.name.endswith("_total")
    return f"0+{sample.value / MINUTES!r}x{MINUTES}" if grows else f"{sample.value!r}x{MINUTES}"


def asked(expr: str, namespace: str, workload: str) -> str:
    """Return a query of the dashboard Workload, its variables replaced, to six digits after the point."""
    known = {"namespace": namespace, "workload": workload, "__rate_interval": f"{MINUTES}m"}
    return f"round({substitute(expr, known)}, 1e-6)"


def tried(folder: Path, given: Series, wanted: Mapping[str, float | None]) -> None:
    """Let promtool answer queries over these series; raises PromtoolError where it is another value, or one too many."""
    tests = [
        {
            "expr": expr,
            "eval_time": f"{MINUTES}m",
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for expr, value in wanted.items()
    ]
    inputs = [{"series": name, "values": values} for name, values in given.items()]
    content: dict[str, Any] = {"tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": tests}]}
    (folder / "tests.yaml").write_text(yaml.safe_dump(content))
    prometheus.run_rule_tests(folder / "tests.yaml")
