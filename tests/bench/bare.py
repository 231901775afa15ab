"""The floor: a bare aiohttp client that creates the same Workloads and children and writes the same statuses.

It decides nothing, watches only Deployments, keeps nothing and repairs nothing. Whatever an operator does beside it costs
more.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import orjson

from bench.deadline import listed, patience, within
from berth.app.settings import Settings

Json = dict[str, Any]

APPLY = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
QUERY = "?fieldManager=berth&force=true&fieldValidation=Strict"
WORKLOADS = "/apis/berth.dev/v1alpha1"
WORKERS: int = Settings.model_fields["workers"].default
"""As many as Berth has."""
PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "Service": "/api/v1/namespaces/{}/services/{}",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/{}",
}


class Bare:
    """Requests of one session, at most `limit` at a time."""

    def __init__(self, session: aiohttp.ClientSession, server: str, limit: int = 20) -> None:
        self._session = session
        self._server = server
        self._slots = asyncio.Semaphore(limit)

    async def send(self, method: str, path: str, body: Json, headers: dict[str, str]) -> Json:
        """Send one request and return the answer; raises RuntimeError unless the server agrees."""
        async with (
            self._slots,
            self._session.request(method, self._server + path, data=orjson.dumps(body), headers=headers) as answer,
        ):
            payload = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {payload[:300]!r}")
            return orjson.loads(payload)  # type: ignore[no-any-return]

    async def get(self, path: str) -> Json:
        """Return an object or a list; raises aiohttp's errors."""
        async with self._session.get(self._server + path, raise_for_status=True) as answer:
            return orjson.loads(await answer.read())  # type: ignore[no-any-return]

    async def create(self, path: str, body: Json) -> Json:
        """Create an object."""
        return await self.send("POST", path, body, JSON)

    async def create_workload(self, workload: Json) -> Json:
        """Create a Workload in its namespace."""
        return await self.create(f"{WORKLOADS}/namespaces/{workload['metadata']['namespace']}/workloads", workload)

    async def apply(self, path: str, body: Json) -> Json:
        """Apply an object server-side."""
        return await self.send("PATCH", path + QUERY, body, APPLY)

    async def until_ready(self, namespaces: Iterable[str], ready: Callable[[str, str], Awaitable[None]]) -> None:
        """Watch Deployments of namespaces that start like these and call `ready` once for each that becomes ready."""
        wanted, told = set(namespaces), set()
        path = "/apis/apps/v1/deployments?watch=true&timeoutSeconds=3000&labelSelector=berth.dev/workload"
        while True:
            async for found in self._stream(path):
                place = found["metadata"]["namespace"], found["metadata"]["name"]
                is_ready = (found.get("status") or {}).get("readyReplicas", 0) >= 1
                if place[0] in wanted and place not in told and is_ready:
                    told.add(place)
                    await ready(*place)

    async def until_settled(self, left: dict[tuple[str, str], str], placed: Callable[[], None]) -> None:
        """Watch Workloads until all of these are ready, and call `placed` once for each that has a class.

        Those that are ready are taken out; what holds up the others is noted.
        """
        unplaced = set(left)
        while left:  # a stream may end at any time
            async for found in self._stream(f"{WORKLOADS}/workloads?watch=true&timeoutSeconds=3000"):
                place = found["metadata"]["namespace"], found["metadata"]["name"]
                status = found.get("status") or {}
                if "placement" in status and place in unplaced:
                    unplaced.discard(place)
                    placed()
                ready = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
                if place in left and ready is not None:
                    left[place] = f"{ready['reason']}: {ready['message']}"
                    if ready["status"] == "True":
                        del left[place]
                if not left:
                    break

    async def _stream(self, path: str) -> AsyncIterator[Json]:
        """Yield the objects of a watch until it ends."""
        rest = b""
        async with self._session.get(self._server + path, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            async for chunk in stream.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield orjson.loads(line)["object"]


async def converge(
    bare: Bare,
    workloads: list[Json],
    children: Callable[[Json], list[Json]],
    statuses: tuple[Json, Json],
) -> float:
    """Create Workloads, and beside that their children and statuses as an operator would; return seconds to all ready.

    Both are as many at a time as when Berth is measured: a user who creates, and workers that take one Workload each.
    """
    operator = Bare(bare._session, bare._server, WORKERS)
    done = asyncio.Event()
    left = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in workloads}
    made: asyncio.Queue[Json] = asyncio.Queue()

    async def status(namespace: str, name: str, value: Json) -> None:
        path = f"{WORKLOADS}/namespaces/{namespace}/workloads/{name}/status"
        body = {"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "metadata": {"name": name}, "status": value}
        await operator.apply(path, body)

    async def ready(namespace: str, name: str) -> None:
        await status(namespace, name, statuses[1])
        left.discard((namespace, name))
        if not left:
            done.set()

    async def create(workload: Json) -> None:
        made.put_nowait(await bare.create_workload(workload))

    async def work() -> None:
        while True:
            workload = await made.get()
            namespace, name = workload["metadata"]["namespace"], workload["metadata"]["name"]
            for child in children(workload):
                await operator.apply(PATHS[child["kind"]].format(namespace, name), child)
            await status(namespace, name, statuses[0])

    def missing() -> str:
        return f"Deployments of {len(workloads)} that are not ready, {listed(['/'.join(each) for each in left])}"

    started = time.perf_counter()
    async with within(patience(len(workloads)), missing), asyncio.TaskGroup() as group:
        tasks = [group.create_task(operator.until_ready({each[0] for each in left}, ready))]
        tasks += [group.create_task(work()) for _ in range(WORKERS)]
        await asyncio.gather(*(create(each) for each in workloads))
        await done.wait()
        for task in tasks:
            task.cancel()
    return time.perf_counter() - started
