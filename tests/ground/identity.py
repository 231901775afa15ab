"""Kubeconfigs that act as a ServiceAccount or a user, who has exactly the rights that RBAC gives them."""

from pathlib import Path

import yaml

from ground.api import ApiError, Json, call, eventually
from ground.cluster import Cluster

TOKEN_SECONDS = 7 * 24 * 3600
NOT_FOUND = 404
ACCOUNT_SECONDS = 60.0


def kubeconfig_for(cluster: Cluster, namespace: str, serviceaccount: str, path: Path) -> Path:
    """Write a kubeconfig with a token (a week long) of a ServiceAccount and return its path.

    Waits for a ServiceAccount that is about to exist; raises TimeoutError when it does not, ApiError when refused.
    """
    what = f"ServiceAccount {namespace}/{serviceaccount}"
    token = eventually(lambda: _token(cluster, namespace, serviceaccount), ACCOUNT_SECONDS, what)
    administrator = yaml.safe_load(cluster.kubeconfig.read_text())
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": administrator["clusters"],
        "users": [{"name": serviceaccount, "user": {"token": token}}],
        "contexts": [{"name": serviceaccount, "context": _context(administrator, namespace, serviceaccount)}],
        "current-context": serviceaccount,
    }
    return _written(content, path)


def kubeconfig_as(cluster: Cluster, user: str, path: Path, group: str | None = None) -> Path:
    """Write a kubeconfig by which the administrator acts as a user, and return its path.

    A ServiceAccount is in its own groups, everybody in system:authenticated; with `group`, in that one instead.
    """
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    content["users"][0]["user"] |= {"as": user, **({"as-groups": [group]} if group else {})}
    return _written(content, path)


def _written(content: Json, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(yaml.safe_dump(content))
    return path


def _token(cluster: Cluster, namespace: str, serviceaccount: str) -> str | None:
    where = f"/api/v1/namespaces/{namespace}/serviceaccounts/{serviceaccount}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    try:
        answer = call(cluster.kubeconfig, "POST", where, {**request, "spec": {"expirationSeconds": TOKEN_SECONDS}})
    except ApiError as error:
        if error.code == NOT_FOUND:
            return None
        raise
    token: str = answer["status"]["token"]
    return token


def _context(administrator: dict[str, list[dict[str, str]]], namespace: str, user: str) -> dict[str, str]:
    return {"cluster": administrator["clusters"][0]["name"], "namespace": namespace, "user": user}
