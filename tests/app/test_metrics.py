"""What a scrape says: right sums, bounded series, and names as Prometheus wants them."""

import asyncio
import re
from collections import defaultdict
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scrapes import an_outcome, families_of, scraped, series, text_of, value
from berth.app.metrics import declared_process
from berth.app.metrics.admin import ClassState, PolicyState, QuotaState, WaiverState
from berth.app.metrics.declare import Declared
from berth.app.metrics.declared import DECLARED
from berth.app.metrics.process import Metrics
from berth.decide.impact import Effect
from berth.decide.model import Cost
from berth.policy.quota import Part
from berth.policy.turns import Moving

BUILT_IN = ("process_", "python_")
FLIP = Effect("pci", "runc", "kata", Cost(500, 1 << 20))
PLACE = {"tenant": "acme", "namespace": "shop"}
hostile = st.text(max_size=8) | st.sampled_from(
    ['"', "\\", "\n", 'a"} 1\nberth_fake 1', "# HELP x", "\\n", "é✓", "\x1b[31m"]
)


def every_metric_used() -> Metrics:
    """Return metrics in which everything that is declared for the operator has a sample."""
    metrics = scraped(web=an_outcome(policies=("pci",), effects=(FLIP,), waived=(("pci", "w"),), time_to_ready=7))
    metrics.state.classes = (ClassState("runc", "Container", "Pod", "", 3, 1),)
    metrics.state.policies = (PolicyState("pci", "Audit", accepted=True, evadable=False, generation=4),)
    metrics.state.quotas = (QuotaState("acme", "cpu", Part(1500, 250, 0), 4000),)
    metrics.state.waivers = (WaiverState("w", active=True, expires=1e9),)
    metrics.state.moving = {("shop", "web"): Moving("runc", "kata", 5.0)}
    metrics.observe("PATCH", "workloads", 200, 0.1)
    metrics.workqueue_adds()
    metrics.workqueue_retries()
    metrics.workqueue_depth(1)
    metrics.workqueue_queue_duration(0.1)
    metrics.workqueue_work_duration(0.1)
    for counter, labels in (
        (metrics.decisions, ("runc", "Placed")),
        (metrics.denials, ("PolicyDenied", "requirement", "Enforce")),
        (metrics.would_denials, ("pci", "Audit")),
        (metrics.switches, ("runc", "kata", "Completed")),
        (metrics.drift, ("Service",)),
        (metrics.watch_errors, ("pods",)),
        (metrics.reconciles, ("workload", "success")),
        (metrics.reconcile_errors, ("workload",)),
    ):
        counter.labels(*labels).inc()
    metrics.leader.labels("berth").set(1)
    for workers in (metrics.workers, metrics.active):
        workers.labels("workload").set(20)
    metrics.ready_seconds.labels("runc", "Pod").observe(3)
    metrics.segment_seconds.labels("runc", "Pod", "Scheduled").observe(1)
    metrics.reconcile_seconds.labels("workload").observe(0.1)
    for read, labels in (
        (declared_process.WATCH_ACTIVITY, ("pods",)),
        (declared_process.UNFINISHED_SECONDS, ("workload",)),
        (declared_process.LONGEST_SECONDS, ("workload",)),
        (declared_process.CERTIFICATE_EXPIRES, ("metrics",)),
    ):
        metrics.readings.read(read, lambda labels=labels: [(labels, 1.0)])  # type: ignore[misc]  # bound now, not later
    return metrics


def test_workloads_are_counted_by_where_they_run_and_why() -> None:
    metrics = scraped(a=an_outcome(), b=an_outcome(), c=an_outcome(class_name="", level="", backend="", reason="X"))
    here = {**PLACE, "class": "runc", "level": "Container", "backend": "Pod", "reason": "Running"}
    assert value(metrics, "berth_workloads", **here) == 2
    assert value(metrics, "berth_workloads_unplaced", **PLACE) == 1
    assert sum(number for _, number in series(metrics, "berth_workloads")) == 3


def test_what_must_be_0_is_shown_as_0_for_everyone_who_has_workloads() -> None:
    assert value(scraped(a=an_outcome()), "berth_workloads_below_required", **PLACE) == 0
    assert series(scraped(), "berth_workloads_below_required") == []
    both = scraped(a=an_outcome(below=True, pending=True), b=an_outcome())
    assert value(both, "berth_workloads_below_required", **PLACE) == 1
    assert value(both, "berth_workloads_pending_switch", **PLACE) == 1


