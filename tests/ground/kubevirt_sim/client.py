"""A small asynchronous client of the API server: list, watch, create, patch, delete."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from ground.api import FIRST_ERROR, JSON, MERGE, ApiError, Json, connection, content_of
from ground.kubevirt_sim.kinds import Kind

STRATEGIC = "application/strategic-merge-patch+json"
PAGE = 500
WATCH_SECONDS = 290
LINE_BYTES = 8 << 20
GONE = 410


class Client:
    """Calls to one API server with the rights of one kubeconfig; errors are ApiError and aiohttp's."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        """Use an open session; `connect` makes one."""
        self.session = session
        self.server = server

    async def call(self, method: str, path: str, body: Json | None = None, content_type: str = JSON) -> Json:
        """Send one request and return the answer's JSON."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": content_type}
        async with self.session.request(method, self.server + path, data=data, headers=headers) as answer:
            return content_of(answer.status, await answer.read())

    async def list(self, kind: Kind) -> tuple[list[Json], str]:
        """Return all objects of a kind and the version of that state, in pages."""
        items: list[Json] = []
        more = ""
        while True:
            query = f"?limit={PAGE}&labelSelector={quote(kind.selector)}&continue={quote(more)}"
            page = await self.call("GET", kind.path() + query)
            items += page["items"]
            more = page["metadata"].get("continue", "")
            if not more:
                return items, page["metadata"]["resourceVersion"]

    async def watch(self, kind: Kind, version: str) -> AsyncIterator[Json]:
        """Yield the events after a version until the server ends the stream; raises ApiError(410) when too old."""
        query = f"?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}"
        url = f"{self.server}{kind.path()}{query}&labelSelector={quote(kind.selector)}"
        async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            if answer.status >= FIRST_ERROR:
                content_of(answer.status, await answer.read())
            async for line in answer.content:
                event: Json = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", GONE), event["object"])
                yield event

    async def create(self, kind: Kind, body: Json) -> Json:
        """Create an object of a kind; its apiVersion and kind are filled in."""
        whole = {"apiVersion": kind.api, "kind": kind.name, **body}
        return await self.call("POST", kind.path(body["metadata"].get("namespace", "")), whole)

    async def patch(
        self, kind: Kind, found: Json, body: Json, subresource: str = "", content_type: str = MERGE
    ) -> Json:
        """Merge-patch an object unless it changed since it was read (ApiError 409)."""
        meta = found["metadata"]
        whole = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": meta["resourceVersion"]}}
        path = kind.path(meta.get("namespace", ""), meta["name"]) + subresource
        return await self.call("PATCH", path, whole, content_type)

    async def delete(self, kind: Kind, found: Json) -> Json:
        """Delete exactly this object (by UID)."""
        meta = found["metadata"]
        body = {"preconditions": {"uid": meta["uid"]}, "propagationPolicy": "Background"}
        return await self.call("DELETE", kind.path(meta.get("namespace", ""), meta["name"]), body)


@asynccontextmanager
async def connect(kubeconfig: Path) -> AsyncIterator[Client]:
    """Open a client for a kubeconfig of the ground."""
    found = connection(kubeconfig)
    options: dict[str, Any] = {"headers": found.headers, "read_bufsize": LINE_BYTES}
    # At the end it cuts connections whose watch was cancelled and that the server has yet to close.
    cut = aiohttp.connector.NEEDS_CLEANUP_CLOSED
    connector = aiohttp.TCPConnector(ssl=found.tls, limit=0, enable_cleanup_closed=cut)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=30), **options
    ) as session:
        yield Client(session, found.server)
