"""How kopf is run: a shell that logs in, watches and ends well, and never writes anything."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import kopf


class Forever:
    """An endless back-off that may be iterated again and again: the watch of a kind must never give up."""

    def __iter__(self) -> Iterator[float]:
        """Yield seconds: quick at first, then steady."""
        yield from (0.5, 1.0, 2.0, 5.0)
        while True:
            yield 10.0


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress: with event handlers only there is none, and a tenant could forge what is stored."""

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Do nothing."""

    def purge(self, **_: Any) -> None:
        """Do nothing."""

    def touch(self, **_: Any) -> None:
        """Do nothing."""

    def clear(self, *, essence: Any) -> Any:
        """Return the essence as it is."""
        return essence


class NoDiff(kopf.DiffBaseStorage):
    """Keeps no last-handled state; it also saves kopf from copying every object."""

    def build(self, *, body: Any, extra_fields: Iterable[Any] | None = None) -> Any:  # noqa: ARG002
        """Return an empty essence."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Do nothing."""


def kopf_settings() -> kopf.OperatorSettings:
    """Return the settings that were measured to be right for event handlers on thousands of objects."""
    settings = kopf.OperatorSettings()
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.diffbase_storage = NoDiff()
    # kopf removes its own finalizer wherever it meets it, which Berth has no right to, and tries for ever: whoever sets
    # it would keep the operator from seeing the object. So it has a name that nobody knows.
    settings.persistence.finalizer = f"berth.dev/{uuid4().hex}"
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.05  # a worker keeps its last object until it ends
    settings.watching.chunk_size = 50
    settings.watching.initial_streaming = False
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Forever()
    settings.process.ultimate_exiting_timeout = None
    return settings
