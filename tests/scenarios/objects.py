"""Objects of a cluster: read, write, wait for."""

from collections.abc import Callable
from typing import Any

import yaml

from ground import api
from ground.api import MERGE, ApiError, apply, call, eventually
from ground.cluster import Cluster
from scenarios.kinds import Kind

Json = dict[str, Any]
NOT_FOUND = 404
CONFLICT = 409
SECONDS = 60.0


def get(cluster: Cluster, kind: Kind, namespace: str, name: str) -> Json:
    """Read an object; an empty one when it is not there."""
    return _unless_absent(lambda: call(cluster.kubeconfig, "GET", kind.path(namespace, name)))


def items(cluster: Cluster, kind: Kind, namespace: str = "", selector: str = "") -> list[Json]:
    """Read the objects of a kind; none when the kind is not served."""
    query = f"?labelSelector={selector}" if selector else ""
    answer = _unless_absent(lambda: call(cluster.kubeconfig, "GET", kind.path(namespace) + query))
    found: list[Json] = answer.get("items", [])
    return found


def put(cluster: Cluster, kind: Kind, namespace: str, body: Json) -> Json:
    """Apply an object of a kind, strictly, as whom the objects of a test belong to."""
    meta = body["metadata"] | ({"namespace": namespace} if kind.namespaced else {})
    whole = {"apiVersion": kind.api, "kind": kind.name, **body, "metadata": meta}
    return apply(cluster.kubeconfig, kind.path(namespace, meta["name"]), whole)


def merge(cluster: Cluster, kind: Kind, namespace: str, name: str, patch: Json, subresource: str = "") -> Json:
    """Merge-patch an object as somebody else would."""
    path = kind.path(namespace, name) + subresource
    return call(cluster.kubeconfig, "PATCH", f"{path}?fieldManager=somebody-else", patch, MERGE)


def edit(cluster: Cluster, kind: Kind, namespace: str, name: str, change: Callable[[Json], object]) -> Json:
    """Change an object as somebody else would with an editor; another try when it changed meanwhile."""
    path = kind.path(namespace, name)

    def replaced() -> Json | None:
        found = call(cluster.kubeconfig, "GET", path)
        change(found)
        try:
            return call(cluster.kubeconfig, "PUT", f"{path}?fieldManager=somebody-else", found)
        except ApiError as error:
            if error.code == CONFLICT:
                return None
            raise

    return eventually(replaced, SECONDS, f"{kind.name} {namespace}/{name} edited")


def delete(cluster: Cluster, kind: Kind, namespace: str, name: str) -> None:
    """Delete an object without waiting; nothing when it is not there."""
    _unless_absent(lambda: call(cluster.kubeconfig, "DELETE", kind.path(namespace, name)))


def until(
    cluster: Cluster, kind: Kind, namespace: str, name: str, wish: Callable[[Json], object], seconds: float = SECONDS
) -> Json:
    """Wait until an object is as wished for and return it; the failure shows how it was at last."""
    last: Json = {}

    def fulfilled() -> Json | None:
        nonlocal last
        last = get(cluster, kind, namespace, name)
        return last if last and wish(last) else None

    try:
        return eventually(fulfilled, seconds, f"{kind.name} {namespace}/{name}")
    except TimeoutError as error:
        shown = {key: last[key] for key in ("spec", "status") if key in last}
        raise AssertionError(f"{error}; at last it was:\n{yaml.safe_dump(shown)[-6000:]}") from None


def observed(cluster: Cluster, kind: Kind, namespace: str, name: str) -> Json:
    """Wait until the status of an object is about its newest spec, and return it: the operator knows it from then on."""

    def current(found: Json) -> bool:
        return bool(found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"])

    return until(cluster, kind, namespace, name, current)


def gone(cluster: Cluster, kind: Kind, namespace: str, name: str, seconds: float = SECONDS) -> None:
    """Wait until an object is gone."""
    eventually(lambda: not get(cluster, kind, namespace, name), seconds, f"{kind.name} {namespace}/{name} gone")


def history(cluster: Cluster, kind: Kind, namespace: str, since: str) -> list[Json]:
    """Return every state that objects of a kind went through after a resourceVersion, in order."""
    return api.history(cluster.kubeconfig, kind.path(namespace), since)


def _unless_absent(ask: Callable[[], Json]) -> Json:
    try:
        return ask()
    except ApiError as error:
        if error.code == NOT_FOUND:
            return {}
        raise
