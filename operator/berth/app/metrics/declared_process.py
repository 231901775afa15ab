"""The metrics of a process: what it is, whether it sees and keeps up, and what the preview answers.

Those of the queue, the passes, the requests and the Lease are controller-runtime's and client-go's, so that dashboards
and alerts made for these work unchanged.
"""

from typing import Final

from berth.app.metrics.declare import counter, declared_in, gauge, histogram

_WORK_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PREVIEW_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# This process.
BUILD_INFO: Final = gauge(
    "berth_build_info",
    ("version", "python", "kopf"),
    "Versions of the operator, of Python and of kopf; always 1.",
    "Do all replicas run the same version?",
)
CONFIG_INFO: Final = gauge(
    "berth_config_info", ("hash",), "Hash of the settings; always 1.", "Do all replicas have the same settings?"
)
CERTIFICATE_EXPIRES: Final = gauge(
    "berth_certificate_expiry_timestamp_seconds",
    ("certificate",),
    "When a certificate that this process serves with ends, in seconds since the epoch.",
    "Is it renewed in time?",
)
WATCH_ACTIVITY: Final = gauge(
    "berth_watch_last_activity_timestamp_seconds",
    ("resource",),
    "When the API server was last heard of on a kind: an event, a bookmark or a list; seconds since the epoch.",
    "Does the operator see what happens?",
)
WATCH_ERRORS: Final = counter(
    "berth_watch_errors_total", ("resource",), "Failures of watches, by kind of object.", "Which kind cannot be read?"
)

# controller-runtime's and client-go's.
RECONCILES: Final = counter(
    "controller_runtime_reconcile_total", ("controller", "result"), "Reconciliations by result.", "How busy is it?"
)
RECONCILE_ERRORS: Final = counter(
    "controller_runtime_reconcile_errors_total",
    ("controller",),
    "Reconciliations that failed.",
    "Do passes fail? The log says why.",
)
RECONCILE_SECONDS: Final = histogram(
    "controller_runtime_reconcile_time_seconds",
    ("controller",),
    "Time of one reconciliation.",
    "How long does a pass take, writes included?",
    _WORK_SECONDS,
)
MAX_WORKERS: Final = gauge(
    "controller_runtime_max_concurrent_reconciles",
    ("controller",),
    "Workers.",
    "As many passes may run at the same time.",
)
ACTIVE_WORKERS: Final = gauge(
    "controller_runtime_active_workers", ("controller",), "Workers that have a key.", "Are all workers busy?"
)
LEADER: Final = gauge(
    "leader_election_master_status",
    ("name",),
    "1 when this replica leads.",
    "Exactly one must: with none, nothing is decided.",
)
REQUESTS_TOTAL: Final = counter(
    "rest_client_requests_total",
    ("code", "method", "host", "resource"),
    "Requests to the API server.",
    "Is the API server refusing, throttling, failing?",
)
REQUEST_SECONDS: Final = histogram(
    "rest_client_request_duration_seconds",
    ("verb", "host"),
    "Time of a request to the API server.",
    "Is the API server slow?",
    _WORK_SECONDS,
)
QUEUE_DEPTH: Final = gauge("workqueue_depth", ("name",), "Keys that wait.", "Does the queue drain?")
QUEUE_ADDS: Final = counter("workqueue_adds_total", ("name",), "Keys added.", "How much comes in?")
QUEUE_RETRIES: Final = counter("workqueue_retries_total", ("name",), "Keys tried again.", "How much fails?")
QUEUE_SECONDS: Final = histogram(
    "workqueue_queue_duration_seconds", ("name",), "Time in the queue.", "How late is Berth?", _WORK_SECONDS
)
WORK_SECONDS: Final = histogram(
    "workqueue_work_duration_seconds", ("name",), "Time at a worker.", "How long does a key take?", _WORK_SECONDS
)
UNFINISHED_SECONDS: Final = gauge(
    "workqueue_unfinished_work_seconds",
    ("name",),
    "Time spent so far on keys that are at a worker, in sum.",
    "Is a worker stuck? It rises then without end.",
)
LONGEST_SECONDS: Final = gauge(
    "workqueue_longest_running_processor_seconds",
    ("name",),
    "Longest time that a key has been at a worker.",
    "How long has the slowest been stuck?",
)

# Of `berth preview`, a process of its own.
PREVIEW_REQUESTS: Final = counter(
    "berth_preview_requests_total",
    ("resource", "result"),
    "Requests of the API server, by kind and what came of them.",
    "Is the preview asked, and does it answer?",
)
PREVIEW_SECONDS: Final = histogram(
    "berth_preview_duration_seconds",
    ("resource",),
    "Time of one answer.",
    "Does a dry-run wait for it?",
    _PREVIEW_SECONDS,
)

DECLARED: Final = declared_in(globals())
"""All of them, in the order of this file."""
OF_PREVIEW: Final = frozenset({PREVIEW_REQUESTS, PREVIEW_SECONDS, WATCH_ERRORS, CERTIFICATE_EXPIRES})
"""Those that the preview has."""
