"""A Workload whose autoscaler cannot act serves, and is warned: once it can be known that it is not just starting."""

from typing import Any

import pytest

from app.parts import WEB, Replica
from app.test_reconcile import status_of
from berth.api.meta import API_VERSION
from berth.app.reconcile import reconcile
from berth.kube.client import Client
from berth.kube.resources import HORIZONTAL_POD_AUTOSCALERS
from berth.world import children, parse
from kube.fake_apiserver import FakeApiServer
from render.specs import Json, container
from world.raws import condition, conditions

SCALED: Json = container(autoscaling={"maxReplicas": 3}, resources={"requests": {"cpu": "100m", "memory": "64Mi"}})
NO_API = "the server could not find the requested resource (get pods.metrics.k8s.io)"
NO_FIGURES = "no metrics returned from resource metrics API"
MADE = ("networkpolicies", "deployments", "horizontalpodautoscalers")


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    made = Replica(server, client)
    made.add_class()
    made.store.put_fact(made.store.nodes, "n1", parse.node({"metadata": {"name": "n1"}, "status": NODE}))
    made.workload(**SCALED)
    await reconcile(WEB, made.deps)
    return made


NODE: Json = {"allocatable": {"cpu": "8", "memory": "32Gi"}, "runtimeHandlers": [{"name": ""}]}


async def warned(replica: Replica, message: str, ready: str = "True") -> list[str]:
    """Let the autoscaler say this of a Workload that has been ready, or not, for a while; return what is told then."""
    for resource, obj in replica.written:
        said = conditions(condition("ScalingActive", "False", "FailedGetResourceMetric", message))
        scaler = resource is HORIZONTAL_POD_AUTOSCALERS
        record = children.child({**obj, "kind": resource.kind} | ({"status": said} if scaler else {}))
        replica.store.put_child(resource.kind, record.key, record)
    stored: dict[str, Any] = replica.of("workloads")[WEB]
    for each in stored["status"]["conditions"]:
        if each["type"] == "Ready":
            each.update(status=ready, lastTransitionTime="2026-03-01T10:00:00Z")
    replica.store.put_workload(WEB, parse.workload({**stored, "apiVersion": API_VERSION}))
    await reconcile(WEB, replica.deps)
    told: list[str] = status_of(replica).get("warnings", [])
    return told


async def test_what_is_certain_is_told_at_once_and_fails_nothing(replica: Replica) -> None:
    (text,) = await warned(replica, NO_API)
    assert text.startswith(
        "replicas stay as they are, for its HorizontalPodAutoscaler cannot act: the cluster has no metrics"
    )
    status = status_of(replica)
    assert status["reason"] == "Provisioning", "as without an autoscaler"
    assert {each["reason"] for each in status["conditions"]}.isdisjoint({"AutoscalerUnable"})


@pytest.mark.parametrize(
    ("ready", "seconds", "tells"), [("True", 119, False), ("True", 120, True), ("False", 999, False)]
)
async def test_pods_that_have_just_become_ready_have_no_figures_yet(
    replica: Replica, ready: str, seconds: float, *, tells: bool
) -> None:
    replica.clock.now += seconds
    assert any("no figures" in text for text in await warned(replica, NO_FIGURES, ready)) == tells
