"""Panels that show each series as one value: stat, gauge, bargauge, piechart."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pictures.fields import field_look
from pictures.looks import Json, Look
from pictures.source import Answer, Line
from pictures.variables import DashboardError

CALCULATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "lastNotNull": lambda values: values[-1],
    "last": lambda values: values[-1],
    "firstNotNull": lambda values: values[0],
    "first": lambda values: values[0],
    "mean": lambda values: math.fsum(values) / len(values),
    "sum": math.fsum,
    "min": min,
    "max": max,
}
PERSES = {"lastNotNull": "last-number", "firstNotNull": "first-number"}


def calculation(panel: Mapping[str, Any]) -> str:
    """Return the one calculation by which a panel reduces a series; raises DashboardError."""
    calcs = panel.get("options", {}).get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    if len(calcs) != 1 or calcs[0] not in CALCULATIONS:
        raise DashboardError(f"reduceOptions.calcs {calcs} cannot be drawn; one of {', '.join(CALCULATIONS)} can")
    name: str = calcs[0]
    return name


def reduced(panel: Mapping[str, Any], answer: Answer) -> list[tuple[Line, float, Look]]:
    """Return each series with its value and look."""
    calculate = CALCULATIONS[calculation(panel)]
    return [
        (line, calculate([value for _, value in line.points]), field_look(panel, line.name, line.ref))
        for line in answer.lines
    ]


def stat(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return the specification of a StatChart."""
    shown, options = field_look(panel, ""), panel.get("options", {})
    spec = {
        "calculation": PERSES.get(calculation(panel), calculation(panel)),
        "format": shown.format,
        "mappings": list(shown.mappings),
        "valueFontSize": 30,
        **shown.thresholds,
        **({"sparkline": {"width": 1.5}} if options.get("graphMode", "area") == "area" else {}),
    }
    if shown.fixed:
        spec["thresholds"] = {"defaultColor": shown.fixed, "steps": []}
    return {"kind": "StatChart", "spec": spec}


def gauge(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return the specification of a GaugeChart, which begins at 0."""
    shown = field_look(panel, "")
    if shown.low:
        raise DashboardError("a gauge that does not begin at 0 cannot be drawn")
    spec = {
        "calculation": PERSES.get(calculation(panel), calculation(panel)),
        "format": shown.format,
        **shown.thresholds,
    }
    return {"kind": "GaugeChart", "spec": spec if shown.high is None else {**spec, "max": shown.high}}


def bars(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return one bar for each series, coloured by its thresholds."""
    found = reduced(panel, answer)
    shown = field_look(panel, "")
    highest = max((value for _, value, _ in found), default=1.0)
    return {
        "kind": "Bars",
        "spec": {
            "format": shown.format,
            "min": shown.low or 0,
            "max": shown.high if shown.high is not None else highest or 1.0,
            "bars": [
                {
                    "label": each.name or line.name,
                    "value": value,
                    "color": each.tone(value),
                    "text": each.mapped(value).get("value"),
                }
                for line, value, each in found
            ],
        },
    }


def pie(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return one slice for each series, and the values that its legend shows."""
    options = panel.get("options", {})
    legend = options.get("legend", {})
    hidden = legend.get("showLegend") is False or legend.get("displayMode") == "hidden"
    return {
        "kind": "Pie",
        "spec": {
            "format": field_look(panel, "").format,
            "donut": options.get("pieType") == "donut",
            "legend": None if hidden else legend.get("placement", "bottom"),
            "values": ["share" if each == "percent" else each for each in legend.get("values", [])],
            "slices": [
                {"name": each.name or line.name, "value": value, "color": each.fixed}
                for line, value, each in reduced(panel, answer)
            ],
        },
    }
