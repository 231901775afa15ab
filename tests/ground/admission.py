"""Berth's admission policies on a cluster of the ground: applied, and waited for until the API server asks them."""

from pathlib import Path

from ground import chart, identity
from ground.api import ApiError, Json, call, eventually
from ground.cluster import Cluster, kubectl

CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
SECONDS = 60.0
FORBIDDEN = (403, 422)
PODS = "/api/v1/namespaces/default/pods"
NAMESPACES = "/api/v1/namespaces"


def install(cluster: Cluster) -> None:
    """Apply the policies and wait until they hold. Needs Berth's CRDs. Raises ClusterError, TimeoutError."""
    documents = chart.joined(chart.texts(*chart.ADMISSION))
    kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=documents)
    controller = identity.kubeconfig_as(cluster, CONTROLLER, cluster.workdir / "controller.kubeconfig")
    eventually(lambda: not _taken(controller, PODS, _pod(hostNetwork=True)), SECONDS, "the policies refuse")
    # A policy whose parameters the API server does not know yet refuses everything.
    eventually(lambda: _taken(cluster.kubeconfig, PODS, _pod()), SECONDS, "the policies let pods pass")
    eventually(lambda: _taken(cluster.kubeconfig, NAMESPACES, _named()), SECONDS, "the policies let namespaces pass")


def _taken(kubeconfig: Path, where: str, body: Json) -> bool:
    try:
        call(kubeconfig, "POST", f"{where}?dryRun=All", body)
    except ApiError as error:
        if error.code in FORBIDDEN:
            return False
        raise
    return True


def _named() -> Json:
    return {"metadata": {"name": "admission-probe", "labels": {"berth.dev/workload": "probe"}}}


def _pod(**more: object) -> Json:
    return {**_named(), "spec": {"containers": [{"name": "main", "image": "probe"}], **more}}
