"""The checks find nothing in a sound dashboard, and each mistake in a spoilt one."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as model

from dashboards import check
from dashboards.panels import framed, grid, lines, link, mark, number, query, rows, shown, variable
from dashboards.promql import Reading, bare_counters
from dashboards.write import text

Json = dict[str, Any]

METRICS = {
    "harbour_berths": ("tenant", "level"),
    "harbour_quota": ("tenant",),
    "harbour_requests_total": ("code",),
    "harbour_seconds_bucket": ("level", "le"),
    "harbour_info": ("version",),
}


def sound() -> list[Json]:
    """Return two dashboards in which nothing is wrong."""
    url = "/d/harbour-one?var-tenant=${__data.fields.tenant}"
    looks = shown("tenant", links=[{"title": "Tenant", "url": url}])
    quantile = "histogram_quantile(0.9, sum by (le, level) (rate(harbour_seconds_bucket[$__rate_interval])))"
    fleet = (
        framed("harbour-fleet", "Fleet", "All.", links=[link("One", "/d/harbour-one")])
        .with_variable(variable("tenant", "Tenant", "label_values(harbour_berths, tenant)"))
        .annotation(mark("Errors", 'increase(harbour_requests_total{code="500"}[30s]) > 0', "errors", "red"))
        .with_row(builders.Row("Now"))
        .with_panel(number("Berths", "Taken.", "short", query('sum(harbour_berths{tenant=~"$tenant"})')))
        .with_panel(lines("Requests", "By code.", "reqps", query("sum by (code) (rate(harbour_requests_total[$__rate_interval]))", "{{code}}"), width=8))
        .with_panel(lines("Seconds", "90 %.", "s", query(quantile, "{{level}}")))
        .with_panel(grid("Tenants", "All.", "short", rows("sum by (tenant) (harbour_berths) / on (tenant) harbour_quota"), columns={"tenant": "Tenant", "Value": "Share"}).override_by_name(*looks))
    )  # fmt: skip
    one = framed("harbour-one", "One", "One tenant.", links=[link("Fleet", "/d/harbour-fleet")]).with_variable(
        variable("tenant", "Tenant", "label_values(harbour_berths, tenant)")
    )
    return [
        json.loads(text(each))
        for each in (
            fleet,
            one.with_panel(number("Berths", "Taken.", "short", query('harbour_berths{tenant="$tenant"}'))),
        )
    ]


def test_nothing_is_wrong_with_a_sound_one() -> None:
    assert check.complaints(sound(), METRICS) == []


def panel(boards: list[Json], title: str) -> Any:
    """Return a panel of the first dashboard."""
    return next(each for each in check.panels(boards[0]) if each.get("title") == title)


def asks(title: str, expr: str, legend: str = "") -> Callable[[list[Json]], object]:
    """Return the change that gives a panel this query."""
    return lambda boards: panel(boards, title)["targets"][0].update(expr=expr, legendFormat=legend)


MISTAKES: dict[str, tuple[Callable[[list[Json]], object], str]] = {
    "no PromQL": (asks("Berths", "sum(harbour_berths"), "'Berths' A does not parse: unclosed left parenthesis"),
    "fixed range": (asks("Requests", "rate(harbour_requests_total[5m])"), "'Requests' A has a rate over 300 s"),
    "interval": (asks("Requests", "rate(harbour_requests_total[$__interval])"), "'Requests' A has a rate over 107 s"),
    "fixed range inside": (asks("Requests", "max(1 + sum(increase(harbour_requests_total[1h])))"), "a rate over 3600 s"),
    "counter": (asks("Requests", "sum(harbour_requests_total)"), "shows the counter harbour_requests_total itself"),
    "counter in a gauge's function": (asks("Requests", "delta(harbour_requests_total[$__range])"), "shows the counter"),
    "no metric": (asks("Berths", "sum(harbour_berth)"), "no metric harbour_berth$"),
    "grouping": (asks("Berths", "sum by (zone) (harbour_berths)"), "sum by names zone; there are: .*tenant"),
    "grouping of a grouping": (asks("Berths", "max by (level) (sum by (tenant) (harbour_berths))"), "max by names level; there are: tenant"),
    "without": (asks("Berths", "sum without (zone) (harbour_berths)"), "sum without names zone"),
    "matcher": (asks("Berths", 'harbour_berths{zone="x"}'), "a matcher of harbour_berths names zone"),
    "legend": (asks("Berths", "sum by (tenant) (harbour_berths)", "{{level}}"), "the legend names level; there are: tenant"),
    "legend of a number": (asks("Berths", "sum(harbour_berths)", "{{tenant}}"), "the legend names tenant"),
    "pairs": (asks("Berths", "harbour_berths / harbour_quota"), "the sides of / differ in level: nothing is paired"),
    "on": (asks("Berths", "harbour_berths / on (level) harbour_quota"), "on of /, right names level"),
    "group_left": (asks("Berths", "harbour_berths * on (tenant) group_left (zone) harbour_quota"), r"group of \* names zone"),
    "no le": (asks("Berths", "histogram_quantile(0.9, sum by (level) (rate(harbour_seconds_bucket[$__rate_interval])))"), "histogram_quantile names le"),
    "no title": (lambda boards: panel(boards, "Berths").update(title=""), "panel 2 '' has no title"),
    "no description": (lambda boards: panel(boards, "Berths").pop("description"), "'Berths' has no description"),
    "no unit": (lambda boards: panel(boards, "Berths")["fieldConfig"]["defaults"].pop("unit"), "'Berths' has no unit"),
    "panel's source": (lambda boards: panel(boards, "Berths").update(datasource={"type": "prometheus", "uid": "prom"}), r"'Berths' asks .*'prom'"),
    "query's source": (lambda boards: panel(boards, "Berths")["targets"][0].pop("datasource"), "'Berths' A asks None"),
    "variable's source": (lambda boards: boards[0]["templating"]["list"][1].pop("datasource"), "variable tenant asks None"),
    "annotation's source": (lambda boards: boards[0]["annotations"]["list"][-1]["datasource"].update(uid="prom"), "annotation Errors asks .*'prom'"),
    "no source": (lambda boards: boards[0]["templating"]["list"].pop(0), "no variable, not"),
    "unknown field": (lambda boards: panel(boards, "Berths").update(colour="red"), r"\.colour is 'red', and None"),
    "unknown nested field": (lambda boards: panel(boards, "Berths")["gridPos"].update(z=1), r"gridPos\.z is 1, and None"),
    "unknown option": (lambda boards: panel(boards, "Berths")["options"].update(colour="red"), r"options\.colour is 'red', and None"),
    "unknown nested option": (lambda boards: panel(boards, "Berths")["options"]["reduceOptions"].update(z=1), r"reduceOptions\.z is 1, and None"),
    "unknown look": (lambda boards: panel(boards, "Requests")["fieldConfig"]["defaults"]["custom"].update(z=1), r"custom\.z is 1, and None"),
    "look of one that has none": (lambda boards: panel(boards, "Berths")["fieldConfig"]["defaults"].update(custom={"z": 1}), "'Berths' has fieldConfig.defaults.custom, which type stat has not"),
    "unknown part of a query": (lambda boards: panel(boards, "Berths")["targets"][0].update(expression="up"), r"targets\[0\]\.expression is 'up', and None"),
    "unknown panel": (lambda boards: panel(boards, "Berths").update(type="stats"), "'Berths' is of type stats, which Grafana's model does not know"),
    "unknown override": (lambda boards: panel(boards, "Tenants")["fieldConfig"]["overrides"][0]["properties"].append({"id": "custom.cellOption", "value": 1}), "'Tenants' override custom.cellOption is 1, and None"),
    "unknown part of an override": (lambda boards: panel(boards, "Tenants")["fieldConfig"]["overrides"][0]["properties"].append({"id": "color", "value": {"mode": "fixed", "colour": "red"}}), r"'Tenants' override color\.colour is 'red', and None"),
    "source of another kind": (lambda boards: panel(boards, "Berths")["targets"][0]["datasource"].update(type="loki"), "'Berths' A asks .*'loki'"),
    "same id": (lambda boards: panel(boards, "Berths").update(id=3), "2 panels have the id 3"),
    "overlap": (lambda boards: panel(boards, "Seconds")["gridPos"].update(panel(boards, "Requests")["gridPos"]), "'Seconds' lies upon 'Requests'"),
    "too wide": (lambda boards: panel(boards, "Berths")["gridPos"].update(x=22), "'Berths' is not within 24 columns"),
    "no dashboard": (lambda boards: boards[0]["links"][0].update(url="/d/harbour-two"), "links to harbour-two, which is not there"),
    "no such variable": (lambda boards: boards[1]["templating"]["list"].pop(1), "harbour-fleet sets tenant, which harbour-one has not"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_found(name: str) -> None:
    boards = copy.deepcopy(sound())
    change, complaint = MISTAKES[name]
    change(boards)
    found = check.complaints(boards, METRICS)
    assert any(re.search(complaint, line) for line in found), found


@pytest.mark.parametrize(
    "expr",
    [
        "harbour_berths / on (tenant) group_left () harbour_quota",
        'label_replace(harbour_quota, "zone", "$1", "tenant", "(.*)") / ignoring (zone) harbour_quota',
        "topk(3, sum by (tenant) (harbour_berths))",
        'sum by (version) (count_values("version", harbour_quota))',
        "sum(harbour_berths) or vector(0)",
        "(time() - harbour_quota) > 5 and on (tenant) sum by (tenant) (harbour_berths)",
        "max by (instance) (harbour_info)",
    ],
)
def test_what_has_its_labels_is_left_alone(expr: str) -> None:
    reading = Reading(METRICS)
    reading.labels(promql_parser.parse(expr))
    assert reading.complaints == []


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum by (tenant) (harbour_berths)", {"tenant"}),
        ("sum(harbour_berths)", set()),
        ("1 + 1", None),
        ("2 * sum by (tenant) (harbour_berths)", {"tenant"}),
        ("sum by (tenant, level) (harbour_berths) * on (tenant) group_left (x) label_replace(harbour_quota, 'x', '', '', '')", {"tenant", "level", "x"}),
        ("sum without (job, instance, pod, container, endpoint, service, le) (harbour_seconds_bucket)", {"level"}),
        ("max_over_time(sum by (level) (harbour_berths)[5m:1m])", {"level"}),
    ],
)  # fmt: skip
def test_labels_of_an_answer(expr: str, labels: set[str] | None) -> None:
    assert Reading(METRICS).labels(promql_parser.parse(expr)) == labels


def test_what_began_since_is_no_bare_counter() -> None:
    """Only beside the same counter of an earlier time."""
    begun = "(a_total unless a_total offset 5m) or increase(a_total[5m])"
    assert list(bare_counters(promql_parser.parse(begun))) == []
    assert list(bare_counters(promql_parser.parse("a_total unless b_total offset 5m"))) == ["a_total", "b_total"]
    assert list(bare_counters(promql_parser.parse("a_total unless a_total"))) == ["a_total", "a_total"]


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (r"""harbour_quota{tenant=~`a\.\d+"b`}""", r"""a\.\d+"b"""),
        (r"""harbour_quota{tenant="a`b`c"}""", "a`b`c"),
        (r"""harbour_quota{tenant='a`"b'}""", 'a`"b'),
    ],
)
def test_texts_in_any_quotes_are_read(expr: str, value: str) -> None:
    tree = check.Query("Berths", "A", expr).parsed()
    assert [each.value for each in tree.matchers.matchers] == [value]


def test_unused_metrics() -> None:
    assert check.unused(sound(), METRICS) == ["harbour_info"]


def test_row_of_a_collapsed_row_is_looked_into() -> None:
    """What it holds has a grid of its own, and numbers that count."""
    boards = sound()
    inside = copy.deepcopy(panel(boards, "Berths"))
    boards[0]["panels"][0]["panels"] = [inside]
    assert check.repeated(boards[0]) == ["2 panels have the id 2"]
    assert check.misplaced(boards[0]) == []
    inside["targets"][0]["expr"] = "sum("
    assert len(check.unparsed(boards[0])) == 1


def test_model_is_grafanas() -> None:
    """Reading and writing keeps a whole dashboard."""
    assert check.lost(sound()[0]) == []
    assert model.Dashboard.from_json(sound()[0]).uid == "harbour-fleet"
