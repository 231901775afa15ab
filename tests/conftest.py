"""Fixtures that all tests share: the real control plane, a cluster of its own for each test process."""

import os
from collections.abc import Iterator
from pathlib import Path
from secrets import randbelow
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=200, deadline=None, print_blob=True)
settings.register_profile(
    "ci", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# All processes of a run draw their examples from one seed: another one each time, unless it is given.
os.environ.setdefault("BERTH_SEED", str(randbelow(10**9)))

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_report_header() -> str:
    """Say how many examples are tried, and from which seed."""
    from properties import report  # noqa: PLC0415  it reads the seed

    return report.header()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was tried, and from which seed."""
    from properties import report  # noqa: PLC0415  it reads the seed

    report.summary(terminalreporter)


@pytest.fixture(scope="session")
def ground_cluster() -> Iterator[object]:
    """A real control plane with Berth's CRDs: `.kubeconfig`, `.server`, `.name`. One for each test process."""
    from ground import cluster, crds  # noqa: PLC0415  tests without the ground do not need it

    found = cluster.up(f"test-{os.getpid()}", say=lambda *_: None)
    crds.install(found)
    cluster.kubectl(found, "apply", "--server-side", "--force-conflicts", "-f", str(REPOSITORY / "crds"))
    cluster.kubectl(found, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    yield found
    cluster.down(found.name, say=lambda *_: None)
