"""What checks do on the cluster: have somebody write a Workload, wait for it, and ask what the API server refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from ground.api import JSON, ApiError, call, eventually
from scenarios import objects
from scenarios.kinds import (
    EVENT,
    KUBEVIRT_CHILDREN,
    NAMESPACE,
    POD,
    POD_CHILDREN,
    POLICY,
    VMI,
    WORKLOAD,
    Kind,
)
from scenarios.site import condition, shows
from threats.people import kubeconfig
from threats.site import EVIL, Site
from threats.specs import CONTAINER
from verify.change import changed, path_of

Json = dict[str, Any]

WORKLOADS = "/apis/berth.dev/v1alpha1/namespaces/{}/workloads"
SOON = 20.0
DENIED: Json = {**CONTAINER, "isolation": {"className": "container"}}
"""What runs nowhere, for the floor of its tenant is higher."""


@contextmanager
def workload(
    site: Site, name: str, spec: Json, namespace: str = EVIL, who: str = "developer", **meta: Any
) -> Iterator[str]:
    """Have somebody write a Workload, and remove it afterwards."""
    body = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": name, **meta}, "spec": spec}
    call(kubeconfig(site.cluster, who), "POST", f"{WORKLOADS.format(namespace)}?fieldValidation=Strict", body)
    try:
        yield name
    finally:
        objects.delete(site.cluster, WORKLOAD, namespace, name)


def until(site: Site, name: str, kind: str, status: str, namespace: str = EVIL, *, says: str = "") -> Json:
    """Wait for a condition of a Workload with these words in its message, for its current generation; return it."""

    def wish(found: Json) -> bool:
        current = condition(found, kind).get("observedGeneration") == found["metadata"]["generation"]
        return current and shows(found, kind, status, says=says)

    return objects.until(site.cluster, WORKLOAD, namespace, name, wish)


def children_of(site: Site, namespace: str, name: str) -> list[Json]:
    named = [objects.get(site.cluster, kind, namespace, name) for kind in (*POD_CHILDREN, *KUBEVIRT_CHILDREN)]
    selector = f"berth.dev/workload={name}"
    return [
        *filter(None, named),
        *objects.items(site.cluster, POD, namespace, selector),
        *objects.items(site.cluster, VMI, namespace, selector),
    ]


def refused(site: Site, who: str, method: str, path: str, body: Any = None, content: str = JSON) -> str:
    return denied(kubeconfig(site.cluster, who), method, path, body, content)


def denied(person: Path, method: str, path: str, body: Any = None, content: str = JSON) -> str:
    """Return the refusal of a request; fail when it is taken, when the server stumbles, or takes long."""
    start, refused = monotonic(), None
    try:
        call(person, method, path, body, content)
    except ApiError as error:
        refused = error
    took = monotonic() - start
    assert refused is not None, f"the API server took {method} {path}"
    assert refused.code < 500, str(refused)
    assert took < 30.0, f"the answer took {took:.1f} s"
    return f"{str(refused)[:300]} ({took:.2f} s)"


@contextmanager
def namespace(site: Site, name: str) -> Iterator[str]:
    objects.put(site.cluster, NAMESPACE, "", {"metadata": {"name": name}})
    account = Kind("ServiceAccount", "v1", "serviceaccounts")
    eventually(lambda: objects.get(site.cluster, account, name, "default"), objects.SECONDS, f"{name} is usable")
    try:
        yield name
    finally:
        objects.delete(site.cluster, POLICY, "", name)
        objects.delete(site.cluster, NAMESPACE, "", name)


def require(site: Site, name: str, **spec: Any) -> None:
    """Have a policy for a namespace, and wait until it says that it holds."""
    match = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    body = {"mode": "Enforce", "reason": "a test", "match": match, **spec}
    objects.put(site.cluster, POLICY, "", {"metadata": {"name": name}, "spec": body})
    accepted = condition(objects.observed(site.cluster, POLICY, "", name), "Accepted")
    assert accepted["status"] == "True", accepted


def events_of(site: Site, name: str, namespace: str = EVIL) -> list[Json]:
    return [each for each in objects.items(site.cluster, EVENT, namespace) if each["regarding"].get("name") == name]


def tried(site: Site, path: str, value: Any) -> str:
    body: Json = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": "big"}, "spec": CONTAINER}
    where = f"{WORKLOADS.format(EVIL)}?dryRun=All&fieldValidation=Strict"
    return refused(site, "developer", "POST", where, changed(body, path_of(path), value))


def reason_of(found: Json) -> str:
    """Return the main reason of a Workload."""
    reason: str = found.get("status", {}).get("reason", "")
    return reason
