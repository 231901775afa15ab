"""Calls and objects that several tests of the client use."""

from collections.abc import AsyncIterator
from typing import Any

from berth.kube.client import EVERYTHING, Client, Page, Selection
from berth.kube.resources import PODS


def a_service(name: str = "web", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, **metadata}, "spec": {}}


async def pages_of(client: Client, selection: Selection = EVERYTHING, limit: int = 500) -> list[Page]:
    return [page async for page in client.list_pages(PODS, selection, limit=limit)]


async def events_of(client: Client, since: str, seconds: int = 1) -> AsyncIterator[dict[str, Any]]:
    async for event in client.watch(PODS, resource_version=since, timeout_seconds=seconds):
        yield event
