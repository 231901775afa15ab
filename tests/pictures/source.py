"""What the queries of a panel answer, from a live Prometheus."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ground import prometheus
from ground.prometheus import Labels, PrometheusError
from pictures.variables import DashboardError, built_in, substitute
from pictures.window import Window, seconds

PIXELS_PER_POINT = 2


@dataclass(frozen=True)
class Line:
    """One series: its labels, the name it is shown by, the letter of its query, and (time, value) pairs."""

    labels: Labels
    name: str
    ref: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Answer:
    """All series of a panel, at common times."""

    window: Window
    step: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Source:
    """A Prometheus, how often it scrapes, the time to show, and the values of the dashboard's variables."""

    url: str
    scrape: int
    window: Window
    variables: Mapping[str, str]

    def ask(self, panel: Mapping[str, Any], points: int) -> Answer:
        """Run every visible query of a panel, at about so many times; raises DashboardError that names the panel."""
        least = max(self.scrape, seconds(panel["interval"]) if panel.get("interval") else 0)
        step = self.window.step(min(points, panel.get("maxDataPoints") or points), least)
        window = self.window.aligned(step)
        lines = [
            line
            for target in panel.get("targets", [])
            if not target.get("hide")
            for line in self._run(target, window, step)
        ]
        return Answer(window, step, tuple(_named(lines)))

    def text(self, text: str, step: int | None = None) -> str:
        """Put the values of variables, Grafana's own too, in their place."""
        return substitute(text, {**self.variables, **built_in(self.window, step or self.scrape, self.scrape)})

    def _run(self, target: Mapping[str, Any], window: Window, step: int) -> list[Line]:
        expression, ref, legend = self.text(target["expr"], step), target["refId"], target.get("legendFormat") or ""
        try:
            if target.get("instant") and not target.get("range"):
                found = prometheus.query(self.url, expression, self.window.end)
                lines = [prometheus.Line(each.labels, ((each.at, each.value),)) for each in found]
            else:
                lines = prometheus.query_range(self.url, expression, window.start, window.end, step)
        except PrometheusError as error:
            raise DashboardError(f"query {ref}: {error}: {expression}") from error
        # A point that is no number (0/0, say) cannot be drawn, nor can a series of such points.
        finite = [(each.labels, tuple(point for point in each.points if math.isfinite(point[1]))) for each in lines]
        return [Line(labels, self.text(legend, step), ref, points) for labels, points in finite if points]


def _named(lines: Sequence[Line]) -> list[Line]:
    """Give each series its name: by its legend, else by the labels in which it differs from the others."""
    differing = {
        key
        for line in lines
        for key in line.labels
        if len({other.labels.get(key) for other in lines if other.ref == line.ref}) > 1
    }
    return [replace(line, name=_name(line, differing)) for line in lines]


def _name(line: Line, differing: set[str]) -> str:
    if line.name not in {"", "__auto"}:
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: line.labels.get(match[1], ""), line.name)
    shown = {key: value for key, value in line.labels.items() if key in differing}
    if len(shown) == 1:
        return next(iter(shown.values()))
    pairs = ", ".join(f'{key}="{value}"' for key, value in (shown or line.labels).items() if key != "__name__")
    return f"{{{pairs}}}" if pairs else line.labels.get("__name__", "value")
