"""Paths name exactly one place, or nothing at all."""

import pytest

from berth.kube.resources import DEPLOYMENTS, NODES, PODS, WORKLOADS, Resource


@pytest.mark.parametrize(
    ("resource", "arguments", "expected"),
    [
        (PODS, (), "/api/v1/pods"),
        (PODS, ("shop",), "/api/v1/namespaces/shop/pods"),
        (PODS, ("shop", "a"), "/api/v1/namespaces/shop/pods/a"),
        (DEPLOYMENTS, ("shop", "a"), "/apis/apps/v1/namespaces/shop/deployments/a"),
        (WORKLOADS, ("shop", "a", "status"), "/apis/berth.dev/v1alpha1/namespaces/shop/workloads/a/status"),
        (NODES, (None, "n1"), "/api/v1/nodes/n1"),
    ],
)
def test_path_of_collection_object_and_subresource(
    resource: Resource, arguments: tuple[str | None, ...], expected: str
) -> None:
    assert resource.path(*arguments) == expected


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_a_name_that_is_none_never_becomes_the_collection(bad: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        PODS.path("shop", bad)
    with pytest.raises(ValueError, match="not a name"):
        PODS.path(bad, "a")


def test_a_name_cannot_leave_its_path_segment() -> None:
    assert PODS.path("shop", "../secrets?x#y") == "/api/v1/namespaces/shop/pods/..%2Fsecrets%3Fx%23y"


def test_scope_is_checked() -> None:
    with pytest.raises(ValueError, match="have no namespace"):
        NODES.path("shop", "n1")
    with pytest.raises(ValueError, match="needs a namespace"):
        PODS.path(None, "a")
    with pytest.raises(ValueError, match="needs a name"):
        PODS.path("shop", None, "status")


def test_api_version() -> None:
    assert (PODS.api_version, DEPLOYMENTS.api_version) == ("v1", "apps/v1")
