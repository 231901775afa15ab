"""A control plane with one running operator for each test process, and a namespace of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ground.cluster import Cluster
from scenarios import site
from scenarios.process import Operator
from scenarios.site import Space

LOG_TAIL = 60
HERE = Path(__file__).parent
OPERATORS = pytest.StashKey[list[Operator]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the end of the operators' logs where a test fails."""
    report = yield
    if report.failed and HERE in item.path.parents:
        started = [*item.session.stash.get(OPERATORS, []), *item.stash.get(OPERATORS, [])]
        for operator in started:
            tail = "\n".join(operator.log.read_text().splitlines()[-LOG_TAIL:])
            report.sections.append((f"log of {operator.identity}", tail))
    return report


@pytest.fixture
def operators(request: pytest.FixtureRequest) -> list[Operator]:
    """Operators that a test starts itself: their logs are shown when it fails."""
    return request.node.stash.setdefault(OPERATORS, [])


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """One operator on a control plane that all tests of a process share."""
    with site.prepared() as cluster:
        operator = Operator(cluster, tmp_path_factory.mktemp("operator"))
        request.session.stash.setdefault(OPERATORS, []).append(operator)
        try:
            yield operator.start()
        finally:
            operator.stop()


@pytest.fixture
def operator(shared: Operator) -> Operator:
    """The running operator."""
    return shared


@pytest.fixture
def cluster(shared: Operator) -> Cluster:
    """The control plane."""
    return shared.cluster


@pytest.fixture
def space(shared: Operator) -> Iterator[Space]:
    """A namespace of its own."""
    assert shared.alive()
    made = Space.make(shared.cluster)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def shared_space(shared: Operator) -> Iterator[Space]:
    """A namespace for the tests of a module that leave their Workload as it was."""
    made = Space.make(shared.cluster)
    yield made
    made.remove()
