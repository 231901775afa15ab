"""What the roles for people give, once Kubernetes has added them to its own roles."""

from functools import partial

import pytest

from admission.attempts import kubeconfig
from admission.people import DEVELOPER, GUEST, OWNER, PLATFORM
from admission.world import LAB, SHOP, TEAM
from ground.api import call, eventually
from ground.cluster import Cluster

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

WHERE = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
CLUSTER = ""
KINDS = ("isolationclasses", "isolationpolicies", "tenants", "waivers")


def may(cluster: Cluster, who: str, verb: str, resource: str, namespace: str) -> bool:
    """Ask the API server whether a person has a right on berth.dev."""
    name, _, subresource = resource.partition("/")
    attributes = {"group": "berth.dev", "verb": verb, "resource": name, "namespace": namespace}
    review = {"spec": {"resourceAttributes": attributes | ({"subresource": subresource} if subresource else {})}}
    allowed: bool = call(kubeconfig(cluster, who), "POST", WHERE, review)["status"]["allowed"]
    return allowed


GRANTED = [
    *((DEVELOPER, verb, "workloads", TEAM) for verb in ("get", "list", "watch", "create", "update", "patch", "delete")),
    (DEVELOPER, "patch", "workloads/scale", TEAM),
    (GUEST, "list", "workloads", TEAM),
    *((DEVELOPER, verb, kind, CLUSTER) for kind in KINDS for verb in ("get", "list", "watch")),
    *((PLATFORM, verb, kind, CLUSTER) for kind in KINDS for verb in ("get", "create", "update", "patch", "delete")),
]
WITHHELD = [
    *((DEVELOPER, "patch", f"workloads/{part}", TEAM) for part in ("status", "finalizers")),
    *((DEVELOPER, "update", f"workloads/{part}", TEAM) for part in ("status", "finalizers")),
    (DEVELOPER, "create", "workloads", "default"),
    (GUEST, "create", "workloads", TEAM),
    (GUEST, "patch", "workloads/scale", TEAM),
    *((DEVELOPER, verb, kind, CLUSTER) for kind in KINDS for verb in ("create", "update", "patch", "delete")),
    *((OWNER, "update", kind, CLUSTER) for kind in KINDS),
    *((PLATFORM, "patch", f"{kind}/status", CLUSTER) for kind in KINDS),
    (PLATFORM, "create", "workloads", SHOP),
    (PLATFORM, "patch", "workloads/status", LAB),
]


@pytest.mark.parametrize(("who", "verb", "resource", "namespace"), GRANTED)
def test_a_role_gives_what_its_holder_needs(
    cluster: Cluster, who: str, verb: str, resource: str, namespace: str
) -> None:
    eventually(partial(may, cluster, who, verb, resource, namespace), 30.0, f"{who} may {verb} {resource}")


@pytest.mark.parametrize(("who", "verb", "resource", "namespace"), WITHHELD)
def test_a_role_gives_no_more(cluster: Cluster, who: str, verb: str, resource: str, namespace: str) -> None:
    assert not may(cluster, who, verb, resource, namespace)
