"""Every metric of Berth: name, type, labels, unit, help, and why one would look at it.

Names follow Prometheus' rules (https://prometheus.io/docs/practices/naming/); those of the queue, the passes, the
requests and the Lease are controller-runtime's and client-go's, so that dashboards and alerts made for these work
unchanged. The label `resource` of an amount is `cpu` (cores), `memory` (bytes) or the name of a counted resource, as in
kube-state-metrics. `make generate` writes docs/reference/metrics.md from this file.
"""

from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily

# No series that say when a counter began: nobody asks, and the text format shows each as a metric of its own.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has none

_PLACE: Final = ("tenant", "namespace")
_CLASS: Final = (*_PLACE, "class", "level", "backend")
_ONE: Final = ("namespace", "workload")
_POLICY: Final = ("policy", "mode")
_AMOUNT: Final = "cores, bytes"

_WORK_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DECIDE_SECONDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
_READY_SECONDS: Final = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
_SWITCH_SECONDS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_PREVIEW_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric."""

    name: str
    """As Prometheus shows it: a counter ends in _total."""
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str
    why: str
    """The question that it answers."""
    unit: str = ""
    buckets: tuple[float, ...] = ()

    def family(self, value: float | None = None) -> GaugeMetricFamily:
        """Return an empty family, or one with a single value, for a scrape."""
        return GaugeMetricFamily(self.name, self.help, value=value, labels=None if value is not None else self.labels)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Return it as a gauge that is set."""
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Return it as a counter."""
        return Counter(self.name.removesuffix("_total"), self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Return it as a histogram with its buckets."""
        return Histogram(self.name, self.help, self.labels, registry=registry, buckets=self.buckets)


def _gauge(name: str, labels: tuple[str, ...], text: str, why: str, unit: str = "") -> Declared:
    return Declared(name, "gauge", labels, text, why, unit or ("seconds" if name.endswith("_seconds") else ""))


def _counter(name: str, labels: tuple[str, ...], text: str, why: str) -> Declared:
    return Declared(name, "counter", labels, text, why)


def _histogram(name: str, labels: tuple[str, ...], text: str, why: str, buckets: tuple[float, ...]) -> Declared:
    return Declared(name, "histogram", labels, text, why, "seconds", buckets)


# Placement: how many Workloads run where, and why not. Computed at every scrape.
WORKLOADS: Final = _gauge(
    "berth_workloads",
    (*_CLASS, "reason"),
    "Workloads by where they run and their main reason; the class is empty where they run nowhere.",
    "What runs where? Why does something not run?",
)
UNPLACED: Final = _gauge(
    "berth_workloads_unplaced", _PLACE, "Workloads that run nowhere.", "Whose Workloads do not run?"
)
BELOW_REQUIRED: Final = _gauge(
    "berth_workloads_below_required",
    _PLACE,
    "Workloads of which anything runs below what is required. Must be 0 but while pods are rolled over.",
    "Is the promise kept? Anything above 0 is an incident.",
)
PENDING_SWITCH: Final = _gauge(
    "berth_workloads_pending_switch",
    _PLACE,
    "Workloads whose move waits for approval.",
    "Who has to approve an interruption, so that policy can take hold?",
)
ISOLATED: Final = _gauge(
    "berth_workloads_isolated",
    (*_PLACE, "status"),
    "Workloads by whether their isolation was verified: True, False or Unknown.",
    "Was isolation seen to hold, or only asked for?",
)

