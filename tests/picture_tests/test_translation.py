"""What a dashboard says becomes what Perses is told; what cannot be drawn is an error that names the panel."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ground import prometheus
from picture_tests import sample
from pictures import layout, table, timed
from pictures.fields import field_look
from pictures.looks import colour
from pictures.picture import picture
from pictures.reduced import bars, stat
from pictures.source import Answer, Line, Source
from pictures.variables import DashboardError, built_in, substitute, values
from pictures.window import Window, moment, seconds

Json = dict[str, Any]
WINDOW = Window(1000.0, 1900.0)
BY_VARIABLE = {"tenant": "acme", "datasource": "prometheus"}


def answer(*lines: Line) -> Answer:
    """Return an answer with these series."""
    return Answer(WINDOW, 15, lines)


def line(name: str, *numbers: float, ref: str = "A", **labels: str) -> Line:
    """Return a series with these values, 15 s apart."""
    return Line(labels, name, ref, tuple((1000.0 + 15 * at, value) for at, value in enumerate(numbers)))


class Fake:
    """Answers every query with the same series, and notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.labels: list[dict[str, str]] = [{"tenant": "acme", "level": "Container"}]
        self.value = 1.0

    def query(self, _url: str, expression: str, at: float) -> list[prometheus.Sample]:
        """Answer as Prometheus would at once."""
        self.asked.append(expression)
        return [prometheus.Sample(labels, at, self.value) for labels in self.labels]

    def query_range(self, url: str, expression: str, _start: float, end: float, _step: float) -> list[prometheus.Line]:
        """Answer with one point."""
        return [prometheus.Line(each.labels, ((each.at, each.value),)) for each in self.query(url, expression, end)]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put it in Prometheus' place."""
    made = Fake()
    monkeypatch.setattr(prometheus, "query", made.query)
    monkeypatch.setattr(prometheus, "query_range", made.query_range)
    return made


SOURCE = Source("http://prometheus", 15, WINDOW, BY_VARIABLE)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('a{t=~"$tenant"}', 'a{t=~"acme"}'),
        ('a{t=~"${tenant:regex}"}', 'a{t=~"acme"}'),
        ('a{t="[[tenant]]"}', 'a{t="acme"}'),
        ("rate(a[$__rate_interval])", "rate(a[60s])"),
        ("rate(a[$__interval])", "rate(a[30s])"),
        ("increase(a[$__range])", "increase(a[900s])"),
        ("a * $__range_s", "a * 900"),
        ('label_replace(a, "x", "$1", "y", "(.*)")', 'label_replace(a, "x", "$1", "y", "(.*)")'),
    ],
)
def test_variables_in_queries(text: str, result: str) -> None:
    assert substitute(text, {**BY_VARIABLE, **built_in(WINDOW, 30, 15)}) == result


def test_unknown_variable_is_named() -> None:
    with pytest.raises(DashboardError, match="names the variable tenants, which is not there"):
        substitute("a{t='$tenants'}", BY_VARIABLE)


def test_rate_interval_grows_with_the_step() -> None:
    assert built_in(WINDOW, 120, 15)["__rate_interval"] == "135s"


def test_values_of_variables() -> None:
    """What is given wins; else what was saved, with All as the dashboard says; a variable without any is named."""
    several: Json = {"name": "level", "type": "query", "current": {"value": ["a", "b"]}}
    content = sample.dashboard()
    content["templating"]["list"].append(several)
    assert values(content, {}) == {"datasource": "prometheus", "tenant": ".*", "level": "a|b"}
    assert values(content, {"tenant": "acme"})["tenant"] == "acme"
    with pytest.raises(DashboardError, match="no variable zone; there are: datasource, tenant, level"):
        values(content, {"zone": "x"})
    del several["current"]
    with pytest.raises(DashboardError, match="level has no value: --var level="):
        values(content, {})


def test_moments() -> None:
    assert [moment(text, 10_000) for text in ("now", "-15m", "now-1h", "1234.5")] == [10_000, 9_100, 6_400, 1234.5]
    assert seconds("1m30s") == 90
    with pytest.raises(ValueError, match="not a duration"):
        seconds("soon")


def test_steps_are_whole_and_not_finer_than_scrapes() -> None:
    assert (WINDOW.step(30, 15), WINDOW.step(1000, 15), Window(0, 100).step(30, 1)) == (30, 15, 4)
    assert Window(1007, 1899).aligned(15) == Window(1005, 1890)


