"""Each right of the operator is used, and it needs no other.

The operator does its whole work on a control plane of its own; the audit log says which rights that took. Whatever gets
a right, gets something here that uses it.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ground import chart, identity
from ground.api import ApiError, Json, apply, call, eventually
from ground.cluster import Cluster
from rbac.rights import Right, rights
from rbac.used import missing, used
from scenarios import objects, site, specs
from scenarios.kinds import (
    AUTOSCALER,
    BUDGET,
    CLAIM,
    DATA_SOURCE,
    DATA_VOLUME,
    DEPLOYMENT,
    JOB,
    NETWORK_POLICY,
    POOL,
    QUOTA,
    SERVICE,
    TENANT,
    VM,
    WAIVER,
    WORKLOAD,
    Kind,
)
from scenarios.process import Operator
from scenarios.site import Space

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("rbac")]

SEEN_ELSEWHERE = {
    *(Right("berth.dev", f"{owner}/finalizers", "update") for owner in ("workloads", "tenants")),
    Right("events.k8s.io", "events", "patch"),
}
"""Never requests: the admission plugin asks for them, tested below. An Event is patched after ten minutes at the soonest."""
LOAD: Json = {"replicas": 2, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}}
TEMPLATE: Json = {
    "selector": {"matchLabels": {"app": "theirs"}},
    "template": {
        "metadata": {"labels": {"app": "theirs"}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/theirs:1"}]},
    },
}
INSTANCE: Json = {"metadata": {"labels": {"app": "theirs"}}, "spec": {"domain": {"devices": {}}}}
MACHINE: Json = {"runStrategy": "Halted", "template": INSTANCE}
FOREIGN: dict[Kind, tuple[str, Json]] = {
    DEPLOYMENT: ("web", {**TEMPLATE, "replicas": 0}),
    SERVICE: ("web", {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}),
    NETWORK_POLICY: ("web", {"podSelector": {"matchLabels": {"app": "theirs"}}}),
    BUDGET: ("web", {"selector": {"matchLabels": {"app": "theirs"}}}),
    AUTOSCALER: (
        "web",
        {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}},
    ),
    JOB: ("build", {"suspend": True, "template": {"spec": {**TEMPLATE["template"]["spec"], "restartPolicy": "Never"}}}),
    VM: ("erp", MACHINE),
    POOL: (
        "herd",
        {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "theirs"}},
            "virtualMachineTemplate": {"metadata": {"labels": {"app": "theirs"}}, "spec": MACHINE},
        },
    ),
    DATA_VOLUME: ("db-root", {"storage": {"resources": {"requests": {"storage": "1Gi"}}}, "source": {"blank": {}}}),
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The audit log of a cluster on which the operator has done everything that it can do."""
    with site.prepared() as cluster:
        operator = Operator(cluster, tmp_path)
        try:
            operator.start()
            work(Space.make(cluster))
            operator.alive()
        finally:
            operator.stop()
        yield cluster.workdir / "logs" / "audit.log"


def work(space: Space) -> None:
    """Have the operator do everything that it can do."""
    policy_is_looked_at(space)
    wanted = workloads(space)
    names_are_taken(space, wanted)
    edits_come_back(space)
    tasks_run_again(space, wanted)
    disks_grow(space, wanted)
    surplus_goes(space)
    backing_changes(space)


def policy_is_looked_at(space: Space) -> None:
    """Have a Tenant whose quota comes, is kept, made anew and goes, and a Waiver; each says what became of it."""
    tenant = {"namespaceSelector": space.selector["namespaceSelector"]}
    space.put(TENANT, space.name, {**tenant, "quota": {"workloads": 50}})
    hard = space.until(QUOTA, "berth", lambda found: found)["spec"]
    space.merge(QUOTA, "berth", {"spec": {"hard": {"count/workloads.berth.dev": "1"}}})
    space.until(QUOTA, "berth", lambda found: found["spec"] == hard)
    space.until(TENANT, space.name, lambda found: found.get("status"))
    before = space.get(QUOTA, "berth")["metadata"]["uid"]
    space.delete(QUOTA, "berth")
    space.until(QUOTA, "berth", lambda found: found["metadata"]["uid"] != before)
    space.put(TENANT, space.name, tenant)
    space.gone(QUOTA, "berth")
    space.put(WAIVER, space.name, specs.waiver(space.name))
    for kind in (TENANT, WAIVER):
        space.until(kind, space.name, lambda found: found.get("status"))


def workloads(space: Space) -> dict[str, Json]:
    """Return Workloads that have children of every kind together."""
    space.put(CLAIM, "golden", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.put(DATA_SOURCE, "fedora", {"source": {"pvc": {"name": "golden", "namespace": space.name}}})
    cloned = specs.machine()
    cloned["machine"] = cloned["machine"] | {"bootDisk": {"dataSource": {"name": "fedora", "storage": "2Gi"}}}
    return {
        "web": specs.container(**LOAD),
        "build": specs.task(),
        "erp": specs.machine(),
        "herd": specs.machine(replicas=2),
        "db": cloned,
    }


def names_are_taken(space: Space, wanted: dict[str, Json]) -> None:
    """Have every name be somebody else's first, then let the Workloads become ready."""
    for kind, (name, spec) in FOREIGN.items():
        space.put(kind, name, spec)
    for name, spec in wanted.items():
        space.workload(name, spec)
    for name in wanted:
        space.expect(name, "Stalled", "True", "NameTaken")
    for kind, (name, _) in FOREIGN.items():
        space.delete(kind, name)
    for name in wanted:
        space.expect(name, "Ready", "True")


def edits_come_back(space: Space) -> None:
    """Edit a child of every kind that is kept as it is wanted."""
    for kind, (name, _) in FOREIGN.items():
        if kind in {DATA_VOLUME, JOB}:
            continue
        before = space.get(kind, name)["metadata"]["labels"]
        space.merge(kind, name, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}})
        space.until(kind, name, lambda found, before=before: found["metadata"]["labels"] == before)


