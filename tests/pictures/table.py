"""Tables of several instant queries, joined, sorted, renamed and coloured as their transformations say."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pictures.fields import field
from pictures.looks import Json, look
from pictures.source import Answer, Line
from pictures.variables import DashboardError

Row = dict[str, float | str]


def table(panel: Mapping[str, Any], answer: Answer) -> Json:
    """Return rows and columns; raises DashboardError for a transformation that cannot be drawn."""
    frames = _frames(panel, answer.lines)
    steps = [each for each in panel.get("transformations", []) if not each.get("disabled")]
    if steps and steps[0]["id"] == "merge":
        steps, frames = steps[1:], [_merged(frames)]
    if len(frames) > 1:
        raise DashboardError("a table of several queries is drawn only when its first transformation is merge")
    rows = frames[0] if frames else []
    for step in steps:
        if step["id"] not in TRANSFORMATIONS:
            raise DashboardError(f"the transformation {step['id']} cannot be drawn")
        rows = TRANSFORMATIONS[step["id"]](rows, step["options"])
    for sort in panel.get("options", {}).get("sortBy", []):
        rows = _sorted(rows, {"sort": [{"field": sort["displayName"], "desc": sort.get("desc", False)}]})
    return {"kind": "TableOfCells", "spec": _cells(panel, rows)}


def _frames(panel: Mapping[str, Any], lines: Sequence[Line]) -> list[list[Row]]:
    refs = [target["refId"] for target in panel["targets"] if not target.get("hide")]
    return [
        [_row(line, "Value" if len(refs) == 1 else f"Value #{ref}") for line in lines if line.ref == ref]
        for ref in refs
    ]


def _row(line: Line, value: str) -> Row:
    at, last = line.points[-1]
    return {"Time": time.strftime("%H:%M:%S", time.gmtime(at)), **line.labels, value: last}


def _merged(frames: Sequence[Sequence[Row]]) -> list[Row]:
    """Join rows that agree in the columns that all queries share; a row that finds no partner stays alone."""
    filled = [{key for row in frame for key in row} for frame in frames if frame]
    shared = sorted(set.intersection(*filled)) if filled else []
    rows: list[Row] = []
    for frame in frames:
        for row in frame:
            partner = next((each for each in rows if _agree(each, row, shared)), None)
            if partner is None:
                rows.append(dict(row))
            else:
                partner |= row
    return rows


def _agree(left: Row, right: Row, shared: Sequence[str]) -> bool:
    values = {key for key in right if key.startswith("Value")}
    return not values & set(left) and all(
        left.get(key) == right.get(key) for key in {*shared, *(set(left) & set(right))}
    )


def _organized(rows: list[Row], options: Mapping[str, Any]) -> list[Row]:
    hidden = {name for name, is_hidden in options.get("excludeByName", {}).items() if is_hidden}
    names = [name for name in _columns(rows) if name not in hidden]
    order = options.get("indexByName", {})
    names.sort(key=lambda name: order.get(name, len(order)))
    renamed = options.get("renameByName", {})
    return [{renamed.get(name) or name: row[name] for name in names if name in row} for row in rows]


def _sorted(rows: list[Row], options: Mapping[str, Any]) -> list[Row]:
    for each in reversed(options.get("sort", [])):
        name = each["field"]
        if rows and name not in _columns(rows):
            raise DashboardError(f"the table is sorted by {name}, which it has not: {', '.join(_columns(rows))}")
        # What is not there comes last, whichever way the rest is sorted.
        there = [row for row in rows if name in row]
        there.sort(key=lambda row: (isinstance(row[name], str), row[name]), reverse=bool(each.get("desc")))
        rows = there + [row for row in rows if name not in row]
    return rows


def _filtered(rows: list[Row], options: Mapping[str, Any]) -> list[Row]:
    include = options.get("include", {})
    pattern = re.compile(include["pattern"].strip("/")) if include.get("pattern") else None
    wanted = set(include.get("names", []))
    return [
        {name: value for name, value in row.items() if name in wanted or (pattern and pattern.search(name))}
        for row in rows
    ]


TRANSFORMATIONS: dict[str, Callable[[list[Row], Mapping[str, Any]], list[Row]]] = {
    "organize": _organized,
    "sortBy": _sorted,
    "filterFieldsByName": _filtered,
}


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _ordered(rows: Sequence[Row]) -> list[str]:
    """Return the columns; when they stand in no row together, in the order in which rows name them."""
    return _columns(sorted(rows, key=len, reverse=True))


def _cells(panel: Mapping[str, Any], rows: Sequence[Row]) -> Json:
    columns: list[Json] = []
    cells: dict[str, Json] = {}
    for at, name in enumerate(_ordered(rows)):
        config = field(panel, name)
        shown, custom = look(config), config.get("custom", {})
        numbers = [row[name] for row in rows if isinstance(row.get(name), int | float)]
        is_number = any("value" not in shown.mapped(each) for each in numbers)  # else it reads as a word
        column = {"name": f"c{at}", "header": shown.name or name, "format": shown.format, "width": custom.get("width")}
        align = custom.get("align", "auto")
        columns.append(
            {**column, "align": align if align != "auto" else "right" if is_number else "center" if numbers else "left"}
        )
        style = custom.get("cellOptions", {}).get("type", "auto")
        for number, row in enumerate(rows):
            if name in row and (cell := _cell(shown.mapped(row[name]), shown.tone, row[name], style)):
                cells[f"{number}_c{at}"] = cell
    places = {name: f"c{at}" for at, name in enumerate(_ordered(rows))}
    return {"columns": columns, "rows": [{places[name]: row[name] for name in row} for row in rows], "cells": cells}


def _cell(mapped: Json, tone: Callable[[float], str | None], value: float | str, style: str) -> Json:
    colour = mapped.get("color") if isinstance(value, str) else tone(value)
    cell = {"text": mapped["value"]} if "value" in mapped else {}
    if colour and style == "color-background":
        cell |= {"backgroundColor": colour, "textColor": "#ffffff"}
    elif colour and (style == "color-text" or "color" in mapped):
        cell |= {"textColor": colour}
    return cell
