"""Keeps projected records of one kind equal to what the API server has: paged LIST, then WATCH, for as long as it runs.

A re-list replaces everything, so objects that vanished while the watch was down are removed; a failed list removes
nothing; no answer of the server ends the process. A decoded object costs about six times its JSON in memory, so it is
projected to a small record at once and dropped.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from berth.kube import errors
from berth.kube.backoff import Backoff
from berth.kube.queue import Key
from berth.kube.reading import EVERYTHING, Obj, Reader, Selection
from berth.kube.resources import Resource
from berth.world.parse import is_newer, key_of

Record = TypeVar("Record")
Record_contra = TypeVar("Record_contra", contravariant=True)

log: Final = logging.getLogger(__name__)

_BACKOFF: Final = Backoff(base=0.25, cap=30.0)


class Sink(Protocol[Record_contra]):
    """Where records go: one call per change, from the event loop, never in parallel."""

    def apply(self, resource: Resource, key: Key, record: Record_contra | None, /) -> None:
        """Store the record of this object, or drop what is stored when `record` is None."""


class OnError(Protocol):
    """Told about everything that went wrong; `key` is None when the kind as a whole could not be read."""

    def __call__(self, resource: Resource, key: Key | None, error: Exception, /) -> None:
        """Count or log it. Must not raise."""


def log_error(resource: Resource, key: Key | None, error: Exception, /) -> None:
    """Log a failure of a reflector; the default for `on_error`."""
    log.warning("reading %s %s: %s: %s", resource.plural, "/".join(key or ("as a whole",)), type(error).__name__, error)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds and counts a reflector goes by; tests pass smaller ones."""

    backoff: Backoff = _BACKOFF
    absent_retry: float = 5.0  # between looks for an absent optional kind
    healthy: float = 10.0  # a watch that lived so long ends the backoff
    too_short: float = 1.0  # a watch that ended without an event before that counts as a failure
    resumes: int = 3  # failures in a row, after which the position is given up
    gather: float = 0.0  # events that follow others so closely are read together
    watch_shortest: float = 300.0
    watch_longest: float = 600.0


NORMAL: Final = Timing()


