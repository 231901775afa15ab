"""What a scrape says: right sums, bounded series, and names as Prometheus wants them."""

import re
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from berth.app.metrics import ClassState, Metrics, State, StateCollector
from berth.app.outcomes import Outcome
from berth.app.policy_metrics import PolicyState, QuotaState, WaiverState
from berth.decide.impact import Effect
from berth.decide.model import Cost
from berth.policy.quota import Part

NAME = re.compile(
    r"(berth|controller_runtime|workqueue|rest_client|leader_election|process|python)_[a-z0-9_]*[a-z0-9]", re.ASCII
)
BUILT_IN = ("process_", "python_")
hostile = st.text(max_size=8) | st.sampled_from(
    ['"', "\\", "\n", 'a"} 1\nberth_fake 1', "# HELP x", "\\n", "é✓", "\x1b[31m"]
)


FLIP = Effect("pci", "runc", "kata", Cost(500, 1 << 20))


def an_outcome(**fields: Any) -> Outcome:
    """Return the outcome of a Workload that runs in class runc."""
    given: dict[str, Any] = {
        "class_name": "runc",
        "level": "Container",
        "backend": "Pod",
        "runtime_class": "",
        "reason": "Running",
        "ready": True,
        "below": False,
        "pending": False,
        "isolated": "True",
        "requested": Cost(500, 1 << 30),
        "overhead": Cost(250, 1 << 20),
        "time_to_ready": None,
    }
    return Outcome(**(given | fields))


