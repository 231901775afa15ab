"""An autoscaler is unable while there is no metrics API, which its Workload tells; with one it brings the replicas for its load."""

import pytest

from ground.node.metrics import measured
from realnode import site
from realnode.specs import web
from scenarios.kinds import AUTOSCALER, SERVICE, WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, condition
from scenarios.specs import pinned

pytestmark = [pytest.mark.realnode, pytest.mark.ground, pytest.mark.long]

SECONDS = 240.0
RATE = 20
"""Requests a second, each of which takes 20 ms of a processor: eight times what one replica is to use."""
REQUESTS = {"cpu": "100m", "memory": "64Mi"}
SCALING = {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
WHY = "the cluster has no metrics API (metrics.k8s.io): install metrics-server, or set replicas, not autoscaling"


@pytest.mark.parametrize("class_name", ["container", "gvisor"])
def test_with_metrics_the_warning_goes_and_load_brings_replicas(space: Space, class_name: str) -> None:
    spec = web(replicas=1) | {"autoscaling": SCALING, "resources": {"requests": REQUESTS}}
    space.workload("web", pinned(class_name, spec))
    space.ready("web")
    space.until(WORKLOAD, "web", lambda found: causes(found) == [WHY], SECONDS)
    address = space.get(SERVICE, "web")["spec"]["clusterIP"]
    with measured(space.cluster):
        space.until(AUTOSCALER, "web", lambda found: condition(found, "ScalingActive")["status"] == "True", SECONDS)
        space.until(WORKLOAD, "web", lambda found: causes(found) == [], SECONDS)
        assert len(space.pods("web")) == 1
        with site.traffic(space.cluster, f"http://{address}/burn", RATE):
            found = space.until(WORKLOAD, "web", lambda found: found["status"].get("readyReplicas", 0) > 1, SECONDS)
    assert causes(found) == []


def causes(found: Json) -> list[str]:
    """Return why something is warned of."""
    return [text.partition(": ")[2] for text in found["status"].get("warnings", [])]