@pytest.mark.parametrize("tenants", [(), ("acme", "evil")])
def test_without_exactly_one_tenant_the_label_is_empty(tenants: tuple[str, ...]) -> None:
    assert value(scraped(a=an_outcome(tenants=tenants)), "berth_workloads_unplaced", tenant="", namespace="shop") == 0


def test_costs_are_summed_in_cores_and_bytes_and_only_where_it_runs() -> None:
    metrics = scraped(a=an_outcome(), b=an_outcome(), c=an_outcome(class_name=""))
    place = {**PLACE, "class": "runc", "level": "Container", "backend": "Pod"}
    assert value(metrics, "berth_resource_requests", **place, resource="cpu") == 1.0
    assert value(metrics, "berth_resource_requests", **place, resource="memory") == 2 << 30
    assert value(metrics, "berth_resource_limits", **place, resource="memory") == 4 << 30
    assert len(series(metrics, "berth_resource_requests")) == 2


def test_overhead_is_put_down_to_who_requires_it() -> None:
    metrics = scraped(a=an_outcome(), b=an_outcome(required_by="IsolationPolicy pci"), c=an_outcome())
    cpu = {
        labels["required_by"]: cores for labels, cores in series(metrics, "berth_isolation_overhead", resource="cpu")
    }
    assert cpu == {"Tenant acme": 0.5, "IsolationPolicy pci": 0.25}


@pytest.mark.parametrize(("cap", "shown", "left"), [(0, 0, 3), (2, 2, 1), (3, 3, 0), (9, 3, 0)])
def test_series_per_workload_end_at_the_cap_and_the_rest_is_counted(cap: int, shown: int, left: int) -> None:
    metrics = scraped(cap, a=an_outcome(), b=an_outcome(ready=False), c=an_outcome())
    assert len(series(metrics, "berth_workload_info")) == len(series(metrics, "berth_workload_spec_replicas")) == shown
    assert value(metrics, "berth_workload_series_truncated") == left
    assert value(metrics, "berth_workloads_isolated", **PLACE, status="True") == 3


def test_above_the_cap_those_in_trouble_keep_their_series() -> None:
    ready = {name: an_outcome() for name in "abc"}
    metrics = scraped(2, **ready, y=an_outcome(ready=False), z=an_outcome(below=True))
    assert {labels["workload"] for labels, _ in series(metrics, "berth_workload_info")} == {"y", "z"}
    metrics.state.outcomes["shop", "z"] = metrics.state.outcomes["shop", "y"] = an_outcome()
    assert {labels["workload"] for labels, _ in series(metrics, "berth_workload_info")} == {"a", "b"}


def test_one_workload_tells_all_that_its_dashboard_shows() -> None:
    metrics = scraped(web=an_outcome(time_to_ready=7))
    one = {"namespace": "shop", "workload": "web"}
    numbers = ("spec_replicas", "status_replicas", "status_replicas_ready", "time_to_ready_seconds")
    assert [value(metrics, f"berth_workload_{name}", **one) for name in numbers] == [3, 2, 1, 7]
    assert value(metrics, "berth_workload_condition", **one, condition="Ready") == 0
    assert value(metrics, "berth_workload_candidate", **one, **{"class": "kata"}, rule="level") == -1
    assert value(metrics, "berth_workload_candidate", **one, **{"class": "runc"}, rule="") == 2
    assert value(metrics, "berth_workload_children", **one, kind="Service") == 1
    pods = [labels["pod"] for labels, _ in series(metrics, "berth_workload_pod_info", **one)]
    assert pods == ["web-7595958d85-kwknt", "virt-launcher-web-x7x2p"]
    assert [labels["name"] for labels, _ in series(metrics, "berth_workload_vmi_info", **one)] == ["web"]
    assert value(metrics, "berth_workload_resource_requests", **one, resource="cpu") == 0.5
    assert value(metrics, "berth_workload_isolation_overhead", **one, resource="memory") == 1 << 20


def test_nothing_is_left_of_a_workload_that_is_gone() -> None:
    metrics = scraped(a=an_outcome())
    metrics.state.outcomes.clear()
    assert not re.findall(r"^berth_workloads?_?\w*\{", text_of(metrics), re.MULTILINE)


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
    failed = {"code": "<error>", "method": "GET", "resource": "pods", "host": "127.0.0.1:6443"}
    assert value(metrics, "rest_client_requests_total", **failed) == 1
    durations = series(metrics, "rest_client_request_duration_seconds_count")
    assert {labels["verb"] for labels, _ in durations} == {"GET"}


