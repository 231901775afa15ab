"""docs/tour.md goes as it says: every command is typed into a shell, and prints what stands there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.played import lasting, played
from ground import berth, prometheus
from ground.api import eventually
from ground.cluster import Cluster
from ground.prometheus import Target
from ground.toolchain import binaries
from scenarios.objects import SECONDS
from scenarios.process import Operator

PAGE = berth.REPOSITORY / "docs" / "tour.md"
IN_THE_DEMO = "http://127.0.0.1:19090"
"""Where the demo's Prometheus is."""
PLACED = 'berth_workload_info{namespace="tour",class!=""}'
WORKLOADS = 4

pytestmark = [
    pytest.mark.ground,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the tour asks Prometheus by curl"),
]


@pytest.fixture
def url(operator: Operator, cluster: Cluster) -> Iterator[str]:
    """A Prometheus that scrapes the operator."""
    yield prometheus.start(cluster, [Target(f"127.0.0.1:{operator.port}")], interval=1, rules=[])
    prometheus.stop(cluster)


def test_the_tour_goes_as_it_says(cluster: Cluster, url: str) -> None:
    path = f"{binaries().kubectl.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(script: str) -> str:
        if IN_THE_DEMO in script:
            eventually(lambda: len(prometheus.query(url, PLACED)) == WORKLOADS, SECONDS, "Prometheus knows them")
        shell = ["bash", "-euo", "pipefail", "-c", script.replace(IN_THE_DEMO, url)]
        env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path}
        answer = subprocess.run(shell, env=env, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{script}\n{answer.stdout}{answer.stderr}"
        return answer.stdout

    page = PAGE.read_text()
    assert lasting(played(page, run)) == lasting(page)