class Reflector(Generic[Record]):
    """Feeds `sink` with `project(object)` for every selected object of a kind; None from `project` means not wanted.

    Run `run()` as a task on every replica. `optional` kinds may be absent from the server (no CRD): then `present` is
    False, which counts as synced, and the kind is picked up when it appears. When `project` or the sink raises, the
    last record is kept and `on_error` told.
    """

    def __init__(
        self,
        reader: Reader,
        resource: Resource,
        *,
        project: Callable[[Obj], Record | None],
        sink: Sink[Record],
        selection: Selection = EVERYTHING,
        optional: bool = False,
        on_error: OnError = log_error,
        timing: Timing = NORMAL,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self.present = False
        self.relists = 0
        self.events = 0
        self.errors = 0
        self._reader = reader
        self._project = project
        self._sink = sink
        self._selection = selection
        self._optional = optional
        self._on_error = on_error
        self._timing = timing
        self._clock = clock or asyncio.get_running_loop().time
        self.last_activity = self._clock()
        self._versions: dict[Key, str] = {}  # resourceVersion of every object that has a record in the sink
        self._position: str | None = None  # resourceVersion up to which the sink is complete; None while listing
        self._failures = 0

    def __len__(self) -> int:
        """Return how many objects have a record."""
        return len(self._versions)

    async def run(self) -> None:
        """List and watch until cancelled; nothing else ends it."""
        while True:
            delay = 0.0
            try:
                if self._position is None:
                    await self._list()
                await self._watch()
            except errors.NotFound as error:
                delay = self._vanish() if self._optional else self._lost(error)
            except (errors.Unavailable, errors.TooManyRequests, errors.Unauthorized) as error:
                # The position is still good: re-listing everything would only burden a server that struggles already.
                delay = self._failed(error) if self._failures < self._timing.resumes else self._lost(error)
            except Exception as error:  # noqa: BLE001  a reflector that died would leave its records to rot in silence
                delay = self._lost(error)
            await asyncio.sleep(delay)

    def accept(self, obj: Obj) -> None:
        """Take over the answer to an own write, so that the next decision sees it (read your writes).

        Ignored when the watch is past it already, or while a list runs: then the watch brings it anyway.
        """
        version = obj["metadata"]["resourceVersion"]
        if self._position is not None and is_newer(version, self._position):
            self._changed(key_of(obj), version, obj)

    async def _list(self) -> None:
        self.relists += 1
        seen: set[Key] = set()
        position = None
        async with aclosing(self._reader.list_pages(self.resource, self._selection)) as pages:
            async for page in pages:
                self.last_activity = self._clock()
                if page.first:
                    seen.clear()
                for obj in page.items:
                    seen.add(self._listed(obj))
                page.items.clear()  # megabytes, which would stay until the next page is here
                position = page.resource_version
        for key in self._versions.keys() - seen:
            self._remove(key)
        self._position = position
        self.present = True
        self.synced.set()

    async def _watch(self) -> None:
        started, before = self._clock(), self.events
        stream = self._reader.watch(
            self.resource,
            self._selection,
            resource_version=self._position or "",
            timeout_seconds=int(self._timing.backoff.uniform(self._timing.watch_shortest, self._timing.watch_longest)),
            gather=self._timing.gather,
        )
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    self.last_activity = self._clock()
                    self.events += 1
                    self._handle(event["type"], event["object"])
        finally:
            lived = self._clock() - started
            if lived >= self._timing.healthy:
                self._failures = 0
        if self.events == before and lived < self._timing.too_short:
            raise errors.Unavailable(0, "ShortWatch", f"the watch ended after {lived:.3f} s without an event")

    def _handle(self, kind: str, obj: Obj) -> None:
        if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:
            self._position = None  # whatever the ERROR says, events may be missing from here on
            raise errors.from_status(obj)
        version = obj["metadata"]["resourceVersion"]
        if kind == "DELETED":
            key = key_of(obj)
            if key in self._versions and not is_newer(self._versions[key], version):
                self._remove(key)
        elif kind != "BOOKMARK":
            self._changed(key_of(obj), version, obj)
        self._position = version

    def _listed(self, obj: Obj) -> Key:
        # A list is the truth whatever the order of versions: after a restore from backup they start lower again.
        key, version = key_of(obj), obj["metadata"]["resourceVersion"]
        if self._versions.get(key) != version:
            self._store(key, version, obj)
        return key

    def _changed(self, key: Key, version: str, obj: Obj) -> None:
        known = self._versions.get(key)
        if known is None or not (known == version or is_newer(known, version)):
            self._store(key, version, obj)

    def _store(self, key: Key, version: str, obj: Obj) -> None:
        try:
            record = self._project(obj)
            if record is not None or key in self._versions:
                self._sink.apply(self.resource, key, record)
        except Exception as error:  # noqa: BLE001  one object nobody foresaw must not stop the others
            self._report(key, error)
            return
        if record is None:
            self._versions.pop(key, None)
        else:
            self._versions[key] = version

    def _remove(self, key: Key) -> None:
        del self._versions[key]
        try:
            self._sink.apply(self.resource, key, None)
        except Exception as error:  # noqa: BLE001  as above
            self._report(key, error)

    def _vanish(self) -> float:
        """Take the kind as absent from this cluster: no CRD, so no objects. Return when to look again."""
        for key in list(self._versions):
            self._remove(key)
        self._position = None
        self._failures = 0
        self.present = False
        self.last_activity = self._clock()
        self.synced.set()
        return self._timing.absent_retry

    def _lost(self, error: Exception) -> float:
        """Give up the position, so that the next round lists."""
        self._position = None
        return self._failed(error)

    def _failed(self, error: Exception) -> float:
        """Report, and return the seconds to wait."""
        self._failures += 1
        self._report(None, error)
        asked = getattr(error, "retry_after", None) or 0.0
        return max(min(asked, self._timing.backoff.cap), self._timing.backoff.delay(self._failures))

    def _report(self, key: Key | None, error: Exception) -> None:
        self.errors += 1
        self._on_error(self.resource, key, error)