# One Workload each, up to a cap. Written without the library, which needs too long for tens of thousands of lines.
WORKLOAD_INFO: Final = _gauge(
    "berth_workload_info",
    ("tenant", *_ONE, "class", "level", "backend", "runtime_class", "reason", "required_by"),
    "Where one Workload runs, why not, and who requires its level; always 1.",
    "Joined with other metrics of the namespace; its changes are the time line of switches.",
)
WORKLOAD_CONDITION: Final = _gauge(
    "berth_workload_condition",
    (*_ONE, "condition"),
    "A condition of one Workload: 1 True, 0 False, -1 Unknown.",
    "Since when is it not ready, not placed, not isolated?",
)
WORKLOAD_SPEC_REPLICAS: Final = _gauge(
    "berth_workload_spec_replicas", _ONE, "Replicas that one Workload asks for.", "How many should there be?"
)
WORKLOAD_REPLICAS: Final = _gauge(
    "berth_workload_status_replicas", _ONE, "Replicas of one Workload that exist.", "How many are there?"
)
WORKLOAD_READY: Final = _gauge(
    "berth_workload_status_replicas_ready", _ONE, "Replicas of one Workload that serve.", "How many serve?"
)
WORKLOAD_REQUESTS: Final = _gauge(
    "berth_workload_resource_requests",
    (*_ONE, "resource"),
    "Requested by the author of one Workload, all replicas together: cpu in cores, memory in bytes.",
    "What does it ask for?",
    _AMOUNT,
)
WORKLOAD_OVERHEAD: Final = _gauge(
    "berth_workload_isolation_overhead",
    (*_ONE, "resource"),
    "Added by isolation to one Workload, all replicas together: cpu in cores, memory in bytes.",
    "What does its isolation cost?",
    _AMOUNT,
)
WORKLOAD_CANDIDATE: Final = _gauge(
    "berth_workload_candidate",
    (*_ONE, "class", "rule"),
    "A class for one Workload: 2 chosen, 1 it fits, 0 not now, -1 never; with the rule that decides against it.",
    "Why this class, and what of the others?",
)
WORKLOAD_CHILDREN: Final = _gauge(
    "berth_workload_children",
    (*_ONE, "kind"),
    "Objects that Berth keeps for one Workload, by kind.",
    "What was made for it? Two backings at once are a switch under way.",
)
WORKLOAD_TIME_TO_READY: Final = _gauge(
    "berth_workload_time_to_ready_seconds",
    _ONE,
    "Time from the creation of the backing object of one Workload to its first ready replica.",
    "How long did it take to start where it runs now?",
)
SERIES_TRUNCATED: Final = _gauge(
    "berth_workload_series_truncated",
    (),
    "Workloads without series of their own, above the cap.",
    "Are the tables complete? If not, raise BERTH_PER_WORKLOAD_METRICS_CAP or look at sums only.",
)

# Decisions.
DECISIONS: Final = _counter(
    "berth_decisions_total",
    ("class", "reason"),
    "Decisions by the class that was chosen, empty for none, and reason.",
    "How busy is deciding, and with what result?",
)
DECISION_SECONDS: Final = _histogram(
    "berth_decision_duration_seconds", (), "Time of one decision.", "Is deciding fast?", _DECIDE_SECONDS
)
PREFLIGHTS: Final = _counter(
    "berth_preflight_total",
    ("result",),
    "Dry runs of machines before they are made or changed: `accepted`, `refused`, or `error` where no answer came.",
    "Does the API server, with KubeVirt's webhooks, take the machines? How often is it asked?",
)
DENIALS: Final = _counter(
    "berth_denials_total",
    ("reason", "rule", "mode"),
    "Workloads that came to be without a class, by reason and by the rule that decides against the nearest class.",
    "What denies most, and since when?",
)
WOULD_DENIALS: Final = _counter(
    "berth_would_denials_total",
    _POLICY,
    "Workloads that a policy in mode Warn or Audit came to leave without a class, if it were enforced.",
    "Whom would it hurt to enforce the policy?",
)

# Resources.
REQUESTS: Final = _gauge(
    "berth_resource_requests",
    (*_CLASS, "resource"),
    "Requested by authors of what runs: cpu in cores, memory in bytes.",
    "Who asks for how much, and where does it run?",
    _AMOUNT,
)
LIMITS: Final = _gauge(
    "berth_resource_limits",
    (*_CLASS, "resource"),
    "Limits of what runs, those that have one: cpu in cores, memory in bytes.",
    "How far may it grow beyond what it asks for?",
    _AMOUNT,
)
OVERHEAD: Final = _gauge(
    "berth_isolation_overhead",
    (*_CLASS, "required_by", "resource"),
    "Added by isolation to what runs: cpu in cores, memory in bytes; by who requires the level.",
    "What does isolation cost, whom, and because of whom?",
    _AMOUNT,
)
QUOTA_USED: Final = _gauge(
    "berth_quota_used",
    ("tenant", "resource", "part"),
    "Used of a tenant's quota, by part: requested, overhead, reserved for moves; cpu in cores, memory and storage in "
    "bytes, the others counted.",
    "How much of its quota does a tenant use, and on what?",
    _AMOUNT,
)
QUOTA_LIMIT: Final = _gauge(
    "berth_quota_limit",
    ("tenant", "resource"),
    "Limit of a tenant's quota, in the same units.",
    "How much is left?",
    _AMOUNT,
)

