"""Every kind that Berth writes for a Workload, whole."""

from typing import Final

from berth.api.levels import Backend
from berth.api.meta import API_VERSION
from berth.verify.data_volume import DATA_VOLUME
from berth.verify.machine import MACHINE, POOL
from berth.verify.metadata import BACKING, CHILD, DISK, RUN, match_labels
from berth.verify.model import Bounds
from berth.verify.network import NETWORK_POLICY, SERVICE
from berth.verify.pod import POD_TEMPLATE, REPLICAS, backend
from berth.verify.rules import Rule
from berth.verify.shapes import count, one_of, quantity, text
from berth.verify.table import Complaint, Field, Table, allow, always, derive, each, exactly, inside, table

_PROBE_STAYS: Final = 300
"""Seconds after its end when a probe goes by itself."""
_NO_TEMPLATE: Final = "is missing: say what runs"


def _amount_or_share(value: object) -> Complaint:
    return text(value) if isinstance(value, str) else count()(value)


def _kind(metadata: Table, spec: Table, kind: Field | None = None, *, status: bool = True) -> Table:
    """Return a whole kind; its name and version are what it was found by."""
    return table(
        {
            "apiVersion": allow(text),
            "kind": kind or allow(text),
            "metadata": inside(metadata, "is missing: set name, labels and owner"),
            "spec": inside(spec, "is missing: say what is wanted"),
        },
        deny={Rule.NOT_WRITTEN: ("status",)} if status else None,
    )


def _completions(bounds: Bounds) -> int:
    """Return how often a task runs; one that waits keeps a count that a Job may have."""
    return max(bounds.named.replicas, 1)


_DEPLOYMENT: Final = table(
    {
        "replicas": REPLICAS,
        "revisionHistoryLimit": allow(count()),
        "progressDeadlineSeconds": allow(count()),
        "strategy": inside(
            table(
                {
                    "type": allow(one_of("Recreate", "RollingUpdate")),
                    "rollingUpdate": inside(
                        table({"maxUnavailable": allow(_amount_or_share), "maxSurge": allow(_amount_or_share)})
                    ),
                }
            )
        ),
        "selector": exactly(Rule.SELECTOR, match_labels),
        "template": inside(POD_TEMPLATE, _NO_TEMPLATE),
    },
    deny={Rule.NOT_WRITTEN: ("minReadySeconds", "paused")},
)

_JOB: Final = table(
    {
        "completionMode": always(Rule.DISKS, "Indexed"),
        # Never two pods of one index: they may share a disk.
        "podReplacementPolicy": always(Rule.DISKS, "Failed"),
        "completions": exactly(Rule.RESOURCES, _completions),
        "parallelism": exactly(Rule.RESOURCES, _completions),
        # Without completions a Job has succeeded at once, so no replicas means that it waits.
        "suspend": exactly(Rule.RESOURCES, lambda bounds: None if bounds.named.replicas else True),
        "backoffLimit": allow(count()),
        "activeDeadlineSeconds": allow(count()),
        "ttlSecondsAfterFinished": exactly(Rule.LIFETIME, lambda bounds: _PROBE_STAYS if bounds.probed else None),
        "template": inside(POD_TEMPLATE, _NO_TEMPLATE),
    },
    deny={
        Rule.SELECTOR: ("selector", "manualSelector"),
        Rule.LIFETIME: ("managedBy",),
        Rule.NOT_WRITTEN: (
            *("backoffLimitPerIndex", "maxFailedIndexes", "podFailurePolicy", "scheduling", "successPolicy"),
        ),
    },
)


def _drainable(value: object, bounds: Bounds) -> Complaint:
    if type(value) is int and 0 <= value < bounds.named.replicas:
        return None
    return f"lets no replica go when a node is drained: set it below {bounds.named.replicas}, the replicas"


_DISRUPTION_BUDGET: Final = table(
    {
        "selector": exactly(Rule.SELECTOR, match_labels),
        # Anything else lets a pod that never starts hold up the drain of a node for ever.
        "unhealthyPodEvictionPolicy": always(Rule.EVICTION, "AlwaysAllow"),
        "maxUnavailable": allow(count(1), Rule.EVICTION),
        "minAvailable": derive(Rule.EVICTION, _drainable),
    }
)


def _scaled(bounds: Bounds) -> dict[str, str]:
    return {"apiVersion": API_VERSION, "kind": "Workload", "name": bounds.workload}


_CPU: Final = table(
    {
        "name": always(Rule.RESOURCES, "cpu"),
        "target": inside(
            table(
                {
                    "type": allow(one_of("Utilization", "AverageValue")),
                    "averageUtilization": allow(count(1)),
                    "averageValue": allow(quantity),
                },
                deny={Rule.NOT_WRITTEN: ("value",)},
            )
        ),
    }
)
_AUTOSCALER: Final = table(
    {
        "scaleTargetRef": exactly(Rule.SELECTOR, _scaled),
        "minReplicas": allow(count(1)),
        "maxReplicas": allow(count(1)),
        "metrics": each(
            table(
                {"type": always(Rule.RESOURCES, "Resource"), "resource": inside(_CPU)},
                deny={Rule.NOT_WRITTEN: ("containerResource", "external", "object", "pods")},
            )
        ),
    },
    deny={Rule.NOT_WRITTEN: ("behavior",)},
)

KINDS: Final[dict[tuple[str, str], Table]] = {
    ("apps/v1", "Deployment"): _kind(BACKING, _DEPLOYMENT, backend(Backend.POD)),
    ("batch/v1", "Job"): _kind(RUN, _JOB, backend(Backend.POD)),
    ("kubevirt.io/v1", "VirtualMachine"): _kind(RUN, MACHINE, backend(Backend.VIRTUAL_MACHINE)),
    ("pool.kubevirt.io/v1beta1", "VirtualMachinePool"): _kind(BACKING, POOL, backend(Backend.VIRTUAL_MACHINE)),
    ("cdi.kubevirt.io/v1beta1", "DataVolume"): _kind(DISK, DATA_VOLUME, backend(Backend.VIRTUAL_MACHINE)),
    ("v1", "Service"): _kind(CHILD, SERVICE),
    ("networking.k8s.io/v1", "NetworkPolicy"): _kind(CHILD, NETWORK_POLICY, status=False),
    ("policy/v1", "PodDisruptionBudget"): _kind(CHILD, _DISRUPTION_BUDGET),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): _kind(CHILD, _AUTOSCALER),
}
"""Table of every kind, by apiVersion and kind. There are no others."""
