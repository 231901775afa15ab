"""The watch of Berth's own kinds survives whatever the API server says inside it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import kopf
import orjson
import pytest
from aiohttp import web

from berth.app.feeds import registry
from berth.app.kopf_settings import kopf_settings
from berth.app.watch_lines import Echoes, watch_lines
from berth.kube.resources import OWN
from berth.world.store import Store

ERRORS = [403, 410, 500]
SECONDS = 40.0


def resources(*found: tuple[str, str, bool]) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    listed = [{"name": n, "kind": k, "singularName": "", "namespaced": own, "verbs": verbs} for n, k, own in found]
    return {"kind": "APIResourceList", "resources": listed}


def group(name: str, version: str) -> dict[str, Any]:
    served = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [served], "preferredVersion": served}


DISCOVERY = {
    "api": {"kind": "APIVersions", "versions": ["v1"]},
    "api/v1": resources(("namespaces", "Namespace", False), ("events", "Event", True)),
    "apis": {"kind": "APIGroupList", "groups": [group("berth.dev", "v1alpha1"), group("apiextensions.k8s.io", "v1")]},
    "apis/apiextensions.k8s.io/v1": resources(("customresourcedefinitions", "CustomResourceDefinition", False)),
    "apis/berth.dev/v1alpha1": resources(*((each.plural, each.kind, each.namespaced) for each in OWN)),
}


def a_workload() -> dict[str, Any]:
    meta = {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 1}
    return {"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "metadata": meta, "spec": {}}


class Api:
    """Serves discovery and empty lists; the first watch of Workloads is an error, the second brings one."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.watches = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.strip("/")
        if request.query.get("watch"):
            return await self.watch(request)
        if path in DISCOVERY:
            return web.json_response(DISCOVERY[path])
        return web.json_response({"kind": "List", "metadata": {"resourceVersion": "5"}, "items": []})

    async def watch(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        if "workloads" in request.path:
            self.watches += 1
            error = {"kind": "Status", "code": self.code, "reason": "Because", "message": "it is so"}
            event = (
                {"type": "ERROR", "object": error} if self.watches == 1 else {"type": "ADDED", "object": a_workload()}
            )
            await stream.write(orjson.dumps(event) + b"\n")
        await asyncio.sleep(SECONDS)  # the stream stays open, as a watch does
        return stream


@contextmanager
def served(api: Api) -> Iterator[str]:
    """Serve in a loop of its own: at its end kopf cancels every task of its loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(api.application(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop() -> None:
        await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(SECONDS)
    loop.close()


@pytest.mark.parametrize("code", ERRORS)
async def test_an_error_of_any_code_inside_the_watch_does_not_end_it(code: int) -> None:
    seen = asyncio.Event()
    store = Store(lambda _key: seen.set(), lambda: None)
    with served(Api(code)) as url:
        heard: list[str] = []
        session = aiohttp.ClientSession(middlewares=(watch_lines(Echoes(), heard.append),))
        login = SimpleNamespace(server=url, kopf_session=lambda _echoes, _hears: session)
        handlers = registry(login, store, Echoes())  # type: ignore[arg-type]  # all that it uses of a Login
        shell = asyncio.create_task(
            kopf.operator(registry=handlers, settings=kopf_settings(), standalone=True, clusterwide=True)
        )
        async with asyncio.timeout(SECONDS):
            await seen.wait()
        assert not shell.done()
        shell.cancel()
        await asyncio.gather(shell, return_exceptions=True)
        await session.close()
    assert ("shop", "web") in store.workloads
    assert "workloads" in heard, "it is noted that the API server said something"
