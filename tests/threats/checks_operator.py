"""Checks of what the operator does and reaches, and of decisions that come late."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from berth.kube.gateway import CHILD_RESOURCES
from berth.verify.check import verify
from ground.api import MERGE, call
from scenarios import objects
from scenarios.kinds import (
    DEPLOYMENT,
    TENANT,
    VM,
    WORKLOAD,
)
from scenarios.site import audit_of, condition
from threats.acting import (
    DENIED,
    WORKLOADS,
    denied,
    events_of,
    namespace,
    refused,
    require,
    tried,
    until,
    workload,
)
from threats.checks_text import CANARY
from threats.people import NAMES
from threats.site import EVIL, Site, place
from threats.specs import CONTAINER, GUEST
from verify.change import changed, path_of

Json = dict[str, Any]

CRDS = Path(__file__).resolve().parents[2] / "crds"
ESTABLISHED = "01"


def no_field_names_a_namespace(_: Site) -> str:
    """No field of a Workload's spec names a namespace."""
    crd = yaml.safe_load((CRDS / "berth.dev_workloads.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    names = list(_fields(spec))
    assert len(names) > 100
    assert [name for name in names if "namespace" in name.lower()] == []
    return f"{len(names)} fields, none of which does"


def _fields(schema: Json) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _fields(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _fields(schema[key])


def operator_stays_where_workloads_are(site: Site) -> str:
    """Everything that the operator has written so far is in namespaces with Workloads or tenants, or its own."""
    log = audit_of(site.cluster)
    log._start = 0
    writes = log.writes()
    assert len(writes) > 20
    inhabited = {each["metadata"]["namespace"] for each in objects.items(site.cluster, WORKLOAD)}
    tenants = {name for each in objects.items(site.cluster, TENANT) for name in each["status"].get("namespaces", [])}
    made = {name for name in {write.namespace for write in writes} if name.startswith(("threat-", "test-"))}
    foreign = (
        {write.namespace for write in writes}
        - inhabited
        - tenants
        - made
        - {"", "berth-system", "lost", "free", "tiny", "pinned"}
    )
    assert not foreign, foreign
    return f"{len(writes)} writes"


def no_cluster_scoped_kind_is_written(site: Site) -> str:
    """Every cluster-scoped kind of this cluster is refused by the verifier, and the gateway does not know it."""
    kinds = list(_cluster_scoped(site))
    assert len(kinds) > 20
    body = site.children["web/Service"]
    for version, kind in kinds:
        assert kind not in CHILD_RESOURCES, kind
        assert verify(body | {"apiVersion": version, "kind": kind}, site.bounds["web"]), kind
    return f"{len(kinds)} kinds"


def _cluster_scoped(site: Site) -> Iterator[tuple[str, str]]:
    groups = call(site.cluster.kubeconfig, "GET", "/apis")["groups"]
    versions = ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
    for path in versions:
        for each in call(site.cluster.kubeconfig, "GET", path)["resources"]:
            if not each["namespaced"] and "/" not in each["name"]:
                yield path.removeprefix("/apis/").removeprefix("/api/"), each["kind"]


def operator_calls_the_api_server_only(site: Site) -> str:
    """The operator's process has connections to the API server and from whoever reads its port, and no others."""
    pid = site.operator.pid
    sockets = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            sockets.add(str(each.readlink()))
    server = int(_server_port(site))
    seen = 0
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if f"socket:[{parts[9]}]" not in sockets or parts[3] != ESTABLISHED:
                continue
            local, remote = (int(parts[number].rpartition(":")[2], 16) for number in (1, 2))
            if local == site.operator.port:
                continue
            assert remote == server, f"it is connected to port {remote}"
            seen += 1
    assert seen, "it has no connections at all"
    return f"{seen} connections, all to the API server"


def _server_port(site: Site) -> str:
    """Return the API server's port."""
    content = yaml.safe_load(site.cluster.kubeconfig.read_text())
    server: str = content["clusters"][0]["cluster"]["server"]
    return server.rpartition(":")[2]


def nothing_starts_by_an_older_policy(site: Site) -> str:
    """Once a policy says that it holds, no Workload that is made starts anywhere weaker, not even for a moment."""
    with namespace(site, "threat-race") as name:
        since = call(site.cluster.kubeconfig, "GET", DEPLOYMENT.path(name))["metadata"]["resourceVersion"]
        require(site, name, require={"level": "Virtualized"})
        for number in range(5):
            objects.put(site.cluster, WORKLOAD, name, {"metadata": {"name": f"w{number}"}, "spec": CONTAINER})
        for number in range(5):
            objects.until(site.cluster, WORKLOAD, name, f"w{number}", lambda found: place(found) == "kata")
        states = objects.history(site.cluster, DEPLOYMENT, name, since)
        runtimes = {each["spec"]["template"]["spec"].get("runtimeClassName") for each in states}
        assert runtimes == {"kata"}, runtimes
    return f"{len(states)} states of five Deployments name kata"


def the_deadline_stops(site: Site) -> str:
    """A machine that waits for an approval below what is required is stopped when the deadline has passed."""
    with namespace(site, "threat-late") as name:
        spec = {**GUEST, "switching": {"approval": "Manual"}}
        objects.put(site.cluster, WORKLOAD, name, {"metadata": {"name": "vm"}, "spec": spec})
        objects.until(site.cluster, VM, name, "vm", lambda found: found)
        require(site, name, require={"level": "Confidential"}, onDeadline="Stop", deadlineSeconds=2)
        objects.gone(site.cluster, VM, name, "vm")
        found = until(site, "vm", "Placed", "False", name, says="Confidential")
        return str(condition(found, "Placed")["message"])


def status_keeps_secrets(site: Site) -> str:
    """What may be a secret in a spec is in no status, Event, log line or metric of a Workload that is denied."""
    spec = changed(DENIED, path_of("container.env"), [{"name": "A", "value": CANARY}])
    spec = changed(spec, path_of("container.args"), [CANARY])
    with workload(site, "canary", spec) as name:
        found = until(site, name, "Placed", "False")
        assert CANARY not in json.dumps(found["status"])
        assert CANARY not in json.dumps(events_of(site, name))
    assert CANARY not in site.operator.log.read_text()
    assert CANARY not in site.operator.scrape()
    return "none has it"


def refused_without_the_operator(site: Site) -> str:
    """While the operator stands still, everything that admission refuses is refused."""
    pod = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    os.kill(site.operator.pid, signal.SIGSTOP)
    try:
        refused(site, "owner", "POST", f"/api/v1/namespaces/{EVIL}/pods?dryRun=All", pod)
        refused(site, "owner", "DELETE", f"/apis/apps/v1/namespaces/{EVIL}/deployments/web?dryRun=All")
        tried(site, "spec.hostNetwork", True)
        tenant = {"metadata": {"labels": {"tenant": "acme"}}}
        said = refused(site, "lead", "PATCH", f"/api/v1/namespaces/{EVIL}?dryRun=All", tenant, MERGE)
    finally:
        os.kill(site.operator.pid, signal.SIGCONT)
    assert site.operator.alive()
    return said


def operator_impersonates_nobody(site: Site) -> str:
    """The operator's own token impersonates neither users nor groups nor accounts."""
    own = yaml.safe_load(site.operator.kubeconfig.read_text())
    for who in (NAMES["developer"], "system:admin", "system:serviceaccount:kube-system:generic-garbage-collector"):
        own["users"][0]["user"]["as"] = who
        path = site.cluster.workdir / f"deputy-{abs(hash(who))}.kubeconfig"
        path.write_text(yaml.safe_dump(own))
        said = denied(path, "GET", "/api/v1/namespaces")
        assert "cannot impersonate" in said, said
    return said


def nobody_is_nobody(site: Site) -> str:
    """A request without an identity is nobody's: it is never taken for the operator's or the administrator's."""
    own = yaml.safe_load(site.operator.kubeconfig.read_text())
    own["users"][0]["user"] = {}
    path = site.cluster.workdir / "nobody.kubeconfig"
    path.write_text(yaml.safe_dump(own))
    said = denied(path, "GET", WORKLOADS.format(EVIL))
    assert said.startswith(("401", "403")), said
    return said
