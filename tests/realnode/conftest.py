"""One cluster with a real node and one operator for a run, and a namespace of its own for each test."""

import os
from collections.abc import Iterator

import pytest

from ground.cluster import Cluster
from ground.node.lacking import lacking
from realnode import site
from scenarios.process import Operator
from scenarios.site import Space


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all of them: they share the node."""
    for item in items:
        if item.get_closest_marker("realnode"):
            item.add_marker(pytest.mark.xdist_group("realnode"))


@pytest.fixture(scope="session")
def able() -> None:
    """Skip unless a real node was asked for; fail where it was and this machine cannot be one."""
    if os.environ.get("BERTH_REALNODE") != "required":
        pytest.skip("make realnode runs these, with pods that really run: on Debian, as root")
    if missing := lacking():
        pytest.fail(f"this machine cannot be a node: {'; '.join(missing)}")


@pytest.fixture(scope="session")
def real_cluster(able: None) -> Iterator[Cluster]:
    """A control plane with a real node, and Berth installed."""
    with site.prepared() as made:
        yield made


@pytest.fixture(scope="session")
def shared(real_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The operator, as its own ServiceAccount."""
    image = "registry.example/berth-probe:1"
    operator = Operator(real_cluster, tmp_path_factory.mktemp("operator"), BERTH_PROBE_IMAGE=image)
    try:
        yield operator.start()
    finally:
        operator.stop()


@pytest.fixture
def space(shared: Operator) -> Iterator[Space]:
    """A namespace of its own."""
    assert shared.alive()
    made = Space.make(shared.cluster)
    yield made
    made.remove()
