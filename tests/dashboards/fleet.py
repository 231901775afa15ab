"""The dashboard Fleet: where what runs and why, what waits, what isolation costs, policy, backends, the operator."""

from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import (
    BAD,
    CALM,
    GOOD,
    POLICY_CHANGES,
    RUNBOOKS,
    WARN,
    bars,
    framed,
    grid,
    grown,
    lines,
    link,
    mark,
    now,
    number,
    query,
    rows,
    said,
    shown,
    timeline,
    variable,
    with_rows,
)

UID: Final = "berth-fleet"
TO_WORKLOAD: Final = {
    "title": "Workload ${__data.fields.Workload}",
    "url": "/d/berth-workload?var-datasource=${datasource}&var-namespace=${__data.fields.Namespace}"
    "&var-workload=${__data.fields.Workload}&${__url_time_range}",
}
NAMES: Final = {"namespace": "Namespace", "workload": "Workload", "tenant": "Tenant"}
HERE: Final = 'tenant=~"$tenant",namespace=~"$namespace"'
RUNNING: Final = f'{HERE},class=~"$class",class!=""'
OURS: Final = "and on (job, instance) berth_build_info"
SERVES: Final = "Running|Completed"
COLOURED: Final[dict[str, Any]] = {"custom.cellOptions": {"type": "color-text"}}
YES_NO: Final = {"0": ("no", BAD), "1": ("yes", GOOD)}


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    made = (
        framed(
            UID,
            "Berth / Fleet",
            "Where Workloads run and why, what waits, what isolation costs, what policy does, and how the operator fares.",
            links=[link("Workload", "/d/berth-workload"), link("Runbooks", f"{RUNBOOKS}/")],
        )
        .with_variable(variable("tenant", "Tenant", "label_values(berth_workloads, tenant)"))
        .with_variable(
            variable("namespace", "Namespace", 'label_values(berth_workloads{tenant=~"$tenant"}, namespace)')
        )
        .with_variable(variable("class", "Class", "label_values(berth_class_available, class)"))
        .annotation(
            mark(
                "Moves",
                grown("berth_switches_total", "30s", "from, to, outcome"),
                "{{from}} to {{to}}: {{outcome}}",
                "purple",
            )
        )
        .annotation(POLICY_CHANGES)
    )
    return with_rows(
        made,
        {
            "Overview": _overview(),
            "Placement": _placement(),
            "Waiting, moving, starting": _lifecycle(),
            "What isolation costs": _cost(),
            "Policy": _policy(),
            "Backends": _backends(),
            "Operator": _operator(),
        },
    )


def _overview() -> list[Any]:
    return [
        number("Workloads", "All Workloads.", "short", now(f"sum(berth_workloads{{{HERE}}})"), width=3),
        number(
            "Serving",
            "Share of Workloads that run as they should, or have completed.",
            "percentunit",
            now(f'sum(berth_workloads{{{HERE},reason=~"{SERVES}"}}) / sum(berth_workloads{{{HERE}}})'),
            ((None, BAD), (0.8, WARN), (0.95, GOOD)),
            width=3,
        ),
        number(
            "Below required",
            f"Workloads that run with less isolation than policy requires. Must be 0. {RUNBOOKS}/BerthIsolationBelowRequired/",
            "short",
            now(f"sum(berth_workloads_below_required{{{HERE}}})"),
            ((None, GOOD), (1, BAD)),
            width=3,
        ),
        number(
            "Run nowhere",
            f"Workloads without a class. {RUNBOOKS}/BerthWorkloadsUnplaced/",
            "short",
            now(f"sum(berth_workloads_unplaced{{{HERE}}})"),
            ((None, GOOD), (1, WARN)),
            width=3,
        ),
        number(
            "Await approval",
            "Workloads that have to move, and whose move would interrupt them.",
            "short",
            now(f"sum(berth_workloads_pending_switch{{{HERE}}})"),
            ((None, GOOD), (1, WARN)),
            width=3,
        ),
        number(
            "Classes available",
            f"Share of IsolationClasses that this cluster can run. {RUNBOOKS}/BerthClassLost/",
            "percentunit",
            now('avg(berth_class_available{class=~"$class"})'),
            ((None, WARN), (1, GOOD)),
            width=3,
        ),
        number(
            "Failed passes",
            f"Share of passes of the operator that failed, lately. {RUNBOOKS}/BerthReconcileErrors/",
            "percentunit",
            now(
                'sum(rate(controller_runtime_reconcile_errors_total{controller=~"berth-.*"}[$__rate_interval]))'
                ' / sum(rate(controller_runtime_reconcile_total{controller=~"berth-.*"}[$__rate_interval])) or vector(0)'
            ),
            ((None, GOOD), (0.01, WARN), (0.1, BAD)),
            width=3,
        ),
        number(
            "Leaders",
            f"Replicas that lead: exactly one. {RUNBOOKS}/BerthNoLeader/",
            "short",
            now('sum(leader_election_master_status{name="berth"})'),
            ((None, BAD), (1, GOOD), (2, BAD)),
            width=3,
        ),
    ]


