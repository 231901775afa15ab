"""Others who act on machines: KubeVirt's accounts and the Workload's author, each with their rights and no more.

What virtctl asks of virt-api is played by what virt-api then writes, as its account.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ground import identity
from ground.api import MERGE, ApiError, Json, apply, call
from ground.cluster import Cluster
from scenarios.kinds import ENDPOINT_SLICE, POD, VM, VMI, Kind
from scenarios.objects import items
from scenarios.site import Space

plays = pytest.mark.plays
"""Names the rows of docs/machines.md that a scenario plays; tests/docs/test_machines.py holds both together."""

VIRT_API = "system:serviceaccount:kubevirt:kubevirt-apiserver"
"""Acts for whoever called a subresource, as virtctl does."""
VIRT_CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"
VIRT_HANDLER = "system:serviceaccount:kubevirt:kubevirt-handler"
AUTHOR = "dora"
RBAC = "rbac.authorization.k8s.io"
JSON_PATCH = "application/json-patch+json"
REFUSED = (403, 422)
GROUPS = ["kubevirt.io", *(f"{part}.kubevirt.io" for part in ("pool", "snapshot", "clone", "export", "backup"))]
PEOPLE = (VIRT_API, VIRT_CONTROLLER, VIRT_HANDLER, AUTHOR)
RIGHTS: Json = {"rules": [{"apiGroups": [*GROUPS, ""], "resources": ["*"], "verbs": ["*"]}]}


def grant(cluster: Cluster) -> None:
    """Give everybody their rights: those of the machines' kinds, which KubeVirt gives to editors too."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "machines"}, **RIGHTS}
    apply(cluster.kubeconfig, f"/apis/{RBAC}/v1/clusterroles/machines", role)
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "machines"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "machines"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user} for user in PEOPLE],
    }
    apply(cluster.kubeconfig, f"/apis/{RBAC}/v1/clusterrolebindings/machines", binding)


def account(cluster: Cluster, who: str) -> Path:
    """Return the kubeconfig by which somebody acts."""
    return identity.kubeconfig_as(cluster, who, cluster.workdir / f"as-{who.replace(':', '-')}.kubeconfig")


def patch(space: Space, who: str, kind: Kind, name: str, body: Json | list[Json], subresource: str = "") -> Json:
    """Patch an object as somebody: by JSON patch when the body is a list, else by merge patch. Raises ApiError."""
    where = kind.path(space.name, name) + (f"/{subresource}" if subresource else "")
    return call(account(space.cluster, who), "PATCH", where, body, JSON_PATCH if isinstance(body, list) else MERGE)


def create(space: Space, who: str, kind: Kind, name: str, body: Json) -> Json:
    """Make an object as somebody. Raises ApiError."""
    meta = {"name": name, "namespace": space.name, **body.get("metadata", {})}
    whole = {"apiVersion": kind.api, "kind": kind.name, **body, "metadata": meta}
    return call(account(space.cluster, who), "POST", kind.path(space.name), whole)


def remove(space: Space, who: str, kind: Kind, name: str) -> None:
    """Delete an object as somebody. Raises ApiError."""
    call(account(space.cluster, who), "DELETE", kind.path(space.name, name))


def company(space: Space, name: str) -> set[str]:
    """Return everything that bears the label of a Workload's pods and machines, or answers at its Service."""
    marked = f"berth.dev/workload={name}"
    found = {
        f"{kind.name} {each['metadata']['name']}" for kind in (POD, VM, VMI) for each in _alive(space, kind, marked)
    }
    slices = items(space.cluster, ENDPOINT_SLICE, space.name, f"kubernetes.io/service-name={name}")
    targets = [each.get("targetRef", {}) for one in slices for each in one["endpoints"] or ()]
    return found | {f"endpoint {target.get('name')}" for target in targets}


def _alive(space: Space, kind: Kind, marked: str) -> list[Json]:
    found = items(space.cluster, kind, space.name, marked)
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


@contextmanager
def untouched(space: Space, name: str) -> Iterator[None]:
    """Fail when the operator writes while the block runs, or when something has joined or left a Workload by its end."""
    space.quiet(5.0)
    before, heard = company(space, name), space.audit.again()
    yield
    space.silence()
    assert heard.writes(space.name) == []
    assert company(space, name) == before


def refusal(error: ApiError) -> str:
    """Return what a policy said. Raises the error when it is of another kind."""
    if error.code in REFUSED and "ValidatingAdmissionPolicy" in str(error):
        return str(error)
    raise error
