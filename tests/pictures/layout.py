"""Where each panel stands in the picture: rows opened, 24 columns, Grafana's heights."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pictures.looks import Json
from pictures.variables import DashboardError

WIDTH = 1600
COLUMNS = 24
UNIT = 38
GAP = 8
HEADER = 56

Panel = Mapping[str, Any]


def opened(panels: Sequence[Panel]) -> Iterator[tuple[Panel, Json]]:
    """Give every panel and row with its place in the grid, as if each collapsed row were opened."""
    shift = 0
    for panel in sorted(panels, key=lambda each: (each["gridPos"]["y"], each["gridPos"]["x"])):
        place = {**panel["gridPos"], "y": panel["gridPos"]["y"] + shift}
        yield panel, place
        inner = panel.get("panels") or []
        if not inner:
            continue
        top = min(each["gridPos"]["y"] for each in inner)
        for each in inner:
            yield each, {**each["gridPos"], "y": each["gridPos"]["y"] - top + place["y"] + 1}
        shift += max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in inner) - top


def only(places: Sequence[tuple[Panel, Json]], row: str) -> list[tuple[Panel, Json]]:
    """Return the panels of one row, moved to the top; raises DashboardError when there is none of this title."""
    starts = [place["y"] for panel, place in places if panel["type"] == "row" and panel["title"] == row]
    if not starts:
        titles = [panel["title"] for panel, _ in places if panel["type"] == "row"]
        raise DashboardError(f"no row {row!r}; there are: {', '.join(titles) or 'none'}")
    start = starts[0]
    end = min((p["y"] for panel, p in places if panel["type"] == "row" and p["y"] > start), default=None)
    inside = [(panel, place) for panel, place in places if start <= place["y"] and (end is None or place["y"] < end)]
    return [(panel, {**place, "y": place["y"] - start}) for panel, place in inside]


def box(place: Mapping[str, int]) -> Json:
    """Return the pixels of a place in the grid."""
    column = (WIDTH - GAP) / COLUMNS
    return {
        "x": round(GAP + place["x"] * column),
        "y": HEADER + place["y"] * UNIT,
        "w": round(place["w"] * column - GAP),
        "h": place["h"] * UNIT - GAP,
    }


def height(places: Sequence[tuple[Panel, Json]]) -> int:
    """Return the height of the whole picture."""
    return HEADER + GAP + UNIT * max((place["y"] + place["h"] for _, place in places), default=0)
