"""A thin asynchronous client of the API server, on a session that someone else logged in with.

Only the verbs Berth needs. Every write is one that may be repeated or that the server can refuse: server-side apply,
DELETE of one UID, PUT with a resourceVersion.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from berth.kube import errors
from berth.kube.backoff import Backoff
from berth.kube.resources import Resource
from berth.kube.stream import lines, session_closed

Obj = dict[str, Any]

log: Final = logging.getLogger(__name__)

_APPLY: Final = "application/apply-patch+yaml"  # JSON is YAML; the server knows no +json form
_JSON: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
# No apply or create may match this resourceVersion: etcd's first write already gets revision 2.
_NEVER_STORED: Final = "1"
_DRY_RUN: Final = "&dryRun=All"
_LIST_RESTARTS: Final = 3
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
class Selection:
    """What part of a kind to list or watch: one namespace or all, server-side selectors, objects or metadata only."""

    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False

    def query(self, **more: str) -> str:
        """Return the URL query of this selection and further parameters; empty ones are left out."""
        given = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector, **more}
        return urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a LIST. `first` starts a list: what an earlier, broken-off list delivered is void."""

    items: list[Obj]
    resource_version: str
    first: bool


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    resource: Resource
    url: URL
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    timeout: aiohttp.ClientTimeout


EVERYTHING: Final = Selection()
DEFAULT_RETRIES: Final = Retries()
DEFAULT_TIMEOUTS: Final = Timeouts()
# Compressing costs the server, and decompressing us, more time than a network inside a cluster does.
_HEADERS: Final = {"Accept": _JSON, "Accept-Encoding": "identity"}
_JSON_HEADERS: Final = {**_HEADERS, "Content-Type": _JSON}
_METADATA_HEADERS: Final = {**_HEADERS, "Accept": _METADATA.format("")}
_JSON_PATCH_HEADERS: Final = {**_METADATA_HEADERS, "Content-Type": "application/json-patch+json"}
_APPLY_HEADERS: Final = {**_HEADERS, "Content-Type": _APPLY}
_APPLY_METADATA_HEADERS: Final = {**_METADATA_HEADERS, "Content-Type": _APPLY}


