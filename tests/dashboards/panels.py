"""What both dashboards are made of: queries, panels and variables, as small functions over Grafana's own builders."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOKS: Final = "https://berth.dev/docs/runbooks"
GOOD, WARN, BAD, CALM = "green", "orange", "red", "blue"

Steps = Sequence[tuple[float | None, str]]
"""Values from which on a colour is used; the first has none."""


def query(expr: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query over the time range."""
    return _query(expr, ref).range().legend_format(legend or "__auto")


def now(expr: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query of this moment."""
    return _query(expr, ref).instant().legend_format(legend or "__auto")


def rows(expr: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query of this moment, each series of which is a row of a table."""
    return _query(expr, ref).instant().format(PromQueryFormat.TABLE)


def grown(metric: str, window: str, by: str) -> str:
    """Return by how much a counter has grown, summed by some labels.

    A series that did not exist at the begin of the window has grown by all that it counts: `increase` alone does not
    see the first of rare things.
    """
    return f"sum by ({by}) (({metric} unless {metric} offset {window}) or increase({metric}[{window}])) > 0"


def _query(expr: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(SOURCE).expr(" ".join(expr.split())).ref_id(ref)


def number(
    title: str, about: str, unit: str, asked: prometheus.Dataquery, steps: Steps = ((None, CALM),), *, width: int = 4
) -> stat.Panel:
    """Return one number, coloured by thresholds."""
    return (
        _sized(stat.Panel(), title, about, unit, width, 4)
        .with_target(asked)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(look.BigValueColorMode.VALUE)
        .graph_mode(look.BigValueGraphMode.NONE)
        .thresholds(_thresholds(steps))
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    )


def lines(
    title: str,
    about: str,
    unit: str,
    *asked: prometheus.Dataquery,
    width: int = 12,
    stacked: bool = False,
    many: bool = False,
) -> timeseries.Panel:
    """Return lines over time, or areas upon each other; where there are `many` they are named beside the panel."""
    panel = (
        _sized(timeseries.Panel(), title, about, unit, width, 8)
        .min(0)
        .fill_opacity(40 if stacked else 5)
        .line_width(1 if stacked else 2)
        .show_points(look.VisibilityMode.NEVER)
        .legend(_legend(beside=many))
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    )
    for each in asked:
        panel = panel.with_target(each)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(look.StackingMode.NORMAL))
    return panel


def bars(
    title: str,
    about: str,
    unit: str,
    asked: prometheus.Dataquery,
    steps: Steps = ((None, CALM),),
    *,
    width: int = 8,
    most: float | None = None,
) -> bargauge.Panel:
    """Return a bar for each series of this moment."""
    panel = (
        _sized(bargauge.Panel(), title, about, unit, width, 8)
        .with_target(asked)
        .orientation(look.VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .min(0)
    )
    return panel if most is None else panel.max(most)


def grid(
    title: str,
    about: str,
    unit: str,
    *asked: prometheus.Dataquery,
    columns: Mapping[str, str],
    width: int = 12,
    height: int = 8,
) -> table.Panel:
    """Return a table: a row for each series, several queries joined by their labels. `columns` are shown, by label.

    Their order is that of the table; the value of a query is `Value`, of several `Value #A`, `Value #B` and so on.
    """
    panel = _sized(table.Panel(), title, about, unit, width, height)
    for each in asked:
        panel = panel.with_target(each)
    if len(asked) > 1:
        panel = panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    order = {name: place for place, name in enumerate(columns)}
    keep = model.DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(columns)}})
    tidy = {"excludeByName": {}, "indexByName": order, "renameByName": {k: v for k, v in columns.items() if k != v}}
    return panel.with_transformation(keep).with_transformation(model.DataTransformerConfig("organize", options=tidy))


def timeline(
    title: str,
    about: str,
    asked: prometheus.Dataquery,
    texts: Mapping[str, tuple[str, str]],
    *,
    width: int = 12,
    height: int = 8,
) -> statetimeline.Panel:
    """Return states over time, a line for each series. `texts` say what a value means, with its colour."""
    return (
        _sized(statetimeline.Panel(), title, about, "short", width, height)
        .with_target(asked)
        .mappings([said(texts)])
        .legend(_legend())
        .row_height(0.8)
        .fill_opacity(80)
        .show_value(look.VisibilityMode.NEVER)
    )


def said(texts: Mapping[str, tuple[str, str]]) -> model.ValueMap:
    """Return what values mean: text and colour."""
    return model.ValueMap({value: model.ValueMappingResult(text, colour) for value, (text, colour) in texts.items()})


def shown(name: str, **properties: Any) -> tuple[str, list[model.DynamicConfigValue]]:
    """Return how one column is shown: `unit`, `mappings`, `links` and so on."""
    return name, [model.DynamicConfigValue(key, value) for key, value in properties.items()]


def variable(name: str, label: str, asked: str, *, several: bool = True) -> dashboard.QueryVariable:
    """Return a variable by which panels are narrowed; of several values all are taken at first."""
    made = (
        dashboard.QueryVariable(name)
        .label(label)
        .query(asked)
        .datasource(SOURCE)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    if not several:
        return made
    everything = model.VariableOption(text="All", value="$__all", selected=True)
    return made.multi(True).include_all(True).all_value(".*").current(everything)


def framed(uid: str, title: str, about: str, *, links: Sequence[dashboard.DashboardLink]) -> dashboard.Dashboard:
    """Return an empty dashboard with the datasource as its first variable."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["berth", "kubernetes"])
        .readonly()
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .links(list(links))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )


def with_rows(made: dashboard.Dashboard, rows_of: Mapping[str, Sequence[Any]]) -> dashboard.Dashboard:
    """Return a dashboard with rows of panels added, by title and in this order."""
    for title, panels in rows_of.items():
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(panel)
    return made


def link(title: str, url: str) -> dashboard.DashboardLink:
    """Return a link that keeps time range and variables."""
    return dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url).keep_time(True).include_vars(True)


def mark(name: str, expr: str, title: str, colour: str) -> dashboard.AnnotationQuery:
    """Return marks on all panels where a query has a value."""
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .step("30s")
        .title_format(title)
        .use_value_for_time("false")
    )


def _sized(panel: Any, title: str, about: str, unit: str, width: int, height: int) -> Any:
    return panel.title(title).description(about).unit(unit).datasource(SOURCE).span(width).height(height)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    found = [model.Threshold(value, colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def _legend(*, beside: bool = False) -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(look.LegendDisplayMode.TABLE if beside else look.LegendDisplayMode.LIST)
        .placement(look.LegendPlacement.RIGHT if beside else look.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


POLICY_CHANGES: Final = mark(
    "Policy changes",
    "max by (policy) ((berth_policy_generation unless berth_policy_generation offset 30s)"
    " or changes(berth_policy_generation[30s]) > 0)",
    "policy {{policy}}",
    "yellow",
)
"""Marks where a policy was made or changed."""
