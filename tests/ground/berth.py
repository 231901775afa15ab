"""Berth on a cluster of the ground: all of `manifests/install.yaml` but that the operator runs as a process beside it."""

import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

from ground import admission, chart, crds, identity
from ground.api import eventually
from ground.cluster import Cluster, ClusterError, component, kubectl

DEFINITIONS = "CustomResourceDefinition"
ELSEWHERE = ("Deployment", DEFINITIONS, *chart.ADMISSION)
"""Kinds that are not applied with the others: the operator is a process, and the rest is waited for."""
REPOSITORY = chart.REPOSITORY
NAME = "berth-operator"
ADDRESS = "127.0.0.1"
READY_SECONDS = 60.0
LOG_TAIL_LINES = 15


def install(cluster: Cluster) -> None:
    """Apply what the chart installs, but its Deployment; raises ClusterError, TimeoutError."""
    crds.serve(cluster, {each["metadata"]["name"]: each for each in chart.objects(DEFINITIONS)})
    _apply(cluster, [each for each in chart.texts() if chart.kind(each) not in ELSEWHERE])
    admission.install(cluster)


def _apply(cluster: Cluster, documents: list[str]) -> None:
    kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=chart.joined(documents))


def start(cluster: Cluster, port: int) -> int:
    """Run the operator as ServiceAccount berth and wait until it leads; return its process id. Nothing when it runs.

    Its pid is noted beside those of the cluster's parts, so that it ends with the cluster. Raises ClusterError with the
    end of its log.
    """
    running = component(cluster.workdir, NAME).pid
    if running is not None:
        return running
    account = identity.kubeconfig_for(cluster, chart.NAMESPACE, "berth", cluster.workdir / "berth.kubeconfig")
    settings = {
        "BERTH_LISTEN_ADDRESS": ADDRESS,
        "BERTH_LISTEN_PORT": str(port),
    }
    log = cluster.workdir / "logs" / f"{NAME}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "berth", "operator", "--kubeconfig", str(account)],
            env={**os.environ, **settings},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    (cluster.workdir / "pids" / f"{NAME}.pid").write_text(str(process.pid))
    try:
        eventually(lambda: process.poll() is not None or leads(port), READY_SECONDS, "the operator leads")
    except TimeoutError as error:
        raise ClusterError(_failure(log)) from error
    if process.poll() is not None:
        raise ClusterError(_failure(log))
    return process.pid


def leads(port: int) -> bool:
    """Tell whether the operator behind this port leads."""
    with suppress(OSError), urllib.request.urlopen(f"http://{ADDRESS}:{port}/metrics", timeout=5) as answer:
        return b'leader_election_master_status{name="berth"} 1.0' in answer.read()
    return False


def stop(cluster: Cluster) -> None:
    """End the operator politely and wait until it is gone; nothing when it does not run. Raises TimeoutError."""
    pid = component(cluster.workdir, NAME).pid
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    eventually(lambda: component(cluster.workdir, NAME).pid is None, READY_SECONDS, "the operator ends")


def _failure(log: Path) -> str:
    tail = "\n".join(log.read_text().splitlines()[-LOG_TAIL_LINES:])
    return f"the operator did not become leader ({log}):\n{tail}"
