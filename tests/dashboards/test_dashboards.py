"""The dashboards, held against all that can be known without Grafana, and every query against a real Prometheus."""

import json

import pytest

from berth.app.metrics.declared import DECLARED
from dashboards import __main__ as observe
from dashboards.check import complaints, panels, unused
from dashboards.evaluate import EMPTY_BY_DESIGN, Found
from dashboards.write import texts

BESIDE = {
    "process_resident_memory_bytes": (),
    "process_cpu_seconds_total": (),
    "container_cpu_usage_seconds_total": ("namespace", "pod", "container", "image", "id"),
    "container_memory_working_set_bytes": ("namespace", "pod", "container", "image", "id"),
    "pod_cpu_usage_seconds_total": ("namespace", "pod"),
    "pod_memory_working_set_bytes": ("namespace", "pod"),
    "kubevirt_vmi_cpu_usage_seconds_total": ("namespace", "name"),
    "kubevirt_vmi_memory_resident_bytes": ("namespace", "name"),
}
"""Metrics of others, with the labels that we use of them."""
ADDED = ("job", "instance")
"""Labels that scraping adds."""
NOT_SHOWN = {
    "berth_class_isolation_seen",
    "berth_workloads_isolated",
    "berth_decisions_total",
    "berth_events_dropped_total",
    "berth_preflight_total",
    "berth_switch_duration_seconds",
    "berth_watch_errors_total",
    "controller_runtime_max_concurrent_reconciles",
    "workqueue_adds_total",
    "workqueue_retries_total",
    "workqueue_queue_duration_seconds",
    "workqueue_work_duration_seconds",
    "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds",
}
"""Metrics that are on no panel: for who looks closer."""


def labels_by_series() -> dict[str, tuple[str, ...]]:
    """Return the labels of each series that there is."""
    found = {name: (*labels, *ADDED) for name, labels in BESIDE.items()}
    for each in DECLARED:
        if each.type != "histogram":
            found[each.name] = (*each.labels, *ADDED)
            continue
        found[f"{each.name}_bucket"] = (*each.labels, *ADDED, "le")
        found |= {f"{each.name}_{end}": (*each.labels, *ADDED) for end in ("sum", "count")}
    return found


def read() -> list[dict[str, object]]:
    """Return both dashboards."""
    return [json.loads(text) for text in texts().values()]


def test_nothing_is_wrong_with_the_dashboards() -> None:
    assert complaints(read(), labels_by_series()) == []


def test_every_metric_is_on_a_panel_or_said_to_be_on_none() -> None:
    left = set(unused(read(), labels_by_series()))
    own = [each for each in DECLARED if not each.name.startswith("berth_preview_")]
    series = {each.name: {name for name in labels_by_series() if name.startswith(each.name)} for each in own}
    assert {name for name, of_it in series.items() if of_it <= left} == NOT_SHOWN


@pytest.mark.ground
@pytest.mark.xdist_group("observe")
def test_every_query_and_rule_returns_series_on_a_real_cluster_and_prometheus() -> None:
    assert observe.main([]) == 0


def test_panels_that_are_empty_by_design_exist() -> None:
    titles = {(name, panel["title"]) for name, text in texts().items() for panel in panels(json.loads(text))}
    assert set(EMPTY_BY_DESIGN) <= titles


def test_a_query_that_is_wrong_or_empty_without_a_reason_fails() -> None:
    shown, empty = Found("fleet.json", "Queue", "A", "x", 1), Found("fleet.json", "Queue", "A", "x", 0)
    designed, wrong = (
        Found("workload.json", "CPU used", "A", "x", 0),
        Found("fleet.json", "Queue", "A", "x", 0, "parse error"),
    )
    assert [each.failed for each in (shown, empty, designed, wrong)] == [False, True, False, True]
    assert observe.summary([shown, empty, designed, wrong]) == (
        "panels: 4 queries, 1 with series, 1 empty by design, 2 failed"
    )