def _placement() -> list[Any]:
    return [
        lines(
            "Where Workloads run",
            "Workloads by class; those that run nowhere are not in it.",
            "short",
            query(f"sum by (class) (berth_workloads{{{RUNNING}}})", "{{class}}"),
            stacked=True,
        ),
        bars(
            "By level",
            "Workloads by isolation level, now.",
            "short",
            now(f"sort_desc(sum by (level) (berth_workloads{{{RUNNING}}}))", "{{level}}"),
            width=6,
        ),
        bars(
            "Why Workloads do not run",
            "Workloads without a class by reason, now. docs/reference/reasons.md says what each means.",
            "short",
            now(f'sort_desc(sum by (reason) (berth_workloads{{{HERE},class=""}}))', "{{reason}}"),
            ((None, WARN),),
            width=6,
        ),
        lines(
            "By tenant",
            "Workloads by tenant, wherever they run.",
            "short",
            query(
                f'sum by (tenant) (label_replace(berth_workloads{{{HERE}}}, "tenant", "none", "tenant", "^$"))',
                "{{tenant}}",
            ),
            stacked=True,
            width=8,
        ),
        linked(
            grid(
                "What does not run as it should",
                "Workloads that are neither running nor completed. A click leads to the Workload.",
                "short",
                rows(f'berth_workload_info{{{HERE},reason!~"{SERVES}"}}'),
                columns={**NAMES, "class": "Class", "reason": "Reason", "required_by": "Level required by"},
                width=16,
            )
        ),
    ]


def linked(panel: Any) -> Any:
    """Let the column Workload lead to its dashboard."""
    return panel.override_by_name(*shown("Workload", links=[TO_WORKLOAD]))


def _lifecycle() -> list[Any]:
    return [
        lines(
            "Moves by outcome",
            "Running Workloads that were moved to another class, in each step.",
            "short",
            query(
                grown("berth_switches_total", "$__rate_interval", "from, to, outcome"),
                "{{from}} to {{to}}: {{outcome}}",
            ),
            width=8,
        ),
        linked(
            grid(
                "Moves under way",
                f"Workloads that are being moved, and since when. {RUNBOOKS}/BerthSwitchStuck/",
                "s",
                rows(f"time() - berth_switch_start_timestamp_seconds{{{HERE}}}"),
                columns={**NAMES, "Value": "Since"},
                width=8,
            )
        ),
        lines(
            "Await approval",
            "Workloads whose move would interrupt them, by tenant.",
            "short",
            query(
                f'sum by (tenant) (label_replace(berth_workloads_pending_switch{{{HERE}}}, "tenant", "none", "tenant", "^$"))',
                "{{tenant}}",
            ),
            width=8,
        ),
        bars(
            "Time to ready, 95th percentile",
            "From the creation of the backing object to the first ready replica, by class, over the time range.",
            "s",
            now(
                "sort_desc(histogram_quantile(0.95, sum by (le, class)"
                ' (increase(berth_time_to_ready_seconds_bucket{class=~"$class"}[$__range]))) >= 0)',
                "{{class}}",
            ),
        ),
        bars(
            "Where the time of a start goes",
            "Mean time of each segment of a start, by class, over the time range.",
            "s",
            now(
                'sort_desc(sum by (class, segment) (increase(berth_time_to_ready_segment_seconds_sum{class=~"$class"}[$__range]))'
                ' / sum by (class, segment) (increase(berth_time_to_ready_segment_seconds_count{class=~"$class"}[$__range])) >= 0)',
                "{{class}} {{segment}}",
            ),
        ),
        lines(
            "Starts",
            "Workloads that became ready in a class for the first time, per minute.",
            "short",
            query(
                'sum by (class) (rate(berth_time_to_ready_seconds_count{class=~"$class"}[$__rate_interval])) * 60',
                "{{class}}",
            ),
            width=8,
        ),
    ]


