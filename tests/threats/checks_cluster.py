"""Checks of what is let through: real Workloads on the real cluster, and proof that they have no effect."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from berth.kube.gateway import CHILD_RESOURCES
from berth.verify.check import verify
from ground.api import APPLY, JSON, MERGE, ApiError, call, eventually
from scenarios import objects, site
from scenarios.audit import Audit
from scenarios.kinds import (
    DATA_VOLUME,
    DEPLOYMENT,
    EVENT,
    KUBEVIRT_CHILDREN,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    POD_CHILDREN,
    POLICY,
    SERVICE,
    TENANT,
    VM,
    VMI,
    WORKLOAD,
    Kind,
)
from threats.checks_text import CANARY
from threats.people import NAMES, kubeconfig
from threats.site import EVIL, SHOP, Site, place
from threats.specs import CONTAINER, DISKS, FULL, LOADED, MACHINE
from verify.change import changed, path_of
from verify.foreign import STEERING

Json = dict[str, Any]
CRDS = Path(__file__).resolve().parents[2] / "crds"
WORKLOADS = "/apis/berth.dev/v1alpha1/namespaces/{}/workloads"
ALL_CHILDREN = (*POD_CHILDREN, *KUBEVIRT_CHILDREN)
SOON = 20.0
CRD = Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)


@contextmanager
def _workload(
    site: Site, name: str, spec: Json, namespace: str = EVIL, who: str = "developer", **meta: Any
) -> Iterator[str]:
    """Have somebody write a Workload, and remove it afterwards."""
    body = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": name, **meta}, "spec": spec}
    call(kubeconfig(site.cluster, who), "POST", f"{WORKLOADS.format(namespace)}?fieldValidation=Strict", body)
    try:
        yield name
    finally:
        objects.delete(site.cluster, WORKLOAD, namespace, name)


def _until(site_: Site, name: str, kind: str, status: str, namespace: str = EVIL) -> Json:
    def wish(found: Json) -> bool:
        seen = site.condition(found, kind)
        return seen["status"] == status and seen.get("observedGeneration") == found["metadata"]["generation"]

    return objects.until(site_.cluster, WORKLOAD, namespace, name, wish)


def _children(site: Site, namespace: str, name: str) -> list[Json]:
    named = [objects.get(site.cluster, kind, namespace, name) for kind in ALL_CHILDREN]
    selector = f"berth.dev/workload={name}"
    return [
        *filter(None, named),
        *objects.items(site.cluster, POD, namespace, selector),
        *objects.items(site.cluster, VMI, namespace, selector),
    ]


def _refused(site: Site, who: str, method: str, path: str, body: Any = None, content: str = JSON) -> str:
    return _no(kubeconfig(site.cluster, who), method, path, body, content)


def _no(person: Path, method: str, path: str, body: Any = None, content: str = JSON) -> str:
    """Return the refusal of a request; fail when it is taken, when the server stumbles, or takes long."""
    start, refused = monotonic(), None
    try:
        call(person, method, path, body, content)
    except ApiError as error:
        refused = error
    took = monotonic() - start
    assert refused is not None, f"the API server took {method} {path}"
    assert refused.code < 500, str(refused)
    assert took < 5.0, f"the answer took {took:.1f} s"
    return f"{str(refused)[:300]} ({took:.2f} s)"


STEERED = "steered"
GUEST: Json = changed(MACHINE, path_of("machine.disks"), [])
"""A machine that shares no disk with others."""


def steers_nothing(site: Site, key: str) -> str:
    """A key that controllers take orders from gets from a Workload to none of its children, pods and instances."""
    text = _noted(site)
    assert text, "there are no children"
    assert json.dumps({key: STEERED})[1:-1] not in text, "a child has it"
    return "no Deployment, Service, policy, pod, machine or instance has it"


@lru_cache(maxsize=1)
def _noted(site: Site) -> str:
    """Make a container and a machine with every such key, and return everything that was made for them."""
    keys = {key: STEERED for key in STEERING if not key.startswith(("berth.dev/", "kopf.zalando.org/"))}
    assert keys
    text = ""
    for name, spec in (("noted", CONTAINER), ("noted-guest", GUEST)):
        with _workload(site, name, spec, annotations=keys, labels=keys):
            _until(site, name, "Ready", "True")
            found = _children(site, EVIL, name)
            assert any(each["kind"] in {"Deployment", "VirtualMachine"} for each in found if "kind" in each)
            text += json.dumps(found)
    return text


def no_token_in_pods(site: Site) -> str:
    """No pod or machine of a Workload has a token of the API server."""
    pods = [
        pod
        for pod in objects.items(site.cluster, POD, EVIL, "berth.dev/workload")
        if "kubevirt.io" not in pod["metadata"]["labels"]
    ]
    assert pods
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not any("projected" in volume for volume in pod["spec"].get("volumes", []))
    for machine in objects.items(site.cluster, VMI, EVIL):
        assert not any("serviceAccount" in volume for volume in machine["spec"].get("volumes", []))
    return f"{len(pods)} pods have none"


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


def operator_stays_where_workloads_are(site_: Site) -> str:
    """Everything that the operator has written so far is in namespaces with Workloads or tenants, or its own."""
    log = site.audit_of(site_.cluster)
    log._start = 0
    writes = log.writes()
    assert len(writes) > 20
    inhabited = {each["metadata"]["namespace"] for each in objects.items(site_.cluster, WORKLOAD)}
    tenants = {name for each in objects.items(site_.cluster, TENANT) for name in each["status"].get("namespaces", [])}
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


ESTABLISHED = "01"


def operator_calls_the_api_server_only(site: Site) -> str:
    """The operator's process has connections to the API server and from whoever reads its port, and no others."""
    pid = site.operator.pid
    sockets = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            sockets.add(str(each.readlink()))
    server = int(call_port(site))
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