class Client:
    """Calls the API server at `server` (scheme, host, port) through whatever session `session_provider` returns now.

    The session may be another one from call to call (a new login after a 401). At most `max_in_flight` requests run at
    once; watches do not count, so the connector of the session must allow more connections than that. All methods raise
    the classes of `berth.kube.errors` and nothing else, except ValueError for arguments that name no object.
    """

    def __init__(
        self,
        session_provider: Callable[[], aiohttp.ClientSession],
        server: str,
        *,
        field_manager: str = "berth",
        metrics: ClientMetrics | None = None,
        max_in_flight: int = 40,
        retries: Retries = DEFAULT_RETRIES,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        span: Span = no_span,
    ) -> None:
        """`span` is entered for every write."""
        self._session = session_provider
        self._server = server.rstrip("/")
        self._metrics = metrics
        self._slots = asyncio.Semaphore(max_in_flight)
        self._retries = retries
        self._span = span
        self._warned: set[str] = set()
        connect = timeouts.connect
        self._answer_timeout = aiohttp.ClientTimeout(total=timeouts.answer, sock_connect=connect)
        self._page_timeout = aiohttp.ClientTimeout(total=timeouts.page, sock_connect=connect)
        self._silence = timeouts.silence
        # `connect` also bounds the wait for a free connection; a watch has no total that would.
        self._watch_timeout = aiohttp.ClientTimeout(
            connect=2 * connect, sock_connect=connect, sock_read=timeouts.silence
        )
        manager = urlencode({"fieldManager": field_manager, "fieldValidation": "Strict"})
        self._write_query = f"?{manager}"
        self._force_query = f"?{manager}&force=true"

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        """Return one object as stored now."""
        return _decode(await self._call(self._request("GET", resource, resource.path(namespace, name))))

    async def list_pages(
        self, resource: Resource, selection: Selection = EVERYTHING, *, limit: int = 50
    ) -> AsyncGenerator[Page]:
        """Yield the objects of a kind page by page, as of one moment.

        A continue token that expired (410) starts the list again, a few times; the page after that has `first` set.
        """
        token, restarts = "", 0
        while True:
            try:
                answer = await self._page(resource, selection, limit, token)
            except errors.Gone:
                if not token or restarts >= _LIST_RESTARTS:
                    raise
                token, restarts = "", restarts + 1
                continue
            meta = answer.get("metadata") or {}
            yield Page(answer.get("items") or [], meta.get("resourceVersion", ""), first=not token)
            token = meta.get("continue", "")
            if not token:
                return

    async def watch(
        self,
        resource: Resource,
        selection: Selection = EVERYTHING,
        *,
        resource_version: str,
        timeout_seconds: int,
        gather: float = 0.0,
    ) -> AsyncGenerator[Obj]:
        """Yield the events after `resource_version` as `{"type": ..., "object": ...}`, bookmarks and ERROR included.

        Events that follow others within `gather` seconds come together with them.

        Ends when the server ends the stream, at the latest after `timeout_seconds`. A line that was cut off is not an
        event. Nothing is retried here: only the caller knows from which resourceVersion.
        """
        query = selection.query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=str(timeout_seconds),
        )
        path = f"{resource.path(selection.namespace)}?{query}"
        headers = _METADATA_HEADERS if selection.metadata_only else _HEADERS
        request = self._request("GET", resource, path, headers, timeout=self._watch_timeout)
        started, status = perf_counter(), 0
        try:
            session = self._live_session()
            async with _open(session, request) as response:
                status = response.status
                self._observe("WATCH", resource, status, perf_counter() - started)
                if status != 200:
                    raise errors.from_answer(status, await response.read(), response.headers.get("Retry-After"))
                async for line in lines(response, session, self._silence, gather):
                    yield _decode(line)
        except (aiohttp.ClientError, OSError) as error:
            if not status:
                self._observe("WATCH", resource, status, perf_counter() - started)
            raise errors.from_transport(error) from error

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        force: bool = True,
        subresource: str | None = None,
        create_only: bool = False,
        uid: str | None = None,
        metadata_only: bool = False,
        dry_run: bool = False,
    ) -> Obj:
        """Server-side apply; return the stored object, or its metadata alone. Fields no longer sent are removed.

        `create_only`: never touch an object that exists (AlreadyExists); after a lost answer it may be our own.
        `uid`: only change that very object (Conflict when it is gone or another one has its name).
        `dry_run`: go through everything, webhooks too, and store nothing; a server that fails is an answer then, so it
        is not asked again.
        """
        if create_only:
            # Creating ignores the resourceVersion, updating compares it (apiserver registry/store.go, Store.Update).
            body = _with_metadata(body, resourceVersion=_NEVER_STORED)
        if uid is not None:
            body = _with_metadata(body, uid=_required(uid, "uid"))
        path = resource.path(namespace, name, subresource) + (self._force_query if force else self._write_query)
        path += _DRY_RUN if dry_run else ""
        headers = _APPLY_METADATA_HEADERS if metadata_only else _APPLY_HEADERS
        request = self._request("PATCH", resource, path, headers, orjson.dumps(body), repeatable=not dry_run)
        try:
            return _decode(await self._call(request))
        except (errors.Conflict, errors.Invalid) as error:
            if (failed := _precondition(error, create_only=create_only, uid=uid)) is None:
                raise
            raise failed from error

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: list[Obj],
        subresource: str | None = None,
    ) -> Obj:
        """Patch an object by JSON Patch (RFC 6902), whoever owned its fields before; return its metadata."""
        path = resource.path(namespace, name, subresource) + self._write_query
        request = self._request("PATCH", resource, path, _JSON_PATCH_HEADERS, orjson.dumps(operations))
        return _decode(await self._call(request))

    async def create(self, resource: Resource, namespace: str | None, body: Mapping[str, Any]) -> Obj:
        """Create an object by POST and return it. Never repeated after a lost answer."""
        path = resource.path(namespace) + self._write_query
        request = self._request("POST", resource, path, _JSON_HEADERS, orjson.dumps(body), repeatable=False)
        return _decode(await self._call(request))

    async def replace(self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any]) -> Obj:
        """Replace an object by PUT and return it; Conflict unless it is still at the resourceVersion in `body`."""
        _required(body["metadata"].get("resourceVersion"), "resourceVersion")
        path = resource.path(namespace, name) + self._write_query
        request = self._request("PUT", resource, path, _JSON_HEADERS, orjson.dumps(body), repeatable=False)
        return _decode(await self._call(request))

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str, propagation: str = "Background"
    ) -> bool:
        """Delete the object with this UID; False when it was gone already, Conflict when another has its name."""
        options = {"preconditions": {"uid": _required(uid, "uid")}, "propagationPolicy": propagation}
        path = resource.path(namespace, name)
        try:
            await self._call(self._request("DELETE", resource, path, _JSON_HEADERS, orjson.dumps(options)))
        except errors.NotFound:
            return False
        return True

    async def _page(self, resource: Resource, selection: Selection, limit: int, token: str) -> Obj:
        query = selection.query(limit=str(limit), **{"continue": token})
        headers = {**_HEADERS, "Accept": _METADATA.format("List")} if selection.metadata_only else _HEADERS
        path = f"{resource.path(selection.namespace)}?{query}"
        request = self._request("GET", resource, path, headers, timeout=self._page_timeout)
        return _decode(await self._call(request))

    def _request(
        self,
        method: str,
        resource: Resource,
        path: str,
        headers: Mapping[str, str] = _HEADERS,
        body: bytes | None = None,
        *,
        repeatable: bool = True,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> _Request:
        # encoded=True: path and query are escaped already, and yarl's own escaping is the dearest part of a URL.
        url = URL(self._server + path, encoded=True)
        return _Request(method, resource, url, headers, body, repeatable, timeout or self._answer_timeout)

    async def _call(self, request: _Request) -> bytes:
        if request.method == "GET":
            return await self._until_answered(request)
        attributes = {"http.request.method": request.method, "url.path": request.url.path}
        with self._span(f"{request.method} {request.resource.plural}", attributes):
            return await self._until_answered(request)

    async def _until_answered(self, request: _Request) -> bytes:
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

    async def _once(self, request: _Request) -> bytes:
        async with self._slots:
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


def _open(session: aiohttp.ClientSession, request: _Request) -> aiohttp.client._RequestContextManager:
    return session.request(
        request.method,
        request.url,
        data=request.body,
        headers=request.headers,
        timeout=request.timeout,
        allow_redirects=False,  # a redirect would carry the credentials to another host
        raise_for_status=False,
    )


def _decode(payload: bytes) -> Obj:
    try:
        decoded = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise errors.undecodable(str(error)) from error
    if not isinstance(decoded, dict):
        raise errors.undecodable("the answer is not a JSON object")
    return decoded


def _with_metadata(body: Mapping[str, Any], **fields: str) -> Obj:
    return {**body, "metadata": {**body.get("metadata", {}), **fields}}


def _required(value: str | None, what: str) -> str:
    if not value:
        raise ValueError(f"{what} must be given: without it this would hit any object of that name")
    return value


def _precondition(error: errors.ApiError, *, create_only: bool, uid: str | None) -> errors.ApiError | None:
    """Return the failure named by the precondition that caused it, which the server reports in less telling words."""
    if create_only and isinstance(error, errors.Conflict):
        return errors.AlreadyExists(error.status, "AlreadyExists", error.message, details=error.details)
    if uid is not None and error.names_field("metadata.uid"):
        return errors.Conflict(409, "Conflict", error.message, details=error.details)
    return None
