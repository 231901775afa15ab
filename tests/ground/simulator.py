"""Starts and stops the simulator of KubeVirt on a cluster, as a process of its own with KubeVirt's ServiceAccount."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from ground import kubevirt_sim, parts, webhooks
from ground.api import ApiError, Json, apply, call, connection, eventually
from ground.cluster import Cluster, ClusterError
from ground.identity import kubeconfig_for
from ground.parts import component

NAME = "kubevirt-sim"
READY_SECONDS = 60.0
STOP_SECONDS = 10.0
ALL = ["*"]
READ = ["get", "list", "watch"]
PARTS = ("pool", "instancetype", "cdi", "snapshot", "clone", "export", "backup")
RULES = [
    {
        "apiGroups": ["kubevirt.io", *(f"{part}.kubevirt.io" for part in PARTS)],
        "resources": ALL,
        "verbs": ALL,
    },
    {
        "apiGroups": [""],
        "resources": ["pods", "pods/status", "persistentvolumeclaims", "services"],
        "verbs": [*READ, "create", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["persistentvolumeclaims/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["resourcequotas"], "verbs": READ},
    {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": [*READ, "create"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": READ},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]
MACHINES = f"/apis/kubevirt.io/v1/namespaces/{kubevirt_sim.NAMESPACE}/virtualmachines"
RBAC = "rbac.authorization.k8s.io"


def start(cluster: Cluster, *, crash_backoff: float = 10.0) -> None:
    """Run the simulator on a cluster and wait until KubeVirt is Deployed; nothing when it runs. Needs the CRDs.

    `crash_backoff` is the time before the first restart of a machine that fails to start, in seconds.
    Raises ClusterError with the end of its log.
    """
    log = parts.log(cluster.workdir, NAME)
    if component(cluster.workdir, NAME).pid is None:
        command = [sys.executable, "-m", "ground.kubevirt_sim", "--kubeconfig", str(cluster.kubeconfig), "--detach"]
        command += ["--log", str(log), "--crash-backoff", str(crash_backoff)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        subprocess.run(command, env=environment, check=True)
    try:
        eventually(lambda: deployed(cluster), READY_SECONDS, "KubeVirt Deployed")
        eventually(lambda: admits(cluster), READY_SECONDS, "the API server asks KubeVirt's webhooks")
    except TimeoutError as error:
        message = f"the simulator of KubeVirt did not become ready ({log}):\n{parts.tail(log)}"
        raise ClusterError(message) from error


def stop(cluster: Cluster, how: signal.Signals = signal.SIGTERM) -> None:
    """Stop the simulator and wait until it is gone; its objects stay as they are. Raises TimeoutError."""
    pid = component(cluster.workdir, NAME).pid
    if pid:
        os.kill(pid, how)
        eventually(lambda: component(cluster.workdir, NAME).pid is None, STOP_SECONDS, f"{NAME} ended")
    parts.forget(cluster.workdir, NAME)


@contextmanager
def running(cluster: Cluster, *, crash_backoff: float = 10.0) -> Iterator[None]:
    """Have the simulator run for the length of a block."""
    start(cluster, crash_backoff=crash_backoff)
    try:
        yield
    finally:
        stop(cluster)


def deployed(cluster: Cluster) -> bool:
    """Tell whether the KubeVirt object says Deployed for its newest generation."""
    path = f"/apis/kubevirt.io/v1/namespaces/{kubevirt_sim.NAMESPACE}/kubevirts/kubevirt"
    try:
        found = call(cluster.kubeconfig, "GET", path)
    except (ApiError, urllib3.exceptions.HTTPError):
        return False
    status = found.get("status", {})
    return bool(
        status.get("phase") == "Deployed" and status.get("observedGeneration") == found["metadata"]["generation"]
    )


def admits(cluster: Cluster) -> bool:
    """Tell whether the webhooks are asked, and answer: a VirtualMachine that is only tried comes back filled."""
    template = {"metadata": {}, "spec": {"domain": {"devices": {}, "memory": {"guest": "1Gi"}}}}
    body = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "try"}}
    body["spec"] = {"runStrategy": "Halted", "template": template}
    try:
        made = call(cluster.kubeconfig, "POST", f"{MACHINES}?dryRun=All", body)
    except (ApiError, urllib3.exceptions.HTTPError):
        return False
    return "architecture" in made["spec"]["template"]["spec"]


def install(kubeconfig: Path, endpoint: webhooks.Endpoint) -> Path:
    """Make KubeVirt's namespace, ServiceAccount, rights and webhooks; returns a kubeconfig of that account."""
    account, namespace = kubevirt_sim.SERVICE_ACCOUNT, kubevirt_sim.NAMESPACE
    where = f"/api/v1/namespaces/{namespace}"
    apply(kubeconfig, where, _object("v1", "Namespace", namespace))
    apply(kubeconfig, f"{where}/serviceaccounts/{account}", _object("v1", "ServiceAccount", account))
    role = {**_object(f"{RBAC}/v1", "ClusterRole", account), "rules": RULES}
    apply(kubeconfig, f"/apis/{RBAC}/v1/clusterroles/{account}", role)
    binding = {
        **_object(f"{RBAC}/v1", "ClusterRoleBinding", account),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    apply(kubeconfig, f"/apis/{RBAC}/v1/clusterrolebindings/{account}", binding)
    webhooks.install(kubeconfig, endpoint)
    cluster = Cluster("", kubeconfig, connection(kubeconfig).server, kubeconfig.parent)
    return kubeconfig_for(cluster, namespace, account, kubeconfig.parent / f"{account}.yaml")


def pid_file(kubeconfig: Path) -> Path:
    """Return where the simulator of a cluster notes its process, beside those of the cluster's own parts."""
    folder = kubeconfig.parent / "pids"
    folder.mkdir(exist_ok=True)
    return folder / f"{NAME}.pid"


def _object(api: str, kind: str, name: str) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}}
