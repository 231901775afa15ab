"""Where probes and /metrics are served: on one port, or where metrics are secure, on two."""

import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from berth.app.access import May, guarded
from berth.app.http import add_metrics, probes, serve
from berth.app.lasting import Lasting
from berth.app.metrics import declared_process
from berth.app.metrics.process import Readings
from berth.app.settings import Settings
from berth.app.tls import Certificate, self_signed


class Scraped(Protocol):
    """The metrics of a process."""

    readings: Readings

    def scrape(self, *, open_metrics: bool) -> AsyncIterator[bytes]:
        """Return the text of a scrape, in parts."""


async def serve_metrics(
    settings: Settings, metrics: Scraped, may: May, lasting: Lasting, unready: Callable[[], str]
) -> tuple[tuple[web.AppRunner, ...], int]:
    """Serve until the runners are cleaned up; return them and the port of /metrics.

    `may` says who may scrape where that is secure, `unready` what is missing until the process is ready. Raises OSError
    or ValueError where a certificate cannot be read, and OSError where a port is taken.
    """
    probed = probes(healthy=lambda: lasting.broken, ready=unready)
    if not settings.metrics_secure:
        add_metrics(probed, metrics.scrape)
        runner, port = await serve(probed, settings.listen_address, settings.listen_port)
        return (runner,), port
    certificate = _certificate(settings, lasting)
    metrics.readings.read(declared_process.CERTIFICATE_EXPIRES, lambda: [(("metrics",), certificate.expires)])
    guard = web.Application(middlewares=[guarded(may)])
    add_metrics(guard, metrics.scrape)
    secure, port = await serve(guard, settings.listen_address, settings.metrics_port, certificate.context)
    plain, _ = await serve(probed, settings.listen_address, settings.listen_port)
    return (secure, plain), port


def _certificate(settings: Settings, lasting: Lasting) -> Certificate:
    if settings.metrics_certificate is None or settings.metrics_key is None:
        return self_signed(socket.gethostname(), datetime.now(UTC))
    found = Certificate(settings.metrics_certificate, settings.metrics_key, settings.certificate_reload_seconds)
    lasting.start({"certificate of metrics": found.keep_fresh()})
    return found
