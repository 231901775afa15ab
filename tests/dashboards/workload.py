"""The dashboard Workload: one Workload, its decision, its candidates, its moves, resources and children."""

from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import (
    BAD,
    CALM,
    GOOD,
    POLICY_CHANGES,
    RUNBOOKS,
    WARN,
    framed,
    grid,
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
from dashboards.usage import GUEST_CPU, GUEST_MEMORY, POD_CPU, POD_MEMORY, SANDBOX_MEMORY

UID: Final = "berth-workload"
ONE: Final = 'namespace="$namespace",workload="$workload"'
STATES: Final = {"-1": ("unknown", WARN), "0": ("no", BAD), "1": ("yes", GOOD)}
VERDICTS: Final = {"-1": ("never", BAD), "0": ("not now", WARN), "1": ("fits", CALM), "2": ("chosen", GOOD)}


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    made = (
        framed(
            UID,
            "Berth / Workload",
            "One Workload: what was decided and why, what of the other classes, how it moved, what it takes.",
            links=[link("Fleet", "/d/berth-fleet"), link("Runbooks", f"{RUNBOOKS}/")],
        )
        .with_variable(variable("tenant", "Tenant", "label_values(berth_workload_info, tenant)"))
        .with_variable(
            variable(
                "namespace",
                "Namespace",
                'label_values(berth_workload_info{tenant=~"$tenant"}, namespace)',
                several=False,
            )
        )
        .with_variable(variable("class", "Class", 'label_values(berth_workload_info{namespace="$namespace"}, class)'))
        .with_variable(
            variable(
                "workload",
                "Workload",
                'label_values(berth_workload_info{namespace="$namespace",class=~"$class"}, workload)',
                several=False,
            )
        )
        .annotation(
            mark(
                "Moves",
                'count by (class) (berth_workload_info{namespace="$namespace",workload="$workload"}'
                ' unless berth_workload_info{namespace="$namespace",workload="$workload"} offset 30s)',
                "now in {{class}}",
                "purple",
            )
        )
        .annotation(POLICY_CHANGES)
    )
    return with_rows(made, {"Decision": _decision(), "Over time": _story(), "Resources": _resources()})


def _decision() -> list[Any]:
    return [
        grid(
            "Where it runs",
            "Where it runs, why not, and who requires its level. kubectl describe says it in words.",
            "short",
            rows(f"berth_workload_info{{{ONE}}}"),
            columns={
                "class": "Class",
                "level": "Level",
                "backend": "Backend",
                "runtime_class": "RuntimeClass",
                "reason": "Reason",
                "required_by": "Level required by",
                "tenant": "Tenant",
            },
            width=24,
            height=4,
        ),
        number("Asked for", "Replicas that it asks for.", "short", now(f"berth_workload_spec_replicas{{{ONE}}}")),
        number("Ready", "Replicas that serve.", "short", now(f"berth_workload_status_replicas_ready{{{ONE}}}")),
        number(
            "Isolated",
            f"Whether its isolation was seen to hold. {RUNBOOKS}/BerthIsolationBelowRequired/",
            "short",
            now(f'berth_workload_condition{{{ONE},condition="Isolated"}}'),
            ((None, WARN), (0, BAD), (1, GOOD)),
            width=5,
        ).mappings([said(STATES)]),
        number(
            "Time to ready",
            "From the creation of its backing object to its first ready replica, where it runs now.",
            "s",
            now(f"berth_workload_time_to_ready_seconds{{{ONE}}}"),
            width=5,
        ),
        number(
            "Moving since",
            f"How long a move of it has been under way; nothing when none is. {RUNBOOKS}/BerthSwitchStuck/",
            "s",
            now(f"time() - berth_switch_start_timestamp_seconds{{{ONE}}}"),
            ((None, CALM), (1800, BAD)),
            width=6,
        ),
        grid(
            "Candidates",
            "Every class, what Berth says of it for this Workload, and the rule that decides against it.",
            "short",
            rows(f"berth_workload_candidate{{{ONE}}}"),
            columns={"class": "Class", "Value": "Verdict", "rule": "Rule against it"},
            width=14,
        ).override_by_name(
            *shown("Verdict", mappings=[said(VERDICTS)], **{"custom.cellOptions": {"type": "color-text"}})
        ),
        grid(
            "Children",
            "Objects that Berth keeps for it. Two backings at once are a move under way.",
            "short",
            rows(f"berth_workload_children{{{ONE}}}"),
            columns={"kind": "Kind", "Value": "Number"},
            width=10,
        ),
    ]


def _story() -> list[Any]:
    return [
        timeline(
            "Classes",
            "Where it ran, over time, and its main reason then.",
            query(f"max by (class, reason) (berth_workload_info{{{ONE}}})", "{{class}} {{reason}}"),
            {"1": ("so", CALM)},
        ),
        timeline(
            "Conditions",
            "Its conditions, over time.",
            query(f"max by (condition) (berth_workload_condition{{{ONE}}})", "{{condition}}"),
            STATES,
        ),
        lines(
            "Replicas",
            "Replicas asked for, existing and ready.",
            "short",
            query(f"berth_workload_spec_replicas{{{ONE}}}", "asked for"),
            query(f"berth_workload_status_replicas{{{ONE}}}", "existing", "B"),
            query(f"berth_workload_status_replicas_ready{{{ONE}}}", "ready", "C"),
            width=24,
        ),
    ]


def _resources() -> list[Any]:
    return [
        lines(
            "CPU set aside",
            "Cores that its author requests, and that isolation adds, all replicas together.",
            "short",
            query(f'berth_workload_resource_requests{{{ONE},resource="cpu"}}', "requested"),
            query(f'berth_workload_isolation_overhead{{{ONE},resource="cpu"}}', "isolation", "B"),
            stacked=True,
        ),
        lines(
            "Memory set aside",
            "Memory that its author requests, and that isolation adds, all replicas together.",
            "bytes",
            query(f'berth_workload_resource_requests{{{ONE},resource="memory"}}', "requested"),
            query(f'berth_workload_isolation_overhead{{{ONE},resource="memory"}}', "isolation", "B"),
            stacked=True,
        ),
        lines(
            "CPU used",
            "Cores that its pods use, with what their sandboxes take, and guests inside them, as kubelets and KubeVirt tell.",
            "short",
            query(POD_CPU, "pods"),
            query(GUEST_CPU, "guests", "B"),
            width=8,
        ),
        lines(
            "Memory used",
            "Memory that its pods use, with what their sandboxes take, and guests inside them, as kubelets and KubeVirt tell.",
            "bytes",
            query(POD_MEMORY, "pods"),
            query(GUEST_MEMORY, "guests", "B"),
            width=8,
        ),
        lines(
            "Memory of isolation",
            "What is set aside for isolation, and what pods take beside their containers, as kubelets tell at"
            " /metrics/resource. What a machine takes beside its guest is inside its container compute, and not in it.",
            "bytes",
            query(f'berth_workload_isolation_overhead{{{ONE},resource="memory"}}', "set aside"),
            query(SANDBOX_MEMORY, "taken", "B"),
            width=8,
        ),
    ]
