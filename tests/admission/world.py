"""The cluster that all attempts are made on: tenants with and without a floor, and Workloads with their children."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import orjson

from admission import bodies, people
from admission.attempts import kubeconfig
from admission.kinds import MIGRATION
from berth.api.workload import WorkloadSpec
from berth.render.children import render
from berth.render.model import Subject
from golden import golden
from golden.images import own_images
from ground import api, berth, crds, kubevirt_sim, simulator
from ground import cluster as control_plane
from ground.api import Json, call, eventually
from ground.cluster import Cluster
from scenarios import objects, specs
from scenarios.kinds import (
    CLAIM,
    CLASS,
    CLONE,
    DATA_SOURCE,
    DATA_VOLUME,
    DEPLOYMENT,
    EVENT,
    EXPORT,
    KUBEVIRT,
    NAMESPACE,
    POD,
    POLICY,
    POOL,
    QUOTA,
    RESTORE,
    RUNTIME_CLASS,
    SERVICE,
    TENANT,
    VM,
    VMI,
    WAIVER,
    WORKLOAD,
    Kind,
)

TEAM = "team"
"""Belongs to no tenant; the Workloads live here."""
SHOP = "shop"
"""Of Tenant acme, whose floor is Sandboxed."""
BANK = "bank"
"""Of Tenant bank, whose floor is Virtualized, by expressions."""
NEAR = "near-bank"
"""Misses one expression of Tenant bank."""
LAB = "lab"
"""Of Tenant lab, which has no floor."""
RATED = "rated"
"""A namespace that IsolationPolicy pci selects."""
LABELS: dict[str, dict[str, str]] = {
    TEAM: {},
    SHOP: {"tenant": "acme", "berth.dev/zone": "inner", "pod-security.kubernetes.io/enforce": "restricted"},
    BANK: {"line": "retail", "tier": "gold"},
    NEAR: {"line": "retail", "tier": "free"},
    LAB: {"lab": "yes"},
    RATED: {"data": "cardholder"},
}
TENANTS: dict[str, Json] = {
    "acme": {"namespaceSelector": {"matchLabels": {"tenant": "acme"}}, "floor": "Sandboxed"},
    "bank": {
        "namespaceSelector": {
            "matchExpressions": [
                {"key": "line", "operator": "In", "values": ["retail", "private"]},
                {"key": "tier", "operator": "NotIn", "values": ["free", "trial"]},
                {"key": "tier", "operator": "Exists"},
                {"key": "legacy", "operator": "DoesNotExist"},
            ]
        },
        "floor": "Virtualized",
    },
    "lab": {"namespaceSelector": {"matchLabels": {"lab": "yes"}}},
}
CLASSES: dict[str, Json] = {
    "gpu": {"level": "Container", "pod": {"runtimeClassName": "vendor"}},
}
POLICIES: dict[str, Json] = {
    "pci": {"matchLabels": {"data": "cardholder"}},
    "unless-vouched": {"matchExpressions": [{"key": "vouched", "operator": "NotIn", "values": ["yes"]}]},
}
SIZED: Json = {
    "machine": {
        "bootDisk": {"containerDisk": {"image": specs.DISK}},
        "instancetype": "u1.medium",
        "preference": "fedora",
    },
    "replicas": 0,
}
WORKLOADS: dict[str, tuple[str, Json]] = {
    # What is run, rendered with the class of which golden case.
    "web": (
        "container-minimal",
        specs.container(replicas=2, autoscaling={"minReplicas": 2, "maxReplicas": 4}),
    ),
    "build": ("task", specs.task()),
    "erp": ("machine-minimal", specs.machine()),
    "herd": ("machine-minimal", specs.machine(replicas=2)),
    "idle": ("machine-halted", specs.machine(replicas=0)),
    "bare": ("machine-halted", specs.machine(replicas=0)),
    "sized": ("machine-instancetype", SIZED),
}
UNFILLED: Json = {
    # As a machine is that was made before KubeVirt filled these.
    "spec": {
        "template": {
            "metadata": {"annotations": None},
            "spec": {"architecture": None, "domain": {"firmware": None, "machine": None}},
        }
    }
}
GATED: Json = {
    "spec": {"configuration": {"developerConfiguration": {"featureGates": ["HostDevices", "WorkloadEncryptionTDX"]}}}
}
"""What golden cases need of KubeVirt beside what is on by itself."""
IMAGES = ("fedora",)
"""DataSources, without which CDI refuses a disk."""
GIVEN: Json = {
    "spec": {
        "workloads": [{"namespace": TEAM, "name": "web"}],
        "policies": ["pci"],
        "reason": "until the driver is there",
        "requestedBy": people.DEVELOPER,
        "approver": control_plane.ADMINISTRATOR,
        "expiresAt": "2099-01-01T00:00:00Z",
    }
}
ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")
NOT_YET = (422, 503)
PLURALS = {"NetworkPolicy": "networkpolicies"}


@contextmanager
def prepared() -> Iterator[Cluster]:
    """Give the cluster, with everything that runs running."""
    name = f"admission-{uuid4().hex[:8]}"
    try:
        cluster = control_plane.up(name, nodes=1, audit=True, say=lambda *_: None)
        crds.install(cluster)
        for kind in (MIGRATION, RESTORE, CLONE, EXPORT):
            serve(cluster, kind)
        if crds.real_folder() is None:
            open_schemas(cluster)
        simulator.start(cluster)
        objects.merge(cluster, KUBEVIRT, kubevirt_sim.NAMESPACE, "kubevirt", GATED)
        berth.install(cluster)
        furnish(cluster)
        for workload, (case, spec) in WORKLOADS.items():
            run(cluster, workload, case, spec)
        objects.merge(cluster, VM, TEAM, "bare", UNFILLED)
        yield cluster
    finally:
        control_plane.down(name, say=lambda *_: None)


def serve(cluster: Cluster, kind: Kind) -> None:
    """Serve a kind of KubeVirt that the ground's own CRDs leave out, without a schema; nothing when it is served."""
    group, version = kind.api.split("/")
    name = f"{kind.plural}.{group}"
    if any(path.stem == name for path in crds.kubevirt_crds()):
        return
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"kind": kind.name, "plural": kind.plural}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [served]}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}}
    crds.serve(cluster, {name: {**body, "spec": spec}})