def test_colours() -> None:
    """Shades of a hue are the same hue, darker and lighter; a name that is none is an error."""
    assert colour("#123456") == "#123456"
    shades = [colour(f"{shade}green") for shade in ("super-light-", "light-", "", "semi-dark-", "dark-")]
    assert all(re.fullmatch("#[0-9a-f]{6}", each) for each in shades)
    light = [sum(int(each[at : at + 2], 16) for at in (1, 3, 5)) for each in shades]
    assert light == sorted(light, reverse=True)
    with pytest.raises(DashboardError, match="no colour 'mauve'"):
        colour("mauve")


def test_thresholds_and_mappings_colour_a_value() -> None:
    steps = sample.thresholds(*sample.TRAFFIC)
    look = field_look(sample.panel(1, "stat", "x", (0, 0, 1, 1), thresholds=steps, mappings=sample.STATES), "")
    assert [look.tone(value) for value in (-1, 0.79, 0.8, 0.95)] == list(
        map(colour, ("green", "green", "orange", "red"))
    )
    assert look.tone(2) == colour("yellow")
    assert look.mapped(2)["value"] == "repaired"
    percentage = sample.thresholds(
        *[{**step, "value": step["value"] and step["value"] * 100} for step in sample.TRAFFIC], mode="percentage"
    )
    share = field_look(sample.panel(1, "stat", "x", (0, 0, 1, 1), thresholds=percentage, min=0, max=200), "")
    assert [share.tone(value) for value in (159, 160, 180)] == list(map(colour, ("green", "orange", "red")))


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        ({"id": "byName", "options": "Quota"}, True),
        ({"id": "byName", "options": "quota"}, False),
        ({"id": "byRegexp", "options": "/^Q/"}, True),
        ({"id": "byFrameRefID", "options": "B"}, False),
    ],
)
def test_overrides(matcher: Json, matches: bool) -> None:
    given = {"matcher": matcher, "properties": [{"id": "unit", "value": "bytes"}, {"id": "custom.width", "value": 90}]}
    panel = sample.panel(1, "table", "x", (0, 0, 1, 1), unit="s", overrides=[given])
    assert field_look(panel, "Quota", "A").unit == ("bytes" if matches else "s")


def test_stat() -> None:
    panel = sample.panel(
        1,
        "stat",
        "x",
        (0, 0, 4, 4),
        unit="percentunit",
        decimals=1,
        thresholds=sample.thresholds(*sample.TRAFFIC),
        options={"graphMode": "none", "reduceOptions": {"calcs": ["max"]}},
    )
    spec = stat(panel, answer())["spec"]
    assert spec["format"] == {"unit": "percent-decimal", "decimalPlaces": 1}
    assert spec["calculation"] == "max"
    assert "sparkline" not in spec
    assert spec["thresholds"]["steps"][-1] == {"value": 0.9, "color": colour("red")}


def test_bars_show_the_last_value_in_its_colour() -> None:
    panel = sample.panel(
        1, "bargauge", "x", (0, 0, 4, 4), unit="percentunit", max=1, thresholds=sample.thresholds(*sample.TRAFFIC)
    )
    found = bars(panel, answer(line("acme", 0.1, 0.95), line("globex", 0.2)))["spec"]
    assert [(each["label"], each["value"], each["color"]) for each in found["bars"]] == [
        ("acme", 0.95, colour("red")),
        ("globex", 0.2, colour("green")),
    ]
    assert (found["min"], found["max"]) == (0, 1)


def test_series_have_their_own_colour() -> None:
    fixed = sample.override("b", color={"mode": "fixed", "fixedColor": "dark-red"})
    panel = sample.panel(
        1,
        "timeseries",
        "x",
        (0, 0, 4, 4),
        unit="s",
        overrides=[fixed],
        custom={"stacking": {"mode": "normal"}, "fillOpacity": 20},
    )
    spec = timed.timeseries(panel, answer(line("a", 1), line("b", 2)))["spec"]
    assert spec["querySettings"] == [{"queryIndex": 1, "colorMode": "fixed", "colorValue": colour("dark-red")}]
    assert (spec["visual"]["stack"], spec["visual"]["areaOpacity"]) == ("all", 0.2)


@pytest.mark.parametrize(("names", "position"), [(["short"] * 3, "bottom"), (["a rather long name"] * 6, "right")])
def test_legend_that_does_not_fit_below_stands_beside(names: list[str], position: str) -> None:
    panel = sample.panel(1, "timeseries", "x", (0, 0, 8, 8), unit="s", options={"legend": {"placement": "bottom"}})
    assert timed.timeseries(panel, answer(*(line(name, 1) for name in names)))["spec"]["legend"]["position"] == position


