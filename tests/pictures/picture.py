"""Translates a classic Grafana dashboard and what its queries answer now into panels of Perses."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pictures import layout, reduced, table, timed
from pictures.fields import field_look
from pictures.looks import Json
from pictures.source import PIXELS_PER_POINT, Answer, Source
from pictures.variables import DashboardError

CELL_PIXELS = 14

Draw = Callable[[Mapping[str, Any], Answer], Json]

DRAWN: dict[str, Draw] = {
    "bargauge": reduced.bars,
    "gauge": reduced.gauge,
    "piechart": reduced.pie,
    "stat": reduced.stat,
    "state-timeline": timed.states,
    "status-history": timed.states,
    "table": table.table,
    "timeseries": timed.timeseries,
}
CELLS = {"state-timeline", "status-history"}


def picture(dashboard: Mapping[str, Any], source: Source, row: str | None = None) -> Json:
    """Return everything that the page draws; raises DashboardError that names the panel which cannot be drawn."""
    places = list(layout.opened(dashboard["panels"]))
    if row is not None:
        places = layout.only(places, row)
    rows = [(panel, place) for panel, place in places if panel["type"] == "row"]
    others = [(panel, place) for panel, place in places if panel["type"] != "row"]
    return {
        "title": dashboard["title"],
        "facts": _facts(dashboard, source),
        "start": source.window.start * 1000,
        "end": source.window.end * 1000,
        "width": layout.WIDTH,
        "height": layout.height(places),
        "rows": [{"title": source.text(panel["title"]), "box": layout.box(place)} for panel, place in rows],
        "panels": [_panel(panel, layout.box(place), source) for panel, place in others],
    }


def _facts(dashboard: Mapping[str, Any], source: Source) -> list[tuple[str, str]]:
    shown = [
        each
        for each in dashboard.get("templating", {}).get("list", [])
        if each["type"] != "datasource" and each.get("hide") != 2
    ]
    start, end = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) for at in (source.window.start, source.window.end)
    )
    return [
        ("from", start),
        ("to", f"{end} UTC"),
        *((each.get("label") or each["name"], _chosen(each, source.variables[each["name"]])) for each in shown),
    ]


def _chosen(variable: Mapping[str, Any], value: str) -> str:
    return "All" if variable.get("includeAll") and value == (variable.get("allValue") or ".*") else value


def _panel(panel: Mapping[str, Any], box: Json, source: Source) -> Json:
    try:
        return {
            "id": panel["id"],
            "box": box,
            "title": source.text(panel.get("title", "")),
            "description": panel.get("description", ""),
            **_content(panel, box, source),
        }
    except DashboardError as error:
        raise DashboardError(f"panel {panel['id']} {panel.get('title', '')!r} ({panel['type']}): {error}") from error


def _content(panel: Mapping[str, Any], box: Json, source: Source) -> Json:
    if panel.get("repeat"):
        raise DashboardError("a repeated panel cannot be drawn")
    if panel["type"] == "text":
        return {"kind": "Markdown", "spec": {"text": source.text(panel["options"]["content"])}, "queries": []}
    if panel["type"] not in DRAWN:
        raise DashboardError(f"this type cannot be drawn; these can: row, text, {', '.join(sorted(DRAWN))}")
    answer = source.ask(panel, box["w"] // (CELL_PIXELS if panel["type"] in CELLS else PIXELS_PER_POINT))
    drawn = DRAWN[panel["type"]](panel, answer)
    return {**drawn, "queries": _queries(panel, answer)}


def _queries(panel: Mapping[str, Any], answer: Answer) -> list[Json]:
    """Return the series in Perses' shape, each as the answer of a query of its own; a gauge takes only one answer."""
    # A category axis begins at the bottom.
    lines = reversed(answer.lines) if panel["type"] in CELLS else answer.lines
    series = [
        {
            "name": line.name,
            "formattedName": field_look(panel, line.name, line.ref).name or line.name,
            "labels": line.labels,
            "values": [(round(at * 1000), value) for at, value in line.points],
        }
        for line in lines
    ]
    common = {
        "timeRange": {"start": answer.window.start * 1000, "end": answer.window.end * 1000},
        "stepMs": answer.step * 1000,
    }
    grouped = [series] if panel["type"] == "gauge" else [[each] for each in series]
    return [{**common, "series": each} for each in grouped]
