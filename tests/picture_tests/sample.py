"""A dashboard with every panel type and option that a picture shows."""

from typing import Any

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TRAFFIC: list[Json] = [
    {"value": None, "color": "green"},
    {"value": 0.8, "color": "orange"},
    {"value": 0.9, "color": "red"},
]
STATES = [
    {
        "type": "value",
        "options": {
            "0": {"text": "closed", "color": "red"},
            "1": {"text": "open", "color": "green"},
            "2": {"text": "repaired", "color": "yellow"},
        },
    }
]
BY_LEVEL = 'sum by (level) (harbour_berths{tenant=~"$tenant"})'


def target(ref: str, expr: str, legend: str = "__auto", **more: Any) -> Json:
    """Return a range query."""
    return {"refId": ref, "datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "range": True, **more}


def instant(ref: str, expr: str, legend: str = "__auto") -> Json:
    """Return an instant query for a table."""
    return target(ref, expr, legend, range=False, instant=True, format="table")


def panel(number: int, kind: str, title: str, place: tuple[int, int, int, int], *targets: Json, **more: Any) -> Json:
    """Return a panel at (x, y, w, h); `unit`, `thresholds` and the like are its field defaults."""
    own = {"options", "transformations", "overrides"}
    defaults = {key: value for key, value in more.items() if key not in own}
    return {
        "id": number,
        "type": kind,
        "title": title,
        "description": f"What {title} means.",
        "datasource": DATASOURCE,
        "gridPos": dict(zip("xywh", place, strict=True)),
        "targets": list(targets),
        "fieldConfig": {"defaults": defaults, "overrides": more.get("overrides", [])},
        **{key: more[key] for key in ("options", "transformations") if key in more},
    }


def row(number: int, title: str, y: int, *inside: Json) -> Json:
    """Return a row: collapsed when it holds its panels itself."""
    place = {"x": 0, "y": y, "w": 24, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "gridPos": place,
        "collapsed": bool(inside),
        "panels": list(inside),
    }


def override(name: str, **properties: Any) -> Json:
    """Return an override of the field of this name; `custom_x` is custom.x."""
    changes = [{"id": key.replace("custom_", "custom."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": changes}


def thresholds(*steps: Json, mode: str = "absolute") -> Json:
    """Return thresholds."""
    return {"mode": mode, "steps": list(steps)}


def values() -> list[Json]:
    """Return panels of one value for each series."""
    return [
        panel(
            1,
            "stat",
            "Berths taken",
            (0, 1, 4, 4),
            instant("A", 'sum(harbour_berths{tenant=~"$tenant"})'),
            unit="short",
            options={"graphMode": "none"},
        ),
        panel(
            2,
            "stat",
            "Requests",
            (4, 1, 4, 4),
            target("A", "sum(rate(harbour_requests_total[$__rate_interval]))"),
            unit="reqps",
            decimals=1,
            color={"mode": "fixed", "fixedColor": "blue"},
        ),
        panel(
            3,
            "stat",
            "Piers",
            (8, 1, 8, 4),
            instant("A", "harbour_pier_state", "{{pier}}"),
            unit="none",
            mappings=STATES,
            options={"graphMode": "none"},
        ),
        panel(
            4,
            "gauge",
            "Quota of acme",
            (16, 1, 4, 4),
            instant("A", 'harbour_quota_ratio{tenant="acme"}', "{{tenant}}"),
            unit="percentunit",
            min=0,
            max=1,
            thresholds=thresholds(*TRAFFIC),
        ),
        panel(
            5,
            "text",
            "",
            (20, 1, 4, 4),
            options={"mode": "markdown", "content": "**Harbour** of `$tenant`\n\n[runbook](https://example.com)"},
        ),
        panel(
            6,
            "bargauge",
            "Quota used",
            (0, 5, 8, 6),
            instant("A", "sort_desc(harbour_quota_ratio)", "{{tenant}}"),
            unit="percentunit",
            min=0,
            max=1,
            thresholds=thresholds(*TRAFFIC),
        ),
        panel(
            7,
            "piechart",
            "Memory by level",
            (8, 5, 8, 6),
            instant("A", "sum by (level) (harbour_memory_bytes)"),
            unit="bytes",
            options={"pieType": "donut", "legend": {"placement": "right", "values": ["value", "percent"]}},
        ),
        panel(
            8,
            "piechart",
            "Berths by tenant",
            (16, 5, 8, 6),
            instant("A", "sum by (tenant) (harbour_berths)"),
            unit="short",
            options={"legend": {"placement": "right", "values": ["value"]}},
            overrides=[override("acme", color={"mode": "fixed", "fixedColor": "purple"})],
        ),
    ]


def lines() -> list[Json]:
    """Return panels along time."""
    table_legend = {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}}
    stacked = {"fillOpacity": 30, "stacking": {"mode": "normal"}}
    quantiles = [
        target(
            ref, f"histogram_quantile({q}, sum by (le) (rate(harbour_request_seconds_bucket[$__rate_interval])))", name
        )
        for ref, q, name in (("A", 0.5, "p50"), ("B", 0.95, "p95"))
    ]
    return [
        panel(
            11,
            "timeseries",
            "Berths by level",
            (0, 12, 12, 8),
            target("A", BY_LEVEL, "{{level}}"),
            unit="short",
            min=0,
            custom=stacked,
            options={"legend": {"placement": "bottom"}},
            overrides=[override("Virtualized", color={"mode": "fixed", "fixedColor": "dark-red"})],
        ),
        panel(
            12,
            "timeseries",
            "Time of a request",
            (12, 12, 12, 8),
            *quantiles,
            unit="s",
            options=table_legend,
            custom={"lineWidth": 2, "axisLabel": "seconds"},
        ),
        panel(
            13,
            "timeseries",
            "Requests by code",
            (0, 20, 12, 7),
            target("A", "sum by (code) (rate(harbour_requests_total[$__rate_interval]))"),
            unit="reqps",
            custom={"drawStyle": "bars", **stacked},
            options={"legend": {"placement": "right"}},
        ),
        panel(
            14,
            "timeseries",
            "Quota against its limit",
            (12, 20, 12, 7),
            target("A", "harbour_quota_ratio", "{{tenant}}"),
            unit="percentunit",
            min=0,
            max=1,
            thresholds=thresholds(*TRAFFIC),
            custom={"thresholdsStyle": {"mode": "line"}},
        ),
    ]


def states() -> list[Json]:
    """Return panels of states, in a collapsed row, and tables."""
    hidden = {
        "excludeByName": {"Time": True, "__name__": True},
        "indexByName": {"tenant": 0, "level": 1},
        "renameByName": {"Value #A": "Berths", "Value #B": "Memory", "Value #C": "Quota"},
    }
    order = {"sort": [{"field": "Berths", "desc": True}]}
    looks = [
        override("Memory", unit="bytes"),
        override(
            "Quota",
            unit="percentunit",
            thresholds=thresholds(*TRAFFIC),
            custom_cellOptions={"type": "color-background"},
        ),
        override("Berths", custom_width=90),
    ]
    queries = [
        instant("A", "sum by (tenant, level) (harbour_berths)"),
        instant("B", "sum by (tenant, level) (harbour_memory_bytes)"),
        instant("C", "sum by (tenant) (harbour_quota_ratio)"),
    ]
    return [
        panel(
            21,
            "state-timeline",
            "Piers along time",
            (0, 28, 12, 6),
            target("A", "harbour_pier_state", "{{pier}}"),
            unit="none",
            mappings=STATES,
            options={"legend": {"placement": "bottom"}},
        ),
        panel(
            22,
            "status-history",
            "Quota close",
            (12, 28, 12, 6),
            target("A", "harbour_quota_ratio > bool 0.9", "{{tenant}}"),
            unit="none",
            thresholds=thresholds({"value": None, "color": "green"}, {"value": 1, "color": "red"}),
            options={"legend": {"showLegend": False}},
        ),
        panel(
            23,
            "table",
            "Tenants and levels",
            (0, 34, 14, 8),
            *queries,
            unit="short",
            transformations=[
                {"id": "merge", "options": {}},
                {"id": "organize", "options": hidden},
                {"id": "sortBy", "options": order},
            ],
            overrides=looks,
        ),
        panel(
            24,
            "table",
            "Piers now",
            (14, 34, 10, 8),
            instant("A", "harbour_pier_state"),
            unit="none",
            transformations=[{"id": "filterFieldsByName", "options": {"include": {"names": ["pier", "Value"]}}}],
            overrides=[override("Value", displayName="State", mappings=STATES)],
        ),
    ]


def dashboard() -> Json:
    """Return the whole dashboard."""
    return {
        "uid": "harbour",
        "title": "Harbour / all panels",
        "schemaVersion": 42,
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {
                    "name": "tenant",
                    "label": "Tenant",
                    "type": "query",
                    "query": "label_values(harbour_berths, tenant)",
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": [
            row(100, "Now", 0),
            *values(),
            row(101, "Along time", 11),
            *lines(),
            row(102, "States and tables", 27, *states()),
        ],
    }
