"""Berth on a cluster of the ground: all of `manifests/install.yaml` but that the operator runs as a process beside it."""

import sys
import urllib.request
from contextlib import suppress

from ground import admission, beside, chart, crds, identity
from ground.api import eventually
from ground.cluster import Cluster, kubectl
from ground.parts import components

DEFINITIONS = "CustomResourceDefinition"
ELSEWHERE = ("Deployment", DEFINITIONS, *chart.ADMISSION)
"""Kinds that are not applied with the others: the operator is a process, and the rest is waited for."""
REPOSITORY = chart.REPOSITORY
NAME = "berth-operator"
ADDRESS = "127.0.0.1"
READY_SECONDS = 180.0
"""A leader that was killed holds its Lease for a minute; the rest is room for a busy machine."""


def install(cluster: Cluster) -> None:
    """Apply what the chart installs, but its Deployment; raises ClusterError, TimeoutError."""
    crds.serve(cluster, {each["metadata"]["name"]: each for each in chart.objects(DEFINITIONS)})
    _apply(cluster, [each for each in chart.texts() if chart.kind(each) not in ELSEWHERE])
    admission.install(cluster)


def _apply(cluster: Cluster, documents: list[str]) -> None:
    kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=chart.joined(documents))


def start(cluster: Cluster, *ports: int) -> None:
    """Run a replica on each port, as ServiceAccount berth, and wait until one leads and all stand by with full caches.

    What runs stays. Each is restarted as the chart's Deployment would. Raises TimeoutError with the end of the log of
    one that does not run.
    """
    account = identity.kubeconfig_for(cluster, chart.NAMESPACE, "berth", cluster.workdir / "berth.kubeconfig")
    command = [sys.executable, "-m", "berth", "operator", "--kubeconfig", str(account)]
    for number, port in enumerate(ports):
        settings = {"BERTH_LISTEN_ADDRESS": ADDRESS, "BERTH_LISTEN_PORT": str(port)}
        beside.deploy(cluster, f"{NAME}-{number}", command, **settings)
    for port in ports:
        eventually(lambda at=port: bool(_get(at, "/readyz")), READY_SECONDS, f"the replica on port {port} is ready")
    eventually(lambda: any(leads(port) for port in ports), READY_SECONDS, "a replica of the operator leads")


def leads(port: int) -> bool:
    """Tell whether the operator behind this port leads."""
    return b'leader_election_master_status{name="berth"} 1.0' in _get(port, "/metrics")


def _get(port: int, path: str) -> bytes:
    """Return what the operator behind a port answers; nothing unless it agrees."""
    with suppress(OSError), urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=5) as answer:
        content: bytes = answer.read()
        return content
    return b""


def stop(cluster: Cluster) -> None:
    """End all replicas politely and wait until they are gone; nothing when none runs. Raises TimeoutError."""
    for part in components(cluster.workdir):
        if part.name.startswith(NAME) and not part.name.endswith(beside.DEPLOYMENT):
            beside.stop(cluster, part.name)
