"""Where a Tenant has a floor above Container, pods and machines are started by Workloads alone."""

from functools import partial
from typing import Any

import pytest

from admission import bodies
from admission.attempts import Attempt, check
from admission.kinds import CONTROLLER, CRON_JOB, DAEMON_SET, MIGRATION, REPLICA_SET, STATEFUL_SET
from admission.people import (
    ARGO,
    DEPLOYMENTS,
    DEVELOPER,
    INSTALLER,
    JOBS,
    KUBEVIRT,
    NODE,
    OWNER,
    PLATFORM,
    REPLICA_SETS,
)
from admission.world import BANK, LAB, NEAR, SHOP, TEAM
from ground.cluster import Cluster
from scenarios import specs
from scenarios.kinds import DATA_VOLUME, DEPLOYMENT, JOB, POD, POOL, RUNTIME_CLASS, SERVICE, VM, VMI, WORKLOAD, Kind

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ACME = "and Tenant acme has floor Sandboxed. Write a Workload (workloads.berth.dev) instead"
MOVES = "and Tenant acme has floor Sandboxed. Use virtctl migrate instead"
RETAIL = "and Tenant bank has floor Virtualized. Write a Workload (workloads.berth.dev) instead"
attempt = partial(Attempt, policy="berth-floor")
runtime = partial(Attempt, policy="berth-runtime-classes", kind=RUNTIME_CLASS, namespace="")
BODIES: dict[Kind, Any] = {
    POD: bodies.pod(),
    DEPLOYMENT: bodies.template(),
    REPLICA_SET: bodies.template(),
    STATEFUL_SET: bodies.stateful_set(),
    DAEMON_SET: bodies.template(),
    JOB: bodies.job(),
    CRON_JOB: bodies.cron_job(),
    CONTROLLER: bodies.replication_controller(),
    VM: bodies.machine(),
    VMI: {"spec": bodies.instance()},
    POOL: bodies.pool(),
    MIGRATION: {"spec": {"vmiName": "erp"}},
}
REPLICAS = {"spec": {"replicas": 9}}
IMAGE = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example/evil:1"}]
RUNTIME = {"handler": "runc"}
REFUSED = [
    *(
        attempt(OWNER, "create", kind, SHOP, "mine", body, MOVES if kind is MIGRATION else ACME)
        for kind, body in BODIES.items()
    ),
    *(
        attempt(DEVELOPER, "apply", kind, SHOP, "mine", body, MOVES if kind is MIGRATION else ACME)
        for kind, body in BODIES.items()
    ),
    *(attempt(who, "create", POD, BANK, "mine", bodies.pod(), RETAIL) for who in (DEVELOPER, OWNER, ARGO)),
    attempt(ARGO, "create", DEPLOYMENT, SHOP, "mine", bodies.template(), ACME),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, SHOP, "own", REPLICAS, ACME),
    attempt(DEVELOPER, "json-patch", DEPLOYMENT, SHOP, "own", IMAGE, ACME),
    attempt(DEVELOPER, "update", DEPLOYMENT, SHOP, "own", REPLICAS, ACME),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, SHOP, "own", REPLICAS, ACME, "scale"),
    attempt(DEVELOPER, "update", DEPLOYMENT, SHOP, "own", REPLICAS, ACME, "scale"),
]
ALLOWED = [
    attempt(DEVELOPER, "create", WORKLOAD, SHOP, "web", {"spec": specs.container()}),
    attempt(DEVELOPER, "create", SERVICE, SHOP, "mine", bodies.service()),
    attempt(DEVELOPER, "create", DATA_VOLUME, SHOP, "mine", bodies.data_volume()),
    attempt(DEVELOPER, "delete", DEPLOYMENT, SHOP, "own"),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, SHOP, "own", {"metadata": {"finalizers": ["team.example/held"]}}, note="note"),
    attempt(PLATFORM, "create", POD, SHOP, "debug", bodies.pod()),
    attempt(PLATFORM, "merge-patch", DEPLOYMENT, SHOP, "own", REPLICAS),
    attempt(REPLICA_SETS, "create", POD, SHOP, "web-x", bodies.pod()),
    attempt(DEPLOYMENTS, "create", REPLICA_SET, SHOP, "web-x", bodies.template()),
    attempt(DEPLOYMENTS, "merge-patch", DEPLOYMENT, SHOP, "own", {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "2"}}}),
    attempt(JOBS, "create", POD, BANK, "build-x", bodies.pod()),
    attempt(KUBEVIRT, "create", VMI, BANK, "erp", {"spec": bodies.instance()}),
    attempt(NODE, "create", POD, SHOP, "mirror", bodies.pod()),
    # KubeVirt takes a migration only where its machine runs.
    *(attempt(DEVELOPER, "create", kind, TEAM if kind is MIGRATION else LAB, "mine", body, note="no floor") for kind, body in BODIES.items()),
    *(attempt(DEVELOPER, "create", POD, where, "mine", bodies.pod(), note="no member") for where in (TEAM, NEAR)),
]  # fmt: skip
RUNTIMES = [
    runtime(INSTALLER, "create", name="mine", body=RUNTIME, says="only platform admins"),
    runtime(
        INSTALLER, "merge-patch", name="gvisor", body={"metadata": {"labels": {"a": "b"}}}, says="only platform admins"
    ),
    runtime(INSTALLER, "delete", name="gvisor", says="bind ClusterRole berth-platform-admin"),
    runtime(PLATFORM, "create", name="mine", body=RUNTIME),
    runtime(PLATFORM, "delete", name="gvisor"),
    runtime(DEPLOYMENTS, "create", name="mine", body=RUNTIME, note="installed in kube-system"),
]


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED], ids=str)
def test_nothing_starts_past_a_floor(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


@pytest.mark.parametrize("case", RUNTIMES, ids=str)
def test_runtimes_are_chosen_by_platform_admins(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)