def test_states_take_colours_of_thresholds_where_nothing_is_mapped() -> None:
    steps = sample.thresholds({"value": None, "color": "green"}, {"value": 1, "color": "red"})
    panel = sample.panel(1, "status-history", "x", (0, 0, 4, 4), unit="none", thresholds=steps)
    spec = timed.states(panel, answer(line("a", 0, 1)))["spec"]
    assert [(each["spec"]["value"], each["spec"]["result"]) for each in spec["mappings"]] == [
        (0, {"value": "0", "color": colour("green")}),
        (1, {"value": "1", "color": colour("red")}),
    ]


def rows_of(spec: Json) -> list[list[object]]:
    """Return a table's rows under its headers."""
    columns = [(each["name"], each["header"]) for each in spec["columns"]]
    return [[header for _, header in columns], *([row.get(name) for name, _ in columns] for row in spec["rows"])]


def test_table_joins_sorts_and_renames() -> None:
    panel = next(each for each in sample.states() if each["id"] == 23)
    lines = [
        line("", 10, ref="A", tenant="acme", level="Container"),
        line("", 30, ref="A", tenant="acme", level="Virtualized"),
        line("", 5e9, ref="B", tenant="acme", level="Virtualized"),
        line("", 0.95, ref="C", tenant="acme"),
        line("", 0.1, ref="C", tenant="initech"),
    ]
    spec = table.table(panel, answer(*lines))["spec"]
    assert rows_of(spec) == [
        ["tenant", "level", "Berths", "Memory", "Quota"],
        ["acme", "Virtualized", 30, 5e9, None],
        ["acme", "Container", 10, None, 0.95],
        ["initech", None, None, None, 0.1],
    ]
    assert spec["columns"][2]["width"] == 90
    assert spec["columns"][3]["format"] == {"unit": "bytes", "shortValues": True}
    assert spec["cells"]["1_c4"]["backgroundColor"] == colour("red")


def test_rows_of_one_query_are_never_joined() -> None:
    merge = [{"id": "merge", "options": {}}, {"id": "organize", "options": {"excludeByName": {"Time": True}}}]
    panel = sample.panel(
        1,
        "table",
        "x",
        (0, 0, 1, 1),
        sample.instant("A", "a"),
        sample.instant("B", "b"),
        unit="none",
        transformations=merge,
    )
    lines = [
        line("", 5, tenant="acme"),
        line("", 5, tenant="acme", level="Container"),
        line("", 7, ref="B", tenant="acme"),
    ]
    assert rows_of(table.table(panel, answer(*lines))["spec"])[1:] == [
        ["acme", 5, 7, None],
        ["acme", 5, None, "Container"],
    ]


def test_table_shows_what_a_value_means() -> None:
    panel = next(each for each in sample.states() if each["id"] == 24)
    spec = table.table(panel, answer(line("", 1, __name__="harbour_pier_state", pier="west", pod="x")))["spec"]
    assert rows_of(spec) == [["pier", "State"], ["west", 1]]
    assert spec["cells"]["0_c1"] == {"text": "open", "textColor": colour("green")}
    assert spec["columns"][1]["align"] == "center"
    numbers = table.table({**panel, "fieldConfig": {}}, answer(line("", 1, pier="west")))["spec"]
    assert [each["align"] for each in numbers["columns"]] == ["left", "right"]


def test_collapsed_row_is_opened() -> None:
    """Its panels stand below it, and what follows moves down."""
    inside = sample.panel(2, "stat", "in", (0, 7, 4, 5))
    after = sample.row(3, "Next", 6)
    places = {panel["id"]: place["y"] for panel, place in layout.opened([sample.row(1, "Row", 5, inside), after])}
    assert places == {1: 5, 2: 6, 3: 11}


def test_one_row_alone() -> None:
    """Only its panels are there, at the top."""
    places = list(layout.opened(sample.dashboard()["panels"]))
    kept = layout.only(places, "Along time")
    assert [(panel["id"], place["y"]) for panel, place in kept] == [(101, 0), (11, 1), (12, 1), (13, 9), (14, 9)]
    with pytest.raises(DashboardError, match="no row 'Later'; there are: Now, Along time, States and tables"):
        layout.only(places, "Later")


