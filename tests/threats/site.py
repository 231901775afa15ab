"""The control plane that everything is tried on: Berth as installed, a running operator, tenants, and what they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import orjson

from admission import bodies
from admission.kinds import CONFIG_MAP, MIGRATION, REPLICA_SET, SECRET
from admission.world import ACCOUNT, open_schemas, serve
from berth.api.tenant import Network
from berth.api.workload import WorkloadSpec
from berth.render.children import render
from berth.render.model import Clone, Subject
from berth.render.network_policy import peers_of
from berth.verify.model import Bounds
from ground.api import eventually
from ground.cluster import Cluster
from ground.crds import real_folder
from scenarios import objects, site
from scenarios.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    DATA_SOURCE,
    DEPLOYMENT,
    KUBEVIRT_CHILDREN,
    NAMESPACE,
    POD,
    POD_CHILDREN,
    POLICY,
    QUOTA,
    TENANT,
    WORKLOAD,
    Kind,
)
from scenarios.objects import Json
from scenarios.process import Operator
from threats import people
from threats.specs import RUNNING, THEIRS
from verify.bounds import bounds_of

EVIL = "evil"
SHOP = "acme-shop"
LABELS: dict[str, dict[str, str]] = {
    EVIL: {"tenant": "evil", "pod-security.kubernetes.io/audit": "restricted"},
    SHOP: {"tenant": "acme"},
    "acme-db": {"tenant": "acme"},
    "tiny": {"tenant": "tiny"},
    "full": {"tenant": "full"},
    "pinned": {"tenant": "pinned"},
    "free": {},
    "lost": {"lost": "yes"},
}
TENANTS: dict[str, Json] = {
    "evil": {
        "floor": "Sandboxed",
        "images": {"registries": ["registry.example/evil/"]},
        "serviceAccounts": {"allowed": ["runner"]},
        "priorityClasses": {"allowed": ["batch"]},
        "storageClasses": {"allowed": ["ground"]},
    },
    "acme": {"floor": "Sandboxed"},
    "tiny": {"network": {"mode": "Open"}, "quota": {"memory": "2Gi", "cpu": "4"}},
    "full": {"network": {"mode": "Open"}, "quota": {"workloads": 0}},
    "pinned": {"network": {"mode": "Open"}, "images": {"digest": "Required"}},
}
POLICIES: dict[str, Json] = {
    # A condition that fails on every Workload, and one that nobody can read.
    "fails": {"when": "workload.spec.no.such.field == 1", "require": {"level": "Virtualized"}},
    "broken": {"when": "workload.spec..", "require": {"level": "Sandboxed"}, "mode": "Audit"},
}
PRIORITY = Kind("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", namespaced=False)
HELD = ("web", "full", "erp", "herd")
"""Workloads that are waited for until they run; what the others have is written, and that is enough."""


@dataclass(frozen=True, eq=False)
class Site:
    """A control plane with a running operator."""

    cluster: Cluster
    operator: Operator

    @cached_property
    def bounds(self) -> dict[str, Bounds]:
        """What the children of each Workload may be, by the Workload as it is stored."""
        return {name: bounds_of(self._subject(name), facts) for name, (_, facts) in RUNNING.items()}

    @cached_property
    def children(self) -> dict[str, Json]:
        """What the operator writes for each Workload, by `web/Deployment`."""
        return {
            f"{name}/{child.kind}": child.body
            for name, (_, facts) in RUNNING.items()
            for child in render(self._subject(name), facts)
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """Names that paths of requests leave open: a pod of the tenant's, one of the victim's, a ReplicaSet."""
        own = objects.items(self.cluster, POD, EVIL, "berth.dev/workload=full")
        victims = objects.items(self.cluster, POD, SHOP, "berth.dev/workload=web")
        sets = objects.items(self.cluster, REPLICA_SET, EVIL, "berth.dev/workload=web")
        found = {"pod": own, "victim": victims, "replicaset": sets}
        return {key: each[0]["metadata"]["name"] for key, each in found.items()}

    def stored(self, child: str) -> Json:
        """Return a child as the operator wrote it."""
        kind = next(each for each in (*POD_CHILDREN, *KUBEVIRT_CHILDREN) if each.name == child.split("/")[1])
        return objects.get(self.cluster, kind, EVIL, self.children[child]["metadata"]["name"])

    def _subject(self, name: str) -> Subject:
        stored = objects.get(self.cluster, WORKLOAD, EVIL, name)
        spec = WorkloadSpec.model_validate_json(orjson.dumps(stored["spec"]))
        clones = (("golden", Clone("pvc", EVIL, "own")),)
        return Subject(EVIL, name, stored["metadata"]["uid"], spec, "evil", peers_of(Network(), (EVIL,)), clones=clones)


@contextmanager
def prepared(folder: Path) -> Iterator[Site]:
    """Give the site; logs and credentials of the operator go into a folder."""
    with site.prepared() as cluster:
        serve(cluster, MIGRATION)
        if real_folder() is None:
            open_schemas(cluster)
        operator = Operator(cluster, folder, BERTH_LOG_LEVEL="DEBUG")
        try:
            operator.start()
            furnish(cluster)
            run(cluster)
            yield Site(cluster, operator)
        finally:
            operator.stop()


def furnish(cluster: Cluster) -> None:
    """Make tenants, namespaces, policies, what Workloads refer to, and give people their rights."""
    for name, spec in TENANTS.items():
        body = {"namespaceSelector": {"matchLabels": {"tenant": name}}, **spec}
        objects.put(cluster, TENANT, "", {"metadata": {"name": name}, "spec": body})
        objects.observed(cluster, TENANT, "", name)
    for name, labels in LABELS.items():
        objects.put(cluster, NAMESPACE, "", {"metadata": {"name": name, "labels": labels}})
        eventually(lambda at=name: objects.get(cluster, ACCOUNT, at, "default"), objects.SECONDS, f"{name} is usable")
    match = {"namespaceSelector": {"matchLabels": {"lost": "yes"}}}
    for name, spec in POLICIES.items():
        objects.put(
            cluster,
            POLICY,
            "",
            {"metadata": {"name": name}, "spec": {"mode": "Enforce", "reason": "a test", "match": match, **spec}},
        )
        objects.observed(cluster, POLICY, "", name)
    objects.put(cluster, PRIORITY, "", {"metadata": {"name": "batch"}, "value": -1, "preemptionPolicy": "Never"})
    objects.put(
        cluster,
        CLUSTER_INSTANCETYPE,
        "",
        {"metadata": {"name": "small"}, "spec": {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}}},
    )
    for namespace in (EVIL, SHOP):
        _own(cluster, namespace)
    objects.put(cluster, DEPLOYMENT, "free", {"metadata": {"name": "own"}, "spec": bodies.template()["spec"]})
    people.grant(cluster)


def _own(cluster: Cluster, namespace: str) -> None:
    """Make what Workloads of a namespace refer to."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    objects.put(cluster, CLAIM, namespace, {"metadata": {"name": "own"}, "spec": claim})
    objects.put(cluster, CONFIG_MAP, namespace, {"metadata": {"name": "own"}, "data": {"k": "v"}})
    objects.put(cluster, ACCOUNT, namespace, {"metadata": {"name": "runner"}})
    for name in ("own", "registry"):
        objects.put(cluster, SECRET, namespace, {"metadata": {"name": name}, "stringData": {"k": "v"}})
    source = {"source": {"pvc": {"name": "own", "namespace": namespace}}}
    objects.put(cluster, DATA_SOURCE, namespace, {"metadata": {"name": "golden"}, "spec": source})
    acme = {"namespace": "acme-shop", "name": "own"}
    for name, kind in (("of-acme", "pvc"), ("through-acme", "dataSource")):
        objects.put(cluster, DATA_SOURCE, namespace, {"metadata": {"name": name}, "spec": {"source": {kind: acme}}})


