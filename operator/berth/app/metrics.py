"""Every metric of the operator.

State is computed at scrape from the outcomes of the last passes, so nothing stale is left after a delete or a
fail-over, and only the leader shows it. Counters and histograms use controller-runtime's and client-go's names where
those exist, so that their dashboards and alerts work unchanged.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from berth import __version__
from berth.app.outcomes import Outcome
from berth.app.policy_metrics import (
    PolicyState,
    QuotaState,
    WaiverState,
    policy_gauges,
    quota_gauges,
    waiver_gauges,
)
from berth.world.records import Key

_NAME: Final = "workload"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DECIDE_SECONDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
_READY_SECONDS: Final = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
_INFO_LABELS: Final = ("namespace", "workload", "class", "level", "backend", "runtime_class", "reason")
_COST_LABELS: Final = ("namespace", "class", "level", "backend", "resource")


@dataclass(frozen=True, slots=True)
class ClassState:
    """What a scrape says of one IsolationClass."""

    name: str
    level: str
    backend: str
    reason: str
    """Empty when it is available."""
    nodes: int


@dataclass(slots=True)
class State:
    """What a scrape reads. Only the leader fills it."""

    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    classes: tuple[ClassState, ...] = ()
    policies: tuple[PolicyState, ...] = ()
    quotas: tuple[QuotaState, ...] = ()
    waivers: tuple[WaiverState, ...] = ()


class StateCollector(Collector):
    """Computes the state gauges from `state` at every scrape; at most `cap` Workloads get series of their own."""

    def __init__(self, state: State, cap: int) -> None:
        self._state = state
        self._cap = cap

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        outcomes = dict(self._state.outcomes)
        yield from _placements(outcomes)
        yield from _costs(outcomes)
        yield from _per_workload(outcomes, self._cap)
        yield from _class_gauges(self._state.classes)
        yield from policy_gauges(self._state.policies, outcomes)
        yield from quota_gauges(self._state.quotas)
        yield from waiver_gauges(self._state.waivers, outcomes)


def _placements(outcomes: Mapping[Key, Outcome]) -> Iterable[Metric]:
    labels = ["namespace", "class", "level", "backend", "reason"]
    placed = GaugeMetricFamily("berth_workloads", "Workloads by where they run and their main reason.", labels=labels)
    tally = Tally((key[0], o.class_name, o.level, o.backend, o.reason) for key, o in outcomes.items())
    for values, count in sorted(tally.items()):
        placed.add_metric(values, count)
    yield placed
    yield _count("berth_workloads_unplaced", "Workloads that run nowhere.", outcomes, lambda o: not o.class_name)
    yield _count(
        "berth_workloads_below_required", "Workloads that run below what is required. Must be 0.", outcomes, _is_below
    )
    yield _count("berth_workloads_pending_switch", "Workloads whose move waits for approval.", outcomes, _is_pending)
    isolated = GaugeMetricFamily(
        "berth_workloads_isolated", "Workloads by whether their isolation was verified.", labels=["status"]
    )
    for status, count in sorted(Tally(o.isolated for o in outcomes.values()).items()):
        isolated.add_metric((status,), count)
    yield isolated


def _is_below(outcome: Outcome) -> bool:
    return outcome.below


def _is_pending(outcome: Outcome) -> bool:
    return outcome.pending


def _count(name: str, text: str, outcomes: Mapping[Key, Outcome], holds: object) -> Metric:
    assert callable(holds)  # noqa: S101  narrows the type for the checker
    return GaugeMetricFamily(name, text, value=sum(1 for each in outcomes.values() if holds(each)))


def _costs(outcomes: Mapping[Key, Outcome]) -> Iterable[Metric]:
    requested: Tally[tuple[str, ...]] = Tally()
    overhead: Tally[tuple[str, ...]] = Tally()
    for key, each in outcomes.items():
        if each.class_name:
            for resource in ("cpu", "memory"):
                place = (key[0], each.class_name, each.level, each.backend, resource)
                requested[place] += getattr(each.requested, resource)
                overhead[place] += getattr(each.overhead, resource)
    yield _resources("berth_resource_requests", "Requested by authors: cpu in cores, memory in bytes.", requested)
    yield _resources("berth_isolation_overhead", "Added by isolation: cpu in cores, memory in bytes.", overhead)


def _resources(name: str, text: str, tally: Tally[tuple[str, ...]]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=list(_COST_LABELS))
    for values, amount in sorted(tally.items()):
        gauge.add_metric(values, amount / 1000 if values[-1] == "cpu" else amount)
    return gauge


def _per_workload(outcomes: Mapping[Key, Outcome], cap: int) -> Iterable[Metric]:
    info = GaugeMetricFamily("berth_workload_info", "One per Workload: where it runs.", labels=list(_INFO_LABELS))
    ready = GaugeMetricFamily("berth_workload_ready", "Whether a Workload is ready.", labels=["namespace", _NAME])
    shown = sorted(outcomes.items())[:cap]
    for (namespace, name), each in shown:
        place = (each.class_name, each.level, each.backend, each.runtime_class, each.reason)
        info.add_metric((namespace, name, *place), 1)
        ready.add_metric((namespace, name), float(each.ready))
    yield info
    yield ready
    left_out = len(outcomes) - len(shown)
    yield GaugeMetricFamily(
        "berth_workload_series_truncated", "Workloads without series of their own, above the cap.", value=left_out
    )


def _class_gauges(classes: tuple[ClassState, ...]) -> Iterable[Metric]:
    available = GaugeMetricFamily(
        "berth_class_available",
        "Whether this cluster can run a class; the reason is empty when it can.",
        labels=["class", "level", "backend", "reason"],
    )
    nodes = GaugeMetricFamily("berth_class_nodes", "Schedulable nodes that can run a class.", labels=["class"])
    for each in classes:
        available.add_metric((each.name, each.level, each.backend, each.reason), float(not each.reason))
        nodes.add_metric((each.name,), each.nodes)
    yield available
    yield nodes


class Metrics:
    """All metrics of one process, in a registry of its own. It is also the hook of the client and the queue."""

    def __init__(self, cap: int) -> None:
        self.registry = CollectorRegistry()
        self.state = State()
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(StateCollector(self.state, cap))
        Gauge("berth_build_info", "Version of the operator.", ["version"], registry=registry).labels(__version__).set(1)
        self.decisions = Counter(
            "berth_decisions", "Decisions by class and reason.", ["class", "reason"], registry=registry
        )
        self.decision_seconds = Histogram(
            "berth_decision_duration_seconds", "Time of one decision.", buckets=_DECIDE_SECONDS, registry=registry
        )
        self.switches = Counter("berth_switches", "Workloads moved, by class.", ["from", "to"], registry=registry)
        self.drift = Counter(
            "berth_drift_corrections", "Children that were put right again, by kind.", ["kind"], registry=registry
        )
        self.ready_seconds = Histogram(
            "berth_time_to_ready_seconds",
            "From creation of the backing object to the first ready replica.",
            ["class", "backend"],
            buckets=_READY_SECONDS,
            registry=registry,
        )
        self.watch_errors = Counter(
            "berth_watch_errors", "Failures of watches, by kind of object.", ["resource"], registry=registry
        )
        self.events_dropped = Counter("berth_events_dropped", "Events that could not be written.", registry=registry)
        self.reconciles = Counter(
            "controller_runtime_reconcile",
            "Reconciliations by result.",
            ["controller", "result"],
            registry=registry,
        )
        self.reconcile_errors = Counter(
            "controller_runtime_reconcile_errors", "Reconciliations that failed.", ["controller"], registry=registry
        )
        self.reconcile_seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Time of one reconciliation.",
            ["controller"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.workers = Gauge(
            "controller_runtime_max_concurrent_reconciles", "Workers.", ["controller"], registry=registry
        )
        self.leader = Gauge("leader_election_master_status", "1 when this replica leads.", ["name"], registry=registry)
        self.requests = Counter(
            "rest_client_requests", "Requests to the API server.", ["code", "method", "resource"], registry=registry
        )
        self.request_seconds = Histogram(
            "rest_client_request_duration_seconds",
            "Time of a request to the API server.",
            ["verb"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram | None]] = {}
        self._depth = Gauge("workqueue_depth", "Keys that wait.", ["name"], registry=registry).labels(_NAME)
        self._adds = Counter("workqueue_adds", "Keys added.", ["name"], registry=registry).labels(_NAME)
        self._retries = Counter("workqueue_retries", "Keys tried again.", ["name"], registry=registry).labels(_NAME)
        self._waited = Histogram(
            "workqueue_queue_duration_seconds", "Time in the queue.", ["name"], buckets=_SECONDS, registry=registry
        ).labels(_NAME)
        self._worked = Histogram(
            "workqueue_work_duration_seconds", "Time at a worker.", ["name"], buckets=_SECONDS, registry=registry
        ).labels(_NAME)

    def observe(self, method: str, resource: str, status: int, seconds: float) -> None:
        """Record one request (kube.client.ClientMetrics)."""
        kind = (method, resource, status)
        series = self._answers.get(kind)
        if series is None:  # looking series up by their labels costs more than counting
            series = self._answers[kind] = (
                self.requests.labels(str(status) if status else "<error>", method, resource),
                self.request_seconds.labels(method) if method != "WATCH" else None,
            )
        series[0].inc()
        if series[1] is not None:
            series[1].observe(seconds)

    def workqueue_depth(self, keys: int) -> None:
        """Set how many keys wait (kube.queue.QueueMetrics)."""
        self._depth.set(keys)

    def workqueue_adds(self) -> None:
        """Count a key that was queued."""
        self._adds.inc()

    def workqueue_retries(self) -> None:
        """Count a key that was queued again because its work failed."""
        self._retries.inc()

    def workqueue_queue_duration(self, seconds: float) -> None:
        """Record how long a key waited for a worker."""
        self._waited.observe(seconds)

    def workqueue_work_duration(self, seconds: float) -> None:
        """Record how long a worker had a key."""
        self._worked.observe(seconds)