def test_the_price_of_a_policy_is_shown_by_mode_and_by_who_pays() -> None:
    metrics = every_metric_used()
    policy = {"policy": "pci", "mode": "Audit"}
    assert value(metrics, "berth_policy_matched_workloads", **policy) == 1
    assert value(metrics, "berth_policy_waived_workloads", **policy) == 1
    assert value(metrics, "berth_policy_flips", **policy, **{"from": "runc", "to": "kata"}) == 1
    assert value(metrics, "berth_policy_overhead", **policy, tenant="acme", resource="cpu") == 0.5
    assert value(metrics, "berth_policy_overhead", **policy, tenant="acme", resource="memory") == 1 << 20
    assert value(metrics, "berth_policy_generation", policy="pci") == 4


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


def test_a_move_under_way_shows_when_it_began() -> None:
    metrics = every_metric_used()
    assert value(metrics, "berth_switch_start_timestamp_seconds", **PLACE, workload="web") == 5.0


@pytest.mark.parametrize("open_metrics", [False, True])
def test_what_is_shown_is_what_is_declared(*, open_metrics: bool) -> None:
    shown = {family.name: family for family in families_of(every_metric_used(), open_metrics=open_metrics)}
    own = [each for each in DECLARED if not each.name.startswith("berth_preview_")]
    assert {name for name in shown if not name.startswith(BUILT_IN)} == {_family(each) for each in own}
    for each in own:
        family = shown[_family(each)]
        assert (family.type, family.documentation) == (each.type, each.help), each.name
        assert family.samples, each.name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(each.labels), sample


def _family(metric: Declared) -> str:
    return metric.name.removesuffix("_total")


def test_every_metric_is_declared_as_prometheus_wants_it() -> None:
    names = [each.name for each in DECLARED]
    assert len(names) == len(set(names)) > 60
    for each in DECLARED:
        assert re.fullmatch(
            r"(berth|controller_runtime|workqueue|rest_client|leader_election)_[a-z0-9_]*[a-z]", each.name
        )
        assert each.help.endswith(".")
        assert each.why, each.name
        assert (each.type == "counter") == each.name.endswith("_total"), each.name
        assert not re.search(r"_(gauge|histogram|ms|milliseconds|minutes|kb|mb|sum|bucket|count)(_|$)", each.name)
        assert (each.unit == "seconds") == each.name.endswith("_seconds"), each.name
        assert bool(each.buckets) == (each.type == "histogram"), each.name


def test_every_name_stands_once_and_has_one_set_of_labels() -> None:
    labels = defaultdict(set)
    names = []
    for family in families_of(every_metric_used()):
        names.append(family.name)
        for sample in family.samples:
            labels[sample.name].add(frozenset(sample.labels) - {"le"})
    assert len(names) == len(set(names))
    assert not {name: given for name, given in labels.items() if len(given) > 1 and not name.startswith(BUILT_IN)}


@given(namespace=hostile, name=hostile, reason=hostile, class_name=hostile.filter(bool))
def test_hostile_text_stays_inside_its_label(namespace: str, name: str, reason: str, class_name: str) -> None:
    metrics = scraped()
    metrics.state.outcomes[namespace, name] = an_outcome(
        reason=reason, class_name=class_name, candidates=((class_name, "level", 1),)
    )
    want = {"namespace": namespace, "workload": name, "reason": reason, "class": class_name}
    for open_metrics in (False, True):
        families = families_of(metrics, open_metrics=open_metrics)
        samples = {sample.name: sample for family in families for sample in family.samples}
        assert "berth_fake" not in samples
        assert samples["berth_workload_info"].labels.items() >= want.items()
        assert samples["berth_workload_candidate"].labels["class"] == class_name


async def test_a_long_scrape_lets_others_go_on() -> None:
    metrics = scraped(1000, **{f"w{number}": an_outcome() for number in range(1000)})
    turns = count()

    async def others() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    going_on = asyncio.create_task(others())
    seen = [next(turns) async for _ in metrics.scrape(open_metrics=True)]
    going_on.cancel()
    in_between = [later - sooner for sooner, later in pairwise(seen)]
    assert len(seen) > 50
    assert sum(gap > 1 for gap in in_between) > len(in_between) / 2
