"""What can be wrong with Grafana dashboards, found without Grafana: each function returns one line for each complaint."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as promql
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.promql import Reading, bare_counters, ranges
from pictures.variables import REFERENCE

# Without them the model hands on what is in options, custom and targets as it is, whatever it is.
register_default_plugins()

Json = Mapping[str, Any]

SOURCE = "${datasource}"
ASKED = {"type": "prometheus", "uid": SOURCE}
COLUMNS = 24
PLAIN = {"row", "text"}
"""Panels without a query: they need neither unit nor description."""
# Durations in the place of Grafana's own variables: so odd that nobody else writes them.
DURATIONS = {"__rate_interval": "101s", "__range": "103s", "__interval": "107s"}
GROWING = {"101s", "103s"}
TEXT = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""")
LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LINK = re.compile(r"/d/([\w-]+)")
NAMED = re.compile(r"var-(\w+)=")


@dataclass(frozen=True)
class Query:
    """One query of a dashboard."""

    panel: str
    ref: str
    expr: str
    legend: str = ""

    @property
    def where(self) -> str:
        """Where it stands."""
        return f"{self.panel!r} {self.ref}"

    @property
    def standing(self) -> str:
        """The expression with something in the place of each variable."""
        return REFERENCE.sub(_standing, self.expr)

    def parsed(self) -> Any:
        """Return its syntax tree; raises ValueError."""
        return promql.parse(TEXT.sub(_quoted, self.standing))


def _quoted(match: re.Match[str]) -> str:
    """Return a text in double quotes: the parser does not know those in back quotes, which Prometheus does."""
    text = match[0]
    return json.dumps(text[1:-1], ensure_ascii=False) if text.startswith("`") else text


def _standing(match: re.Match[str]) -> str:
    name = match["old"] or match["braced"] or match["bare"]
    return DURATIONS.get(name, name)


def panels(dashboard: Json) -> list[Json]:
    """Return every panel, rows and what is inside them too."""
    return [inner for panel in dashboard["panels"] for inner in (panel, *(panel.get("panels") or ()))]


def queries(dashboard: Json) -> list[Query]:
    """Return the queries of all panels and annotations."""
    of_panels = [
        Query(panel.get("title", ""), target["refId"], target["expr"], target.get("legendFormat", ""))
        for panel in panels(dashboard)
        for target in panel.get("targets") or ()
    ]
    marks = dashboard.get("annotations", {}).get("list", ())
    return of_panels + [Query(f"annotation {each['name']}", "", each["expr"]) for each in marks if "expr" in each]


def selectors(dashboard: Json) -> list[str]:
    """Return the selectors by which variables get their values, with something in the place of other variables."""
    listed = dashboard.get("templating", {}).get("list", ())
    asked = (LABEL_VALUES.fullmatch(each["query"]) for each in listed if each["type"] == "query")
    return [REFERENCE.sub(_standing, found[1]) for found in asked if found]


def _parsed(dashboard: Json) -> Iterator[tuple[Query, Any]]:
    """Yield the queries that parse; `unparsed` tells of the others."""
    for query in queries(dashboard):
        try:
            yield query, query.parsed()
        except ValueError:
            continue


def unparsed(dashboard: Json) -> list[str]:
    """Queries that are no PromQL."""
    found = []
    for query in queries(dashboard):
        try:
            query.parsed()
        except ValueError as error:
            found.append(f"{query.where} does not parse: {error}: {query.expr}")
    return found


def fixed_ranges(dashboard: Json) -> list[str]:
    """rate() and increase() over a range that does not follow the width of the picture and the scrape interval.

    Annotations have a step of their own, and no such variable.
    """
    return [
        f"{query.where} has a rate over {each.total_seconds():g} s, not $__rate_interval or $__range"
        for query, tree in _parsed(dashboard)
        for each in ranges(tree)
        if query.ref and f"{each.total_seconds():g}s" not in GROWING
    ]


def counters(dashboard: Json) -> list[str]:
    """Counters that are shown as they are."""
    return [
        f"{query.where} shows the counter {name} itself, not its rate or increase"
        for query, tree in _parsed(dashboard)
        for name in bare_counters(tree)
    ]


def wrong_labels(dashboard: Json, metrics: Mapping[str, Collection[str]]) -> list[str]:
    """Metrics and labels (of matchers, groupings, pairings and legends) that are not there.

    `metrics` has the labels of each series by its name; those that scraping adds need not be in it.
    """
    found = []
    for query, tree in _parsed(dashboard):
        reading = Reading(metrics)
        known = reading.labels(tree) or frozenset()
        missing = sorted(set(LEGEND.findall(query.legend)) - known)
        found += [f"{query.where}: {each}" for each in reading.complaints]
        if missing:
            found.append(f"{query.where}: the legend names {', '.join(missing)}; there are: {', '.join(sorted(known))}")
    return found


def unused(dashboards: Sequence[Json], metrics: Collection[str]) -> list[str]:
    """Metrics that no query of any dashboard names."""
    text = " ".join(query.expr for each in dashboards for query in queries(each))
    return sorted(name for name in metrics if not re.search(rf"\b{re.escape(name)}\b", text))


def untold(dashboard: Json) -> list[str]:
    """Panels without title, description or unit."""
    found = []
    for panel in panels(dashboard):
        wanted = {} if panel["type"] in PLAIN else {"title": panel, "description": panel, "unit": _defaults(panel)}
        found += [
            f"panel {panel['id']} {panel.get('title', '')!r} has no {key}" for key in wanted if not wanted[key].get(key)
        ]
    return found


