"""One cluster for all tests of the admission policies."""

from collections.abc import Iterator

import pytest

from admission import world
from ground.cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster of `world`."""
    with world.prepared() as found:
        yield found
