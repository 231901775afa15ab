"""Nobody but the operator, controllers and platform admins writes what Berth keeps, or what looks like it."""

from functools import partial
from typing import Any

import pytest

from admission import bodies
from admission.attempts import Attempt, check
from admission.bodies import MARKED, SAFE
from admission.kinds import CONFIG_MAP, CONTROLLER, CRON_JOB, DAEMON_SET, REPLICA_SET, STATEFUL_SET
from admission.people import (
    ARGO,
    AUTOSCALERS,
    COLLECTOR,
    DEPLOYMENTS,
    DEVELOPER,
    JOBS,
    KUBEVIRT,
    OPERATOR,
    OWNER,
    PLATFORM,
)
from admission.world import LAB, TEAM
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import (
    AUTOSCALER,
    BUDGET,
    DATA_VOLUME,
    DEPLOYMENT,
    EXPORT,
    JOB,
    NETWORK_POLICY,
    POD,
    POOL,
    QUOTA,
    SERVICE,
    VM,
    VMI,
    WORKLOAD,
    Kind,
)

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

BELONGS = "belongs to Berth: only the operator writes it. Change its Workload (workloads.berth.dev) instead"
LOOKS = "would look like a part of a Workload"
MACHINE = "would look like a machine of KubeVirt: label"
attempt = partial(Attempt, policy="berth-children")

