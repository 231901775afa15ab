"""Tries one vector, and says what came of it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.kube.client import Client
from berth.kube.gateway import Gateway, NotOurs
from berth.plan.model import Apply
from berth.render.model import Child as Rendered
from berth.verify.check import verify
from berth.verify.model import Bounds, Images, Runtime
from berth.world.packed import pack
from berth.world.records import WorkloadRecord
from ground.api import APPLY, JSON, MERGE, ApiError, call
from scenarios import objects, site
from scenarios.kinds import KUBEVIRT_CHILDREN, POD, POD_CHILDREN, WORKLOAD, Kind
from threats import checks
from threats.model import Answer, Child, Json, Layer, Manifest, Request, Vector
from threats.people import kubeconfig
from threats.site import EVIL, Site
from threats.specs import BASES
from verify.change import GONE, changed, path_of

CONTENT = {"merge": MERGE, "json": "application/json-patch+json", "apply": APPLY}
READS = {"GET", "HEAD"}
FORBIDDEN = 403
UNKNOWN = re.compile(r'unknown field "([^"]+)"')
WORKLOADS = "/apis/berth.dev/v1alpha1/namespaces/{}/workloads"
PLURALS = {kind.name: kind for kind in (*POD_CHILDREN, *KUBEVIRT_CHILDREN)}


def attempt(site: Site, vector: Vector) -> Answer:
    """Try a vector. AssertionError of a check counts as accepted; raises for what is no answer at all."""
    if vector.workload:
        return _workload(site, vector, vector.workload)
    if vector.request:
        return _request(site, vector.who, vector.request)
    if vector.child:
        return _child(site, vector.child)
    assert vector.check, f"{vector.id} tries nothing"
    try:
        return Answer(Layer.HARMLESS, checks.CHECKS[vector.check.name](site, **vector.check.given))
    except AssertionError as error:
        return Answer(Layer.ACCEPTED, str(error))


def manifest(name: str, tried: Manifest) -> Json:
    """Return the Workload that a tenant writes."""
    body: Json = {
        "apiVersion": WORKLOAD.api,
        "kind": WORKLOAD.name,
        "metadata": {"name": name, "namespace": tried.namespace},
        "spec": BASES[tried.base],
    }
    return with_changes(body, tried.change)


def with_changes(body: Json, changes: Json) -> Json:
    """Return an object with values at some paths; `(gone)` takes a field away."""
    for path, value in changes.items():
        body = changed(body, path_of(path), GONE if value == "(gone)" else value)
    return body


def _workload(site: Site, vector: Vector, tried: Manifest) -> Answer:
    where, body = WORKLOADS.format(tried.namespace), manifest(vector.id.lower(), tried)
    person = kubeconfig(site.cluster, vector.who)
    try:
        call(person, "POST", f"{where}?dryRun=All&fieldValidation=Strict", body)
    except ApiError as error:
        answer = refusal(error)
        unknown = UNKNOWN.findall(str(error))
        kept = _kept(person, f"{where}?dryRun=All&fieldValidation=Ignore", body, unknown)
        return Answer(Layer.ACCEPTED, f"unless asked to be strict, the API server keeps {kept}") if kept else answer
    if vector.layer in {Layer.POLICY, Layer.HARMLESS}:
        return _decided(site, vector, tried, body)
    return Answer(Layer.ACCEPTED, "the API server took it")


def _kept(person: Any, where: str, body: Json, unknown: list[str]) -> list[str]:
    """Return the unknown fields that are stored when an author does not ask to be strict: none of them should be."""
    if not unknown:
        return []
    try:
        stored = call(person, "POST", where, body)
    except ApiError:
        return []
    return [path for path in unknown if _has(stored, path)]


def _has(found: Any, path: str) -> bool:
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, list):
            found = found[int(part)] if part.isdigit() and int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found is not None


def _decided(site: Site, vector: Vector, tried: Manifest, body: Json) -> Answer:
    """Write a Workload for real and wait for the operator's decision, in the words of the vector where it refuses it."""
    name = body["metadata"]["name"]
    where, namespace = WORKLOADS.format(tried.namespace), tried.namespace
    call(kubeconfig(site.cluster, vector.who), "POST", f"{where}?fieldValidation=Strict", body)
    try:
        found = objects.until(site.cluster, WORKLOAD, namespace, name, lambda found: _settled(found, vector.says))
        refused = _refused(found)
        if refused and not _children(site, namespace, name):
            return Answer(Layer.POLICY, refused)
        for text in tried.absent:
            if text in str(_children(site, namespace, name, pods=True)):
                return Answer(Layer.ACCEPTED, f"a child has {text}")
        if tried.absent:
            return Answer(Layer.HARMLESS, f"no child has {', '.join(tried.absent)}")
        return Answer(Layer.ACCEPTED, f"it runs in {found['status'].get('placement')}")
    finally:
        objects.delete(site.cluster, WORKLOAD, namespace, name)


def _settled(found: Json, says: str) -> bool:
    """Tell whether the operator has refused it in these words, or placed it and written what runs it."""
    current = found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]
    placed, refused = site.condition(found, "Placed")["status"], _refused(found)
    return current and ((bool(refused) and says in refused) or placed == "True")


