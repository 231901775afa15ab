"""Who attacks, with real rights: by impersonation, so that RBAC and admission see them as they are."""

from functools import lru_cache
from pathlib import Path

from admission import people
from ground import identity
from ground.api import Json, apply
from ground.cluster import ADMINISTRATOR, Cluster

NAMESPACES = ("evil", "free", "tiny", "full", "pinned", "lost")
"""Namespaces in which the developer has the role edit."""

NAMES = {
    "developer": "eve",  # has edit in her namespaces, with what KubeVirt adds to it
    "owner": "oscar",  # may do everything in namespace evil: RBAC never stops him there
    "nobody": "mallory",  # has no rights at all
    "lead": "lena",  # makes and labels namespaces
    "deployer": "system:serviceaccount:evil:deployer",  # a robot that may patch namespaces
    "robot": "system:serviceaccount:evil:robot",  # a robot that may write waivers
    "installer": "ivan",  # writes RuntimeClasses
    "reporter": "rita",  # may write the status of everything of Berth's
    "operator": "system:serviceaccount:berth-system:berth",  # a stolen token of the operator, with its own rights
    "launcher": "system:serviceaccount:evil:default",  # what runs in a tenant's pods
    "admin": ADMINISTRATOR,
}
MACHINES: list[Json] = [
    {"apiGroups": ["kubevirt.io", "pool.kubevirt.io", "cdi.kubevirt.io"], "resources": ["*"], "verbs": ["*"]}
]
BOUND = (
    ("lead", "namespaces"),
    ("deployer", "namespaces"),
    ("robot", "waiving"),
    ("installer", "runtimes"),
    ("reporter", "reporting"),
    ("developer", "berth-tenant-view"),
    ("owner", "berth-tenant-view"),
)


def grant(cluster: Cluster) -> None:
    """Give everybody their rights."""
    for name in ("everything", "namespaces", "runtimes", "reporting", "waiving"):
        _role(cluster, name, people.ROLES[name])
    _role(cluster, "kubevirt:edit", MACHINES, people.AGGREGATED)  # as KubeVirt does it
    for namespace in NAMESPACES:
        people.bind(cluster, NAMES["developer"], "edit", namespace)
    for role in ("admin", "everything"):
        people.bind(cluster, NAMES["owner"], role, "evil")
    for who, role in BOUND:
        people.bind(cluster, NAMES[who], role)


def _role(cluster: Cluster, name: str, rules: list[Json], labels: dict[str, str] | None = None) -> None:
    where = f"/apis/{people.RBAC}/v1/clusterroles/{name}"
    meta = {"name": name, "labels": labels or {}}
    apply(
        cluster.kubeconfig,
        where,
        {"apiVersion": f"{people.RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules},
    )


@lru_cache(maxsize=64)
def kubeconfig(cluster: Cluster, who: str) -> Path:
    """Return the kubeconfig by which somebody acts."""
    if who == "admin":
        return cluster.kubeconfig
    return identity.kubeconfig_as(cluster, NAMES[who], cluster.workdir / f"threat-{who}.kubeconfig")
