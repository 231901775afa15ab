"""One control plane with a running operator for all threats that a test process tries."""

from collections.abc import Iterator

import pytest

from threats import site
from threats.site import Site


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, while a process tries threats."""
    with site.prepared(tmp_path_factory.mktemp("operator")) as found:
        yield found
