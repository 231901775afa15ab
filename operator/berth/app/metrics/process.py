"""What one process counts while it works. It is also the hook of the client and the queue."""

import platform
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from importlib.metadata import version
from itertools import chain
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from berth import __version__
from berth.app.metrics import declared, declared_process
from berth.app.metrics.declare import Declared
from berth.app.metrics.exposition import exposition
from berth.app.metrics.state import State, StateCollector

WORKLOAD: Final = "berth-workload"
"""Name of the one queue, and of the controller of Workloads: others have a controller `workload` too, Kueue for one."""
ACCEPTED, REFUSED, ERROR = "accepted", "refused", "error"
"""What comes of a dry run."""
POLICY: Final = "berth-policy"
"""Name of the controller of classes, policies, tenants and Waivers."""

Reading = Callable[[], Iterable[tuple[tuple[str, ...], float]]]
"""Gives label values and value of each series, when asked."""


class Readings(Collector):
    """Gauges that are read where they are known, at every scrape."""

    def __init__(self) -> None:
        self._of: defaultdict[Declared, list[Reading]] = defaultdict(list)

    def read(self, metric: Declared, reading: Reading) -> None:
        """Read a metric so from here on, beside what is read of it already."""
        self._of[metric].append(reading)

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        for metric, readings in list(self._of.items()):
            family = metric.family()
            for values, value in chain.from_iterable(reading() for reading in readings):
                family.add_metric(values, value)
            yield family


class Metrics:
    """All metrics of one operator process, in a registry of its own."""

    def __init__(self, cap: int, server: str = "", config_hash: str = "") -> None:
        """`server` is the URL of the API server, `cap` the number of Workloads that have series of their own."""
        self.registry = CollectorRegistry()
        self.state = State()
        self.cap = cap
        self.readings = Readings()
        self._host = urlsplit(server).netloc
        registry = self.registry
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        registry.register(StateCollector(self.state, cap))
        registry.register(self.readings)
        declared_process.BUILD_INFO.gauge(registry).labels(__version__, platform.python_version(), version("kopf")).set(
            1
        )
        declared_process.CONFIG_INFO.gauge(registry).labels(config_hash).set(1)
        self.decisions = declared.DECISIONS.counter(registry)
        self.decision_seconds = declared.DECISION_SECONDS.histogram(registry)
        self.preflights = declared.PREFLIGHTS.counter(registry)
        for result in (ACCEPTED, REFUSED, ERROR):
            self.preflights.labels(result)
        self.denials = declared.DENIALS.counter(registry)
        self.would_denials = declared.WOULD_DENIALS.counter(registry)
        self.switches = declared.SWITCHES.counter(registry)
        self.switch_seconds = declared.SWITCH_SECONDS.histogram(registry)
        self.drift = declared.DRIFT.counter(registry)
        self.ready_seconds = declared.TIME_TO_READY.histogram(registry)
        self.segment_seconds = declared.TIME_TO_READY_SEGMENT.histogram(registry)
        self.watch_errors = declared_process.WATCH_ERRORS.counter(registry)
        self.events_dropped = declared.EVENTS_DROPPED.counter(registry)
        self.reconciles = declared_process.RECONCILES.counter(registry)
        self.reconcile_errors = declared_process.RECONCILE_ERRORS.counter(registry)
        for controller in (WORKLOAD, POLICY):
            self.reconcile_errors.labels(controller)  # 0 errors are told, too
        self.reconcile_seconds = declared_process.RECONCILE_SECONDS.histogram(registry)
        self.workers = declared_process.MAX_WORKERS.gauge(registry)
        self.active = declared_process.ACTIVE_WORKERS.gauge(registry)
        self.leader = declared_process.LEADER.gauge(registry)
        self.requests = declared_process.REQUESTS_TOTAL.counter(registry)
        self.request_seconds = declared_process.REQUEST_SECONDS.histogram(registry)
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram | None]] = {}
        self._depth = declared_process.QUEUE_DEPTH.gauge(registry).labels(WORKLOAD)
        self._adds = declared_process.QUEUE_ADDS.counter(registry).labels(WORKLOAD)
        self._retries = declared_process.QUEUE_RETRIES.counter(registry).labels(WORKLOAD)
        self._waited = declared_process.QUEUE_SECONDS.histogram(registry).labels(WORKLOAD)
        self._worked = declared_process.WORK_SECONDS.histogram(registry).labels(WORKLOAD)

    def scrape(self, *, open_metrics: bool) -> AsyncIterator[bytes]:
        """Return the text of a scrape, in parts."""
        return exposition(self.registry, self.state.outcomes, self.cap, open_metrics=open_metrics)

    def observe(self, method: str, resource: str, status: int, seconds: float) -> None:
        """Record one request (kube.transport.ClientMetrics)."""
        kind = (method, resource, status)
        series = self._answers.get(kind)
        if series is None:  # looking series up by their labels costs more than counting
            series = self._answers[kind] = (
                self.requests.labels(str(status) if status else "<error>", method, self._host, resource),
                self.request_seconds.labels(method, self._host) if method != "WATCH" else None,
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
