"""/metrics, /healthz and /readyz."""

import ssl
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from aiohttp import web

from berth.app.metrics.accept import wants_open_metrics
from berth.app.metrics.exposition import CONTENT_TYPES


class Scrape(Protocol):
    """Gives the text of a scrape, in parts."""

    def __call__(self, *, open_metrics: bool) -> AsyncIterator[bytes]:
        """Return it in OpenMetrics, or in Prometheus' text format."""


def add_metrics(app: web.Application, scrape: Scrape) -> None:
    """Let an application answer /metrics, in parts: a scrape of thousands of Workloads holds nothing up."""

    async def metrics(request: web.Request) -> web.StreamResponse:
        wants_open = wants_open_metrics(",".join(request.headers.getall("Accept", [])))
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPES[wants_open]})
        await response.prepare(request)
        async for part in scrape(open_metrics=wants_open):
            await response.write(part)
        await response.write_eof()
        return response

    app.router.add_get("/metrics", metrics)


def probes(healthy: Callable[[], str], ready: Callable[[], str]) -> web.Application:
    """Return an application that answers probes. `healthy` and `ready` return what is wrong, or nothing."""

    def check(wrong: Callable[[], str]) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            text = wrong()
            return web.Response(text=text or "ok", status=503 if text else 200)

        return answer

    app = web.Application()
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