# Policy.
POLICY_MATCHED: Final = _gauge(
    "berth_policy_matched_workloads", _POLICY, "Workloads that a policy matches.", "Does it match whom it should?"
)
POLICY_WAIVED: Final = _gauge(
    "berth_policy_waived_workloads", _POLICY, "Matching Workloads that are spared.", "How many exceptions are there?"
)
POLICY_UNPLACED: Final = _gauge(
    "berth_policy_unplaced_workloads",
    _POLICY,
    "Workloads that a policy leaves, or would, without a class.",
    "Is it safe to enforce?",
)
POLICY_FLIPS: Final = _gauge(
    "berth_policy_flips",
    (*_POLICY, "from", "to"),
    "Workloads that a policy places, or would place, in another class.",
    "What moves when it is enforced?",
)
POLICY_OVERHEAD: Final = _gauge(
    "berth_policy_overhead",
    (*_POLICY, "tenant", "resource"),
    "Added by isolation because of a policy, or if it were enforced: cpu in cores, memory in bytes.",
    "What does a policy cost, or would it?",
    _AMOUNT,
)
POLICY_ACCEPTED: Final = _gauge(
    "berth_policy_accepted",
    _POLICY,
    "Whether a policy is understood.",
    "One that is not is read in the strictest way, and may leave Workloads without a class.",
)
POLICY_EVADABLE: Final = _gauge(
    "berth_policy_evadable",
    _POLICY,
    "Whether authors can write their Workloads so that a policy does not match.",
    "Which policies are a request, not a rule?",
)
POLICY_GENERATION: Final = _gauge(
    "berth_policy_generation",
    ("policy",),
    "Generation of a policy: it rises with every change of its spec.",
    "When did policy change? Marks on the dashboards.",
)
WAIVER_ACTIVE: Final = _gauge(
    "berth_waiver_active", ("waiver",), "Whether a Waiver holds.", "Which exceptions are there now?"
)
WAIVER_EXPIRES: Final = _gauge(
    "berth_waiver_expiry_timestamp_seconds",
    ("waiver",),
    "When a Waiver ends, in seconds since the epoch.",
    "Which exception ends soon, and whom does it leave without a class?",
)
WAIVER_WORKLOADS: Final = _gauge(
    "berth_waiver_workloads", ("waiver",), "Workloads that a Waiver spares.", "Is it still used?"
)

# Lifecycle.
TIME_TO_READY: Final = _histogram(
    "berth_time_to_ready_seconds",
    ("class", "backend"),
    "From the creation of the backing object to the first ready replica.",
    "How long does a start take in each class?",
    _READY_SECONDS,
)
TIME_TO_READY_SEGMENT: Final = _histogram(
    "berth_time_to_ready_segment_seconds",
    ("class", "backend", "segment"),
    "Time of one segment of a start: what came before Scheduled, Initialized, Ready, or a phase of a machine.",
    "Where does the time of a start go?",
    _READY_SECONDS,
)
SWITCHES: Final = _counter(
    "berth_switches_total",
    ("from", "to", "outcome"),
    "Moves of running Workloads to another class, by outcome: Completed, Returned, or Stopped where they run nowhere.",
    "What has moved, and how did that end?",
)
SWITCH_SECONDS: Final = _histogram(
    "berth_switch_duration_seconds",
    (),
    "From the begin of a move until nothing of the Workload runs in its former class.",
    "How long do moves take?",
    _SWITCH_SECONDS,
)
SWITCH_STARTED: Final = _gauge(
    "berth_switch_start_timestamp_seconds",
    ("tenant", *_ONE),
    "When the move of one Workload that is under way began, in seconds since the epoch.",
    "What is being moved, and is it stuck?",
)
DRIFT: Final = _counter(
    "berth_drift_corrections_total",
    ("kind",),
    "Children that were put right again, by kind.",
    "Who edits what Berth keeps?",
)
EVENTS_DROPPED: Final = _counter(
    "berth_events_dropped_total", (), "Events that could not be written.", "Are people told everything?"
)

# Backends.
CLASS_AVAILABLE: Final = _gauge(
    "berth_class_available",
    ("class", "level", "backend", "reason"),
    "Whether this cluster can run a class; the reason is empty when it can.",
    "Is a backend lost, and why?",
)
CLASS_NODES: Final = _gauge(
    "berth_class_nodes",
    ("class",),
    "Schedulable nodes that can run a class.",
    "How many nodes may be lost before a class is?",
)

# This process.
BUILD_INFO: Final = _gauge(
    "berth_build_info",
    ("version", "python", "kopf"),
    "Versions of the operator, of Python and of kopf; always 1.",
    "Do all replicas run the same version?",
)
CONFIG_INFO: Final = _gauge(
    "berth_config_info", ("hash",), "Hash of the settings; always 1.", "Do all replicas have the same settings?"
)
CERTIFICATE_EXPIRES: Final = _gauge(
    "berth_certificate_expiry_timestamp_seconds",
    ("certificate",),
    "When a certificate that this process serves with ends, in seconds since the epoch.",
    "Is it renewed in time?",
)
WATCH_ACTIVITY: Final = _gauge(
    "berth_watch_last_activity_timestamp_seconds",
    ("resource",),
    "When the API server was last heard of on a kind: an event, a bookmark or a list; seconds since the epoch.",
    "Does the operator see what happens?",
)
WATCH_ERRORS: Final = _counter(
    "berth_watch_errors_total", ("resource",), "Failures of watches, by kind of object.", "Which kind cannot be read?"
)

