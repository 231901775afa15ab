"""Every query of the dashboards and every rule, put to a real Prometheus: how many series does each return?"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Final

from dashboards.check import LABEL_VALUES
from ground import prometheus
from ground.api import Json

EMPTY_BY_DESIGN: Final = {
    ("workload.json", "CPU used"): "needs kubelets' and KubeVirt's own metrics, which fake nodes do not have",
    ("workload.json", "Memory used"): "as CPU used",
    ("workload.json", "Memory of isolation"): "what is set aside is shown; what is taken needs kubelets",
}
"""Panels that show nothing on the test ground, and why."""
STEP_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Found:
    """What one query returned."""

    dashboard: str
    panel: str
    ref: str
    expr: str
    series: int
    error: str = ""

    @property
    def why_empty(self) -> str:
        """Return why it may be empty; nothing where it may not."""
        return EMPTY_BY_DESIGN.get((self.dashboard, self.panel), "")

    @property
    def failed(self) -> bool:
        """Return whether it is wrong, or empty and should not be."""
        return bool(self.error) or (not self.series and not self.why_empty)


def evaluate(url: str, dashboard: str, text: str, values: Mapping[str, str], seconds: float) -> Iterator[Found]:
    """Yield what each query of a dashboard returns over the last seconds: panels, variables and annotations."""
    content = json.loads(text)
    for panel in content["panels"]:
        for target in panel.get("targets", ()):
            expr = substituted(target["expr"], values, seconds)
            yield _asked(
                url, (dashboard, panel["title"], target["refId"], expr), seconds, at_once=bool(target.get("instant"))
            )
    for each in content["templating"]["list"]:
        if each["type"] == "query":
            expr = substituted(each["query"], values, seconds)
            yield _values(url, dashboard, f"variable {each['name']}", expr)
    for each in content["annotations"]["list"]:
        if "expr" in each:
            expr = substituted(each["expr"], values, seconds)
            yield _asked(url, (dashboard, f"marks {each['name']}", "A", expr), seconds, at_once=False)


def substituted(expr: str, values: Mapping[str, str], seconds: float) -> str:
    """Return a query with Grafana's variables replaced, as Grafana does before it asks."""
    known = {"__rate_interval": "1m", "__range": f"{int(seconds)}s", "__interval": "15s", **values}
    return re.sub(r"\$(\w+)", lambda found: known[found[1]], expr)


def _asked(url: str, what: tuple[str, str, str, str], seconds: float, *, at_once: bool) -> Found:
    now = time()
    try:
        if at_once:
            return Found(*what, len(prometheus.query(url, what[3])))
        return Found(*what, len(prometheus.query_range(url, what[3], now - seconds, now, STEP_SECONDS)))
    except prometheus.PrometheusError as error:
        return Found(*what, 0, str(error))


def _values(url: str, dashboard: str, title: str, expr: str) -> Found:
    asked = LABEL_VALUES.fullmatch(expr)
    assert asked, expr
    return Found(dashboard, title, "", expr, len(prometheus.label_values(url, asked[2], asked[1])))


def best(*rounds: Iterable[Found]) -> list[Found]:
    """Return for each query the round with most series: of a dashboard for one thing, seen for several things."""
    return [max(same, key=lambda each: (bool(each.error), each.series)) for same in zip(*rounds, strict=True)]


def broken_rules(rules: list[Json]) -> list[str]:
    """Return what is wrong with the rules that Prometheus runs: name and error."""
    return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