def scraped(cap: int = 10, **outcomes: Outcome) -> Metrics:
    """Return the metrics of a leader that has these Workloads in shop."""
    metrics = Metrics(cap)
    metrics.state.outcomes.update({("shop", name): outcome for name, outcome in outcomes.items()})
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one sample."""
    return metrics.registry.get_sample_value(name, labels or None)


def series(metrics: Metrics, name: str) -> list[dict[str, str]]:
    """Return the labels of all samples of a name."""
    return [s.labels for family in metrics.registry.collect() for s in family.samples if s.name == name]


def every_metric_used() -> Metrics:
    """Return metrics in which every counter and histogram has a sample."""
    metrics = scraped(web=an_outcome(policies=("pci",), effects=(FLIP,), waived=(("pci", "w"),)))
    metrics.state.classes = (ClassState("runc", "Container", "Pod", "", 3),)
    metrics.state.policies = (PolicyState("pci", "Audit", accepted=True, evadable=False),)
    metrics.state.quotas = (QuotaState("acme", "cpu", Part(1500, 250, 0), 4000),)
    metrics.state.waivers = (WaiverState("w", active=True, expires=1e9),)
    metrics.observe("PATCH", "workloads", 200, 0.1)
    metrics.workqueue_adds()
    metrics.workqueue_retries()
    metrics.workqueue_depth(1)
    metrics.workqueue_queue_duration(0.1)
    metrics.workqueue_work_duration(0.1)
    for counter, labels in (
        (metrics.decisions, ("runc", "Placed")),
        (metrics.switches, ("runc", "kata")),
        (metrics.drift, ("Service",)),
        (metrics.watch_errors, ("pods",)),
        (metrics.reconciles, ("workload", "success")),
        (metrics.reconcile_errors, ("workload",)),
    ):
        counter.labels(*labels).inc()
    metrics.leader.labels("berth").set(1)
    metrics.workers.labels("workload").set(20)
    metrics.ready_seconds.labels("runc", "Pod").observe(3)
    metrics.reconcile_seconds.labels("workload").observe(0.1)
    return metrics


def test_workloads_are_counted_by_where_they_run_and_why() -> None:
    metrics = scraped(a=an_outcome(), b=an_outcome(), c=an_outcome(class_name="", level="", backend="", reason="X"))
    labels = {"namespace": "shop", "class": "runc", "level": "Container", "backend": "Pod", "reason": "Running"}
    assert value(metrics, "berth_workloads", **labels) == 2
    assert value(metrics, "berth_workloads_unplaced") == 1
    assert sum(s.value for f in metrics.registry.collect() for s in f.samples if s.name == "berth_workloads") == 3


def test_what_must_be_0_is_shown_as_0() -> None:
    metrics = scraped(a=an_outcome())
    assert value(metrics, "berth_workloads_below_required") == 0
    assert value(scraped(), "berth_workloads_below_required") == 0
    assert value(scraped(a=an_outcome(below=True, pending=True)), "berth_workloads_below_required") == 1
    assert value(scraped(a=an_outcome(pending=True)), "berth_workloads_pending_switch") == 1


def test_costs_are_summed_in_cores_and_bytes_and_only_where_it_runs() -> None:
    metrics = scraped(a=an_outcome(), b=an_outcome(), c=an_outcome(class_name=""))
    place = {"namespace": "shop", "class": "runc", "level": "Container", "backend": "Pod"}
    assert value(metrics, "berth_resource_requests", **place, resource="cpu") == 1.0
    assert value(metrics, "berth_resource_requests", **place, resource="memory") == 2 << 30
    assert value(metrics, "berth_isolation_overhead", **place, resource="cpu") == 0.5
    assert len(series(metrics, "berth_resource_requests")) == 2


@pytest.mark.parametrize(("cap", "shown", "left"), [(0, 0, 3), (2, 2, 1), (3, 3, 0), (9, 3, 0)])
def test_series_per_workload_end_at_the_cap_and_the_rest_is_counted(cap: int, shown: int, left: int) -> None:
    metrics = scraped(cap, a=an_outcome(), b=an_outcome(ready=False), c=an_outcome())
    assert len(series(metrics, "berth_workload_info")) == len(series(metrics, "berth_workload_ready")) == shown
    assert value(metrics, "berth_workload_series_truncated") == left
    assert value(metrics, "berth_workloads_isolated", status="True") == 3


def test_the_same_workloads_keep_their_series() -> None:
    shown = [
        each["workload"]
        for each in series(scraped(2, c=an_outcome(), a=an_outcome(), b=an_outcome()), "berth_workload_ready")
    ]
    assert shown == ["a", "b"]


def test_nothing_is_left_of_a_workload_that_is_gone() -> None:
    metrics = scraped(a=an_outcome())
    metrics.state.outcomes.clear()
    assert series(metrics, "berth_workload_info") == series(metrics, "berth_workloads") == []


@pytest.mark.parametrize(("reason", "available"), [("", 1.0), ("NoCapableNode", 0.0)])
def test_a_class_says_whether_it_can_be_had(reason: str, available: float) -> None:
    metrics = scraped()
    metrics.state.classes = (ClassState("kata", "Virtualized", "Pod", reason, 2),)
    labels = {"class": "kata", "level": "Virtualized", "backend": "Pod", "reason": reason}
    assert value(metrics, "berth_class_available", **labels) == available
    assert value(metrics, "berth_class_nodes", **{"class": "kata"}) == 2


def test_a_request_without_an_answer_is_an_error_and_a_watch_has_no_duration() -> None:
    metrics = scraped()
    metrics.observe("GET", "pods", 0, 1.0)
    metrics.observe("WATCH", "pods", 200, 1.0)
    assert value(metrics, "rest_client_requests_total", code="<error>", method="GET", resource="pods") == 1
    assert {each["verb"] for each in series(metrics, "rest_client_request_duration_seconds_count")} == {"GET"}


def test_the_price_of_a_policy_is_shown_by_mode_and_by_who_pays() -> None:
    metrics = every_metric_used()
    policy = {"policy": "pci", "mode": "Audit"}
    assert value(metrics, "berth_policy_matched_workloads", **policy) == 1
    assert value(metrics, "berth_policy_waived_workloads", **policy) == 1
    assert value(metrics, "berth_policy_flips", **policy, **{"from": "runc", "to": "kata"}) == 1
    assert value(metrics, "berth_policy_overhead", **policy, tenant="ns/shop", resource="cpu") == 0.5
    assert value(metrics, "berth_policy_overhead", **policy, tenant="ns/shop", resource="memory") == 1 << 20


def test_a_quota_is_shown_in_cores_and_bytes_with_its_parts() -> None:
    metrics = every_metric_used()
    place = {"tenant": "acme", "resource": "cpu"}
    assert value(metrics, "berth_quota_used", **place, part="requested") == 1.5
    assert value(metrics, "berth_quota_used", **place, part="overhead") == 0.25
    assert value(metrics, "berth_quota_used", **place, part="reserved") == 0
    assert value(metrics, "berth_quota_limit", **place) == 4


def test_a_waiver_shows_when_it_ends_and_whom_it_spares() -> None:
    metrics = every_metric_used()
    assert value(metrics, "berth_waiver_active", waiver="w") == 1
    assert value(metrics, "berth_waiver_expiry_timestamp_seconds", waiver="w") == 1e9
    assert value(metrics, "berth_waiver_workloads", waiver="w") == 1


def test_every_metric_is_named_and_described_as_prometheus_wants_it() -> None:
    found = list(text_string_to_metric_families(generate_latest(every_metric_used().registry).decode()))
    assert len(found) > 30
    for family in found:
        assert NAME.fullmatch(family.name), family.name
        assert family.documentation
        assert family.type in {"gauge", "counter", "histogram"}, family.name
        assert family.samples, family.name
        assert not re.search(r"_(gauge|counter|histogram|ms|milliseconds|minutes|kb|mb)(_|$)", family.name)
        if family.type == "gauge":
            assert not re.search(r"_(total|count|sum|bucket)$", family.name)


def test_every_sample_has_the_ending_of_its_type() -> None:
    endings = {"counter": {"_total"}, "gauge": {""}, "histogram": {"_bucket", "_count", "_sum"}}
    for family in text_string_to_metric_families(generate_latest(every_metric_used().registry).decode()):
        for sample in family.samples:
            assert sample.name.removeprefix(family.name) in endings[family.type], sample.name


def test_every_name_stands_once_and_has_one_set_of_labels() -> None:
    labels = defaultdict(set)
    names = []
    for family in text_string_to_metric_families(generate_latest(every_metric_used().registry).decode()):
        names.append(family.name)
        for sample in family.samples:
            labels[sample.name].add(frozenset(sample.labels) - {"le"})
    assert len(names) == len(set(names))
    assert not {name: given for name, given in labels.items() if len(given) > 1 and not name.startswith(BUILT_IN)}


@given(namespace=hostile, name=hostile, reason=hostile, class_name=hostile.filter(bool))
def test_hostile_text_stays_inside_its_label(namespace: str, name: str, reason: str, class_name: str) -> None:
    registry, state = CollectorRegistry(), State()
    registry.register(StateCollector(state, 5))
    state.outcomes[namespace, name] = an_outcome(reason=reason, class_name=class_name)
    want = {"namespace": namespace, "workload": name, "reason": reason, "class": class_name}
    for text, parse in (
        (generate_latest(registry).decode(), text_string_to_metric_families),
        (openmetrics.generate_latest(registry).decode(), open_families),
    ):
        samples = {sample.name: sample for family in parse(text) for sample in family.samples}
        assert "berth_fake" not in samples
        assert samples["berth_workload_info"].labels.items() >= want.items()