def _refused(found: Json) -> str:
    for kind in ("Accepted", "Placed", "Stalled"):
        seen = site.condition(found, kind)
        if seen["status"] == ("True" if kind == "Stalled" else "False"):
            return f"{seen['reason']}: {seen['message']}"
    return ""


def _children(site: Site, namespace: str, name: str, *, pods: bool = False) -> list[Json]:
    kinds = [kind for kind in PLURALS.values() if kind.name in {"Deployment", "Job", "VirtualMachine"} or pods]
    found = [objects.get(site.cluster, kind, namespace, name) for kind in kinds]
    more = objects.items(site.cluster, POD, namespace, f"berth.dev/workload={name}") if pods else []
    return [each for each in found if each] + more


def _request(site: Site, who: str, request: Request) -> Answer:
    person = kubeconfig(site.cluster, who)
    path, body, content = request.path.format(**site.names), request.body, JSON
    if request.method == "PUT" and body:
        found = call(site.cluster.kubeconfig, "GET", path.removesuffix("/finalize"))
        body = with_changes(found, body)
    if request.method == "PATCH":
        content = CONTENT[request.content]
        path += "?fieldManager=somebody" + ("&force=true" if content == APPLY else "")
    if request.method not in READS:
        path += ("&" if "?" in path else "?") + "dryRun=All"
    try:
        call(person, request.method, path, body, content)
    except ApiError as error:
        return refusal(error)
    return Answer(Layer.ACCEPTED, "the API server took it")


def refusal(error: ApiError) -> Answer:
    """Return which layer of the API server said no."""
    text = str(error)
    if "ValidatingAdmissionPolicy" in text or "exceeded quota" in text or "violates PodSecurity" in text:
        return Answer(Layer.ADMISSION, text)
    if error.code == FORBIDDEN:
        return Answer(Layer.RBAC, text)
    assert error.code in {400, 404, 405, 413, 415, 422}, text
    return Answer(Layer.SCHEMA, text)


def _child(site: Site, tried: Child) -> Answer:
    name = tried.of.split("/")[0]
    body = with_changes(site.children[tried.of], tried.change)
    bounds = replace(site.bounds[name], **{key: _bound(key, value) for key, value in tried.bounds.items()})
    if tried.by == "operator":
        return by_the_operator(site, body)
    if tried.by == "gateway":
        return gateway(body, bounds)
    found = verify(body, bounds)
    if not found:
        return Answer(Layer.ACCEPTED, "the verifier let it pass")
    hit = next((each for each in found if str(each.rule) == tried.rule), found[0])
    return Answer(Layer.VERIFIER, str(hit))


def _bound(name: str, value: Any) -> Any:
    """Return a bound that a vector gives as plain data."""
    if name in {"seen", "runtime"} and value is not None:
        return Runtime(**value)
    if name == "images":
        return tuple(Images(tuple(each["registries"]), each["digest"], each["by"]) for each in value)
    return {"level": IsolationLevel, "sharing": NodeSharing, "backend": Backend}.get(name, lambda given: given)(value)


def by_the_operator(site: Site, body: Json) -> Answer:
    """Write an object as the operator's account, past everything that the operator itself checks."""
    meta = body.get("metadata", {})
    kind = PLURALS.get(body.get("kind", "")) or Kind(body["kind"], body["apiVersion"], f"{body['kind'].lower()}s")
    where = kind.path(meta.get("namespace", EVIL), meta.get("name", "web"))
    path = f"{where}?fieldManager=berth&force=true&fieldValidation=Strict&dryRun=All"
    try:
        call(kubeconfig(site.cluster, "operator"), "PATCH", path, body, APPLY)
    except ApiError as error:
        return refusal(error)
    return Answer(Layer.ACCEPTED, "the API server took it from the operator")


class _Deaf(Client):
    """Stands for the API server; whatever reaches it was let through."""

    def __init__(self, uid: str) -> None:
        self.reached = False
        self._uid = uid

    def fenced(self, _may_write: Callable[[], bool]) -> "_Deaf":
        return self

    async def get(self, *_: Any) -> Json:
        return {"metadata": {"uid": self._uid}}

    async def apply(self, *_: Any, **__: Any) -> Json:
        self.reached = True
        return {"metadata": {}}


def gateway(body: Json, bounds: Bounds) -> Answer:
    """Hand an object to the write gateway as a child of a Workload, and return what it says."""
    client = _Deaf(bounds.uid)
    doors = Gateway(client, lambda: True, lambda *_: None, lambda _: None)
    key = (bounds.namespace, bounds.workload)
    workload = WorkloadRecord(key, bounds.uid, 1, "1", 0.0, False, (), b"{}", pack({}))
    child = Rendered(body.get("kind", ""), body["metadata"].get("name", ""), body)
    try:
        done = asyncio.run(doors.execute((Apply(child, None),), workload, lambda: bounds))
    except NotOurs as error:
        return Answer(Layer.GATEWAY, str(error))
    if client.reached or not done.refused:
        return Answer(Layer.ACCEPTED, "it was written")
    return Answer(Layer.VERIFIER, done.refused[0].message)