def test_whole_dashboard(fake: Fake) -> None:
    """Every panel and row is there, inside the picture, with its queries' answers; variables are in their place."""
    drawn = picture(sample.dashboard(), SOURCE)
    panels = {each["id"]: each for each in drawn["panels"]}
    assert sorted(panels) == [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 21, 22, 23, 24]
    assert [each["title"] for each in drawn["rows"]] == ["Now", "Along time", "States and tables"]
    assert all(
        each["box"]["x"] >= 0 and each["box"]["x"] + each["box"]["w"] <= drawn["width"] for each in panels.values()
    )
    assert max(each["box"]["y"] + each["box"]["h"] for each in panels.values()) < drawn["height"]
    assert drawn["facts"][2] == ("Tenant", "acme")
    everything = picture(sample.dashboard(), replace(SOURCE, variables={**BY_VARIABLE, "tenant": ".*"}))
    assert everything["facts"][2] == ("Tenant", "All")
    assert 'sum(harbour_berths{tenant=~"acme"})' in fake.asked
    assert panels[11]["queries"][0]["series"][0]["formattedName"] == "Container"
    assert panels[5]["spec"]["text"].startswith("**Harbour** of `acme`")


def test_names_of_series(fake: Fake) -> None:
    """Without a legend a series is named by the labels in which it differs."""
    fake.labels = [{"job": "x", "pier": "west"}, {"job": "x", "pier": "east"}]
    found = SOURCE.ask(sample.panel(1, "timeseries", "x", (0, 0, 1, 1), sample.target("A", "up")), 100)
    assert [each.name for each in found.lines] == ["west", "east"]
    found = SOURCE.ask(
        sample.panel(1, "timeseries", "x", (0, 0, 1, 1), sample.target("A", "up", "{{ job }}/{{pier}}{{no}}")), 100
    )
    assert [each.name for each in found.lines] == ["x/west", "x/east"]


def test_what_is_no_number_is_left_out(fake: Fake) -> None:
    fake.value = float("nan")
    assert SOURCE.ask(sample.panel(1, "stat", "x", (0, 0, 1, 1), sample.target("A", "0/0")), 100).lines == ()


Change = Callable[[Json], object]
REFUSED: dict[str, tuple[int, Change, str]] = {
    "type": (1, lambda panel: panel.update(type="heatmap"), r"panel 1 .*heatmap.*this type cannot be drawn"),
    "unit": (1, lambda panel: panel["fieldConfig"]["defaults"].update(unit="parsec"), "the unit 'parsec' cannot be drawn"),
    "colour": (2, lambda panel: panel["fieldConfig"]["defaults"]["color"].update(fixedColor="mauve"), "no colour 'mauve'"),
    "calcs": (1, lambda panel: panel["options"].update(reduceOptions={"calcs": ["delta"]}), "calcs .*delta"),
    "repeat": (1, lambda panel: panel.update(repeat="tenant"), "a repeated panel cannot be drawn"),
    "drawStyle": (11, lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(drawStyle="points"), "drawStyle points"),
    "stacking": (11, lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(stacking={"mode": "percent"}), "stacking percent"),
    "override": (11, lambda panel: panel["fieldConfig"]["overrides"].append(sample.override("Container", custom_hideFrom={})), "custom.hideFrom cannot be drawn"),
    "matcher": (11, lambda panel: panel["fieldConfig"]["overrides"][0]["matcher"].update(id="byType"), "an override by byType"),
    "mapping": (3, lambda panel: panel["fieldConfig"]["defaults"].update(mappings=[{"type": "regex", "options": {}}]), "mappings of type regex"),
    "transformation": (23, lambda panel: panel["transformations"].append({"id": "groupBy", "options": {}}), "transformation groupBy cannot be drawn"),
    "no merge": (23, lambda panel: panel.update(transformations=[]), "only when its first transformation is merge"),
    "variable": (1, lambda panel: panel["targets"][0].update(expr="up{a='$zone'}"), "variable zone, which is not there"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drawn_is_an_error(name: str, fake: Fake) -> None:
    number, change, message = REFUSED[name]
    content = sample.dashboard()
    rows = [each for each in content["panels"] if each["type"] == "row"]
    change(next(each for each in [*content["panels"], *rows[-1]["panels"]] if each["id"] == number))
    with pytest.raises(DashboardError, match=f"(?s)panel {number} .*{message}" if "panel" not in message else message):
        picture(content, SOURCE)
