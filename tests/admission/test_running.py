"""What Berth renders passes every policy, and runs."""

import copy

import pytest

from admission.world import LAB, TEAM, WORKLOADS, apply_as_operator
from golden import golden
from ground.api import ApiError, Json
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import POD

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]


LISTED = ("machine-golden-image", "machine-made-disks")
"""Golden cases with a disk that is made only where the chart lists its source."""


def moved(body: Json) -> Json:
    """Return a golden child in the namespace of this test, with the source of a disk that lies beside it."""
    home, moved = body["metadata"]["namespace"], copy.deepcopy(body)
    moved["metadata"]["namespace"] = LAB
    for source in moved["spec"].get("source", {}).values() if body["kind"] == "DataVolume" else ():
        if source.get("namespace") == home:
            source["namespace"] = LAB
    return moved


def write_all(cluster: Cluster, name: str) -> None:
    """Put all children of a golden case to the API server as the operator would."""
    for body in golden.children(name):
        apply_as_operator(cluster, moved(body), dry=True)


@pytest.mark.parametrize("name", [name for name in golden.names() if name not in LISTED])
def test_the_operator_may_write_every_golden_child(cluster: Cluster, name: str) -> None:
    write_all(cluster, name)


@pytest.mark.parametrize("name", LISTED)
def test_the_operator_may_not_write_a_disk_whose_source_the_chart_does_not_list(cluster: Cluster, name: str) -> None:
    with pytest.raises(ApiError, match=r"what disks\.imageNamespaces and disks\.urls of the chart list"):
        write_all(cluster, name)


@pytest.mark.parametrize("name", [name for name, (_, spec) in WORKLOADS.items() if spec.get("replicas") != 0])
def test_controllers_make_running_pods_of_children(cluster: Cluster, name: str) -> None:
    pods = objects.items(cluster, POD, TEAM, f"berth.dev/workload={name}")
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}
    assert pods