def call_port(site: Site) -> str:
    """Return the API server's port."""
    content = yaml.safe_load(site.cluster.kubeconfig.read_text())
    server: str = content["clusters"][0]["cluster"]["server"]
    return server.rpartition(":")[2]


def text_stays_in_its_place(site: Site, text: str) -> str:
    """A text in every free field of a Workload is rendered at the same places, letter by letter, and nowhere else."""
    spec: Json = FULL
    for path, value in (
        ("container.command", [text]),
        ("container.args", ["-c", text]),
        ("container.env.0.value", text),
        ("container.workingDir", text),
        ("container.readinessProbe.httpGet.path", text),
        ("container.readinessProbe.httpGet.httpHeaders.0.value", text),
        ("sidecars.0.args", [text]),
    ):
        spec = changed(spec, path_of(path), value)
    with _workload(site, f"text-{abs(hash(text)) % 10**8}", spec) as name:
        found = objects.until(site.cluster, WORKLOAD, EVIL, name, lambda found: place(found) == "gvisor")
        made = objects.until(site.cluster, DEPLOYMENT, EVIL, name, lambda found: found)
        assert site_reason(found) != "ChildRejected", found["status"]
        places = sorted(
            path.removeprefix("spec.") for path, each in _texts(made) if each == text and path.startswith("spec.")
        )
        others = [
            path
            for path, each in _texts({**made, "metadata": {**made["metadata"], "managedFields": []}})
            if text in each and each != text
        ]
    pod = "template.spec."
    assert places == sorted(
        [
            f"{pod}containers.0.command.0",
            f"{pod}containers.0.args.1",
            f"{pod}containers.0.env.0.value",
            f"{pod}containers.0.workingDir",
            f"{pod}containers.0.readinessProbe.httpGet.path",
            f"{pod}containers.0.readinessProbe.httpGet.httpHeaders.0.value",
            f"{pod}initContainers.0.args.0",
        ]
    ), places
    assert not others, others
    return "it stands at its seven places, as it was written"


def site_reason(found: Json) -> str:
    """Return the main reason of a Workload."""
    reason: str = found.get("status", {}).get("reason", "")
    return reason


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}.{number}")


