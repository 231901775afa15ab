"""Who acts: by impersonation, with real rights, so that what RBAC grants is what admission has to stop."""

from ground.api import Json, apply
from ground.cluster import Cluster

RBAC = "rbac.authorization.k8s.io"

DEVELOPER = "dora"
"""Has the built-in role edit in her namespaces, with what KubeVirt adds to it."""
GUEST = "gina"
"""Has the built-in role view in her namespaces."""
OWNER = "olaf"
"""May do everything in his namespaces, status and Pod Security included: RBAC never stops him there."""
LEAD = "lena"
"""Makes and labels namespaces, and has no other rights."""
PATCHER = "system:serviceaccount:shop:deployer"
"""An account of namespace shop with the right to patch namespaces."""
INSTALLER = "ivan"
"""Installs runtimes: writes RuntimeClasses."""
PLATFORM = "paula"
"""Platform admin: berth-platform-admin and everything outside berth.dev."""
APPROVER = "axel"
"""Platform admin who signs waivers."""
REPORTER = "rita"
"""Has rights on the status of every kind of berth.dev, which nobody should be given."""
ROBOT = "system:serviceaccount:team:robot"
"""A robot of namespace team, with the right to write waivers."""
AUDIT = "system:serviceaccount:audit:robot"
"""A robot of another namespace, with the same right."""
OPERATOR = "system:serviceaccount:berth-system:berth"
"""Here with all rights outside berth.dev beside its own, so that what it must not do is stopped by admission alone."""
ARGO = "system:serviceaccount:argo:controller"
"""A controller of somebody else, with rights in every namespace."""
DEPLOYMENTS = "system:serviceaccount:kube-system:deployment-controller"
REPLICA_SETS = "system:serviceaccount:kube-system:replicaset-controller"
JOBS = "system:serviceaccount:kube-system:job-controller"
AUTOSCALERS = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
NAMESPACES = "system:serviceaccount:kube-system:namespace-controller"
KUBEVIRT = "system:serviceaccount:kubevirt:kubevirt-controller"
VIRT_API = "system:serviceaccount:kubevirt:kubevirt-apiserver"
"""KubeVirt's API server: it acts so for whoever called a subresource, as virtctl does."""
CDI = "system:serviceaccount:cdi:cdi-sa"
NODE = "system:node:node-0"

GROUPS = {NODE: "system:nodes"}
EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
WORKS = ["", "apps", "batch", "networking.k8s.io", "policy", "autoscaling", "node.k8s.io", "coordination.k8s.io"]
MACHINES = ["kubevirt.io", *(f"{part}.kubevirt.io" for part in ("pool", "cdi", "snapshot", "clone", "export"))]
ROLES: dict[str, list[Json]] = {
    "everything": EVERYTHING,
    "everything-but-berth": [{"apiGroups": [*WORKS, *MACHINES], "resources": ["*"], "verbs": ["*"]}],
    "namespaces": [
        {
            "apiGroups": [""],
            "resources": ["namespaces", "namespaces/finalize", "namespaces/status"],
            "verbs": ["create", "get", "list", "update", "patch", "delete"],
        }
    ],
    "runtimes": [{"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": ["*"]}],
    "reporting": [
        {
            "apiGroups": ["berth.dev"],
            "resources": ["workloads/status", "isolationclasses/status", "isolationpolicies/status", "tenants/status"],
            "verbs": ["*"],
        }
    ],
    "waiving": [{"apiGroups": ["berth.dev"], "resources": ["waivers"], "verbs": ["*"]}],
}
AGGREGATED = {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}


def grant(cluster: Cluster, namespaces: tuple[str, ...]) -> None:
    """Give everybody their rights."""
    for name, rules in ROLES.items():
        _apply(cluster, "clusterroles", {"metadata": {"name": name}, "rules": rules})
    # As KubeVirt does it.
    machines = [{"apiGroups": MACHINES, "resources": ["*"], "verbs": ["*"]}]
    _apply(cluster, "clusterroles", {"metadata": {"name": "kubevirt:edit", "labels": AGGREGATED}, "rules": machines})
    for namespace in namespaces:
        bind(cluster, DEVELOPER, "edit", namespace)
        bind(cluster, GUEST, "view", namespace)
        bind(cluster, OWNER, "admin", namespace)
        bind(cluster, OWNER, "everything", namespace)
    for user, role in (
        (LEAD, "namespaces"),
        (PATCHER, "namespaces"),
        (INSTALLER, "runtimes"),
        (REPORTER, "reporting"),
        (ROBOT, "waiving"),
        (AUDIT, "waiving"),
        (PLATFORM, "berth-platform-admin"),
        (PLATFORM, "everything-but-berth"),
        (APPROVER, "berth-platform-admin"),
        (DEVELOPER, "berth-tenant-view"),
        (ARGO, "everything-but-berth"),
        (OPERATOR, "everything-but-berth"),
        (NODE, "everything-but-berth"),
        *((user, "everything-but-berth") for user in (KUBEVIRT, VIRT_API, CDI)),
        *((user, "everything-but-berth") for user in (DEPLOYMENTS, REPLICA_SETS, JOBS, AUTOSCALERS)),
    ):
        bind(cluster, user, role)


def bind(cluster: Cluster, user: str, role: str, namespace: str = "") -> None:
    """Give a user a ClusterRole, in one namespace or everywhere."""
    name = f"{user}-{role}".replace(":", "-")
    body: Json = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    _apply(cluster, "rolebindings" if namespace else "clusterrolebindings", body, namespace)


def _apply(cluster: Cluster, plural: str, body: Json, namespace: str = "") -> None:
    kind = {"clusterroles": "ClusterRole", "rolebindings": "RoleBinding", "clusterrolebindings": "ClusterRoleBinding"}
    scope = f"/namespaces/{namespace}" if namespace else ""
    where = f"/apis/{RBAC}/v1{scope}/{plural}/{body['metadata']['name']}"
    apply(cluster.kubeconfig, where, {"apiVersion": f"{RBAC}/v1", "kind": kind[plural], **body})
