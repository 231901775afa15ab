"""The operator's identity in other hands: with all rights, it still writes nothing but children of Workloads."""

from functools import partial
from typing import Any

import pytest

from admission import bodies
from admission.attempts import Attempt, check, kubeconfig
from admission.bodies import owned
from admission.kinds import CONFIG_MAP, CRON_JOB, DAEMON_SET, SECRET, STATEFUL_SET
from admission.people import OPERATOR
from admission.world import LAB, TEAM
from ground.api import ApiError, Json, call
from ground.cluster import Cluster
from scenarios.kinds import (
    AUTOSCALER,
    BUDGET,
    CLAIM,
    DATA_VOLUME,
    DEPLOYMENT,
    EVENT,
    JOB,
    LEASE,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    QUOTA,
    SERVICE,
    VM,
    WORKLOAD,
)

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

attempt = partial(Attempt, OPERATOR, policy="berth-operator")
WRITES = "it writes children of Workloads, the status of its own kinds, its Events and its Lease"
SYSTEM = "nothing is run for tenants beside the system. Move the Workload to another namespace"
ONE = "name, label berth.dev/workload and controlling owner must be those of one Workload"
DISK_OF_ONE = "name, label berth.dev/disk-of and controlling owner must be those of one Workload"
DELETES = "it deletes only what a Workload or a Tenant owns, and no disk"
SOMEBODY = "it belongs to somebody else. Delete or rename one of the two"
GROWS = "of a claim it only raises the size, and only of one that a DataVolume of its name has made"
SELECTS = "it must select the pods of its own Workload"
LABELS = {"berth.dev/workload": "web"}
DISK = {"berth.dev/disk-of": "web"}
AGAIN = [{"op": "add", "path": "/series", "value": {"count": 2, "lastObservedTime": "2026-01-01T00:10:00.000000Z"}}]


def service(meta: Json | None = None, **more: object) -> Json:
    """Return the Service of Workload web."""
    spec = {"selector": LABELS, "ports": [{"port": 80}], **more}
    return {"metadata": owned() if meta is None else meta, "spec": spec}


def deployment(labels: dict[str, str]) -> Json:
    """Return the Deployment of Workload web with further labels on its pods."""
    made = {"metadata": {"labels": LABELS | labels}, "spec": bodies.pod_spec()}
    return {"metadata": owned(), "spec": {"selector": {"matchLabels": LABELS}, "template": made}}


def selecting(spec: Json) -> Json:
    """Return a child with a spec."""
    return {"metadata": owned(), "spec": spec}


def disk(meta: Json, **source: object) -> Json:
    """Return a DataVolume."""
    storage = {"resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": meta, "spec": {"storage": storage, **source}}


