"""/metrics, /healthz and /readyz."""

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics


def application(registry: CollectorRegistry, healthy: Callable[[], str], ready: Callable[[], str]) -> web.Application:
    """Return the web application. `healthy` and `ready` return what is wrong, or nothing."""

    async def metrics(request: web.Request) -> web.Response:
        wants_open = "application/openmetrics-text" in request.headers.get("Accept", "")
        render = openmetrics.generate_latest if wants_open else generate_latest
        kind = openmetrics.CONTENT_TYPE_LATEST if wants_open else CONTENT_TYPE_LATEST
        # In a thread: thousands of series take tenths of a second, and reconciling must go on.
        body = await asyncio.to_thread(render, registry)
        return web.Response(body=body, headers={"Content-Type": kind})

    def check(wrong: Callable[[], str]) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            text = wrong()
            return web.Response(text=text or "ok", status=503 if text else 200)

        return answer

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", check(healthy))  # type: ignore[arg-type]
    app.router.add_get("/readyz", check(ready))  # type: ignore[arg-type]
    return app


async def serve(
    app: web.Application, address: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, int]:
    """Serve until the runner is cleaned up, by HTTPS if `tls` is given; return it and the port that was taken."""
    # No connection outlives its answer: at its end kopf waits for every task there is. The client is told, or it would
    # send its next request on a connection that is just being closed.
    app.on_response_prepare.append(_close)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=0.0)
    await runner.setup()
    site = web.TCPSite(runner, address, port, ssl_context=tls)
    await site.start()
    taken = runner.addresses[0][1]
    return runner, taken


async def _close(_: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    response.headers["Connection"] = "close"