def _cost() -> list[Any]:
    return [
        lines(
            "CPU requested, and added by isolation",
            "Cores that authors request, by class, and cores that isolation adds to them.",
            "short",
            query(f'sum by (class) (berth_resource_requests{{{RUNNING},resource="cpu"}})', "{{class}} requested"),
            query(
                f'sum by (class) (berth_isolation_overhead{{{RUNNING},resource="cpu"}}) > 0', "{{class}} isolation", "B"
            ),
            width=8,
            many=True,
            stacked=True,
        ),
        lines(
            "Memory requested, and added by isolation",
            "Memory that authors request, by class, and memory that isolation adds to it.",
            "bytes",
            query(f'sum by (class) (berth_resource_requests{{{RUNNING},resource="memory"}})', "{{class}} requested"),
            query(
                f'sum by (class) (berth_isolation_overhead{{{RUNNING},resource="memory"}}) > 0',
                "{{class}} isolation",
                "B",
            ),
            width=8,
            many=True,
            stacked=True,
        ),
        lines(
            "Isolation's share",
            "What isolation adds, as a share of all that is set aside.",
            "percentunit",
            query(
                f"sum by (resource) (berth_isolation_overhead{{{RUNNING}}}) / (sum by (resource) (berth_isolation_overhead{{{RUNNING}}})"
                f" + sum by (resource) (berth_resource_requests{{{RUNNING}}}))",
                "{{resource}}",
            ),
            width=8,
        ),
        bars(
            "Memory of isolation, by who requires it",
            "Memory that isolation adds, put down to who requires the level: policy, tenant, author or default.",
            "bytes",
            now(
                f'sort_desc(sum by (required_by) (berth_isolation_overhead{{{RUNNING},resource="memory"}}) > 0)',
                "{{required_by}}",
            ),
        ),
        grid(
            "Cost by tenant",
            "Requested by authors, limits, and what isolation adds.",
            "bytes",
            rows(f'sum by (tenant) (berth_resource_requests{{{RUNNING},resource="memory"}})', "A"),
            rows(f'sum by (tenant) (berth_resource_limits{{{RUNNING},resource="memory"}})', "B"),
            rows(f'sum by (tenant) (berth_isolation_overhead{{{RUNNING},resource="memory"}})', "C"),
            rows(f'sum by (tenant) (berth_resource_requests{{{RUNNING},resource="cpu"}})', "D"),
            rows(f'sum by (tenant) (berth_isolation_overhead{{{RUNNING},resource="cpu"}})', "E"),
            columns={
                "tenant": "Tenant",
                "Value #A": "Memory",
                "Value #B": "Limit",
                "Value #C": "Isolation",
                "Value #D": "Cores",
                "Value #E": "Isolation cores",
            },
            width=16,
        )
        .override_by_name(*shown("Cores", unit="short", decimals=2))
        .override_by_name(*shown("Isolation cores", unit="short", decimals=2)),
        bars(
            "Quota used",
            f"Share of its quota that a tenant uses, isolation and reserves of moves included. {RUNBOOKS}/BerthQuotaNearlyFull/",
            "percentunit",
            now(
                'sort_desc(sum by (tenant, resource) (berth_quota_used{tenant=~"$tenant"})'
                ' / sum by (tenant, resource) (berth_quota_limit{tenant=~"$tenant"} > 0))',
                "{{tenant}} {{resource}}",
            ),
            ((None, GOOD), (0.8, WARN), (0.95, BAD)),
            most=1,
        ),
        _quota("Quota of cores, machines and Workloads", "short", "cpu|virtualMachines|workloads|devices.*"),
        _quota("Quota of memory and storage", "bytes", "memory|storage"),
    ]


def _quota(title: str, unit: str, resources: str) -> Any:
    """Return a table of some resources of all tenants' quotas."""
    here = f'tenant=~"$tenant",resource=~"{resources}"'
    return grid(
        title,
        "What of a quota was asked for, what isolation adds, what moves set aside, and the limit where there is one.",
        unit,
        rows(f'sum by (tenant, resource) (berth_quota_used{{{here},part="requested"}})', "A"),
        rows(f'sum by (tenant, resource) (berth_quota_used{{{here},part="overhead"}})', "B"),
        rows(f'sum by (tenant, resource) (berth_quota_used{{{here},part="reserved"}})', "C"),
        rows(f"sum by (tenant, resource) (berth_quota_limit{{{here}}})", "D"),
        columns={
            "tenant": "Tenant",
            "resource": "Resource",
            "Value #A": "Requested",
            "Value #B": "Isolation",
            "Value #C": "Reserved",
            "Value #D": "Limit",
        },
        width=8,
    )