CHILDREN: dict[Kind, str] = {
    DEPLOYMENT: "web",
    SERVICE: "web",
    NETWORK_POLICY: "web",
    BUDGET: "web",
    AUTOSCALER: "web",
    JOB: "build",
    VM: "erp",
    VMI: "erp",
    POOL: "herd",
}
NOTE = {"metadata": {"annotations": {"note": "mine"}}}
STRIP = [{"op": "remove", "path": "/metadata/labels"}]
LOSE = [{"op": "remove", "path": "/metadata/ownerReferences"}]
FOREIGN = {"metadata": {"labels": {"berth.dev/workload": "other"}}}
WRITES: dict[str, tuple[str, Any]] = {
    "change": ("merge-patch", NOTE),
    "strip": ("json-patch", STRIP),
    "own": ("apply", NOTE),
    "rename": ("update", FOREIGN),
    "delete": ("delete", None),
}
REFUSED = [
    attempt(OWNER, verb, kind, TEAM, name, body, BELONGS, note=note)
    for kind, name in CHILDREN.items()
    for note, (verb, body) in WRITES.items()
    if not (kind is VMI and verb == "json-patch")
]
MORE_REFUSED = [
    *(attempt(DEVELOPER, "delete", kind, TEAM, name, None, BELONGS) for kind, name in CHILDREN.items()),
    *(
        attempt(OWNER, "json-patch", kind, TEAM, "web", LOSE, BELONGS, note="lose owner")
        for kind in (DEPLOYMENT, SERVICE)
    ),
    *(
        attempt(OWNER, "deletecollection", kind, TEAM, "", "berth.dev/workload", BELONGS)
        for kind in (DEPLOYMENT, SERVICE, POD, VM)
    ),
    *(
        attempt(who, "merge-patch", DEPLOYMENT, TEAM, "web", {"spec": {"replicas": 9}}, BELONGS, "scale")
        for who in (DEVELOPER, OWNER, ARGO, AUTOSCALERS)
    ),
    attempt(OWNER, "update", DEPLOYMENT, TEAM, "web", {"spec": {"replicas": 9}}, BELONGS, "scale"),
    attempt(OWNER, "merge-patch", POOL, TEAM, "herd", {"spec": {"replicas": 9}}, BELONGS, "scale"),
    *(
        attempt(OWNER, "merge-patch", kind, TEAM, name, {"status": {}, **NOTE}, BELONGS, "status")
        for kind, name in (
            (DEPLOYMENT, "web"),
            (JOB, "build"),
            (SERVICE, "web"),
            (BUDGET, "web"),
            (AUTOSCALER, "web"),
            (VM, "erp"),
        )
    ),
    attempt(ARGO, "merge-patch", DEPLOYMENT, TEAM, "web", NOTE, BELONGS),
    attempt(ARGO, "apply", SERVICE, TEAM, "web", NOTE, BELONGS),
    attempt(OWNER, "delete", QUOTA, TEAM, "berth", None, BELONGS),
    attempt(OWNER, "merge-patch", QUOTA, TEAM, "berth", {"spec": {"hard": {"pods": "1k"}}}, BELONGS),
]
OWNED = {"ownerReferences": [{"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "name": "web", "uid": "1"}]}
LABELLED = {"labels": MARKED}
EXPORTED = {"spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "erp"}}}
LOOKALIKES = [
    attempt(DEVELOPER, "create", POD, TEAM, "mine", bodies.pod(labels=MARKED), LOOKS),
    attempt(
        DEVELOPER, "create", POD, TEAM, "mine", bodies.pod(labels={"berth.dev/tenant": "acme"}), LOOKS, note="tenant"
    ),
    attempt(ARGO, "create", POD, TEAM, "mine", bodies.pod(labels=MARKED), LOOKS),
    attempt(DEVELOPER, "create", SERVICE, TEAM, "mine", bodies.service(MARKED), LOOKS),
    attempt(DEVELOPER, "create", NETWORK_POLICY, TEAM, "mine", bodies.network_policy(MARKED), LOOKS),
    attempt(DEVELOPER, "create", DEPLOYMENT, TEAM, "mine", bodies.template(meta=LABELLED), LOOKS, note="label"),
    attempt(DEVELOPER, "create", DEPLOYMENT, TEAM, "mine", bodies.template(labels=MARKED), LOOKS, note="pod label"),
    attempt(DEVELOPER, "apply", DEPLOYMENT, TEAM, "mine", bodies.template(labels=MARKED), LOOKS, note="pod label"),
    attempt(DEVELOPER, "create", DEPLOYMENT, TEAM, "mine", bodies.template(meta=OWNED), LOOKS, note="owner"),
    attempt(
        DEVELOPER,
        "create",
        DEPLOYMENT,
        TEAM,
        "mine",
        bodies.template(meta={"annotations": {"berth.dev/desired-hash": "1"}}),
        LOOKS,
        note="annotation",
    ),
    attempt(DEVELOPER, "create", REPLICA_SET, TEAM, "mine", bodies.template(labels=MARKED), LOOKS),
    attempt(DEVELOPER, "create", STATEFUL_SET, TEAM, "mine", bodies.stateful_set(MARKED), LOOKS),
    attempt(DEVELOPER, "create", DAEMON_SET, TEAM, "mine", bodies.template(labels=MARKED), LOOKS),
    attempt(DEVELOPER, "create", CONTROLLER, TEAM, "mine", bodies.replication_controller(MARKED), LOOKS),
    attempt(DEVELOPER, "create", JOB, TEAM, "mine", bodies.job(labels=MARKED), LOOKS, note="pod label"),
    attempt(DEVELOPER, "create", CRON_JOB, TEAM, "mine", bodies.cron_job(inner=MARKED), LOOKS, note="pod label"),
    attempt(DEVELOPER, "create", CRON_JOB, TEAM, "mine", bodies.cron_job(outer=MARKED), LOOKS, note="job label"),
    attempt(DEVELOPER, "create", VM, TEAM, "mine", bodies.machine(meta=LABELLED), LOOKS, note="label"),
    attempt(DEVELOPER, "create", VM, TEAM, "mine", bodies.machine(MARKED), LOOKS, note="instance label"),
    attempt(DEVELOPER, "create", VMI, TEAM, "mine", {"metadata": LABELLED, "spec": bodies.instance()}, LOOKS),
    attempt(DEVELOPER, "create", POOL, TEAM, "mine", bodies.pool(MARKED), LOOKS, note="instance label"),
    attempt(DEVELOPER, "create", DATA_VOLUME, TEAM, "web-root", bodies.data_volume(MARKED), LOOKS),
    attempt(DEVELOPER, "merge-patch", DATA_VOLUME, TEAM, "db-root", NOTE, BELONGS, note="change of a disk"),
    attempt(
        DEVELOPER, "create", DATA_VOLUME, TEAM, "web-root", bodies.data_volume(bodies.DISK), LOOKS, note="of a disk"
    ),
    attempt(
        DEVELOPER, "create", POD, TEAM, "importer", bodies.pod(labels=bodies.DISK), LOOKS, note="of what fills a disk"
    ),
    attempt(DEVELOPER, "create", EXPORT, TEAM, "mine", {"metadata": LABELLED, **EXPORTED}, LOOKS, note="label"),
    attempt(
        DEVELOPER,
        "create",
        EXPORT,
        TEAM,
        "mine",
        {"metadata": {"annotations": {"berth.dev/a": "1"}}, **EXPORTED},
        LOOKS,
        note="annotation",
    ),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, TEAM, "own", {"metadata": LABELLED}, LOOKS, note="label"),
    attempt(DEVELOPER, "merge-patch", SERVICE, TEAM, "own", {"metadata": OWNED}, LOOKS, note="owner"),
    attempt(OWNER, "create", QUOTA, LAB, "berth", bodies.quota(), LOOKS),
]
LAUNCHER = {"kubevirt.io": "virt-launcher", "kubevirt.io/created-by": "1", "vm.kubevirt.io/name": "erp"}
FORGERIES = [
    attempt(DEVELOPER, "create", POD, TEAM, "virt-launcher-erp-x", bodies.pod(labels=LAUNCHER), MACHINE),
    attempt(
        DEVELOPER, "create", POD, TEAM, "mine", bodies.pod(labels={"vm.kubevirt.io/name": "erp"}), MACHINE, note="name"
    ),
    attempt(DEVELOPER, "create", DEPLOYMENT, TEAM, "mine", bodies.template(labels=LAUNCHER), MACHINE),
    attempt(DEVELOPER, "create", STATEFUL_SET, TEAM, "mine", bodies.stateful_set(LAUNCHER), MACHINE),
    attempt(DEVELOPER, "create", JOB, TEAM, "mine", bodies.job(labels=LAUNCHER), MACHINE),
    attempt(DEVELOPER, "create", CRON_JOB, TEAM, "mine", bodies.cron_job(inner=LAUNCHER), MACHINE),
    attempt(ARGO, "create", POD, TEAM, "mine", bodies.pod(labels={"kubevirt.io": "hotplug-disk"}), MACHINE),
    attempt(DEVELOPER, "create", EXPORT, TEAM, "mine", {"metadata": {"labels": LAUNCHER}, **EXPORTED}, MACHINE),
]
ALLOWED = [
    *(attempt(PLATFORM, verb, kind, TEAM, name, NOTE) for kind, name in CHILDREN.items() for verb in ("merge-patch",)),
    *(attempt(PLATFORM, "delete", kind, TEAM, name) for kind, name in CHILDREN.items()),
    *(attempt(OPERATOR, "delete", kind, TEAM, name) for kind, name in CHILDREN.items() if kind is not VMI),
    attempt(PLATFORM, "json-patch", SERVICE, TEAM, "web", STRIP),
    attempt(DEPLOYMENTS, "merge-patch", DEPLOYMENT, TEAM, "web", NOTE, subresource="status"),
    attempt(JOBS, "merge-patch", JOB, TEAM, "build", NOTE, subresource="status"),
    attempt(AUTOSCALERS, "merge-patch", AUTOSCALER, TEAM, "web", NOTE, subresource="status"),
    attempt(AUTOSCALERS, "update", WORKLOAD, TEAM, "web", {"spec": {"replicas": 3}}, subresource="scale"),
    attempt(COLLECTOR, "delete", DEPLOYMENT, TEAM, "web"),
    attempt(KUBEVIRT, "merge-patch", VM, TEAM, "erp", NOTE),
    attempt(KUBEVIRT, "merge-patch", VMI, TEAM, "erp", NOTE),
    attempt(KUBEVIRT, "create", POD, TEAM, "other", bodies.pod(labels=LAUNCHER)),
    attempt(DEVELOPER, "merge-patch", WORKLOAD, TEAM, "web", {"spec": {"replicas": 3}}),
    attempt(DEVELOPER, "merge-patch", WORKLOAD, TEAM, "web", {"spec": {"replicas": 3}}, subresource="scale"),
    attempt(DEVELOPER, "delete", WORKLOAD, TEAM, "web"),
    attempt(DEVELOPER, "create", POD, TEAM, "mine", bodies.pod(labels={"app": "own"})),
    attempt(DEVELOPER, "create", DEPLOYMENT, TEAM, "mine", bodies.template()),
    attempt(DEVELOPER, "create", JOB, TEAM, "mine", bodies.job()),
    attempt(DEVELOPER, "create", CRON_JOB, TEAM, "mine", bodies.cron_job()),
    attempt(DEVELOPER, "create", STATEFUL_SET, TEAM, "mine", bodies.stateful_set()),
    attempt(DEVELOPER, "create", SERVICE, TEAM, "mine", bodies.service()),
    attempt(DEVELOPER, "create", VM, TEAM, "mine", bodies.machine({"kubevirt.io/size": "small"})),
    attempt(DEVELOPER, "create", POOL, TEAM, "mine", bodies.pool()),
    attempt(DEVELOPER, "create", EXPORT, TEAM, "mine", {"metadata": {"labels": {"app": "own"}}, **EXPORTED}),
    attempt(DEVELOPER, "create", CONFIG_MAP, TEAM, "mine", {"metadata": LABELLED}),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, TEAM, "own", {"spec": {"replicas": 2}}),
    attempt(DEVELOPER, "merge-patch", DEPLOYMENT, TEAM, "own", {"spec": {"replicas": 2}}, subresource="scale"),
    attempt(DEVELOPER, "delete", DEPLOYMENT, TEAM, "own"),
    attempt(DEVELOPER, "delete", DATA_VOLUME, TEAM, "db-root"),
    attempt(OWNER, "create", QUOTA, TEAM, "own", bodies.quota()),
]


@pytest.mark.parametrize("case", [*REFUSED, *MORE_REFUSED, *LOOKALIKES, *FORGERIES, *ALLOWED], ids=str)
def test_children_are_written_by_the_operator(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


def a_pod(cluster: Cluster) -> str:
    name: str = objects.items(cluster, POD, TEAM, "berth.dev/workload=web")[0]["metadata"]["name"]
    return name


DEBUGGER = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox", "securityContext": SAFE}]}}


@pytest.mark.parametrize("who", [OWNER, ARGO])
def test_nobody_slips_a_container_into_a_running_pod(cluster: Cluster, who: str) -> None:
    check(
        cluster,
        attempt(who, "merge-patch", POD, TEAM, a_pod(cluster), DEBUGGER, BELONGS, "ephemeralcontainers"),
    )


def test_platform_admins_may_debug_a_running_pod(cluster: Cluster) -> None:
    check(cluster, attempt(PLATFORM, "merge-patch", POD, TEAM, a_pod(cluster), DEBUGGER, "", "ephemeralcontainers"))


@pytest.mark.parametrize(
    ("verb", "body", "subresource"),
    [
        ("delete", None, ""),
        ("json-patch", STRIP, ""),
        ("merge-patch", NOTE, ""),
        ("merge-patch", {"status": {"phase": "Failed"}}, "status"),
    ],
)
def test_nobody_edits_a_running_pod(cluster: Cluster, verb: str, body: Any, subresource: str) -> None:
    check(cluster, attempt(OWNER, verb, POD, TEAM, a_pod(cluster), body, BELONGS, subresource))


def test_a_pod_may_be_evicted_within_its_budget(cluster: Cluster) -> None:
    name = a_pod(cluster)
    body = {"apiVersion": "policy/v1", "kind": "Eviction"}
    check(cluster, attempt(DEVELOPER, "create", POD, TEAM, name, body, "", "eviction"))
