"""One control plane for all tests of the ground."""

import os
from collections.abc import Iterator

import pytest
from ground import cluster


@pytest.fixture(scope="session")
def ground() -> Iterator[cluster.Cluster]:
    """Give a control plane with two capable nodes; every test uses namespaces of its own."""
    name = f"ground-tests-{os.getpid()}"
    try:
        yield cluster.up(name, nodes=2)
    finally:
        cluster.down(name)
