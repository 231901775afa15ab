"""Fixtures of the app tests: those of the kube tests, and an environment without settings."""

import os

import pytest

from kube.conftest import client, impatient, server, session

__all__ = ["client", "impatient", "server", "session"]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BERTH_")]:
        monkeypatch.delenv(name)
