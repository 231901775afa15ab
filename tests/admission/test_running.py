"""What Berth renders passes every policy, and runs."""

import pytest

from admission.world import LAB, TEAM, WORKLOADS, apply_as_operator
from golden import golden
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import POD

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]


@pytest.mark.parametrize("name", golden.names())
def test_the_operator_may_write_every_golden_child(cluster: Cluster, name: str) -> None:
    for body in golden.children(name):
        apply_as_operator(cluster, body | {"metadata": body["metadata"] | {"namespace": LAB}}, dry=True)


@pytest.mark.parametrize("name", [name for name, (_, spec) in WORKLOADS.items() if spec.get("replicas") != 0])
def test_controllers_make_running_pods_of_children(cluster: Cluster, name: str) -> None:
    pods = objects.items(cluster, POD, TEAM, f"berth.dev/workload={name}")
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}
    assert pods