def tasks_run_again(space: Space, wanted: dict[str, Json]) -> None:
    """Edit a task that has ended."""
    before = space.get(JOB, "build")["metadata"]["uid"]
    space.workload("build", {**wanted["build"], "resources": {"requests": {"cpu": "200m", "memory": "128Mi"}}})
    space.until(JOB, "build", lambda found: found["metadata"]["uid"] != before)


def surplus_goes(space: Space) -> None:
    """Make one replica of several, without load and address; and leave a child that an older version has named otherwise."""
    kept = space.get(NETWORK_POLICY, "web")
    meta = {key: kept["metadata"][key] for key in ("labels", "ownerReferences")}
    space.put_body(NETWORK_POLICY, {"metadata": {"name": "web-older", **meta}, "spec": kept["spec"]})
    space.gone(NETWORK_POLICY, "web-older")
    spec = specs.container()
    del spec["service"]
    space.workload("web", spec)
    for kind in (SERVICE, BUDGET, AUTOSCALER):
        space.gone(kind, "web")


def disks_grow(space: Space, wanted: dict[str, Json]) -> None:
    """Raise the size of a disk, whose claim grows."""
    larger = wanted["db"]["machine"] | {"bootDisk": {"dataSource": {"name": "fedora", "storage": "3Gi"}}}
    space.workload("db", wanted["db"] | {"machine": larger})
    space.until(CLAIM, "db-root", lambda found: found["spec"]["resources"]["requests"] == {"storage": "3Gi"})


def backing_changes(space: Space) -> None:
    """Make one machine of several and several of one, and move pods to a machine."""
    space.workload("erp", specs.machine(replicas=2))
    space.workload("herd", specs.machine(replicas=1))
    space.workload("web", specs.pinned("vm", specs.both()))
    for kind, name in ((VM, "erp"), (POOL, "herd"), (DEPLOYMENT, "web")):
        space.gone(kind, name)
    for name in ("erp", "herd", "web"):
        space.expect(name, "Ready", "True")


def test_the_operator_uses_each_right_and_misses_none(log: Path) -> None:
    granted = rights() - SEEN_ELSEWHERE
    found = used(log, {right for right in granted if not right.namespace})
    assert {str(right) for right in granted - found} == set(), "granted, and never used"
    assert {str(right) for right in found - granted} == set(), "used without being granted here"
    assert missing(log) == []


WITHOUT = "berth-without-finalizers"


@pytest.fixture
def without(ground_cluster: Cluster, tmp_path: Path) -> Path:
    """A kubeconfig of an account that has all rights of the operator but those on finalizers."""
    role = next(each for each in chart.objects("ClusterRole") if each["metadata"]["name"] == "berth-operator")
    rules = [rule for rule in role["rules"] if not rule["resources"][0].endswith("/finalizers")]
    assert len(rules) == len(role["rules"]) - 1
    meta, group = {"name": WITHOUT}, "rbac.authorization.k8s.io"
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": WITHOUT}
    subject = {"kind": "ServiceAccount", "name": WITHOUT, "namespace": "default"}
    for where, kind, more in (
        (f"/apis/{group}/v1/clusterroles", "ClusterRole", {"rules": rules}),
        (f"/apis/{group}/v1/clusterrolebindings", "ClusterRoleBinding", {"roleRef": reference, "subjects": [subject]}),
        ("/api/v1/namespaces/default/serviceaccounts", "ServiceAccount", {}),
    ):
        version = "v1" if kind == "ServiceAccount" else f"{group}/v1"
        body = {"apiVersion": version, "kind": kind, "metadata": meta, **more}
        apply(ground_cluster.kubeconfig, f"{where}/{WITHOUT}", body)
    return identity.kubeconfig_for(ground_cluster, "default", WITHOUT, tmp_path / "kubeconfig")


@pytest.mark.parametrize("kind", [WORKLOAD, TENANT], ids=lambda kind: kind.name)
def test_without_finalizers_no_child_can_block_the_deletion_of_its_owner(
    ground_cluster: Cluster, without: Path, kind: Kind
) -> None:
    owner = {"apiVersion": kind.api, "kind": kind.name, "name": "any", "uid": uuid4().hex, "controller": True}
    meta = {"name": "any", "ownerReferences": [{**owner, "blockOwnerDeletion": True}]}
    body = {"apiVersion": SERVICE.api, "kind": SERVICE.name, "metadata": meta, "spec": {"ports": [{"port": 80}]}}

    def answer() -> str:
        with pytest.raises(ApiError) as refused:
            call(without, "POST", f"{SERVICE.path('default')}?dryRun=All", body)
        return str(refused.value)

    eventually(lambda: 'cannot create resource "services"' not in answer(), objects.SECONDS, "it has its other rights")
    assert "cannot set blockOwnerDeletion" in answer()
