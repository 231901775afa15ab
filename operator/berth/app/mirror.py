"""What one process sees of the cluster: a store, all that feeds it, and whether it is complete. It writes nothing."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import kopf

from berth.app.feeds import reflectors, registry
from berth.app.kopf_settings import kopf_settings
from berth.app.session import Login
from berth.app.settings import Settings
from berth.app.sweep import sweep
from berth.app.views import Views
from berth.app.watch_lines import Echoes
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.reading import Reader, Span, no_span
from berth.kube.resources import KUBEVIRTS, OWN, Resource
from berth.kube.transport import ClientMetrics
from berth.world.records import Key
from berth.world.store import Store

log: Final = logging.getLogger(__name__)

_SWEEP_RETRY_SECONDS: Final = 0.25


class Mirror:
    """A store with its views, and the watches that feed it."""

    def __init__(
        self,
        settings: Settings,
        login: Login,
        store: Store,
        metrics: ClientMetrics | None,
        count_error: Callable[[str], None],
        span: Span = no_span,
    ) -> None:
        """`count_error` is told the plural of a kind whose watch has failed."""
        self.store = store
        self.echoes = Echoes()
        self.synced = asyncio.Event()
        self.client = Client(
            login.session, login.server, metrics=metrics, max_in_flight=settings.max_requests, span=span
        )
        self.reader = Reader(self.client)
        self.watches = reflectors(self.reader, store, self._failed, settings.absent_retry_seconds)
        self.views = Views(store, settings, lambda: self.watches[KUBEVIRTS].present, time.time)
        self._login = login
        self._count_error = count_error
        self._sweep_seconds = settings.sweep_seconds
        self._heard: dict[str, float] = {}

    def _failed(self, resource: Resource, key: Key | None, error: Exception) -> None:
        self._count_error(resource.plural)
        log.warning("watch of %s %s: %s", resource.plural, "/".join(key or ()), error)

    def heard(self) -> Iterable[tuple[tuple[str], float]]:
        """Yield each kind with the second since the epoch when the API server was last heard of on it.

        A kind that this cluster does not serve is left out.
        """
        behind = time.time() - time.monotonic()
        for resource, each in list(self.watches.items()):
            if each.present:
                yield (resource.plural,), behind + each.last_activity
        for plural, when in list(self._heard.items()):
            yield (plural,), when

    def _hears(self, plural: str) -> None:
        self._heard[plural] = time.time()

    def forever(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what must run as long as the process, by name: all watches but kopf's, and the sweep."""
        watches = {f"watch of {resource.plural}": each.run() for resource, each in self.watches.items()}
        return {**watches, "sweep": self._sweep_often()}

    async def watch_own(self) -> None:
        """Let kopf watch Berth's own kinds until the process is told to stop."""
        await kopf.operator(
            registry=registry(self._login, self.store, self.echoes, self._hears),
            settings=kopf_settings(),
            standalone=True,
            clusterwide=True,
        )

    async def sync(self) -> None:
        """Wait until the store holds everything that the cluster has."""
        await asyncio.gather(*(each.synced.wait() for each in self.watches.values()))
        for resource in OWN:
            while await self._sweep(resource):  # noqa: ASYNC110  the truth is at the API server, not in an event
                await asyncio.sleep(_SWEEP_RETRY_SECONDS)
        self.synced.set()
        log.info("synced: %d workloads", len(self.store.workloads))

    async def _sweep_often(self) -> None:
        """Look for what the watches of our own kinds have missed."""
        await self.synced.wait()
        while True:
            await asyncio.sleep(self._sweep_seconds)
            for resource in OWN:
                await self._sweep(resource)

    async def _sweep(self, resource: Resource) -> bool:
        """Return whether the store lacks something of this kind; a failed look counts as lacking."""
        try:
            return bool(await sweep(self.reader, self.store, resource))
        except errors.ApiError as error:
            log.warning("%s cannot be listed: %s", resource.plural, error)
            return True
