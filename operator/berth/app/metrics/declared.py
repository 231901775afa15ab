"""Every metric of Berth: name, type, labels, unit, help, and why one would look at it.

Names follow Prometheus' rules (https://prometheus.io/docs/practices/naming/). The label `resource` of an amount is
`cpu` (cores), `memory` (bytes) or the name of a counted resource, as in kube-state-metrics. `make generate` writes
docs/reference/metrics.md from this file and from `declared_process`.
"""

from typing import Final

from berth.app.metrics import declared_process
from berth.app.metrics.declare import counter, declared_in, gauge, histogram

_PLACE: Final = ("tenant", "namespace")
_CLASS: Final = (*_PLACE, "class", "level", "backend")
_ONE: Final = ("namespace", "workload")
_POLICY: Final = ("policy", "mode")
_AMOUNT: Final = "cores, bytes"

_DECIDE_SECONDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
_READY_SECONDS: Final = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
_SWITCH_SECONDS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)

# Placement: how many Workloads run where, and why not. Computed at every scrape.
WORKLOADS: Final = gauge(
    "berth_workloads",
    (*_CLASS, "reason"),
    "Workloads by where they run and their main reason; the class is empty where they run nowhere.",
    "What runs where? Why does something not run?",
)
UNPLACED: Final = gauge(
    "berth_workloads_unplaced", _PLACE, "Workloads that run nowhere.", "Whose Workloads do not run?"
)
BELOW_REQUIRED: Final = gauge(
    "berth_workloads_below_required",
    _PLACE,
    "Workloads of which anything runs below what is required. Must be 0 but while pods are rolled over.",
    "Is the promise kept? Anything above 0 is an incident.",
)
PENDING_SWITCH: Final = gauge(
    "berth_workloads_pending_switch",
    _PLACE,
    "Workloads whose move waits for approval.",
    "Who has to approve an interruption, so that policy can take hold?",
)
ISOLATED: Final = gauge(
    "berth_workloads_isolated",
    (*_PLACE, "status"),
    "Workloads by whether their isolation was verified: True, False or Unknown.",
    "Was isolation seen to hold, or only asked for?",
)

# One Workload each, up to a cap. Written without the library, which needs too long for tens of thousands of lines.
WORKLOAD_INFO: Final = gauge(
    "berth_workload_info",
    ("tenant", *_ONE, "class", "level", "backend", "runtime_class", "reason", "required_by"),
    "Where one Workload runs, why not, and who requires its level; always 1.",
    "Joined with other metrics of the namespace; its changes are the time line of switches.",
)
WORKLOAD_CONDITION: Final = gauge(
    "berth_workload_condition",
    (*_ONE, "condition"),
    "A condition of one Workload: 1 True, 0 False, -1 Unknown.",
    "Since when is it not ready, not placed, not isolated?",
)
WORKLOAD_SPEC_REPLICAS: Final = gauge(
    "berth_workload_spec_replicas", _ONE, "Replicas that one Workload asks for.", "How many should there be?"
)
WORKLOAD_REPLICAS: Final = gauge(
    "berth_workload_status_replicas", _ONE, "Replicas of one Workload that exist.", "How many are there?"
)
WORKLOAD_READY: Final = gauge(
    "berth_workload_status_replicas_ready", _ONE, "Replicas of one Workload that serve.", "How many serve?"
)
WORKLOAD_REQUESTS: Final = gauge(
    "berth_workload_resource_requests",
    (*_ONE, "resource"),
    "Requested by the author of one Workload, all replicas together: cpu in cores, memory in bytes.",
    "What does it ask for?",
    _AMOUNT,
)
WORKLOAD_OVERHEAD: Final = gauge(
    "berth_workload_isolation_overhead",
    (*_ONE, "resource"),
    "Added by isolation to one Workload, all replicas together: cpu in cores, memory in bytes.",
    "What does its isolation cost?",
    _AMOUNT,
)
WORKLOAD_CANDIDATE: Final = gauge(
    "berth_workload_candidate",
    (*_ONE, "class", "rule"),
    "A class for one Workload: 2 chosen, 1 it fits, 0 not now, -1 never; with the rule that decides against it.",
    "Why this class, and what of the others?",
)
WORKLOAD_CHILDREN: Final = gauge(
    "berth_workload_children",
    (*_ONE, "kind"),
    "Objects that Berth keeps for one Workload, by kind.",
    "What was made for it? Two backings at once are a switch under way.",
)
WORKLOAD_POD: Final = gauge(
    "berth_workload_pod_info",
    (*_ONE, "pod"),
    "A pod of one Workload that has not ended, be it of a Deployment, a Job or a virtual machine; always 1.",
    "Joined with metrics of pods: names of pods alone do not tell whose they are.",
)
WORKLOAD_MACHINE: Final = gauge(
    "berth_workload_vmi_info",
    (*_ONE, "name"),
    "A VirtualMachineInstance of one Workload; always 1. The label `name` is as in kubevirt_vmi_*.",
    "Joined with KubeVirt's metrics of machines.",
)
WORKLOAD_TIME_TO_READY: Final = gauge(
    "berth_workload_time_to_ready_seconds",
    _ONE,
    "Time from the creation of the backing object of one Workload to its first ready replica.",
    "How long did it take to start where it runs now?",
)
SERIES_TRUNCATED: Final = gauge(
    "berth_workload_series_truncated",
    (),
    "Workloads without series of their own, above the cap.",
    "Are the tables complete? If not, raise BERTH_PER_WORKLOAD_METRICS_CAP or look at sums only.",
)

