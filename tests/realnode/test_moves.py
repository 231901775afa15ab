"""What reaches a Service while its pods are moved, rolled, scaled down and drained: no request is lost.

BERTH_MOVES=5 does everything five times.
"""

import os
from collections.abc import Callable

import pytest

from ground.api import ApiError, call, eventually
from realnode import site
from realnode.specs import REGISTRY, web
from scenarios import objects
from scenarios.kinds import POD, SERVICE, WORKLOAD
from scenarios.site import Json, Space, condition

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

Record = Callable[[str, object], None]
REPLICAS = 3
SECONDS = 180.0
BUDGET = 429
ISOLATION = {"container": (None, None), "container-userns": (None, False), "gvisor": ("gvisor", None)}
"""RuntimeClass and hostUsers of the pods of each class."""
ROUNDS = range(int(os.environ.get("BERTH_MOVES", "1")))


@pytest.mark.parametrize("_", ROUNDS)
def test_no_request_is_lost_in_a_move_a_roll_out_a_scale_down_or_a_drain(
    space: Space, record_property: Record, _: int
) -> None:
    space.workload("web", web())
    settled(space, "container")
    url = f"http://{space.get(SERVICE, 'web')['spec']['clusterIP']}/"
    eventually(lambda: site.answers(space.cluster, url), SECONDS, f"{url} answers")
    lost = {}
    for title, act in ACTIONS.items():
        with site.traffic(space.cluster, url) as told:
            act(space)
        record_property("requests", told.sent)
        record_property("lost", told.lost)
        record_property("told", f"{title:28} {told.sent:6} sent {told.lost:4} failed {told.slowest:6} ms {told.causes}")
        lost |= {title: told.causes} if told.lost else {}
    assert lost == {}


def settled(space: Space, class_name: str, image: str = "demo/goweb:1", replicas: int = REPLICAS) -> None:
    """Wait until Berth says that all is done, and no pod but the wanted ones is there, not even one that ends."""

    def wish(found: Json) -> bool:
        status = found.get("status", {})
        seen = (status.get("placement", {}).get("className"), status.get("readyReplicas"))
        return condition(found, "Isolated")["status"] == "True" and seen == (class_name, replicas)

    def alone() -> bool:
        found = [pod["spec"] for pod in objects.items(space.cluster, POD, space.name)]
        images = [container["image"] for pod in found for container in pod["containers"]]
        isolation = {(pod.get("runtimeClassName"), pod.get("hostUsers")) for pod in found}
        return images == [f"{REGISTRY}/{image}"] * replicas and isolation == {ISOLATION[class_name]}

    space.until(WORKLOAD, "web", wish, SECONDS)
    eventually(alone, SECONDS, f"{replicas} pods of {image} in {class_name}")


def move(class_name: str) -> Callable[[Space], None]:
    """Have a policy move the Workload."""

    def act(space: Space) -> None:
        space.policy({"level": "Container", "classes": [class_name]})
        settled(space, class_name)

    return act


def roll(space: Space) -> None:
    """Roll out another image."""
    space.workload("web", web("demo/goweb:2"))
    settled(space, "container", "demo/goweb:2")


def scale(space: Space) -> None:
    """Scale down."""
    space.scale("web", 1)
    settled(space, "container", "demo/goweb:2", replicas=1)


def grow(space: Space) -> None:
    """Scale up."""
    space.scale("web", REPLICAS)
    settled(space, "container", "demo/goweb:2")


def drain(space: Space) -> None:
    """Evict every pod, as `kubectl drain` does: again while the budget refuses it."""
    for pod in space.pods("web"):
        eventually(lambda: evicted(space, pod["metadata"]["name"]), SECONDS, "the budget lets the pod go")  # noqa: B023
    settled(space, "container", "demo/goweb:2")


def evicted(space: Space, pod: str) -> bool:
    """Ask for an eviction, and tell whether it was granted."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": space.name}}
    try:
        call(space.cluster.kubeconfig, "POST", f"{POD.path(space.name, pod)}/eviction", body)
    except ApiError as error:
        if error.code == BUDGET:
            return False
        raise
    return True


ACTIONS: dict[str, Callable[[Space], None]] = {
    "container -> gvisor": move("gvisor"),
    "gvisor -> container-userns": move("container-userns"),
    "container-userns -> container": move("container"),
    "image 1 -> 2": roll,
    "scale 3 -> 1": scale,
    "scale 1 -> 3": grow,
    "drain": drain,
}
