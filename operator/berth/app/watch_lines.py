"""What kopf gets to see of a watch: whole lines, no echoes of own writes, and errors that make it list again."""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final

import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from berth.kube.resources import WORKLOADS
from berth.kube.stream import leave_alone

Middleware = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]

GATHER_SECONDS: Final = 0.2
"""Events that follow others so closely are read together."""

_ERROR: Final = b'{"type":"ERROR"'
"""How the API server begins an error inside a watch: `type` is the first field of a WatchEvent."""

_VERSION: Final = re.compile(rb'"resourceVersion":"([^"\\]+)"')

_ECHOES: Final = 10000
"""Own writes that are remembered until the watch brings them."""


class Echoes:
    """The resourceVersions of own writes that the watch has not brought yet; the oldest of too many are forgotten."""

    def __init__(self) -> None:
        self._versions: OrderedDict[bytes, None] = OrderedDict()

    def expect(self, version: str) -> None:
        """Remember an own write."""
        self._versions[version.encode()] = None
        if len(self._versions) > _ECHOES:
            self._versions.popitem(last=False)

    def heard(self, line: bytes) -> bool:
        """Return whether a line of a watch is the echo of an own write, and forget that write if so."""
        if self._versions.keys().isdisjoint(_VERSION.findall(line)):
            return False
        # Maps that people fill, such as annotations, may hold the same words: only the real field counts.
        event = orjson.loads(line)
        version = event["object"]["metadata"]["resourceVersion"].encode()
        if event["type"] != "MODIFIED" or version not in self._versions:
            return False
        del self._versions[version]
        return True


Hears = Callable[[str], None]
"""Told the plural of a kind whenever the API server says anything on its watch."""


def nobody_hears(_plural: str) -> None:
    """Note nothing."""


def watch_lines(echoes: Echoes, hears: Hears = nobody_hears) -> Middleware:
    """Return an aiohttp middleware that hands on watches by whole lines: without echoes, errors as 410 Gone.

    An echo says what the store knows from the write itself, and going through kopf is the dearest part of an event.
    kopf lists again after a 410 and gives the watch up for good after any other code, while the process lives on.
    """

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        response = await handler(request)
        if request.url.query.get("watch"):
            # Policies and classes are read at once: they must not be known later than the Workloads they are for.
            plural = request.url.path.rpartition("/")[2]
            gather = GATHER_SECONDS if plural == WORKLOADS.plural else 0.0
            response.content = _Lines(response, echoes, gather, partial(hears, plural))  # type: ignore[assignment]  # all that kopf uses of it
        return response

    return middleware


class _Lines:
    """The content of a watch, by whole lines."""

    def __init__(self, response: ClientResponse, echoes: Echoes, gather: float, heard: Callable[[], None]) -> None:
        self._response = response
        self._content = response.content
        self._echoes = echoes
        self._gather = gather
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        """Return whatever else aiohttp itself asks of a content."""
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield whole lines, errors with code 410."""
        rest = b""
        self._heard()
        async for chunk in self._content.iter_chunked(size):
            self._heard()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(_ERROR):
                    yield _gone(line) + b"\n"
                elif not self._echoes.heard(line):
                    yield line + b"\n"
            await leave_alone(self._response, self._gather)
        if rest:
            yield rest


def _gone(line: bytes) -> bytes:
    event = orjson.loads(line)
    event["object"] = {**event["object"], "code": 410}
    return orjson.dumps(event)