# Decisions.
DECISIONS: Final = counter(
    "berth_decisions_total",
    ("class", "reason"),
    "Decisions by the class that was chosen, empty for none, and reason.",
    "How busy is deciding, and with what result?",
)
DECISION_SECONDS: Final = histogram(
    "berth_decision_duration_seconds", (), "Time of one decision.", "Is deciding fast?", _DECIDE_SECONDS
)
PREFLIGHTS: Final = counter(
    "berth_preflight_total",
    ("result",),
    "Dry runs of machines before they are made or changed: `accepted`, `refused`, or `error` where no answer came.",
    "Does the API server, with KubeVirt's webhooks, take the machines? How often is it asked?",
)
DENIALS: Final = counter(
    "berth_denials_total",
    ("reason", "rule", "mode"),
    "Workloads that came to be without a class, by reason and by the rule that decides against the nearest class.",
    "What denies most, and since when?",
)
WOULD_DENIALS: Final = counter(
    "berth_would_denials_total",
    _POLICY,
    "Workloads that a policy in mode Warn or Audit came to leave without a class, if it were enforced.",
    "Whom would it hurt to enforce the policy?",
)

# Resources.
REQUESTS: Final = gauge(
    "berth_resource_requests",
    (*_CLASS, "resource"),
    "Requested by authors of what runs: cpu in cores, memory in bytes.",
    "Who asks for how much, and where does it run?",
    _AMOUNT,
)
LIMITS: Final = gauge(
    "berth_resource_limits",
    (*_CLASS, "resource"),
    "Limits of what runs, those that have one: cpu in cores, memory in bytes.",
    "How far may it grow beyond what it asks for?",
    _AMOUNT,
)
OVERHEAD: Final = gauge(
    "berth_isolation_overhead",
    (*_CLASS, "required_by", "resource"),
    "Added by isolation to what runs: cpu in cores, memory in bytes; by who requires the level.",
    "What does isolation cost, whom, and because of whom?",
    _AMOUNT,
)
QUOTA_USED: Final = gauge(
    "berth_quota_used",
    ("tenant", "resource", "part"),
    "Used of a tenant's quota, by part: requested, overhead, reserved for moves; cpu in cores, memory and storage in "
    "bytes, the others counted.",
    "How much of its quota does a tenant use, and on what?",
    _AMOUNT,
)
QUOTA_LIMIT: Final = gauge(
    "berth_quota_limit",
    ("tenant", "resource"),
    "Limit of a tenant's quota, in the same units.",
    "How much is left?",
    _AMOUNT,
)

