"""The process: a mirror of the cluster that only reads, and an HTTPS server that answers AdmissionReviews."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from berth.app.http import serve
from berth.app.lasting import Lasting
from berth.app.metrics import declared_process
from berth.app.metrics.exposition import exposition
from berth.app.metrics.process import Readings
from berth.app.mirror import Mirror
from berth.app.preview.admission import MAX_BYTES, MalformedError, Request, answer, parse
from berth.app.preview.picture import Picture
from berth.app.preview.preview import preview
from berth.app.serving import serve_metrics
from berth.app.session import Login
from berth.app.settings import PreviewSettings
from berth.app.tls import Certificate
from berth.kube.review import Reviewer
from berth.world.records import Key
from berth.world.store import Store

log: Final = logging.getLogger(__name__)

PATH: Final = "/preview"

_ANSWER_SECONDS: Final = 4.0
"""The API server waits for five."""


class PreviewMetrics:
    """Metrics of the preview, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.readings = Readings()
        ProcessCollector(registry=self.registry)
        self.registry.register(self.readings)
        self.requests = declared_process.PREVIEW_REQUESTS.counter(self.registry)
        self.seconds = declared_process.PREVIEW_SECONDS.histogram(self.registry)
        self.watch_errors = declared_process.WATCH_ERRORS.counter(self.registry)

    def scrape(self, *, open_metrics: bool) -> AsyncIterator[bytes]:
        """Return the text of a scrape."""
        return exposition(self.registry, {}, 0, open_metrics=open_metrics)


def webhook(ask: Callable[[Request], Awaitable[list[str]]], metrics: PreviewMetrics) -> web.Application:
    """Return the web application. Whatever goes wrong, a request that is understood is allowed."""

    async def review(http: web.Request) -> web.Response:
        started = time.perf_counter()
        if http.content_type != "application/json":
            return _refuse(metrics, 415, f"the body is {http.content_type}, not application/json")
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                request = parse(await http.read())
        except MalformedError as error:
            return _refuse(metrics, 400, str(error))
        except web.HTTPRequestEntityTooLarge:
            return _refuse(metrics, 413, f"the body is longer than {MAX_BYTES} bytes")
        except TimeoutError:
            return _refuse(metrics, 408, f"the body did not come within {_ANSWER_SECONDS:.0f} s")
        result, warnings = await _asked(request, ask)
        metrics.requests.labels(request.plural, result).inc()
        metrics.seconds.labels(request.plural).observe(time.perf_counter() - started)
        return web.Response(body=answer(request.uid, warnings), content_type="application/json")

    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_post(PATH, review)
    return app


def _refuse(metrics: PreviewMetrics, status: int, text: str) -> web.Response:
    metrics.requests.labels("", "malformed").inc()
    return web.Response(status=status, text=text)


async def _asked(request: Request, ask: Callable[[Request], Awaitable[list[str]]]) -> tuple[str, list[str]]:
    """Return what came of a request, in one word, and the warnings."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return "answered", await ask(request)
    except TimeoutError:
        return "late", ["no preview by Berth: it took too long; try again"]
    except Exception as error:
        log.exception("%s %s %s cannot be previewed", request.operation, request.plural, request.name)
        return "failed", [f"no preview by Berth: it failed ({type(error).__name__}); its log says how"]


async def run(settings: PreviewSettings, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Run until told to stop. `ready` is told the port where the API server may ask."""
    metrics, lasting, stale = PreviewMetrics(), Lasting(), set[Key]()
    login, certificate = Login(settings.kubeconfig), certificate_of(settings)
    store = Store(stale.add, lambda: None)
    mirror = Mirror(settings, login, store, None, lambda plural: metrics.watch_errors.labels(plural).inc())
    picture = Picture(store, mirror.views, stale, time.time)

    async def ask(request: Request) -> list[str]:
        if not picture.complete.is_set():
            return ["no preview by Berth yet: it is starting"] if request.dry_run else []
        return await preview(request, picture)

    reviewer = Reviewer(mirror.client, time.monotonic)
    probing, _ = await serve_metrics(
        settings,
        metrics,
        reviewer.may,
        lasting,
        lambda: "" if picture.complete.is_set() else "not every Workload was looked at yet",
    )
    answering, port = await serve(
        webhook(ask, metrics), settings.listen_address, settings.preview_port, certificate.context
    )
    metrics.readings.read(declared_process.CERTIFICATE_EXPIRES, lambda: [(("preview",), certificate.expires)])
    ready(port)
    # Before kopf starts: at its end it waits for every task that was started after it, and then cancels it.
    lasting.start(
        {**mirror.forever(), "picture": _keep(mirror, picture), "certificate": certificate.keep_fresh()},
    )
    try:
        await mirror.watch_own()
    finally:
        lasting.stopping = True
        await lasting.cancel()
        await answering.cleanup()
        for server in probing:
            await server.cleanup()
        await login.close()


def certificate_of(settings: PreviewSettings) -> Certificate:
    """Return the certificate that the preview serves with. Raises OSError or ValueError where it cannot be read."""
    return Certificate(
        settings.preview_certificate,
        settings.preview_key,
        settings.certificate_reload_seconds,
        settings.preview_client_ca,
    )


async def _keep(mirror: Mirror, picture: Picture) -> None:
    await mirror.sync()
    await picture.keep()