SOURCE = {"source": {"blank": {}}}
SCALE = {"minReplicas": 1, "maxReplicas": 2}
NOTED = {"metadata": {"annotations": {"a": "b"}}}
SIZED = {"metadata": {"annotations": {"berth.dev/storage": "2Gi"}}}
CLAIMED = {"metadata": {}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
CLONES = {
    "claim of others": {"source": {"pvc": {"namespace": "bank", "name": "ledger"}}},
    "snapshot of others": {"source": {"snapshot": {"namespace": "bank", "name": "ledger"}}},
    "source of others": {"sourceRef": {"kind": "DataSource", "name": "ledger", "namespace": "bank"}},
    "name": {"sourceRef": {"kind": "DataSource", "name": "fedora"}},
    "upload": {"source": {"upload": {}}},
    "two": {"source": {"blank": {}, "pvc": {"namespace": "bank", "name": "ledger"}}},
    "address": {"source": {"http": {"url": "http://169.254.169.254/"}}},
}
FILLED = {
    "blank": {"blank": {}},
    "own claim": {"pvc": {"namespace": LAB, "name": "golden"}},
    "own snapshot": {"snapshot": {"namespace": LAB, "name": "golden"}},
    "image": {"registry": {"url": "docker://registry.example/disk:1"}},
}
PROBE = owned("IsolationClass", "gvisor", **{"berth.dev/workload": "probe-1"})
PROBING = {"metadata": {"labels": {"berth.dev/workload": "probe-1"}}, "spec": bodies.pod_spec(restartPolicy="Never")}
TAKES = "a probe has no volumes, no environment and no account of its own"
TAKEN: dict[str, Json] = {
    "a Secret": {"volumes": [{"name": "s", "secret": {"secretName": "berth-tls"}}]},
    "an account": {"serviceAccountName": "berth"},
    "an environment": {"container": {"envFrom": [{"secretRef": {"name": "berth-tls"}}]}},
    "a variable": {
        "initContainers": [
            {"name": "i", "image": "i:1", "securityContext": bodies.SAFE, "env": [{"name": "A", "value": "b"}]}
        ]
    },
}


def probe(**more: Any) -> Json:
    """Return a probe of a class, with more in its pod."""
    made = {**PROBING, "spec": bodies.pod_spec(restartPolicy="Never", **more)}
    return {"metadata": PROBE, "spec": {"template": made}}


PROBES = [
    *(attempt("create", JOB, "berth-system", "probe-1", probe(**more), says=TAKES, note=note) for note, more in TAKEN.items()),
    attempt("create", JOB, "berth-system", "web", bodies.job(labels=LABELS, meta=owned("IsolationClass", "gvisor")), says=SYSTEM, note="no probe by name"),
    attempt("create", JOB, "berth-system", "probe-2", bodies.job(labels=LABELS, meta=PROBE), says=SYSTEM, note="of another name"),
    attempt("create", JOB, TEAM, "probe-1", bodies.job(labels=LABELS, meta=PROBE), says=ONE, note="beside a tenant"),
    attempt("create", JOB, "berth-system", "probe-1", bodies.job(labels=LABELS, meta=owned(**{"berth.dev/workload": "probe-1"})), says=SYSTEM, note="of a Workload"),
    attempt("create", SERVICE, "berth-system", "probe-1", service(PROBE), says=SYSTEM, note="no Job"),
]  # fmt: skip
REFUSED = [
    *PROBES,
    attempt("create", POD, LAB, "web", bodies.pod(labels=LABELS), WRITES),
    attempt("create", SECRET, LAB, "web", {"metadata": owned()}, WRITES),
    attempt("create", CONFIG_MAP, LAB, "web", {"metadata": owned()}, WRITES),
    attempt("create", DAEMON_SET, LAB, "web", bodies.template(meta=owned()), WRITES),
    attempt("create", STATEFUL_SET, LAB, "web", bodies.stateful_set(), WRITES),
    attempt("create", CRON_JOB, LAB, "web", bodies.cron_job(), WRITES),
    attempt("create", NAMESPACE, "", "mine", {}, WRITES),
    attempt("merge-patch", NAMESPACE, "", "team", NOTED, WRITES),
    attempt("merge-patch", NODE, "", "node-0", NOTED, WRITES),
    attempt("merge-patch", DEPLOYMENT, TEAM, "web", {"spec": {"replicas": 9}}, WRITES, "scale"),
    attempt("create", LEASE, TEAM, "berth", {"spec": {}}, WRITES),
    attempt("delete", QUOTA, TEAM, "berth", None, DELETES),
    attempt("create", QUOTA, LAB, "other", {"metadata": owned("Tenant", "lab"), **bodies.quota()}, ONE, note="of a tenant"),
    attempt("create", NETWORK_POLICY, LAB, "web", {"metadata": owned("Tenant", "lab"), "spec": {"podSelector": {}}}, ONE, note="of a tenant"),
    *(attempt("create", SERVICE, where, "web", service(), SYSTEM) for where in ("kube-system", "berth-system", "kube-public")),
    attempt("create", SERVICE, LAB, "web", service({}), ONE, note="bare"),
    attempt("create", SERVICE, LAB, "web", service({"labels": LABELS}), ONE, note="without owner"),
    attempt("create", SERVICE, LAB, "web", service(owned(name="other")), ONE, note="of another"),
    attempt("create", SERVICE, LAB, "other", service(), ONE, note="other name"),
    attempt("create", SERVICE, LAB, "web", service(owned("Tenant", "acme")), ONE, note="of a tenant"),
    attempt("create", SERVICE, LAB, "web", service({**owned(), "labels": {}}), ONE, note="without label"),
    attempt("create", DATA_VOLUME, LAB, "other-root", disk({"labels": DISK}, **SOURCE), DISK_OF_ONE, note="other name"),
    attempt("create", DATA_VOLUME, LAB, "web-root", disk({}, **SOURCE), DISK_OF_ONE, note="bare"),
    attempt("create", DATA_VOLUME, LAB, "web-root", disk({"labels": LABELS}, **SOURCE), DISK_OF_ONE, note="with the label of pods"),
    attempt("create", DATA_VOLUME, LAB, "web-root", disk({"labels": LABELS | DISK}, **SOURCE), DISK_OF_ONE, note="with both labels"),
    attempt("delete", DEPLOYMENT, TEAM, "own", None, DELETES),
    attempt("delete", SERVICE, TEAM, "own", None, DELETES),
    attempt("delete", DATA_VOLUME, TEAM, "db-root", None, DELETES),
    attempt("merge-patch", DEPLOYMENT, TEAM, "own", NOTED, ONE),
    attempt("apply", SERVICE, TEAM, "own", service({**owned(name="own"), "labels": {"berth.dev/workload": "own"}}, selector={"berth.dev/workload": "own"}), SOMEBODY, note="adopt"),
    attempt("apply", DATA_VOLUME, TEAM, "db-root", disk({"labels": {"berth.dev/disk-of": "d"}}, **SOURCE), "must", note="rename"),
    attempt("create", SERVICE, LAB, "web", service(selector={"app": "own"}), SELECTS),
    attempt("create", SERVICE, LAB, "web", service(selector={}), SELECTS, note="all"),
    attempt("create", SERVICE, LAB, "web", service(selector={"berth.dev/workload": "other"}), SELECTS, note="other"),
    attempt("create", NETWORK_POLICY, LAB, "web", selecting({"podSelector": {}}), SELECTS),
    attempt("create", BUDGET, LAB, "web", selecting({"selector": {}, "maxUnavailable": 0}), SELECTS),
    attempt("create", DEPLOYMENT, LAB, "web", bodies.template(meta=owned()), SELECTS),
    attempt("create", SERVICE, LAB, "web", service(externalIPs=["10.0.0.1"]), "no externalName and no externalIPs"),
    attempt("create", SERVICE, LAB, "web", service(type="ExternalName", externalName="a.example"), "no externalName and no externalIPs", note="name"),
    attempt("create", AUTOSCALER, LAB, "web", selecting({**SCALE, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}), "it must set the replicas of its own Workload"),
    attempt("create", AUTOSCALER, LAB, "web", selecting({**SCALE, "scaleTargetRef": {"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "name": "other"}}), "it must set the replicas of its own Workload", note="other"),
    *(attempt("create", DATA_VOLUME, LAB, "web-root", disk({"labels": DISK}, **source), "a disk is empty, or filled from its own namespace, a registry, or what", note=note) for note, source in CLONES.items()),
    attempt("create", SERVICE, LAB, "web", service(owned(team="a")), "label or annotation team is none that it sets"),
    attempt("create", SERVICE, LAB, "web", service({**owned(), "annotations": {"service.beta.kubernetes.io/x": "y"}}), "is none that it sets", note="annotation"),
    attempt("merge-patch", SERVICE, TEAM, "web", {"metadata": {"labels": {"istio.io/rev": "a"}}}, "istio.io/rev is none that it sets"),
    attempt("create", DEPLOYMENT, LAB, "web", deployment({"sidecar.istio.io/inject": "true"}), "label or annotation sidecar.istio.io/inject is none that it sets", note="pod label"),
    attempt("create", VM, LAB, "web", bodies.machine(LABELS, owned(name="other")), ONE),
    attempt("json-patch", EVENT, TEAM, "theirs", AGAIN, WRITES),
    attempt("create", CLAIM, LAB, "web-root", CLAIMED, WRITES),
    attempt("delete", CLAIM, TEAM, "db-root", None, WRITES),
    attempt("merge-patch", CLAIM, TEAM, "theirs", SIZED, GROWS, note="of nobody"),
    attempt("merge-patch", CLAIM, TEAM, "db-root", NOTED, GROWS, note="annotation"),
    attempt("merge-patch", CLAIM, TEAM, "db-root", {"metadata": {"labels": LABELS}}, GROWS, note="label"),
    attempt("merge-patch", CLAIM, TEAM, "db-root", {"metadata": {"ownerReferences": []}}, GROWS, note="owner"),
    attempt("merge-patch", CLAIM, TEAM, "db-root", {"metadata": {"finalizers": ["a.example/held"]}}, GROWS, note="finalizer"),
]  # fmt: skip
ALLOWED = [
    attempt("create", JOB, "berth-system", "probe-1", probe(), note="a probe"),
    attempt("create", SERVICE, LAB, "web", service()),
    *(attempt("create", DATA_VOLUME, LAB, "web-root", disk({"labels": DISK}, source=source), note=note) for note, source in FILLED.items()),
    attempt("create", DATA_VOLUME, LAB, "web-root", disk({**owned(), "labels": DISK}, **SOURCE), note="owned"),
    attempt("create", QUOTA, LAB, "berth", {"metadata": owned("Tenant", "lab"), **bodies.quota()}, note="of a tenant"),
    attempt("merge-patch", DATA_VOLUME, TEAM, "db-root", {"metadata": {"labels": {"app.kubernetes.io/name": "db"}}}, note="take up"),
    attempt("merge-patch", SERVICE, TEAM, "web", {"metadata": {"annotations": {"berth.dev/desired-hash": "2"}}}),
    attempt("merge-patch", CLAIM, TEAM, "db-root", SIZED, note="size of its disk"),
    attempt("create", EVENT, "kube-system", "said", bodies.event("berth.dev/operator", "kube-system")),
    attempt("json-patch", EVENT, TEAM, "ours", AGAIN, note="again"),
    attempt("create", LEASE, "berth-system", "new", {"spec": {}}),
    attempt("merge-patch", WORKLOAD, TEAM, "web", {"status": {"observedGeneration": 1}}, subresource="status"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED], ids=str)
def test_the_operator_keeps_to_its_own(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


def test_the_operator_enters_no_pod(cluster: Cluster) -> None:
    operator = kubeconfig(cluster, OPERATOR)
    with pytest.raises(ApiError, match=WRITES):
        call(operator, "POST", f"{POD.path(TEAM, 'any')}/exec?command=id&stdout=true")