def selectors_select_their_own(site: Site) -> str:
    """Every selector that Berth writes selects pods of its own Workload alone, whatever labels others have."""
    foreign = {"metadata": {"name": "foreign", "labels": {"app": "web", "app.kubernetes.io/name": "web"}}}
    foreign["spec"] = {"containers": [{"name": "c", "image": "x"}]}  # type: ignore[assignment]
    objects.put(site.cluster, POD, "free", foreign)
    checked = 0
    for kind, at in ((SERVICE, "selector"), (NETWORK_POLICY, "podSelector"), (DEPLOYMENT, "selector")):
        for each in objects.items(site.cluster, kind, EVIL, "app.kubernetes.io/managed-by=berth"):
            chosen = each["spec"][at].get("matchLabels", each["spec"][at])
            assert list(chosen) == ["berth.dev/workload"], chosen
            assert chosen["berth.dev/workload"] == each["metadata"]["name"]
            query = ",".join(f"{key}={value}" for key, value in chosen.items())
            assert not objects.items(site.cluster, POD, "free", query)
            checked += 1
    assert checked > 5
    return f"{checked} selectors"


def owners_bind_no_namespace(site_: Site) -> str:
    """A namespace that names a Tenant as its owner does not become its namespace: the binding is by labels alone."""
    owner = objects.get(site_.cluster, TENANT, "", "acme")["metadata"]
    reference = {"apiVersion": "berth.dev/v1alpha1", "kind": "Tenant", "name": "acme", "uid": owner["uid"]}
    body = {"metadata": {"name": "claimed", "ownerReferences": [reference]}}
    call(kubeconfig(site_.cluster, "lead"), "POST", "/api/v1/namespaces", body)
    try:
        with _workload(site_, "probe", CONTAINER, "claimed", "admin"):
            found = _until(site_, "probe", "Placed", "True", "claimed")
            assert "tenant" not in found["status"], found["status"]["tenant"]
        assert "claimed" not in objects.get(site_.cluster, TENANT, "", "acme")["status"]["namespaces"]
    finally:
        objects.delete(site_.cluster, NAMESPACE, "", "claimed")
    return "it belongs to nobody"


def owners_decide_nothing(site_: Site) -> str:
    """A Workload that names another Tenant as its owner stays under its own namespace's."""
    owner = objects.get(site_.cluster, TENANT, "", "acme")["metadata"]
    reference = {"apiVersion": "berth.dev/v1alpha1", "kind": "Tenant", "name": "acme", "uid": owner["uid"]}
    with _workload(site_, "claimant", CONTAINER, ownerReferences=[reference]) as name:
        found = _until(site_, name, "Placed", "True")
        assert found["status"]["tenant"] == "evil", found["status"]["tenant"]
        made = objects.until(site_.cluster, DEPLOYMENT, EVIL, name, lambda found: found)
        assert [each["name"] for each in made["metadata"]["ownerReferences"]] == [name]
    return "it is tenant evil's"


def scale_takes_no_metadata(site: Site) -> str:
    """The scale subresource changes replicas and nothing else."""
    path = f"{WORKLOADS.format(EVIL)}/web/scale"
    forged = {
        "metadata": {"annotations": {"berth.dev/forged": "x"}, "labels": {"berth.dev/class": "x"}},
        "spec": {"replicas": 2},
    }
    with suppress(ApiError):
        call(kubeconfig(site.cluster, "developer"), "PATCH", path, forged, MERGE)
    found = objects.get(site.cluster, WORKLOAD, EVIL, "web")
    assert "berth.dev/forged" not in json.dumps(found)
    assert "berth.dev/class" not in found["metadata"].get("labels", {})
    return "metadata stays as it was"


def no_peering(site: Site) -> str:
    """There are no peering objects by which somebody could pause the operator: they are not served."""
    body = {"apiVersion": "kopf.dev/v1", "kind": "KopfPeering", "metadata": {"name": "default"}}
    for who in ("owner", "admin"):
        said = _refused(site, who, "POST", f"/apis/kopf.dev/v1/namespaces/{EVIL}/kopfpeerings", body)
    return said