def _defaults(panel: Json) -> Json:
    found: Json = panel.get("fieldConfig", {}).get("defaults", {})
    return found


def other_sources(dashboard: Json) -> list[str]:
    """Panels, queries, variables and annotations that do not ask the datasource which the user has chosen."""
    listed = dashboard.get("templating", {}).get("list", [])
    found = (
        [] if any(each["type"] == "datasource" and each["name"] == "datasource" for each in listed) else ["no variable"]
    )
    asking: list[tuple[str, Json]] = [(f"variable {each['name']}", each) for each in listed if each["type"] == "query"]
    asking += [
        (f"annotation {each['name']}", each)
        for each in dashboard.get("annotations", {}).get("list", ())
        if "expr" in each
    ]
    for panel in panels(dashboard):
        for target in panel.get("targets") or ():
            asking += [
                (f"{panel.get('title', '')!r}", panel),
                (f"{panel.get('title', '')!r} {target['refId']}", target),
            ]
    wrong = [f"{where} asks {each.get('datasource')}" for where, each in asking if each.get("datasource") != ASKED]
    return [f"{each}, not {SOURCE}" for each in found + list(dict.fromkeys(wrong))]


def lost(dashboard: Json) -> list[str]:
    """What Grafana's model does not know: it is gone, or other, after reading and writing."""
    found = list(_differences("", dashboard, _again(dashboard)))
    for panel in panels(dashboard):
        found += [*_unread(panel), *_overridden(panel)]
    return found


def _again(dashboard: Json) -> Any:
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dict(dashboard))))


def _unread(panel: Json) -> Iterator[str]:
    """Yield what the model takes without a look: a panel that it does not know, or looks of one that has none."""
    known = panelcfg_config(panel["type"])
    if known is None and panel["type"] != "row":
        yield f"{panel.get('title', '')!r} is of type {panel['type']}, which Grafana's model does not know"
    if known is not None and known.field_config_from_json_hook is None and _defaults(panel).get("custom"):
        yield f"{panel.get('title', '')!r} has fieldConfig.defaults.custom, which type {panel['type']} has not"


def _overridden(panel: Json) -> Iterator[str]:
    """Yield what is lost of overrides: the model reads them as anything, so each is read in the place of a default."""
    for override in panel.get("fieldConfig", {}).get("overrides") or ():
        for each in override["properties"]:
            name, is_custom = each["id"].removeprefix("custom."), each["id"].startswith("custom.")
            defaults = {"custom": {name: each["value"]}} if is_custom else {name: each["value"]}
            told = {"type": panel["type"], "fieldConfig": {"defaults": defaults, "overrides": []}}
            again = _again({"panels": [told]})["panels"][0]["fieldConfig"]["defaults"]
            where = f"{panel.get('title', '')!r} override"
            value = again.get("custom", {}).get(name) if is_custom else again.get(name)
            yield from _differences(f"{where} {each['id']}", each["value"], value)


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, value in before.items():  # what the model adds, its defaults, is no loss
            yield from _differences(f"{path}.{key}", value, after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{at}]", one, other)
    elif before != after:
        yield f"{path.lstrip('.')} is {before!r}, and {after!r} once Grafana's model has read it"


def repeated(dashboard: Json) -> list[str]:
    """Panels that share a number."""
    numbers = [panel["id"] for panel in panels(dashboard)]
    return [
        f"{numbers.count(each)} panels have the id {each}" for each in sorted(set(numbers)) if numbers.count(each) > 1
    ]


def misplaced(dashboard: Json) -> list[str]:
    """Panels that lie upon each other or beyond the 24 columns. A collapsed row has a grid of its own."""
    grids = [dashboard["panels"], *(panel["panels"] for panel in dashboard["panels"] if panel.get("panels"))]
    return [line for grid in grids for line in _misplaced(grid)]


def _misplaced(grid: Sequence[Json]) -> Iterator[str]:
    for at, panel in enumerate(grid):
        place = panel["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
            yield f"{panel.get('title', '')!r} is not within {COLUMNS} columns"
        for other in grid[:at]:
            if _meet(place, other["gridPos"]):
                yield f"{panel.get('title', '')!r} lies upon {other.get('title', '')!r}"


def _meet(one: Json, other: Json) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return bool(across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


def broken_links(dashboards: Sequence[Json]) -> list[str]:
    """Links to a dashboard that is not among these, or that set a variable which it has not."""
    variables = {each["uid"]: {v["name"] for v in each.get("templating", {}).get("list", [])} for each in dashboards}
    found = []
    for each in dashboards:
        for url in _urls(each):
            for uid in LINK.findall(url):
                if uid not in variables:
                    found.append(f"{each['uid']} links to {uid}, which is not there: {url}")
                elif missing := sorted(set(NAMED.findall(url)) - variables[uid]):
                    found.append(f"{each['uid']} sets {', '.join(missing)}, which {uid} has not: {url}")
    return found


def _urls(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from (value for key, value in part.items() if key == "url" and isinstance(value, str))
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _urls(each)


def complaints(dashboards: Sequence[Json], metrics: Mapping[str, Collection[str]]) -> list[str]:
    """Return everything that is wrong with dashboards which belong together."""
    alone = (unparsed, fixed_ranges, counters, untold, other_sources, lost, repeated, misplaced)
    found = [f"{each['uid']}: {line}" for each in dashboards for check in alone for line in check(each)]
    found += [f"{each['uid']}: {line}" for each in dashboards for line in wrong_labels(each, metrics)]
    return found + broken_links(dashboards)
