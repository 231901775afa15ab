"""metrics-server for the real node: what autoscalers and `kubectl top` ask. It runs while a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ground import beside
from ground.api import ApiError, Json, apply, call, eventually
from ground.cluster import Cluster
from ground.node.configuration import NAME as NODE
from ground.node.place import Place
from ground.toolchain import tool

NAME = "metrics-server"
NAMESPACE = "kube-system"
API = "v1beta1.metrics.k8s.io"
SERVED = "/apis/metrics.k8s.io/v1beta1"
PORT = 4443
GONE_SECONDS = 30.0


@contextmanager
def measured(cluster: Cluster) -> Iterator[None]:
    """Have the metrics API served, with figures of the node, while the block runs. Raises ClusterError."""
    place = Place(cluster)
    objects = _objects(place.gateway)
    for path, body in objects.items():
        apply(cluster.kubeconfig, path, body)
    try:
        beside.start(cluster, NAME, _command(place), lambda: _measures(cluster))
        yield
    finally:
        for path in reversed(objects):
            call(cluster.kubeconfig, "DELETE", path)
        beside.stop(cluster, NAME)
        eventually(lambda: not _served(cluster), GONE_SECONDS, "the metrics API is gone")


def _command(place: Place) -> list[str]:
    """Return how it runs at this machine's end of the cable, as the administrator."""
    kubeconfig = str(place.cluster.kubeconfig)
    return [
        str(tool(NAME)),
        *(f"--{each}={kubeconfig}" for each in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")),
        "--authentication-skip-lookup",
        # The API server comes with the administrator's certificate.
        f"--client-ca-file={place.cluster.workdir}/pki/ca.crt",
        f"--cert-dir={place.cluster.workdir}/{NAME}",
        f"--bind-address={place.gateway}",
        f"--secure-port={PORT}",
        "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP",
        # It takes none shorter.
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    ]


def _measures(cluster: Cluster) -> bool:
    try:
        return bool(call(cluster.kubeconfig, "GET", f"{SERVED}/nodes/{NODE}")["usage"])
    except ApiError:
        return False


def _served(cluster: Cluster) -> bool:
    """Tell whether the API server knows of the metrics API: for a moment it still does when what serves it is gone."""
    return any(each["name"] == "metrics.k8s.io" for each in call(cluster.kubeconfig, "GET", "/apis")["groups"])


def _objects(address: str) -> dict[str, Json]:
    """Return what has the API server ask this address."""
    meta = {"name": NAME, "namespace": NAMESPACE}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta | {"labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": PORT}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": meta | {"port": 443},
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    return {
        f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}": service,
        f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{NAME}": endpoints,
        f"/apis/apiregistration.k8s.io/v1/apiservices/{API}": api,
    }
