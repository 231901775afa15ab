"""Berth on a cluster of the ground: all of `manifests/install.yaml` but that the operator runs as a process beside it."""

import sys
import urllib.request
from contextlib import suppress

from ground import admission, beside, chart, crds, identity
from ground.cluster import Cluster, kubectl

DEFINITIONS = "CustomResourceDefinition"
ELSEWHERE = ("Deployment", DEFINITIONS, *chart.ADMISSION)
"""Kinds that are not applied with the others: the operator is a process, and the rest is waited for."""
REPOSITORY = chart.REPOSITORY
NAME = "berth-operator"
ADDRESS = "127.0.0.1"


def install(cluster: Cluster) -> None:
    """Apply what the chart installs, but its Deployment; raises ClusterError, TimeoutError."""
    crds.serve(cluster, {each["metadata"]["name"]: each for each in chart.objects(DEFINITIONS)})
    _apply(cluster, [each for each in chart.texts() if chart.kind(each) not in ELSEWHERE])
    admission.install(cluster)


def _apply(cluster: Cluster, documents: list[str]) -> None:
    kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=chart.joined(documents))


def start(cluster: Cluster, port: int) -> int:
    """Run the operator as ServiceAccount berth and wait until it leads; return its process id. Nothing when it runs.

    Raises ClusterError with the end of its log.
    """
    if (running := beside.pid(cluster, NAME)) is not None:
        return running
    account = identity.kubeconfig_for(cluster, chart.NAMESPACE, "berth", cluster.workdir / "berth.kubeconfig")
    command = [sys.executable, "-m", "berth", "operator", "--kubeconfig", str(account)]
    settings = {"BERTH_LISTEN_ADDRESS": ADDRESS, "BERTH_LISTEN_PORT": str(port)}
    return beside.start(cluster, NAME, command, lambda: leads(port), **settings)


def leads(port: int) -> bool:
    """Tell whether the operator behind this port leads."""
    with suppress(OSError), urllib.request.urlopen(f"http://{ADDRESS}:{port}/metrics", timeout=5) as answer:
        return b'leader_election_master_status{name="berth"} 1.0' in answer.read()
    return False


def stop(cluster: Cluster) -> None:
    """End the operator politely and wait until it is gone; nothing when it does not run. Raises TimeoutError."""
    beside.stop(cluster, NAME)
