"""A reflector at work, for tests: with a sink that remembers, and always stopped afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from berth.kube.backoff import Backoff
from berth.kube.client import Client, Obj
from berth.kube.queue import Key
from berth.kube.reflector import Reflector, Timing
from berth.kube.resources import PODS, Resource
from kube.conditions import eventually
from kube.fake_apiserver import FakeApiServer

TIMING = Timing(backoff=Backoff(base=0.002, cap=0.02), absent_retry=0.01, healthy=10.0, too_short=0.05)


def value_of(obj: Obj) -> str | None:
    """Project an object to its `value`; an object of value "skip" is not wanted, one of value "bad" raises."""
    if obj.get("value") == "bad":
        raise RuntimeError("cannot project this")
    return None if obj.get("value") == "skip" else str(obj.get("value", "?"))


class Records:
    """A sink that keeps records, counts changes and can be told to raise."""

    def __init__(self) -> None:
        self.now: dict[Key, str] = {}
        self.changes: list[tuple[Key, str | None]] = []
        self.raising = False

    def apply(self, _: Resource, key: Key, record: str | None, /) -> None:
        """Keep or drop a record."""
        if self.raising:
            raise RuntimeError("the sink is broken")
        self.changes.append((key, record))
        if record is None:
            del self.now[key]
        else:
            self.now[key] = record

    def names(self) -> dict[str, str]:
        """Return name -> record."""
        return {name: record for (_, name), record in self.now.items()}


class Errors:
    """An `on_error` hook that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[Key | None, Exception]] = []

    def __call__(self, _: Resource, key: Key | None, error: Exception, /) -> None:
        self.seen.append((key, error))


class Running:
    """A reflector at work, with its sink and what it reported."""

    def __init__(self, client: Client, resource: Resource, **options: Any) -> None:
        self.records = Records()
        self.errors = Errors()
        options = {"timing": TIMING, "project": value_of, **options}
        self.reflector: Reflector[str] = Reflector(client, resource, sink=self.records, on_error=self.errors, **options)

    async def becomes(self, **expected: str) -> None:
        """Wait until the records are exactly these."""
        await eventually(lambda: self.records.names() == expected)


@asynccontextmanager
async def reflecting(client: Client, resource: Resource = PODS, **options: Any) -> AsyncIterator[Running]:
    """Run a reflector until it has synced, then during the block; it must not have ended by itself."""
    running = Running(client, resource, **options)
    task = asyncio.create_task(running.reflector.run())
    try:
        await asyncio.wait_for(running.reflector.synced.wait(), 5)
        yield running
        assert not task.done(), "a reflector never ends by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def watched(server: FakeApiServer, resource: Resource = PODS) -> None:
    """Wait until exactly one watch of this kind is open."""
    await eventually(lambda: len(server.open_watches(resource)) == 1)