# controller-runtime's and client-go's.
RECONCILES: Final = _counter(
    "controller_runtime_reconcile_total", ("controller", "result"), "Reconciliations by result.", "How busy is it?"
)
RECONCILE_ERRORS: Final = _counter(
    "controller_runtime_reconcile_errors_total",
    ("controller",),
    "Reconciliations that failed.",
    "Do passes fail? The log says why.",
)
RECONCILE_SECONDS: Final = _histogram(
    "controller_runtime_reconcile_time_seconds",
    ("controller",),
    "Time of one reconciliation.",
    "How long does a pass take, writes included?",
    _WORK_SECONDS,
)
MAX_WORKERS: Final = _gauge(
    "controller_runtime_max_concurrent_reconciles",
    ("controller",),
    "Workers.",
    "As many passes may run at the same time.",
)
ACTIVE_WORKERS: Final = _gauge(
    "controller_runtime_active_workers", ("controller",), "Workers that have a key.", "Are all workers busy?"
)
LEADER: Final = _gauge(
    "leader_election_master_status",
    ("name",),
    "1 when this replica leads.",
    "Exactly one must: with none, nothing is decided.",
)
REQUESTS_TOTAL: Final = _counter(
    "rest_client_requests_total",
    ("code", "method", "host", "resource"),
    "Requests to the API server.",
    "Is the API server refusing, throttling, failing?",
)
REQUEST_SECONDS: Final = _histogram(
    "rest_client_request_duration_seconds",
    ("verb", "host"),
    "Time of a request to the API server.",
    "Is the API server slow?",
    _WORK_SECONDS,
)
QUEUE_DEPTH: Final = _gauge("workqueue_depth", ("name",), "Keys that wait.", "Does the queue drain?")
QUEUE_ADDS: Final = _counter("workqueue_adds_total", ("name",), "Keys added.", "How much comes in?")
QUEUE_RETRIES: Final = _counter("workqueue_retries_total", ("name",), "Keys tried again.", "How much fails?")
QUEUE_SECONDS: Final = _histogram(
    "workqueue_queue_duration_seconds", ("name",), "Time in the queue.", "How late is Berth?", _WORK_SECONDS
)
WORK_SECONDS: Final = _histogram(
    "workqueue_work_duration_seconds", ("name",), "Time at a worker.", "How long does a key take?", _WORK_SECONDS
)
UNFINISHED_SECONDS: Final = _gauge(
    "workqueue_unfinished_work_seconds",
    ("name",),
    "Time spent so far on keys that are at a worker, in sum.",
    "Is a worker stuck? It rises then without end.",
)
LONGEST_SECONDS: Final = _gauge(
    "workqueue_longest_running_processor_seconds",
    ("name",),
    "Longest time that a key has been at a worker.",
    "How long has the slowest been stuck?",
)

# Of `berth preview`, a process of its own.
PREVIEW_REQUESTS: Final = _counter(
    "berth_preview_requests_total",
    ("resource", "result"),
    "Requests of the API server, by kind and what came of them.",
    "Is the preview asked, and does it answer?",
)
PREVIEW_SECONDS: Final = _histogram(
    "berth_preview_duration_seconds",
    ("resource",),
    "Time of one answer.",
    "Does a dry-run wait for it?",
    _PREVIEW_SECONDS,
)

DECLARED: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Declared))
"""All of them, in the order of this file."""
OF_PREVIEW: Final = frozenset({PREVIEW_REQUESTS, PREVIEW_SECONDS, WATCH_ERRORS, CERTIFICATE_EXPIRES})
"""Those that the preview has."""
PER_WORKLOAD: Final = (
    WORKLOAD_INFO,
    WORKLOAD_CONDITION,
    WORKLOAD_SPEC_REPLICAS,
    WORKLOAD_REPLICAS,
    WORKLOAD_READY,
    WORKLOAD_REQUESTS,
    WORKLOAD_OVERHEAD,
    WORKLOAD_CANDIDATE,
    WORKLOAD_CHILDREN,
    WORKLOAD_TIME_TO_READY,
)
"""Those with series for each Workload up to the cap."""
