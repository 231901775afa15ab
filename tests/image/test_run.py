"""The image's own entry point is the operator: with no right on its machine, and none but its account's on the cluster."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ground.api import eventually
from ground.cluster import Cluster, kubectl
from image.layout import Image
from scenarios import site, specs
from scenarios.process import Operator
from scenarios.site import Space, condition

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("image")]

COMMAND = (sys.executable, "-m", "image", "run")
HANDOVER_SECONDS = 20.0


@pytest.fixture(scope="module")
def cluster(image: Image) -> Iterator[Cluster]:
    with site.prepared(kubevirt=False) as made:
        yield made


@pytest.fixture
def operators(cluster: Cluster, image: Image, tmp_path: Path) -> Iterator[list[Operator]]:
    """Two replicas of the image: the first leads, the other stands by."""
    user, group = map(int, image.configuration["config"]["User"].split(":"))
    made = [Operator(cluster, tmp_path, command=COMMAND, restarts=False) for _ in range(2)]
    for each in made:
        # As a mounted Secret: everything in one file that only this user may read.
        each.kubeconfig.write_text(
            kubectl(cluster, "config", "view", "--raw", "--flatten", "--kubeconfig", str(each.kubeconfig))
        )
        os.chown(each.kubeconfig, user, group)
    try:
        yield made
    finally:
        for each in made:
            each.stop()


def test_it_is_the_operator_and_hands_over_when_it_is_told_to_end(operators: list[Operator], cluster: Cluster) -> None:
    first, second = operators
    first.start()
    second.start(leads=False)
    space = Space.make(cluster)
    space.workload("web", specs.container(replicas=2))
    ready = space.ready("web")
    assert ready["status"]["placement"]["className"] == "container"
    assert "lowest level that fits" in condition(ready, "Placed")["message"]
    assert space.children("web") >= {"Deployment web", "Service web"}

    assert first.stop() == 0, first.log.read_text()[-2000:]
    eventually(second.leads, HANDOVER_SECONDS, "the other replica leads")
    space.scale("web", 3)
    space.until(site.WORKLOAD, "web", lambda found: found["status"].get("readyReplicas") == 3)