def run(cluster: Cluster) -> None:
    """Make the Workloads, and wait until the operator has written their children."""
    for name, (spec, _) in RUNNING.items():
        objects.put(cluster, WORKLOAD, EVIL, {"metadata": {"name": name}, "spec": spec})
    objects.put(cluster, WORKLOAD, SHOP, {"metadata": {"name": "web"}, "spec": THEIRS})
    for name, (_, facts) in RUNNING.items():
        objects.until(cluster, WORKLOAD, EVIL, name, lambda found, at=facts.name: place(found) == at)
    for name in HELD:
        objects.until(cluster, WORKLOAD, EVIL, name, lambda found: site.condition(found, "Ready")["status"] == "True")
    objects.until(cluster, WORKLOAD, SHOP, "web", lambda found: site.condition(found, "Ready")["status"] == "True")
    # Until the API server's controller has counted, everything is refused for another reason.
    objects.until(cluster, QUOTA, "full", "berth", counted)


def counted(quota: Json) -> bool:
    """Return whether the use of everything that a ResourceQuota limits is known."""
    return quota.get("status", {}).get("used", {}).keys() == quota["spec"]["hard"].keys()


def place(workload: Json) -> str:
    """Return the class that a Workload runs in; nothing when it runs nowhere."""
    found: str = workload.get("status", {}).get("placement", {}).get("className", "")
    return found