def _policy() -> list[Any]:
    return [
        grid(
            "What policies do, or would do",
            "Of a policy in mode Enforce what it does; of one in Warn or Audit what it would do, if it were enforced.",
            "short",
            rows("sum by (policy, mode) (berth_policy_matched_workloads)", "A"),
            rows("sum by (policy, mode) (berth_policy_flips)", "B"),
            rows("sum by (policy, mode) (berth_policy_unplaced_workloads)", "C"),
            rows("sum by (policy, mode) (berth_policy_waived_workloads)", "D"),
            rows('sum by (policy, mode) (berth_policy_overhead{resource="memory",tenant=~"$tenant"})', "E"),
            rows("max by (policy, mode) (berth_policy_accepted)", "F"),
            rows("max by (policy, mode) (berth_policy_evadable)", "G"),
            columns={
                "policy": "Policy",
                "mode": "Mode",
                "Value #A": "Matches",
                "Value #B": "Moves",
                "Value #C": "No class",
                "Value #D": "Waived",
                "Value #E": "Memory added",
                "Value #F": "Understood",
                "Value #G": "Evadable",
            },
            width=24,
        )
        .override_by_name(*shown("Memory added", unit="bytes"))
        .override_by_name(*shown("Understood", mappings=[said(YES_NO)], **COLOURED))
        .override_by_name(*shown("Evadable", mappings=[said({"0": ("no", GOOD), "1": ("yes", WARN)})], **COLOURED)),
        bars(
            "Denied, by rule",
            "Workloads that came to be without a class in the time range, by reason and by the rule against the nearest class.",
            "short",
            now(
                f"sort_desc({grown('berth_denials_total', '$__range', 'reason, rule')})",
                "{{reason}} by {{rule}}",
            ),
            ((None, WARN),),
        ),
        bars(
            "Would be denied",
            "Workloads that a policy in mode Warn or Audit came to leave without a class in the time range, if enforced.",
            "short",
            now(
                f"sort_desc({grown('berth_would_denials_total', '$__range', 'policy, mode')})",
                "{{policy}} ({{mode}})",
            ),
        ),
        grid(
            "Waivers",
            f"Exceptions, whom they spare and how long they hold. {RUNBOOKS}/BerthWaiverEndsSoon/",
            "short",
            rows("max by (waiver) (berth_waiver_active)", "A"),
            rows("max by (waiver) (berth_waiver_workloads)", "B"),
            rows("max by (waiver) (berth_waiver_expiry_timestamp_seconds) - time()", "C"),
            columns={"waiver": "Waiver", "Value #A": "Holds", "Value #B": "Workloads", "Value #C": "Ends in"},
            width=8,
        )
        .override_by_name(*shown("Holds", mappings=[said(YES_NO)], **COLOURED))
        .override_by_name(*shown("Ends in", unit="s")),
    ]


def _backends() -> list[Any]:
    return [
        grid(
            "Classes",
            f"What this cluster can run, why not, on how many nodes, and how many Workloads are there. {RUNBOOKS}/BerthClassLost/",
            "short",
            rows('max by (class, level, backend, reason) (berth_class_available{class=~"$class"})', "A"),
            rows('max by (class) (berth_class_nodes{class=~"$class"})', "B"),
            rows(f"sum by (class) (berth_workloads{{{RUNNING}}})", "C"),
            columns={
                "class": "Class",
                "level": "Level",
                "backend": "Backend",
                "Value #A": "Available",
                "reason": "Reason",
                "Value #B": "Nodes",
                "Value #C": "Workloads",
            },
            width=14,
        ).override_by_name(*shown("Available", mappings=[said(YES_NO)], **COLOURED)),
        timeline(
            "Availability",
            "Whether this cluster could run each class, over time.",
            query('max by (class) (berth_class_available{class=~"$class"})', "{{class}}"),
            {"0": ("lost", BAD), "1": ("available", GOOD)},
            width=10,
        ),
    ]


