"""Recording rules and alerts: few, each with something to do and a page in docs/runbooks/ that says what."""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from dashboards.panels import RUNBOOKS

RECORDED: Final = {
    "berth:workloads:sum": "sum by (tenant, class, level, backend) (berth_workloads)",
    "berth:isolation_overhead:ratio": (
        "sum by (tenant, resource) (berth_isolation_overhead)"
        " / (sum by (tenant, resource) (berth_isolation_overhead) + sum by (tenant, resource) (berth_resource_requests))"
    ),
    "berth:quota_used:ratio": (
        "sum by (tenant, resource) (berth_quota_used) / (sum by (tenant, resource) (berth_quota_limit) > 0)"
    ),
    "berth:waiver:seconds_to_expiry": "max by (waiver) (berth_waiver_expiry_timestamp_seconds) - time()",
    "berth:reconcile_errors:ratio_rate5m": (
        'sum by (controller) (rate(controller_runtime_reconcile_errors_total{controller=~"berth-.*"}[5m]))'
        ' / sum by (controller) (rate(controller_runtime_reconcile_total{controller=~"berth-.*"}[5m]))'
    ),
    "berth:time_to_ready_seconds:p95_rate1h": (
        "histogram_quantile(0.95, sum by (le, class) (rate(berth_time_to_ready_seconds_bucket[1h])))"
    ),
}
"""Names as Prometheus' practices want them (level:metric:operations), each with its expression."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert."""

    name: str
    expr: str
    wait: str
    """How long it must hold, as Prometheus writes it."""
    severity: str
    """critical wakes somebody, warning is for the working day, info is to know."""
    summary: str
    description: str


ALERTS: Final = (
    Alert(
        "BerthIsolationBelowRequired",
        "sum by (tenant, namespace) (berth_workloads_below_required) > 0",
        "5m",
        "critical",
        "Workloads run with less isolation than policy requires.",
        "{{ $value }} Workloads in namespace {{ $labels.namespace }} run below what is required, and could not be moved.",
    ),
    Alert(
        "BerthWorkloadsUnplaced",
        'sum by (tenant, namespace, reason) (berth_workloads{class="",reason!="WaitingForQuota"}) > 0',
        "15m",
        "warning",
        "Workloads run nowhere.",
        "{{ $value }} Workloads in namespace {{ $labels.namespace }} have no class: {{ $labels.reason }}.",
    ),
    Alert(
        "BerthClassLost",
        "max by (class, reason) (berth_class_available == 0)"
        ' and on (class) sum by (class) (berth_workloads{class!=""}) > 0',
        "5m",
        "critical",
        "A class that Workloads run in is not available any more.",
        "Class {{ $labels.class }} cannot be run by this cluster: {{ $labels.reason }}. What runs there cannot start again.",
    ),
    Alert(
        "BerthQuotaNearlyFull",
        "berth:quota_used:ratio > 0.9",
        "30m",
        "warning",
        "A tenant's quota is close to full.",
        "Tenant {{ $labels.tenant }} uses {{ $value | humanizePercentage }} of its {{ $labels.resource }}.",
    ),
    Alert(
        "BerthSwitchStuck",
        "time() - berth_switch_start_timestamp_seconds > 1800",
        "5m",
        "warning",
        "A Workload has been moving to another class for long.",
        "workloads.berth.dev {{ $labels.namespace }}/{{ $labels.workload }} has been moving for"
        " {{ $value | humanizeDuration }}, and takes resources of two classes.",
    ),
    Alert(
        "BerthWaiverEndsSoon",
        "berth:waiver:seconds_to_expiry < 259200 and on (waiver) max by (waiver) (berth_waiver_active) == 1"
        " and on (waiver) max by (waiver) (berth_waiver_workloads) > 0",
        "5m",
        "warning",
        "A Waiver that is used ends soon.",
        "Waiver {{ $labels.waiver }} ends in {{ $value | humanizeDuration }}; the policies it spares from hold then.",
    ),
    Alert(
        "BerthReconcileErrors",
        "berth:reconcile_errors:ratio_rate5m > 0.1",
        "15m",
        "warning",
        "Passes of the operator fail.",
        "{{ $value | humanizePercentage }} of the passes of {{ $labels.controller }} fail.",
    ),
    Alert(
        "BerthQueueNotDraining",
        'min_over_time(workqueue_depth{name="berth-workload"}[15m]) > 0'
        ' and on (job, instance) leader_election_master_status{name="berth"} == 1',
        "5m",
        "critical",
        "The leader's queue has not been empty for long.",
        "At least {{ $value }} keys have waited at {{ $labels.instance }} all the time: what changes takes effect late.",
    ),
    Alert(
        "BerthNoLeader",
        'sum(leader_election_master_status{name="berth"}) == 0 or absent(leader_election_master_status{name="berth"})',
        "2m",
        "critical",
        "No replica of the operator leads.",
        "Nothing is placed, moved or put right. What runs goes on running.",
    ),
    Alert(
        "BerthWatchStale",
        "time() - max by (job, instance, resource) (berth_watch_last_activity_timestamp_seconds) > 900",
        "5m",
        "warning",
        "The operator does not hear of a kind of object any more.",
        "{{ $labels.instance }} heard of {{ $labels.resource }} {{ $value | humanizeDuration }} ago.",
    ),
    Alert(
        "BerthCertificateExpires",
        "min by (job, certificate) (berth_certificate_expiry_timestamp_seconds) - time() < 604800",
        "1h",
        "warning",
        "A certificate that Berth serves with ends soon.",
        "The certificate of {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}.",
    ),
    Alert(
        "BerthMetricsTruncated",
        "max(berth_workload_series_truncated) > 0",
        "1h",
        "info",
        "Not every Workload has series of its own.",
        "{{ $value }} Workloads are counted in sums only; tables of Workloads are not complete.",
    ),
)


def text() -> str:
    """Return the rule file, as promtool and a PrometheusRule take it."""
    groups = [
        {"name": "berth.rules", "rules": [{"record": name, "expr": expr} for name, expr in RECORDED.items()]},
        {"name": "berth.alerts", "rules": [_alert(each) for each in ALERTS]},
    ]
    return str(yaml.safe_dump({"groups": groups}, sort_keys=False, width=120))


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.wait,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{RUNBOOKS}/{alert.name}/",
        },
    }
