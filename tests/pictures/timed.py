"""Panels along time: timeseries, state-timeline, status-history."""

from collections.abc import Mapping
from typing import Any

from pictures.fields import field, field_look
from pictures.looks import Json
from pictures.reduced import CALCULATIONS, PERSES
from pictures.source import Answer
from pictures.variables import DashboardError

COLUMN_PIXELS = 64
CHARACTER_PIXELS = 7
MARK_PIXELS = 36


def timeseries(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return the specification of a TimeSeriesChart; each series is a query of its own, so that it has its own colour."""
    shown, custom = field_look(panel, ""), field(panel, "").get("custom", {})
    looks = [field_look(panel, line.name, line.ref) for line in answer.lines]
    axis = {"format": shown.format, "min": shown.low, "max": shown.high, "label": custom.get("axisLabel")}
    spec: Json = {
        "yAxis": {"show": True, **{key: value for key, value in axis.items() if value not in (None, "")}},
        "visual": _visual(custom),
        "querySettings": [
            {"queryIndex": at, "colorMode": "fixed", "colorValue": each.fixed}
            for at, each in enumerate(looks)
            if each.fixed
        ],
        **_legend(panel, answer),
    }
    if custom.get("thresholdsStyle", {}).get("mode", "off") != "off":
        spec |= shown.thresholds
    return {"kind": "TimeSeriesChart", "spec": spec}


def _visual(custom: Mapping[str, Any]) -> Json:
    style = custom.get("drawStyle", "line")
    if style not in {"line", "bars"}:
        raise DashboardError(f"drawStyle {style} cannot be drawn")
    stacking = custom.get("stacking", {}).get("mode", "none")
    if stacking not in {"none", "normal"}:
        raise DashboardError(f"stacking {stacking} cannot be drawn")
    return {
        "display": "bar" if style == "bars" else "line",
        "lineWidth": custom.get("lineWidth", 1) + 0.5,
        "areaOpacity": custom.get("fillOpacity", 0) / 100,
        "stack": "all" if stacking == "normal" else "none",
        "palette": {"mode": "categorical"},
        "connectNulls": custom.get("spanNulls") is True,
        "pointRadius": 0 if custom.get("showPoints") == "never" else 3,
        **({"showPoints": "always"} if custom.get("showPoints") == "always" else {}),
    }


def _legend(panel: Mapping[str, Any], answer: Answer | None = None) -> Json:
    legend = panel.get("options", {}).get("legend", {})
    if legend.get("showLegend") is False or legend.get("displayMode") == "hidden":
        return {}
    calcs = legend.get("calcs", [])
    if unknown := set(calcs) - set(CALCULATIONS):
        raise DashboardError(f"legend.calcs {sorted(unknown)} cannot be drawn")
    mode = legend.get("displayMode", "list")
    values = [PERSES.get(each, each) for each in calcs] if mode == "table" else []
    position = legend.get("placement", "bottom")
    if mode == "list" and answer is not None and _width(answer) > panel["gridPos"]["w"] * COLUMN_PIXELS:
        position = "right"  # Perses gives a list below only one line
    return {"legend": {"mode": mode, "position": position, "size": "small", "values": values}}


def _width(answer: Answer) -> int:
    """Return about how many pixels the names of all series take."""
    return sum(CHARACTER_PIXELS * len(line.name) + MARK_PIXELS for line in answer.lines)


def states(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return the specification of a StatusHistoryChart: a line of cells for each series, coloured by what they say."""
    shown = field_look(panel, "")
    values = {value for line in answer.lines for _, value in line.points}
    # Thresholds are no part of Perses' panel: each value becomes a mapping.
    mappings = [
        {
            "kind": "Value",
            "spec": {
                "value": value,
                "result": {"value": shown.mapped(value).get("value", f"{value:g}"), "color": shown.tone(value)},
            },
        }
        for value in sorted(values)
    ]
    return {"kind": "StatusHistoryChart", "spec": {"mappings": mappings, **_legend(panel)}}
