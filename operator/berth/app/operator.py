"""One replica of the operator, from start to end."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from berth.app.concern import World, concerned
from berth.app.deps import Deps
from berth.app.election import Election
from berth.app.events import Recorder
from berth.app.lasting import Lasting
from berth.app.metrics import declared_process
from berth.app.metrics.process import WORKLOAD, Metrics
from berth.app.mirror import Mirror
from berth.app.preflight import Preflight
from berth.app.probing import Probing
from berth.app.rationing import count_what_runs
from berth.app.serving import serve_metrics
from berth.app.session import Login
from berth.app.settings import Settings
from berth.app.tracing import Tracing, open_telemetry
from berth.app.work import WORLD, work
from berth.kube.client import Obj
from berth.kube.gateway import Gateway
from berth.kube.queue import KeyedQueue
from berth.kube.resources import Resource
from berth.kube.review import Reviewer
from berth.policy.ledger import Ledger
from berth.render.isolation_probe import Prober
from berth.world.records import Key
from berth.world.store import Store

log: Final = logging.getLogger(__name__)

_SETTLE_SECONDS: Final = 0.1
"""Changes of classes, policies and nodes within this time are looked at together."""

_BURST_SECONDS: Final = 0.1
"""Changes of children that come closer together than this are looked at together, at ticks that all Workloads share."""


@dataclass(slots=True)
class Operator:
    """The parts of one replica, and the few things that pass between them."""

    settings: Settings
    metrics: Metrics
    login: Login
    queue: KeyedQueue
    tracing: Tracing
    mirror: Mirror = field(init=False)
    election: Election = field(init=False)
    deps: Deps = field(init=False)
    _counted: bool = False
    """Whether the ledger knows what runs."""
    _settling: asyncio.TimerHandle | None = None
    _world: World = field(default_factory=World)
    """What Workloads were last woken for."""

    def __post_init__(self) -> None:
        """Put the parts together."""
        settings = self.settings
        identity = f"{settings.identity or socket.gethostname()}_{uuid4().hex[:8]}"
        store = Store(self.queue.add, self._world_changed, self._wake_soon)
        self.mirror = Mirror(settings, self.login, store, self.metrics, self._count_error, self.tracing.span)
        client = self.mirror.client
        self.election = Election(settings, identity, self.metrics, _end_at_once)
        gateway = Gateway(client, lambda: self.election.is_leader, self._written, store.put_deleting)
        self.deps = Deps(
            store=store,
            views=self.mirror.views,
            gateway=gateway,
            preflight=Preflight(store, gateway, time.time, lambda result: self.metrics.preflights.labels(result).inc()),
            recorder=Recorder(gateway, identity, time.time, self.metrics.events_dropped.inc),
            metrics=self.metrics,
            clock=time.time,
            progress_seconds=settings.progress_seconds,
            expect_echo=self.mirror.echoes.expect,
            wake_reports=lambda: self.queue.add_after(WORLD, 1.0),
            ledger=Ledger(settings.quota_patience_seconds),
            max_switches=settings.max_switches,
            tracing=self.tracing,
        )
        self.metrics.state.moving = self.deps.turns.moving
        self.metrics.readings.read(declared_process.WATCH_ACTIVITY, self.mirror.heard)
        self.metrics.readings.read(
            declared_process.UNFINISHED_SECONDS, lambda: [((WORKLOAD,), self.queue.unfinished_seconds())]
        )
        self.metrics.readings.read(
            declared_process.LONGEST_SECONDS, lambda: [((WORKLOAD,), self.queue.longest_running_seconds())]
        )

    def _written(self, resource: Resource, stored: Obj) -> None:
        self.mirror.watches[resource].accept(stored)

    def _count_error(self, plural: str) -> None:
        self.metrics.watch_errors.labels(plural).inc()

    def _wake_soon(self, key: Key) -> None:
        now = asyncio.get_running_loop().time()
        self.queue.add_after(key, 2 * _BURST_SECONDS - now % _BURST_SECONDS)

    def _world_changed(self) -> None:
        """Look at the whole world soon: one change of it often comes with others."""
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(_SETTLE_SECONDS, self._world_settled)

    def _world_settled(self) -> None:
        """Wake the Workloads that the change concerns, and the reports in any case."""
        self._settling = None
        before, self._world = self._world, self.deps.views.world()
        for key in concerned(before, self._world, self.deps.store, self.metrics.state.outcomes):
            self.queue.add(key)
        self.queue.add(WORLD)

    async def lead(self) -> None:
        """Compete for the Lease as soon as the store is complete, then keep it."""
        await self.mirror.sync()
        self._world_settled()
        await self.election.run()

    def probing(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what looks from inside at what isolates each class, by name; nothing without an image to do so."""
        settings = self.settings
        if not settings.probe_image:
            return {}
        prober = Prober(settings.namespace, settings.probe_image, settings.probe_pull_secrets, settings.probe_peers)
        probing = Probing(self.deps, self.mirror.reader, prober, settings.probe_seconds)
        return {"probing": probing.run(self.election.leading)}

    async def work(self) -> None:
        """Be one of the workers once this replica leads."""
        await self.election.leading.wait()
        if not self._counted:
            self._counted = True
            count_what_runs(self.deps)
        self.metrics.leader.labels(self.settings.lease_name).set(1)
        await work(self.queue, self.deps, self.settings.resync_seconds)

    async def stop(self) -> None:
        """End well: finish what is being worked on, then hand the Lease over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await self.queue.shutdown()
        await self.election.release()
        await self.login.close()


async def run(settings: Settings, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Run one replica until it is told to stop. `ready` is told the port of /metrics."""
    login, tracing = Login(settings.kubeconfig), open_telemetry() if settings.tracing else Tracing()
    metrics = Metrics(settings.per_workload_metrics_cap, login.server, settings.digest)
    operator = Operator(settings, metrics, login, KeyedQueue(metrics=metrics), tracing)
    metrics.leader.labels(settings.lease_name).set(0)
    metrics.workers.labels(WORKLOAD).set(settings.workers)
    lasting, mirror = Lasting(), operator.mirror
    reviewer = Reviewer(mirror.client, time.monotonic)
    servers, port = await serve_metrics(
        settings, metrics, reviewer.may, lasting, lambda: "" if mirror.synced.is_set() else "caches are not synced yet"
    )
    ready(port)
    # Before kopf starts: at its end it waits for every task that was started after it, and then cancels it.
    workers = {f"worker {number}": operator.work() for number in range(settings.workers)}
    lasting.start({**mirror.forever(), "leading": operator.lead(), **operator.probing(), **workers})
    try:
        await mirror.watch_own()
    finally:
        lasting.stopping = True
        await operator.stop()
        await lasting.cancel()
        for server in servers:
            await server.cleanup()
        tracing.stop()


def _end_at_once() -> None:
    """End the process: another replica may lead by now, and nothing may be written any more."""
    logging.shutdown()
    os._exit(1)