def open_schemas(cluster: Cluster) -> None:
    """Let machines have all fields: the ground's own small schemas drop what Berth never writes, so attacks too."""
    for kind in (VM, VMI, POOL):
        where = f"{crds.WHERE}/{kind.plural}.{kind.api.partition('/')[0]}"
        found = call(cluster.kubeconfig, "GET", where)
        for version in found["spec"]["versions"]:
            properties = version["schema"]["openAPIV3Schema"]["properties"]
            for part in ("spec", "status"):
                properties[part] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        call(cluster.kubeconfig, "PUT", where, found)
        eventually(lambda at=kind: open_now(cluster, at), objects.SECONDS, f"{kind.name} keeps all fields")


def open_now(cluster: Cluster, kind: Kind) -> bool:
    """Tell whether a field that no schema knows stays: the old schema refuses it, and in between nothing is served."""
    body = {"apiVersion": kind.api, "kind": kind.name, "metadata": {"name": "probe"}, "spec": {"probe": True}}
    try:
        made = call(cluster.kubeconfig, "POST", f"{kind.path('default')}?dryRun=All", body)
    except api.ApiError as error:
        if error.code in NOT_YET:
            return False
        raise
    return "probe" in made["spec"]


def furnish(cluster: Cluster) -> None:
    """Make namespaces, tenants, policies, a runtime, and give people their rights."""
    for namespace, labels in LABELS.items():
        objects.put(cluster, NAMESPACE, "", {"metadata": {"name": namespace, "labels": labels}})
        eventually(lambda at=namespace: objects.get(cluster, ACCOUNT, at, "default"), 60.0, f"{namespace} is usable")
        for image in IMAGES:
            source = {"source": {"pvc": {"namespace": namespace, "name": image}}}
            objects.put(cluster, DATA_SOURCE, namespace, {"metadata": {"name": image}, "spec": source})
    for tenant, spec in TENANTS.items():
        objects.put(cluster, TENANT, "", {"metadata": {"name": tenant}, "spec": spec})
    for name, spec in CLASSES.items():
        objects.put(cluster, CLASS, "", {"metadata": {"name": name}, "spec": spec})
    for policy, selector in POLICIES.items():
        spec = {
            "mode": "Audit",
            "reason": "a test",
            "match": {"namespaceSelector": selector},
            "require": {"level": "Sandboxed"},
        }
        objects.put(cluster, POLICY, "", {"metadata": {"name": policy}, "spec": spec})
    objects.put(cluster, RUNTIME_CLASS, "", {"metadata": {"name": "gvisor"}, "handler": "runsc"})
    objects.put(cluster, QUOTA, TEAM, {"metadata": {"name": "berth"}, **bodies.quota()})
    for kind, body in ((DEPLOYMENT, bodies.template()), (SERVICE, bodies.service())):
        objects.put(cluster, kind, TEAM, {**body, "metadata": {"name": "own"}})
    objects.put(cluster, DEPLOYMENT, SHOP, {**bodies.template(), "metadata": {"name": "own"}})
    kept = {"name": "db-root", "labels": {"berth.dev/disk-of": "db"}}
    disk = objects.put(cluster, DATA_VOLUME, TEAM, {**bodies.data_volume(), "metadata": kept})["metadata"]
    owner = {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume", "name": "db-root", "uid": disk["uid"]}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for name, owners in (("db-root", [{**owner, "controller": True}]), ("theirs", [])):
        objects.put(cluster, CLAIM, TEAM, {"metadata": {"name": name, "ownerReferences": owners}, "spec": spec})
    for event, controller in (("ours", "berth.dev/operator"), ("theirs", "kubelet")):
        objects.put(cluster, EVENT, TEAM, {"metadata": {"name": event}, **bodies.event(controller, TEAM)})
    noted = {"name": "noted", "annotations": {"berth.dev/note": "a"}, "finalizers": ["berth.dev/held"]}
    objects.put(cluster, WORKLOAD, TEAM, {"metadata": noted, "spec": specs.container()})
    objects.put(cluster, WAIVER, "", {"metadata": {"name": "given"}, **GIVEN})
    people.grant(cluster, tuple(LABELS))


def run(cluster: Cluster, name: str, case: str, spec: Json) -> None:
    """Make a Workload as its developer, its children as the operator, and wait until it runs."""
    for body in written(cluster, name, case, spec):
        apply_as_operator(cluster, body)
    kind = VMI if "machine" in spec else POD
    count = int(spec.get("replicas", 1))
    selector = f"berth.dev/workload={name}"

    def running() -> bool:
        found = objects.items(cluster, kind, TEAM, selector)
        return sum(each.get("status", {}).get("phase") in {"Running", "Succeeded"} for each in found) >= count

    eventually(running, objects.SECONDS, f"{name} runs")


def written(cluster: Cluster, name: str, case: str, spec: Json) -> list[Json]:
    """Make a Workload as its developer and return the children that Berth renders for it."""
    developer = kubeconfig(cluster, people.DEVELOPER)
    body = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": name, "namespace": TEAM}}
    made = api.apply(developer, WORKLOAD.path(TEAM, name), {**body, "spec": spec})
    parsed = WorkloadSpec.model_validate_json(orjson.dumps(spec))
    clones = own_images(parsed, TEAM)
    subject = Subject(TEAM, name, made["metadata"]["uid"], parsed, f"ns.{TEAM}", clones=clones)
    return [child.body for child in render(subject, golden.load(case)[1])]


def apply_as_operator(cluster: Cluster, body: Json, *, dry: bool = False) -> Json:
    """Apply a child as the operator does; raise ApiError as the API server says."""
    operator = kubeconfig(cluster, people.OPERATOR)
    meta = body["metadata"]
    kind = Kind(body["kind"], body["apiVersion"], PLURALS.get(body["kind"], f"{body['kind'].lower()}s"))
    query = "?fieldManager=berth&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry else "")
    return call(operator, "PATCH", kind.path(meta["namespace"], meta["name"]) + query, body, api.APPLY)
