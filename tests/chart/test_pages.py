"""What the pages say to type to install and operate Berth is typed, in its order, on a real API server."""

import os
import subprocess

import pytest

from chart.test_cluster import control_plane_with_others
from docs.commands import Line, commands
from ground import chart
from ground.cluster import Cluster
from ground.toolchain import binaries, tool
from scenarios import objects
from scenarios.kinds import NAMESPACE

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("chart")]

DOCS = chart.REPOSITORY / "docs"
RUNBOOK = DOCS / "runbooks" / "BerthMetricsTruncated.md"
PAGES = (DOCS / "install.md", DOCS / "operations.md", RUNBOOK)
LAST = ("helm uninstall", "kubectl delete crd")
ELSEWHERE = ("install.yaml", "set image deployment")
"""Another way to install it, which has tests of its own."""
NOT_HERE = ('leases.coordination.k8s.io "berth" not found', "/containerLogs/berth-system/berth-")
"""What only a running operator makes, and logs, which fake nodes do not have; by then its pod was found."""
FILLED = {"REGISTRY": "registry.example", "ADMINS": "platform", "MONITORING": "monitoring", "DIGEST": "ab" * 32}


def typed() -> list[Line]:
    """Return the commands as somebody types them who installs Berth, operates it, and takes it away."""
    every = [line for page in PAGES for line in commands(page) if not any(each in line.text for each in ELSEWHERE)]
    return sorted(every, key=lambda line: line.text.startswith(LAST))


def typing(cluster: Cluster, line: Line) -> None:
    """Run a command; raises AssertionError with its complaint."""
    path = f"{binaries().kubectl.parent}:{tool('helm', lambda _: None).parent}:{os.environ['PATH']}"
    env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path}
    shell = ["bash", "-euo", "pipefail", "-c", line.filled(FILLED)]
    answer = subprocess.run(shell, cwd=chart.REPOSITORY, env=env, capture_output=True, text=True, check=False)
    absent = any(each in answer.stderr for each in NOT_HERE)
    assert answer.returncode == 0 or absent, f"{line.place}: {line.text}\n{answer.stdout}{answer.stderr}"


def test_every_command_does_what_it_should() -> None:
    with control_plane_with_others() as cluster:
        for name in ("monitoring", "argocd"):
            objects.put(cluster, NAMESPACE, "", {"metadata": {"name": name}})
        for line in typed():
            typing(cluster, line)
