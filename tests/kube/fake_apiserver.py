"""A small API server for faults that a real one does not produce on demand. The same promises also run on a real one.

It stores objects, lists them in pages, streams watches from a history and checks the preconditions Berth relies on. It
knows no schemas, no defaults and no field ownership.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from berth.kube.resources import Resource

Obj = dict[str, Any]
Fault = Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]]

_CUT = object()  # ends a watch stream without ending the HTTP answer properly
_HANG = object()  # silences a watch stream for good


@dataclass
class Watch:
    """One open watch stream: lines are put into it."""

    plural: str
    query: dict[str, str]
    namespace: str | None
    lines: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)


@dataclass
class Place:
    """What a request path means."""

    group_version: str
    plural: str
    namespace: str | None
    name: str | None
    subresource: str | None


class Refused(Exception):  # noqa: N818  an answer, not a defect
    """Ends a request with a Status."""

    def __init__(self, code: int, reason: str, message: str = "", **details: Any) -> None:
        self.code = code
        self.body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
        self.body["details"] = details


class FakeApiServer:
    """Objects, history and open watches of a make-believe cluster at `url`."""

    def __init__(self) -> None:
        self.url = ""
        self.version = 100
        self.objects: dict[str, dict[tuple[str, str], Obj]] = {}
        self.history: dict[str, list[tuple[int, str, Obj]]] = {}
        self.compacted: Counter[str] = Counter()
        self.absent: set[str] = set()
        self.watches: list[Watch] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._faults: list[tuple[str, str, Fault]] = []

    # What tests do to the cluster

    def put(self, resource: Resource, name: str, namespace: str = "default", **content: Any) -> Obj:
        """Create or change an object as if another client had done it."""
        meta = {"name": name, **({"namespace": namespace} if resource.namespaced else {})}
        meta |= content.pop("metadata", {})
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **content}
        return self._store(resource.plural, (meta.get("namespace", ""), name), body)

    def remove(self, resource: Resource, name: str, namespace: str = "default") -> None:
        """Delete an object as if another client had done it."""
        self._drop(resource.plural, (namespace if resource.namespaced else "", name))

    def compact(self, resource: Resource) -> None:
        """Forget the history of a kind, so that watches from before now get 410."""
        self.version += 1
        self.compacted[resource.plural] = self.version
        self.history[resource.plural] = []

    def vanish(self, resource: Resource) -> None:
        """Remove the kind itself, as when its CRD is deleted."""
        self.absent.add(resource.plural)
        self.objects.pop(resource.plural, None)
        self.cut_watches(resource)

    def cut_watches(self, resource: Resource, rest: bytes = b"") -> None:
        """Break the open watches of a kind, after a last fragment."""
        for watch in self.open_watches(resource):
            watch.lines.put_nowait(rest)
            watch.lines.put_nowait(_CUT)

    def hang_watches(self, resource: Resource) -> None:
        """Let the open watches of a kind stay open and deliver nothing any more."""
        for watch in self.open_watches(resource):
            watch.lines.put_nowait(_HANG)

    def inject(self, resource: Resource, event: Obj) -> None:
        """Send an event of one's own making to the open watches of a kind."""
        for watch in self.open_watches(resource):
            watch.lines.put_nowait(orjson.dumps(event) + b"\n")

    def open_watches(self, resource: Resource) -> list[Watch]:
        """Return the watches of a kind that are connected now."""
        return [watch for watch in self.watches if watch.plural == resource.plural]

    def fail(self, method: str, plural: str, *faults: Fault) -> None:
        """Answer the next requests of this method (LIST and WATCH are methods here) with these faults, one each."""
        self._faults.extend((method, plural, fault) for fault in faults)

    def faults_left(self) -> int:
        """Return how many faults were not met yet."""
        return len(self._faults)

    def count(self, method: str, plural: str) -> int:
        """Return how many such requests came."""
        return sum(1 for seen, path, _ in self.requests if seen == method and f"/{plural}" in path)

    # What clients see

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        place = _place(request.path)
        method = _method(request, place)
        self.requests.append((method, request.path, dict(request.query)))
        with self._counted(method):
            try:
                for index, (wanted, plural, fault) in enumerate(self._faults):
                    if (wanted, plural) == (method, place.plural):
                        del self._faults[index]
                        if (answer := await fault(request)) is not None:
                            return answer
                        break
                if place.plural in self.absent:
                    return web.Response(status=404, text="404 page not found\n")
                return await self.carry_out(method, request, place)
            except Refused as refused:
                return _json(refused.body, refused.code)

    async def carry_out(self, method: str, request: web.BaseRequest, place: Place) -> web.StreamResponse:
        """Do what a request asks for."""
        answer: web.StreamResponse = await getattr(self, f"_{method.lower()}")(request, place)
        return answer

    async def _get(self, _: web.BaseRequest, place: Place) -> web.Response:
        return _json(self._existing(place))

    async def _list(self, request: web.BaseRequest, place: Place) -> web.Response:
        start, version = 0, self.version
        if token := request.query.get("continue"):
            start, version = (int(part) for part in token.split("@"))
            if version < self.compacted[place.plural]:
                raise Refused(410, "Expired", "the provided continue parameter is too old")
        items = [obj for _, obj in sorted(self.objects.get(place.plural, {}).items())]
        items = [obj for obj in items if _selected(obj, dict(request.query), place.namespace)]
        end = start + int(request.query.get("limit", 0) or len(items) or 1)
        meta = {"resourceVersion": str(version)}
        if end < len(items):
            meta["continue"] = f"{end}@{version}"
        return _json({"kind": "List", "metadata": meta, "items": items[start:end]})

    async def _watch(self, request: web.BaseRequest, place: Place) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        if since < self.compacted[place.plural]:
            raise Refused(410, "Expired", "too old resource version")
        watch = Watch(place.plural, dict(request.query), place.namespace)
        for version, kind, obj in self.history.get(place.plural, []):
            if version > since:
                _send(watch, kind, obj)
        self.watches.append(watch)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            while (line := await watch.lines.get()) is not _CUT:
                if line is _HANG:
                    await asyncio.Event().wait()
                await response.write(line) if line else None
            _break(request)
            return response
        finally:
            self.watches.remove(watch)

    async def _patch(self, request: web.BaseRequest, place: Place) -> web.Response:
        body = orjson.loads(await request.read())
        key = (place.namespace or "", place.name or "")
        stored = self.objects.get(place.plural, {}).get(key)
        version, uid = (body["metadata"].pop(name, None) for name in ("resourceVersion", "uid"))
        if stored is not None and version not in {None, "", "0", stored["metadata"]["resourceVersion"]}:
            raise Refused(409, "Conflict", "the object has been modified")
        if uid is not None and stored is None:
            raise Refused(409, "Conflict", "uid mismatch: no existing object was found")
        if stored is not None and uid not in {None, stored["metadata"]["uid"]}:
            raise Refused(422, "Invalid", "field is immutable", causes=[{"field": "metadata.uid"}])
        if stored is not None and place.subresource == "status":
            body = {**stored, "status": body["status"]}  # a status changes nothing else
        if request.query.get("dryRun") == "All":
            return _json(body, 200 if stored else 201)
        return _json(self._store(place.plural, key, body), 200 if stored else 201)

    async def _post(self, request: web.BaseRequest, place: Place) -> web.Response:
        body = orjson.loads(await request.read())
        key = (place.namespace or "", body["metadata"]["name"])
        if key in self.objects.get(place.plural, {}):
            raise Refused(409, "AlreadyExists", f"{key[1]} already exists")
        return _json(self._store(place.plural, key, body), 201)

    async def _put(self, request: web.BaseRequest, place: Place) -> web.Response:
        body = orjson.loads(await request.read())
        if body["metadata"]["resourceVersion"] != self._existing(place)["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        return _json(self._store(place.plural, (place.namespace or "", place.name or ""), body))

    async def _delete(self, request: web.BaseRequest, place: Place) -> web.Response:
        wanted = orjson.loads(await request.read())["preconditions"]["uid"]
        if wanted != self._existing(place)["metadata"]["uid"]:
            raise Refused(409, "Conflict", "Precondition failed: UID in precondition")
        self._drop(place.plural, (place.namespace or "", place.name or ""))
        return _json({"kind": "Status", "status": "Success"})

    def _existing(self, place: Place) -> Obj:
        stored = self.objects.get(place.plural, {}).get((place.namespace or "", place.name or ""))
        if stored is None:
            raise Refused(404, "NotFound", f"{place.plural} {place.name!r} not found")
        return stored

    def _store(self, plural: str, key: tuple[str, str], body: Obj) -> Obj:
        stored = self.objects.setdefault(plural, {}).get(key)
        self.version += 1
        meta = {**body["metadata"], "resourceVersion": str(self.version)}
        meta["uid"] = stored["metadata"]["uid"] if stored else meta.get("uid") or str(uuid4())
        obj = self.objects[plural][key] = {**body, "metadata": meta}
        self._happened(plural, "MODIFIED" if stored else "ADDED", obj)
        return obj

    def _drop(self, plural: str, key: tuple[str, str]) -> None:
        obj = self.objects[plural].pop(key)
        self.version += 1
        self._happened(
            plural, "DELETED", {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        )

    def _happened(self, plural: str, kind: str, obj: Obj) -> None:
        self.history.setdefault(plural, []).append((self.version, kind, obj))
        for watch in self.watches:
            if watch.plural == plural:
                _send(watch, kind, obj)

    @contextmanager
    def _counted(self, method: str) -> Iterator[None]:
        self.in_flight += method != "WATCH"
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= method != "WATCH"


@asynccontextmanager
async def running() -> AsyncIterator[FakeApiServer]:
    """Serve a new, empty cluster on a free port of the loopback interface."""
    fake = FakeApiServer()
    runner = web.ServerRunner(web.Server(fake.serve, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        for watch in list(fake.watches):
            watch.lines.put_nowait(_CUT)
        await runner.cleanup()


def answer(code: int, reason: str = "", message: str = "injected", **headers: str) -> Fault:
    """Answer with a Status of this code; header names with underscores for dashes."""

    async def fault(_: web.BaseRequest) -> web.Response:
        body = {"kind": "Status", "code": code, "reason": reason, "message": message}
        return _json(body, code, {name.replace("_", "-"): value for name, value in headers.items()})

    return fault


def raw(body: bytes, code: int = 200) -> Fault:
    """Answer with exactly these bytes, for example half a JSON document."""

    async def fault(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, status=code, content_type="application/json")

    return fault


def slow(seconds: float) -> Fault:
    """Answer properly, but late."""

    async def fault(_: web.BaseRequest) -> None:
        await asyncio.sleep(seconds)

    return fault


async def broken(request: web.BaseRequest) -> web.Response:
    """Break the connection instead of answering: the request was not carried out."""
    _break(request)
    return web.Response()


def lost(fake: FakeApiServer) -> Fault:
    """Carry the request out, then break the connection instead of answering."""

    async def fault(request: web.BaseRequest) -> web.Response:
        place = _place(request.path)
        await fake.carry_out(_method(request, place), request, place)
        return await broken(request)

    return fault


def _break(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _send(watch: Watch, kind: str, obj: Obj) -> None:
    if _selected(obj, watch.query, watch.namespace):
        watch.lines.put_nowait(orjson.dumps({"type": kind, "object": obj}) + b"\n")


def _selected(obj: Obj, query: dict[str, str], namespace: str | None) -> bool:
    meta = obj["metadata"]
    wanted = dict(term.split("=", 1) for term in query.get("labelSelector", "").split(",") if term)
    return namespace in {None, meta.get("namespace")} and wanted.items() <= meta.get("labels", {}).items()


def _method(request: web.BaseRequest, place: Place) -> str:
    if request.method == "GET" and place.name is None:
        return "WATCH" if request.query.get("watch") else "LIST"
    return request.method


def _place(path: str) -> Place:
    parts = path.strip("/").split("/")
    group_version, parts = ("/".join(parts[1:2]), parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
    namespace = None
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource = [*parts, None, None][:3]
    return Place(group_version, str(plural), namespace, name, subresource)


def _json(body: Obj, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=code, content_type="application/json", headers=headers)