def _operator() -> list[Any]:
    ours = 'controller=~"berth-.*"'
    return [
        lines(
            "Passes by result",
            "Looks at a Workload, or at classes and policies, per second.",
            "ops",
            query(
                f"sum by (controller, result) (rate(controller_runtime_reconcile_total{{{ours}}}[$__rate_interval]))",
                "{{controller}} {{result}}",
            ),
            width=8,
        ),
        lines(
            "Time of a pass",
            "Median and 99th percentile, writes included.",
            "s",
            query(
                f"histogram_quantile(0.5, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{{{ours}}}[$__rate_interval])))",
                "median",
            ),
            query(
                f"histogram_quantile(0.99, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{{{ours}}}[$__rate_interval])))",
                "99 %",
                "B",
            ),
            query(
                "histogram_quantile(0.99, sum by (le) (rate(berth_decision_duration_seconds_bucket[$__rate_interval])))",
                "99 % of decisions",
                "C",
            ),
            width=8,
        ),
        lines(
            "Queue",
            f"Keys that wait at the leader, and workers that are busy. {RUNBOOKS}/BerthQueueNotDraining/",
            "short",
            query(
                'sum(workqueue_depth{name="berth-workload"} and on (job, instance) leader_election_master_status{name="berth"} == 1)',
                "waiting",
            ),
            query(f"sum(controller_runtime_active_workers{{{ours}}})", "busy workers", "B"),
            width=8,
        ),
        lines(
            "Requests to the API server, by code",
            "Requests per second of all replicas; errors and throttling stand out.",
            "reqps",
            query(f"sum by (code) (rate(rest_client_requests_total[$__rate_interval]) {OURS})", "{{code}}"),
            width=8,
        ),
        lines(
            "Writes to the API server, by kind",
            "Requests per second that change something. In steady state there are none but renewals of the Lease.",
            "reqps",
            query(
                'sum by (method, resource) (rate(rest_client_requests_total{method!~"GET|WATCH"}[$__rate_interval])'
                f" {OURS}) > 0",
                "{{method}} {{resource}}",
            ),
            width=8,
            many=True,
        ),
        lines(
            "Time of a request",
            "99th percentile, by verb.",
            "s",
            query(
                "histogram_quantile(0.99, sum by (le, verb)"
                f" (rate(rest_client_request_duration_seconds_bucket[$__rate_interval]) {OURS}))",
                "{{verb}}",
            ),
            width=8,
        ),
        lines(
            "Memory",
            "Resident memory of each replica.",
            "bytes",
            query(f"process_resident_memory_bytes {OURS}", "{{instance}}"),
            width=8,
        ),
        lines(
            "CPU",
            "Cores that each replica uses.",
            "short",
            query(f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}", "{{instance}}"),
            width=8,
        ),
        lines(
            "Silence of watches",
            "Time since the API server was last heard of, the longest of all kinds. A minute or two is usual."
            f" {RUNBOOKS}/BerthWatchStale/",
            "s",
            query("max by (instance) (time() - berth_watch_last_activity_timestamp_seconds)", "{{instance}}"),
            width=8,
        ),
        grid(
            "Replicas",
            "Version, settings and leadership of each replica.",
            "short",
            rows("max by (instance, version, python) (berth_build_info)", "A"),
            rows("max by (instance, hash) (berth_config_info)", "B"),
            rows('max by (instance) (leader_election_master_status{name="berth"})', "C"),
            columns={
                "instance": "Replica",
                "version": "Version",
                "python": "Python",
                "hash": "Settings",
                "Value #C": "Leads",
            },
            width=10,
        ).override_by_name(
            *shown("Leads", mappings=[said({"0": ("standby", CALM), "1": ("leads", GOOD)})], **COLOURED)
        ),
        lines(
            "Repairs",
            "Children that somebody changed and Berth put right, in each step.",
            "short",
            query(grown("berth_drift_corrections_total", "$__rate_interval", "kind"), "{{kind}}"),
            width=6,
        ),
        number(
            "Without series",
            f"Workloads above the cap, in sums only. {RUNBOOKS}/BerthMetricsTruncated/",
            "short",
            now("max(berth_workload_series_truncated)"),
            ((None, GOOD), (1, WARN)),
        ),
        number(
            "Certificate ends in",
            f"Time until the first certificate ends that Berth serves with. {RUNBOOKS}/BerthCertificateExpires/",
            "s",
            now("min(berth_certificate_expiry_timestamp_seconds) - time()"),
            ((None, BAD), (604800, GOOD)),
        ),
    ]
