"""CoreDNS as pods of the real node, behind the usual address."""

import base64
from pathlib import Path

import yaml

from ground import identity
from ground.api import Json, apply, call, eventually
from ground.node.configuration import NAME as NODE
from ground.node.configuration import REGISTRY
from ground.node.place import DNS, Place

NAMESPACE = "kube-system"
NAME = "coredns"
IMAGE = "ground/coredns:1"
READY_SECONDS = 90.0
COREFILE = """.:53 {
    errors
    ready
    kubernetes cluster.local {
        kubeconfig /etc/coredns/kubeconfig
    }
}
"""
READS = (("", ("services", "pods", "namespaces")), ("discovery.k8s.io", ("endpointslices",)))


def start(place: Place) -> None:
    """Make what runs CoreDNS and wait until it answers; the second time nothing changes."""
    api = place.cluster.kubeconfig
    for path, body in _access().items():
        apply(api, path, body)
    apply(api, f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}", _configuration(place))
    apply(api, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}", _deployment())
    apply(api, f"/api/v1/namespaces/{NAMESPACE}/services/kube-dns", _service())
    where = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
    eventually(lambda: call(api, "GET", where)["status"].get("readyReplicas"), READY_SECONDS, "CoreDNS is ready")


def _access() -> dict[str, Json]:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": NAME},
        "rules": [
            {"apiGroups": [group], "resources": list(kinds), "verbs": ["list", "watch"]} for group, kinds in READS
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}}
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    return {
        f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{NAME}": account,
        f"{rbac}/clusterroles/{NAME}": role,
        f"{rbac}/clusterrolebindings/{NAME}": binding,
    }


def _configuration(place: Place) -> Json:
    """Return a ConfigMap with the Corefile and a kubeconfig that holds all it needs."""
    path = identity.kubeconfig_for(place.cluster, NAMESPACE, NAME, place.cluster.workdir / f"{NAME}.kubeconfig")
    content = yaml.safe_load(path.read_text())
    reached = content["clusters"][0]["cluster"]
    authority = Path(reached.pop("certificate-authority")).read_bytes()
    port = place.cluster.server.rpartition(":")[2]
    reached |= {
        "server": f"https://{place.gateway}:{port}",
        "tls-server-name": "127.0.0.1",
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {"Corefile": COREFILE, "kubeconfig": yaml.safe_dump(content)},
    }


def _deployment() -> Json:
    labels = {"k8s-app": "kube-dns"}
    container = {
        "name": NAME,
        "image": f"{REGISTRY}/{IMAGE}",
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
    }
    pod = {
        "nodeName": NODE,
        "dnsPolicy": "Default",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service() -> Json:
    ports = [{"name": f"dns-{each.lower()}", "port": 53, "protocol": each} for each in ("UDP", "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": NAMESPACE},
        "spec": {"clusterIP": DNS, "selector": {"k8s-app": "kube-dns"}, "ports": ports},
    }