# Policy.
POLICY_MATCHED: Final = gauge(
    "berth_policy_matched_workloads", _POLICY, "Workloads that a policy matches.", "Does it match whom it should?"
)
POLICY_WAIVED: Final = gauge(
    "berth_policy_waived_workloads", _POLICY, "Matching Workloads that are spared.", "How many exceptions are there?"
)
POLICY_UNPLACED: Final = gauge(
    "berth_policy_unplaced_workloads",
    _POLICY,
    "Workloads that a policy leaves, or would, without a class.",
    "Is it safe to enforce?",
)
POLICY_FLIPS: Final = gauge(
    "berth_policy_flips",
    (*_POLICY, "from", "to"),
    "Workloads that a policy places, or would place, in another class.",
    "What moves when it is enforced?",
)
POLICY_OVERHEAD: Final = gauge(
    "berth_policy_overhead",
    (*_POLICY, "tenant", "resource"),
    "Added by isolation because of a policy, or if it were enforced: cpu in cores, memory in bytes.",
    "What does a policy cost, or would it?",
    _AMOUNT,
)
POLICY_ACCEPTED: Final = gauge(
    "berth_policy_accepted",
    _POLICY,
    "Whether a policy is understood.",
    "One that is not is read in the strictest way, and may leave Workloads without a class.",
)
POLICY_EVADABLE: Final = gauge(
    "berth_policy_evadable",
    _POLICY,
    "Whether authors can write their Workloads so that a policy does not match.",
    "Which policies are a request, not a rule?",
)
POLICY_GENERATION: Final = gauge(
    "berth_policy_generation",
    ("policy",),
    "Generation of a policy: it rises with every change of its spec.",
    "When did policy change? Marks on the dashboards.",
)
WAIVER_ACTIVE: Final = gauge(
    "berth_waiver_active", ("waiver",), "Whether a Waiver holds.", "Which exceptions are there now?"
)
WAIVER_EXPIRES: Final = gauge(
    "berth_waiver_expiry_timestamp_seconds",
    ("waiver",),
    "When a Waiver ends, in seconds since the epoch.",
    "Which exception ends soon, and whom does it leave without a class?",
)
WAIVER_WORKLOADS: Final = gauge(
    "berth_waiver_workloads", ("waiver",), "Workloads that a Waiver spares.", "Is it still used?"
)

# Lifecycle.
TIME_TO_READY: Final = histogram(
    "berth_time_to_ready_seconds",
    ("class", "backend"),
    "From the creation of the first pod or machine instance in a class to the first ready one, once for each start.",
    "How long does a start take in each class?",
    _READY_SECONDS,
)
TIME_TO_READY_SEGMENT: Final = histogram(
    "berth_time_to_ready_segment_seconds",
    ("class", "backend", "segment"),
    "Time of one segment of a start: what came before a condition of the pod or a phase of the machine.",
    "Where does the time of a start go?",
    _READY_SECONDS,
)
SWITCHES: Final = counter(
    "berth_switches_total",
    ("from", "to", "outcome"),
    "Moves of running Workloads to another class, by outcome: Completed, Returned, or Stopped where they run nowhere.",
    "What has moved, and how did that end?",
)
SWITCH_SECONDS: Final = histogram(
    "berth_switch_duration_seconds",
    (),
    "From the begin of a move until nothing of the Workload runs in its former class.",
    "How long do moves take?",
    _SWITCH_SECONDS,
)
SWITCH_STARTED: Final = gauge(
    "berth_switch_start_timestamp_seconds",
    ("tenant", *_ONE),
    "When the move of one Workload that is under way began, in seconds since the epoch.",
    "What is being moved, and is it stuck?",
)
DRIFT: Final = counter(
    "berth_drift_corrections_total",
    ("kind",),
    "Children that were put right again, by kind.",
    "Who edits what Berth keeps?",
)
EVENTS_DROPPED: Final = counter(
    "berth_events_dropped_total", (), "Events that could not be written.", "Are people told everything?"
)

# Backends.
CLASS_AVAILABLE: Final = gauge(
    "berth_class_available",
    ("class", "level", "backend", "reason"),
    "Whether this cluster can run a class; the reason is empty when it can.",
    "Is a backend lost, and why?",
)
CLASS_NODES: Final = gauge(
    "berth_class_nodes",
    ("class",),
    "Schedulable nodes that can run a class.",
    "How many nodes may be lost before a class is?",
)
CLASS_SEEN: Final = gauge(
    "berth_class_isolation_seen",
    ("class",),
    "What probes saw from inside of a class of pods: 1 what its level promises, 0 less than that, -1 not known.",
    "Does every runtime really isolate as its class says?",
)

DECLARED: Final = (*declared_in(globals()), *declared_process.DECLARED)
"""All of them, in the order of this file, then those of a process."""
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
    WORKLOAD_POD,
    WORKLOAD_MACHINE,
    WORKLOAD_TIME_TO_READY,
)
"""Those with series for each Workload up to the cap."""
