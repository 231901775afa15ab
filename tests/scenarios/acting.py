"""Others who act on machines: KubeVirt's accounts and the Workload's author, each with their rights and no more."""

from pathlib import Path

from ground import identity
from ground.api import MERGE, ApiError, Json, apply, call
from ground.cluster import Cluster
from scenarios.kinds import Kind
from scenarios.site import Space

VIRT_API = "system:serviceaccount:kubevirt:kubevirt-apiserver"
"""Acts for whoever called a subresource, as virtctl does."""
VIRT_CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"
AUTHOR = "dora"
RBAC = "rbac.authorization.k8s.io"
JSON_PATCH = "application/json-patch+json"
REFUSED = (403, 422)
GROUPS = ["kubevirt.io", "pool.kubevirt.io", "snapshot.kubevirt.io", "clone.kubevirt.io"]
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
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user} for user in (VIRT_API, VIRT_CONTROLLER, AUTHOR)],
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


def refusal(error: ApiError) -> str:
    """Return what a policy said. Raises the error when it is of another kind."""
    if error.code in REFUSED and "ValidatingAdmissionPolicy" in str(error):
        return str(error)
    raise error
