"""A thin asynchronous client of the API server, on a session that someone else logged in with.

Only the verbs Berth needs. Every write is one that may be repeated or that the server can refuse: server-side apply,
DELETE of one UID, PUT with a resourceVersion.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from berth.kube import errors
from berth.kube.resources import Resource
from berth.kube.transport import ClientMetrics, Request, Retries, Span, Timeouts, Transport, no_span

Obj = dict[str, Any]

_APPLY: Final = "application/apply-patch+yaml"  # JSON is YAML; the server knows no +json form
_JSON: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
# No apply or create may match this resourceVersion: etcd's first write already gets revision 2.
_NEVER_STORED: Final = "1"
_DRY_RUN: Final = "&dryRun=All"
_LIST_RESTARTS: Final = 3


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


EVERYTHING: Final = Selection()
_RETRIES: Final = Retries()
_TIMEOUTS: Final = Timeouts()
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
        retries: Retries = _RETRIES,
        timeouts: Timeouts = _TIMEOUTS,
        span: Span = no_span,
    ) -> None:
        """`span` is entered for every write."""
        self._server = server.rstrip("/")
        self._may_write: Callable[[], bool] = _always
        self._transport = Transport(
            session_provider,
            metrics=metrics,
            max_in_flight=max_in_flight,
            retries=retries,
            silence=timeouts.silence,
            span=span,
        )
        connect = timeouts.connect
        self._answer_timeout = aiohttp.ClientTimeout(total=timeouts.answer, sock_connect=connect)
        self._page_timeout = aiohttp.ClientTimeout(total=timeouts.page, sock_connect=connect)
        # `connect` also bounds the wait for a free connection; a watch has no total that would.
        self._watch_timeout = aiohttp.ClientTimeout(
            connect=2 * connect, sock_connect=connect, sock_read=timeouts.silence
        )
        manager = urlencode({"fieldManager": field_manager, "fieldValidation": "Strict"})
        self._write_query = f"?{manager}"
        self._force_query = f"?{manager}&force=true"

    def fenced(self, may_write: Callable[[], bool]) -> "Client":
        """Return this client, in the same slots, but that it writes only while `may_write` agrees; else NotLeading.

        It is asked just before a write is sent, and before it is sent again after an answer that was lost.
        """
        fenced = copy(self)
        fenced._may_write = may_write  # noqa: SLF001  its own copy
        return fenced

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        """Return one object as stored now."""
        return _decode(await self._transport.call(self._request("GET", resource, resource.path(namespace, name))))

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
        async with aclosing(self._transport.stream(request, gather)) as events:
            async for line in events:
                yield _decode(line)

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
            return _decode(await self._transport.call(request))
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
        return _decode(await self._transport.call(request))

    async def create(self, resource: Resource, namespace: str | None, body: Mapping[str, Any]) -> Obj:
        """Create an object by POST and return it. Never repeated after a lost answer."""
        path = resource.path(namespace) + self._write_query
        request = self._request("POST", resource, path, _JSON_HEADERS, orjson.dumps(body), repeatable=False)
        return _decode(await self._transport.call(request))

    async def replace(self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any]) -> Obj:
        """Replace an object by PUT and return it; Conflict unless it is still at the resourceVersion in `body`."""
        _required(body["metadata"].get("resourceVersion"), "resourceVersion")
        path = resource.path(namespace, name) + self._write_query
        request = self._request("PUT", resource, path, _JSON_HEADERS, orjson.dumps(body), repeatable=False)
        return _decode(await self._transport.call(request))

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str, propagation: str = "Background"
    ) -> bool:
        """Delete the object with this UID; False when it was gone already, Conflict when another has its name."""
        options = {"preconditions": {"uid": _required(uid, "uid")}, "propagationPolicy": propagation}
        path = resource.path(namespace, name)
        try:
            await self._transport.call(self._request("DELETE", resource, path, _JSON_HEADERS, orjson.dumps(options)))
        except errors.NotFound:
            return False
        return True

    async def _page(self, resource: Resource, selection: Selection, limit: int, token: str) -> Obj:
        query = selection.query(limit=str(limit), **{"continue": token})
        headers = {**_HEADERS, "Accept": _METADATA.format("List")} if selection.metadata_only else _HEADERS
        path = f"{resource.path(selection.namespace)}?{query}"
        request = self._request("GET", resource, path, headers, timeout=self._page_timeout)
        return _decode(await self._transport.call(request))

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
    ) -> Request:
        # encoded=True: path and query are escaped already, and yarl's own escaping is the dearest part of a URL.
        url = URL(self._server + path, encoded=True)
        may_send = _always if method == "GET" else self._may_write
        return Request(method, resource, url, headers, body, repeatable, timeout or self._answer_timeout, may_send)


def _always() -> bool:
    return True


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
