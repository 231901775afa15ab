"""What Berth renders passes every policy, and runs."""

import copy

import pytest

from admission import bodies
from admission.people import CDI
from admission.world import LAB, TEAM, WORKLOADS, apply_as_operator, kubeconfig
from golden import golden
from ground.api import ApiError, Json, call
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import POD

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]


LISTED = ("machine-golden-image", "machine-made-disks")
"""Golden cases with a disk that is made only where the chart lists its source."""


def disks(name: str) -> list[Json]:
    """Return the DataVolumes of a golden case."""
    return [body for body in golden.children(name) if body["kind"] == "DataVolume"]


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


@pytest.mark.parametrize("name", [name for name in golden.names() if disks(name)])
def test_cdi_may_fill_every_golden_disk_and_no_selector_finds_the_pod(cluster: Cluster, name: str) -> None:
    """CDI gives the pod that fills a disk the disk's labels, and its containers alone a user (seen with CDI 1.66)."""
    context = {**bodies.SAFE, "runAsNonRoot": True, "runAsUser": 107, "seccompProfile": {"type": "RuntimeDefault"}}
    only_seccomp = {"seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 107}
    for disk in disks(name):
        labels = {"app": "containerized-data-importer", "cdi.kubevirt.io": "importer", **disk["metadata"]["labels"]}
        pod = bodies.pod(labels=labels, container={"securityContext": context}, securityContext=only_seccomp)
        pod["metadata"]["name"] = "importer"
        made = call(kubeconfig(cluster, CDI), "POST", POD.path(TEAM) + "?dryRun=All", pod)
        assert "berth.dev/workload" not in made["metadata"]["labels"]


@pytest.mark.parametrize("name", [name for name, (_, spec) in WORKLOADS.items() if spec.get("replicas") != 0])
def test_controllers_make_running_pods_of_children(cluster: Cluster, name: str) -> None:
    pods = objects.items(cluster, POD, TEAM, f"berth.dev/workload={name}")
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}
    assert pods