def finalizer_holds_nothing(site: Site) -> str:
    """A Workload that is held while it is deleted runs nothing weaker, even when its author edits it meanwhile."""
    path = f"{WORKLOADS.format(EVIL)}/held"
    developer = kubeconfig(site.cluster, "developer")
    with _workload(site, "held", CONTAINER, finalizers=["evil.example/hold"]):
        _until(site, "held", "Ready", "True")
        call(developer, "DELETE", path)
        call(developer, "PATCH", path, {"spec": {"isolation": {"className": "container"}}}, MERGE)
        made = objects.get(site.cluster, DEPLOYMENT, EVIL, "held")
        assert not made or made["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"
        call(developer, "PATCH", path, {"metadata": {"finalizers": []}}, MERGE)
    objects.gone(site.cluster, WORKLOAD, EVIL, "held")
    pods = objects.items(site.cluster, POD, EVIL, "berth.dev/workload=held")
    assert all(pod["spec"].get("runtimeClassName") == "gvisor" for pod in pods)
    return "what ran was a sandbox to the end"


def no_status_on_create(site: Site) -> str:
    """A status that comes with a new Workload is dropped."""
    body = {
        "apiVersion": WORKLOAD.api,
        "kind": WORKLOAD.name,
        "metadata": {"name": "fresh"},
        "spec": CONTAINER,
        "status": {"reason": "Running", "ready": "1/1", "placement": {"className": "container", "level": "Container"}},
    }
    answer = call(kubeconfig(site.cluster, "developer"), "POST", f"{WORKLOADS.format(EVIL)}?dryRun=All", body)
    assert "placement" not in answer.get("status", {}), answer["status"]
    return "it is dropped"


def names_never_collide(site: Site) -> str:
    """Children have the Workload's own name, which is unique in its namespace; disks have another one each."""
    for key, body in site.children.items():
        name = key.split("/")[0]
        if body["kind"] == "DataVolume":
            assert body["metadata"]["name"].startswith(f"{name}-")
        else:
            assert body["metadata"]["name"] == name, key
        assert body["metadata"]["labels"]["berth.dev/workload"] == name
    for name in ("web-x", "we", "webb"):
        with _workload(site, name, CONTAINER):
            _until(site, name, "Ready", "True")
            selector = f"berth.dev/workload={name}"
            for pod in objects.items(site.cluster, POD, EVIL, selector):
                assert pod["metadata"]["name"].startswith(f"{name}-")
    return "web, web-x, we and webb have pods of their own each"


def a_taken_disk_is_not_shared(site: Site) -> str:
    """Of two Workloads whose disks would be called the same, the second gets nothing, and says so."""
    source = DISKS["machine"]["bootDisk"]
    size = {"name": "b-c", **source}
    with _workload(site, "col-a", changed(DISKS, path_of("machine.disks"), [size])):
        objects.until(site.cluster, DATA_VOLUME, EVIL, "col-a-b-c", lambda found: found)
        with _workload(site, "col-a-b", changed(DISKS, path_of("machine.disks"), [{"name": "c", **source}])):
            found = _until(site, "col-a-b", "Stalled", "True")
            said = next(each["message"] for each in found["status"]["conditions"] if each["type"] == "Stalled")
            assert "col-a-b-c" in said, said
            assert not objects.get(site.cluster, VM, EVIL, "col-a-b")
        disk = objects.get(site.cluster, DATA_VOLUME, EVIL, "col-a-b-c")
        assert disk["metadata"]["labels"]["berth.dev/workload"] == "col-a"
    return said


@contextmanager
def _namespace(site: Site, name: str) -> Iterator[str]:
    objects.put(site.cluster, NAMESPACE, "", {"metadata": {"name": name}})
    account = Kind("ServiceAccount", "v1", "serviceaccounts")
    eventually(lambda: objects.get(site.cluster, account, name, "default"), objects.SECONDS, f"{name} is usable")
    try:
        yield name
    finally:
        objects.delete(site.cluster, POLICY, "", name)
        objects.delete(site.cluster, NAMESPACE, "", name)


def _policy(site: Site, name: str, **spec: Any) -> None:
    match = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    body = {"mode": "Enforce", "reason": "a test", "match": match, **spec}
    objects.put(site.cluster, POLICY, "", {"metadata": {"name": name}, "spec": body})


def tightening_is_never_late(site: Site) -> str:
    """A Workload that is made in the moment after its policy starts nowhere weaker, not even for a moment."""
    with _namespace(site, "threat-race") as name:
        since = call(site.cluster.kubeconfig, "GET", DEPLOYMENT.path(name))["metadata"]["resourceVersion"]
        _policy(site, name, require={"level": "Virtualized"})
        for number in range(5):
            objects.put(site.cluster, WORKLOAD, name, {"metadata": {"name": f"w{number}"}, "spec": CONTAINER})
        for number in range(5):
            objects.until(site.cluster, WORKLOAD, name, f"w{number}", lambda found: place(found) == "kata")
        states = objects.history(site.cluster, DEPLOYMENT, name, since)
        runtimes = {each["spec"]["template"]["spec"].get("runtimeClassName") for each in states}
        assert runtimes == {"kata"}, runtimes
    return f"{len(states)} states of five Deployments name kata"


def the_deadline_stops(site_: Site) -> str:
    """A machine that waits for an approval below what is required is stopped when the deadline has passed."""
    with _namespace(site_, "threat-late") as name:
        spec = {**GUEST, "switching": {"approval": "Manual"}}
        objects.put(site_.cluster, WORKLOAD, name, {"metadata": {"name": "vm"}, "spec": spec})
        objects.until(site_.cluster, VM, name, "vm", lambda found: found)
        _policy(site_, name, require={"level": "Confidential"}, onDeadline="Stop", deadlineSeconds=2)
        objects.gone(site_.cluster, VM, name, "vm", 30.0)
        found = _until(site_, "vm", "Placed", "False", name)
        return str(next(each["message"] for each in found["status"]["conditions"] if each["type"] == "Placed"))


def a_storm_holds_nobody_up(site: Site) -> str:
    """A hundred updates of one tenant do not keep another tenant's Workload waiting."""
    developer = kubeconfig(site.cluster, "developer")
    with _workload(site, "storm", CONTAINER):
        for number in range(100):
            path = f"{WORKLOADS.format(EVIL)}/storm"
            call(
                developer, "PATCH", path, {"spec": {"container": {"env": [{"name": "N", "value": str(number)}]}}}, MERGE
            )
        start = monotonic()
        with _workload(site, "calm", CONTAINER, SHOP, "admin"):
            objects.until(site.cluster, DEPLOYMENT, SHOP, "calm", lambda found: found, SOON)
            took = monotonic() - start
    assert took < SOON / 2, f"it took {took:.1f} s"
    return f"it was there after {took:.1f} s"


def too_long(site: Site, path: str, size: int) -> str:
    """A text that is too long is refused at once."""
    value: Any = "x" * size
    last = path.rpartition(".")[2]
    if last in {"args", "command"}:
        value = [value]
    if last == "env":
        value = [{"name": "A", "value": value}]
    return _dry(site, path, value)


def too_many(site: Site, path: str, size: int) -> str:
    """A list that is too long is refused at once."""
    last = path.rpartition(".")[2]
    one: Json = {"sidecars": {"image": "x"}, "volumes": {"emptyDir": {}}, "env": {"value": "x"}}[last]
    return _dry(site, path, [{"name": f"n{number}", **one} for number in range(size)])


def too_much_text(site: Site) -> str:
    """Variables that are short each are too long together."""
    said = _dry(site, "spec.container.env", [{"name": f"N{number}", "value": "x" * 8000} for number in range(9)])
    assert "longer than 65536 characters together" in said, said
    return said


def _dry(site: Site, path: str, value: Any) -> str:
    body: Json = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": "big"}, "spec": CONTAINER}
    where = f"{WORKLOADS.format(EVIL)}?dryRun=All&fieldValidation=Strict"
    return _refused(site, "developer", "POST", where, changed(body, path_of(path), value))


def deep_json(site: Site, depth: int) -> str:
    """JSON that is nested deeply is refused at once."""
    body = (
        b'{"apiVersion":"berth.dev/v1alpha1","kind":"Workload","metadata":{"name":"x"},"spec":{"x":'
        + b"[" * depth
        + b"]" * depth
        + b"}}"
    )
    return _refused(site, "developer", "POST", f"{WORKLOADS.format(EVIL)}?dryRun=All&fieldValidation=Strict", body)


def yaml_bomb_at_the_api_server(site: Site) -> str:
    """A YAML bomb is refused at once."""
    lines = ["a: &a [" + ",".join(["x"] * 9) + "]"]
    lines += [
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    text = "apiVersion: berth.dev/v1alpha1\nkind: Workload\nmetadata: {name: bomb}\nspec: {container: {image: x, args: *i}}\n"
    path = f"{WORKLOADS.format(EVIL)}/bomb?fieldManager=x&dryRun=All&fieldValidation=Strict"
    return _refused(site, "developer", "PATCH", path, ("\n".join(lines) + "\n" + text).encode(), APPLY)


def too_long_condition(site: Site) -> str:
    """A condition of a policy has an end."""
    spec = {"mode": "Enforce", "reason": "r", "require": {"level": "Sandboxed"}, "when": "true || " * 600 + "true"}
    body = {"apiVersion": POLICY.api, "kind": POLICY.name, "metadata": {"name": "long"}, "spec": spec}
    return _refused(site, "admin", "POST", f"{POLICY.path()}?dryRun=All", body)


def _events(site: Site, name: str, namespace: str = EVIL) -> list[Json]:
    return [each for each in objects.items(site.cluster, EVENT, namespace) if each["regarding"].get("name") == name]


DENIED: Json = {**CONTAINER, "isolation": {"className": "container"}}


def events_are_told_once(site: Site) -> str:
    """Ten edits of a Workload that stays denied for the same reason make one Event."""
    developer = kubeconfig(site.cluster, "developer")
    with _workload(site, "flood", DENIED) as name:
        _until(site, name, "Placed", "False")
        for number in range(10):
            env = {"spec": {"container": {"env": [{"name": "N", "value": str(number)}]}}}
            call(developer, "PATCH", f"{WORKLOADS.format(EVIL)}/{name}", env, MERGE)
            _until(site, name, "Placed", "False")
        count = len(_events(site, name))
    assert count <= 1, f"{count} Events"
    return f"{count} Event"


def notes_have_an_end(site: Site) -> str:
    """No note of any Event is longer than the API server takes, and none was dropped."""
    notes = [
        each.get("note", "")
        for each in objects.items(site.cluster, EVENT)
        if each.get("reportingController") == "berth.dev/operator"
    ]
    assert notes
    longest = max(len(note.encode()) for note in notes)
    assert longest <= 1024
    assert site.operator.metric("berth_events_dropped_total") == 0
    return f"{len(notes)} Events, the longest of {longest} bytes"


def denied_is_quiet(site_: Site) -> str:
    """A Workload that is denied is said to be once: no writes follow."""
    log: Audit = site.audit_of(site_.cluster)
    with _workload(site_, "denied", {**CONTAINER, "isolation": {"className": "container"}}, "lost") as name:
        _until(site_, name, "Placed", "False", "lost")
        eventually(lambda: not log.busy(2.5, "lost"), SOON, "no writes")
        log.silence(2.0, "lost")
    return "no write within two seconds"


def an_old_object_stops_nothing(site_: Site) -> str:
    """A Workload that was stored before a rule, and makes no sense now, runs nothing and holds nobody up."""
    name = "workloads.berth.dev"
    crd = objects.get(site_.cluster, CRD, "", name)
    loose = json.loads(json.dumps(crd["spec"]["versions"]))
    for version in loose:
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version["schema"]["openAPIV3Schema"]["properties"]["spec"] = anything
        version["subresources"]["scale"] = None
    old = {
        "metadata": {"name": "old"},
        "spec": {"container": {"image": 7, "privileged": True}, "replicas": "many", "volumes": {}},
    }
    objects.merge(site_.cluster, CRD, "", name, {"spec": {"versions": loose}})
    try:
        eventually(lambda: _put(site_, old), SOON, "the old object is stored")
    finally:
        objects.merge(site_.cluster, CRD, "", name, {"spec": {"versions": crd["spec"]["versions"]}})
    strict = {**old, "metadata": {"name": "probe"}}
    eventually(lambda: not _put(site_, strict, dry=True), SOON, "the schema is back")
    try:
        with _workload(site_, "after", CONTAINER):
            _until(site_, "after", "Ready", "True")
        assert site_.operator.alive()
        assert not objects.get(site_.cluster, DEPLOYMENT, EVIL, "old")
        found = objects.get(site_.cluster, WORKLOAD, EVIL, "old")
        return f"it has {site_reason(found) or 'no'} as its reason, and the others run"
    finally:
        objects.delete(site_.cluster, WORKLOAD, EVIL, "old")


def _put(site: Site, body: Json, *, dry: bool = False) -> bool:
    whole = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, **body}
    try:
        call(site.cluster.kubeconfig, "POST", WORKLOADS.format(EVIL) + ("?dryRun=All" if dry else ""), whole)
    except ApiError:
        return False
    return True


def status_keeps_secrets(site: Site) -> str:
    """What may be a secret in a spec is in no status, Event, log line or metric of a Workload that is denied."""
    spec = changed(DENIED, path_of("container.env"), [{"name": "A", "value": CANARY}])
    spec = changed(spec, path_of("container.args"), [CANARY])
    with _workload(site, "canary", spec) as name:
        found = _until(site, name, "Placed", "False")
        assert CANARY not in json.dumps(found["status"])
        assert CANARY not in json.dumps(_events(site, name))
    assert CANARY not in site.operator.log.read_text()
    assert CANARY not in site.operator.scrape()
    return "none has it"


def refused_without_the_operator(site: Site) -> str:
    """While the operator stands still, everything that admission refuses is refused."""
    pod = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    os.kill(site.operator.pid, signal.SIGSTOP)
    try:
        _refused(site, "owner", "POST", f"/api/v1/namespaces/{EVIL}/pods?dryRun=All", pod)
        _refused(site, "owner", "DELETE", f"/apis/apps/v1/namespaces/{EVIL}/deployments/web?dryRun=All")
        _dry(site, "spec.hostNetwork", True)
        tenant = {"metadata": {"labels": {"tenant": "acme"}}}
        said = _refused(site, "lead", "PATCH", f"/api/v1/namespaces/{EVIL}?dryRun=All", tenant, MERGE)
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
        said = _no(path, "GET", "/api/v1/namespaces")
        assert "cannot impersonate" in said, said
    return said


def nobody_is_nobody(site: Site) -> str:
    """A request without an identity is nobody's: it is never taken for the operator's or the administrator's."""
    own = yaml.safe_load(site.operator.kubeconfig.read_text())
    own["users"][0]["user"] = {}
    path = site.cluster.workdir / "nobody.kubeconfig"
    path.write_text(yaml.safe_dump(own))
    said = _no(path, "GET", WORKLOADS.format(EVIL))
    assert said.startswith(("401", "403")), said
    return said


def same_names_stay_apart(site: Site) -> str:
    """Workloads of the same name in two tenants have children of their own, with nothing of the other in them."""
    mine, theirs = (objects.get(site.cluster, DEPLOYMENT, at, "web") for at in (EVIL, SHOP))
    uids = [each["metadata"]["ownerReferences"][0]["uid"] for each in (mine, theirs)]
    assert len(set(uids)) == 2
    assert "acme" not in json.dumps(mine["spec"])
    assert "evil" not in json.dumps(theirs["spec"])
    assert mine["spec"]["replicas"] == LOADED["replicas"]
    rules = [objects.get(site.cluster, NETWORK_POLICY, at, "web")["spec"] for at in (EVIL, SHOP)]
    assert SHOP not in json.dumps(rules[0])
    assert EVIL not in json.dumps(rules[1])
    return "owners, images, tenants and peers differ"
