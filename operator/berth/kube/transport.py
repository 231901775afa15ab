"""How a request gets to the API server and its answer back: slots, retries, timeouts, warnings and what is counted."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Protocol

import aiohttp
from yarl import URL

from berth.kube import errors
from berth.kube.backoff import Backoff
from berth.kube.resources import Resource
from berth.kube.stream import lines, session_closed

log: Final = logging.getLogger(__name__)

_CALL_BACKOFF: Final = Backoff(base=0.2, cap=5.0)
_MAX_WARNINGS: Final = 1000


class ClientMetrics(Protocol):
    """Where finished requests are counted."""

    def observe(self, method: str, resource: str, status: int, seconds: float) -> None:
        """Record one request: HTTP method, plural of the kind, HTTP status (0 = no answer), seconds it took.

        A watch (method WATCH) is recorded when it begins.
        """


Span = Callable[[str, dict[str, str]], AbstractContextManager[object]]
"""Begins a span of a trace, with a name and attributes."""


def no_span(_name: str, _attributes: dict[str, str]) -> AbstractContextManager[object]:
    """Trace nothing."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and how patiently, a call that may be repeated is repeated."""

    attempts: int = 5
    backoff: Backoff = _CALL_BACKOFF
    # A server that asks for a longer pause gets it, but from the work queue: a worker should not sleep that long.
    patience: float = 10.0

    def delay(self, error: errors.ApiError, failures: int) -> float | None:
        """Return the seconds to wait before the next attempt, or None when `error` is final."""
        transient = (errors.Unavailable, errors.TooManyRequests, errors.Unauthorized)
        if failures >= self.attempts or not isinstance(error, transient):
            return None
        asked = error.retry_after or 0.0
        return None if asked > self.patience else max(asked, self.backoff.delay(failures))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a call counts as failed."""

    connect: float = 10.0
    answer: float = 30.0
    page: float = 60.0
    # The server sends a bookmark about once a minute: a watch that is silent for longer than that is dead.
    silence: float = 75.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a verb, ready to be sent."""

    method: str
    resource: Resource
    url: URL
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    """Whether it may be sent again after an answer that was lost."""
    timeout: aiohttp.ClientTimeout
    may_send: Callable[[], bool]
    """Asked before it is sent, and before it is sent again."""


class Transport:
    """Sends requests through whatever session `session_provider` returns now, at most `max_in_flight` at a time.

    Watches do not count, so the connector of the session must allow more connections than that. Raises the classes of
    `berth.kube.errors` and nothing else.
    """

    def __init__(
        self,
        session_provider: Callable[[], aiohttp.ClientSession],
        *,
        metrics: ClientMetrics | None,
        max_in_flight: int,
        retries: Retries,
        silence: float,
        span: Span,
    ) -> None:
        """`span` is entered for every write; a watch that is silent for `silence` seconds is dead."""
        self._session = session_provider
        self._metrics = metrics
        self._slots = asyncio.Semaphore(max_in_flight)
        self._retries = retries
        self._silence = silence
        self._span = span
        self._warned: set[str] = set()

    async def call(self, request: Request) -> bytes:
        """Send a request until it is answered, and return the answer."""
        if request.method == "GET":
            return await self._until_answered(request)
        attributes = {"http.request.method": request.method, "url.path": request.url.path}
        with self._span(f"{request.method} {request.resource.plural}", attributes):
            return await self._until_answered(request)

    async def stream(self, request: Request, gather: float) -> AsyncGenerator[bytes]:
        """Yield the lines of a watch until it ends; those that follow within `gather` seconds come together."""
        started, status = perf_counter(), 0
        try:
            session = self._live_session()
            async with _open(session, request) as response:
                status = response.status
                self._observe("WATCH", request.resource, status, perf_counter() - started)
                if status != 200:
                    raise errors.from_answer(status, await response.read(), response.headers.get("Retry-After"))
                async for line in lines(response, session, self._silence, gather):
                    yield line
        except (aiohttp.ClientError, OSError) as error:
            if not status:
                self._observe("WATCH", request.resource, status, perf_counter() - started)
            raise errors.from_transport(error) from error

    async def _until_answered(self, request: Request) -> bytes:
        failures = 0
        while True:
            try:
                return await self._once(request)
            except errors.ApiError as error:
                failures += 1
                # A 429 was refused before anything was done, so even a POST may be repeated after it.
                repeatable = request.repeatable or isinstance(error, errors.TooManyRequests)
                delay = self._retries.delay(error, failures) if repeatable else None
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def _once(self, request: Request) -> bytes:
        async with self._slots:
            if not request.may_send():
                raise errors.NotLeading(0, "NotLeading", "this replica does not lead any more, and writes nothing")
            started, status = perf_counter(), 0
            try:
                async with _open(self._live_session(), request) as response:
                    status = response.status
                    payload = await response.read()
            except (aiohttp.ClientError, OSError) as error:
                raise errors.from_transport(error) from error
            finally:
                self._observe(request.method, request.resource, status, perf_counter() - started)
        if "Warning" in response.headers:
            self._warn(response.headers.getall("Warning"))
        if not 200 <= status < 300:
            raise errors.from_answer(status, payload, response.headers.get("Retry-After"))
        return payload

    def _live_session(self) -> aiohttp.ClientSession:
        session = self._session()
        if session.closed:
            raise session_closed()
        return session

    def _observe(self, method: str, resource: Resource, status: int, seconds: float) -> None:
        if self._metrics is not None:
            self._metrics.observe(method, resource.plural, status, seconds)

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            if warning not in self._warned and len(self._warned) < _MAX_WARNINGS:
                self._warned.add(warning)
                log.warning("the API server warns: %s", warning)


def _open(session: aiohttp.ClientSession, request: Request) -> aiohttp.client._RequestContextManager:
    return session.request(
        request.method,
        request.url,
        data=request.body,
        headers=request.headers,
        timeout=request.timeout,
        allow_redirects=False,  # a redirect would carry the credentials to another host
        raise_for_status=False,
    )
