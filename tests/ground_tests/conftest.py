"""One control plane, and one simulated KubeVirt on it, for all tests of the ground."""

from collections.abc import Iterator

import pytest

from ground import cluster, crds, simulator
from ground_tests import wishes


@pytest.fixture(scope="session")
def ground() -> Iterator[cluster.Cluster]:
    """Give a control plane with two capable nodes; every test uses namespaces of its own."""
    with cluster.throwaway(nodes=2) as made:
        yield made


@pytest.fixture(scope="session")
def kubevirt(ground: cluster.Cluster) -> Iterator[cluster.Cluster]:
    """Give the control plane with CRDs and a running simulator that retries failed starts after a second."""
    crds.install(ground)
    with simulator.running(ground, crash_backoff=1.0):
        yield ground


@pytest.fixture
def space(ground: cluster.Cluster) -> str:
    """Give a namespace of its own."""
    return wishes.namespace(ground)
