"""Leader election beside the work: in a thread of its own, over a connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from berth.app.metrics.process import Metrics
from berth.app.session import Login
from berth.app.settings import Settings
from berth.kube.client import Client
from berth.kube.lease import LeaderElector, LeaseTiming


class Election:
    """Competes for the Lease and renews it, whatever holds up the event loop that decides and writes.

    `leading` is set in the loop that made it. `is_leader` is the fence of all writes: it turns False by time alone.
    `on_lost` is called in the election's own thread, so that the process ends in time, however busy it is. A process
    that hangs for good renews, too; its liveness probe, which it does not answer, ends it.
    """

    def __init__(self, settings: Settings, identity: str, metrics: Metrics, on_lost: Callable[[], None]) -> None:
        """`metrics` is told of requests from another thread."""
        self.leading = asyncio.Event()
        self._worker_loop = asyncio.get_running_loop()
        self._own_loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1, "election")
        self._ended: asyncio.Future[None] | None = None
        self._over = False
        self._asked = asyncio.Event()  # of the own loop: the Lease is to be released
        self._login = Login(settings.kubeconfig)
        self._elector = LeaderElector(
            Client(self._login.session, self._login.server, metrics=metrics),
            settings.namespace,
            settings.lease_name,
            identity,
            timing=LeaseTiming(settings.lease_duration, settings.lease_renew_deadline, settings.lease_retry_period),
            on_leading=self._tell,
            on_lost=on_lost,
        )

    @property
    def is_leader(self) -> bool:
        """Whether this process leads now."""
        return self._elector.is_leader

    async def run(self) -> None:
        """Compete until the Lease is released or lost; not at all where it was released before."""
        loop = self._own_loop
        if not self._over:
            self._ended = self._worker_loop.run_in_executor(self._thread, loop.run_until_complete, self._compete())
            await self._ended
        loop.close()

    async def release(self) -> None:
        """Hand the Lease over, and wait until `run()` ends, which competes for nothing from now on."""
        self._over = True
        if self._ended is None or self._ended.done():
            return
        self._own_loop.call_soon_threadsafe(self._asked.set)
        await asyncio.wait({self._ended})

    async def _compete(self) -> None:
        release = asyncio.create_task(self._release_when_asked())
        try:
            await self._elector.run()
        finally:
            release.cancel()
            await asyncio.wait({release})
            await self._login.close()

    async def _release_when_asked(self) -> None:
        await self._asked.wait()
        await self._elector.release()

    def _tell(self) -> None:
        self._worker_loop.call_soon_threadsafe(self.leading.set)
