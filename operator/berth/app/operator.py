"""One replica of the operator, from start to end."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import kopf

from berth.app.concern import World, concerned
from berth.app.deps import Deps
from berth.app.events import Recorder
from berth.app.feeds import OWN, reflectors, registry
from berth.app.http import application, serve
from berth.app.kopf_settings import kopf_settings
from berth.app.metrics import Metrics
from berth.app.rationing import count_what_runs
from berth.app.session import Login
from berth.app.settings import Settings
from berth.app.sweep import sweep
from berth.app.views import Views
from berth.app.watch_lines import Echoes
from berth.app.work import WORLD, work
from berth.kube import errors
from berth.kube.client import Client, Obj
from berth.kube.gateway import Gateway
from berth.kube.lease import LeaderElector, LeaseTiming
from berth.kube.queue import KeyedQueue
from berth.kube.reading import Reader
from berth.kube.reflector import Reflector
from berth.kube.resources import KUBEVIRTS, Resource
from berth.policy.ledger import Ledger
from berth.world.records import Key
from berth.world.store import Store

log: Final = logging.getLogger(__name__)

_SETTLE_SECONDS: Final = 0.1
"""Changes of classes, policies and nodes within this time are looked at together."""

_BURST_SECONDS: Final = 0.1
"""Changes of children that come closer together than this are looked at together, at ticks that all Workloads share."""

_SWEEP_RETRY_SECONDS: Final = 0.25


@dataclass(slots=True)
class Operator:
    """The parts of one replica, and the few things that pass between them."""

    settings: Settings
    metrics: Metrics
    login: Login
    queue: KeyedQueue
    store: Store = field(init=False)
    views: Views = field(init=False)
    reader: Reader = field(init=False)
    elector: LeaderElector = field(init=False)
    deps: Deps = field(init=False)
    watches: dict[Resource, Reflector[Any]] = field(init=False)
    echoes: Echoes = field(default_factory=Echoes)
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    broken: str = ""
    """What makes this replica unhealthy, if anything."""
    stopping: bool = False
    _counted: bool = False
    """Whether the ledger knows what runs."""
    _settling: asyncio.TimerHandle | None = None
    _world: World = field(default_factory=World)
    """What Workloads were last woken for."""

    def __post_init__(self) -> None:
        """Put the parts together."""
        settings = self.settings
        identity = f"{settings.identity or socket.gethostname()}_{uuid4().hex[:8]}"
        self.store = Store(self.queue.add, self._world_changed, self._wake_soon)
        client = Client(
            self.login.session, self.login.server, metrics=self.metrics, max_in_flight=settings.max_requests
        )
        self.reader = Reader(client)
        self.watches = reflectors(self.reader, self.store, self._watch_failed, settings.absent_retry_seconds)
        self.views = Views(self.store, settings, lambda: self.watches[KUBEVIRTS].present, time.time)
        self.elector = LeaderElector(
            # A client of its own: a renewal never waits behind other requests.
            Client(self.login.session, self.login.server, metrics=self.metrics),
            settings.namespace,
            settings.lease_name,
            identity,
            timing=LeaseTiming(settings.lease_duration, settings.lease_renew_deadline, settings.lease_retry_period),
            on_lost=_end_at_once,
        )
        gateway = Gateway(client, lambda: self.elector.is_leader, self._written, self.store.put_deleting)
        self.deps = Deps(
            store=self.store,
            views=self.views,
            gateway=gateway,
            recorder=Recorder(gateway, identity, time.time, self.metrics.events_dropped.inc),
            metrics=self.metrics,
            clock=time.time,
            progress_seconds=settings.progress_seconds,
            expect_echo=self.echoes.expect,
            wake_reports=lambda: self.queue.add_after(WORLD, 1.0),
            ledger=Ledger(settings.quota_patience_seconds),
            max_switches=settings.max_switches,
        )

    def _written(self, resource: Resource, stored: Obj) -> None:
        self.watches[resource].accept(stored)

    def _watch_failed(self, resource: Resource, key: Key | None, error: Exception) -> None:
        self.metrics.watch_errors.labels(resource.plural).inc()
        log.warning("watch of %s %s: %s", resource.plural, "/".join(key or ()), error)

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
        before, self._world = self._world, self.views.world()
        for key in concerned(before, self._world, self.store, self.metrics.state.outcomes):
            self.queue.add(key)
        self.queue.add(WORLD)

    async def sync(self) -> None:
        """Wait until the store holds everything that the cluster has."""
        await asyncio.gather(*(each.synced.wait() for each in self.watches.values()))
        for resource in OWN:
            while await self._sweep(resource):  # noqa: ASYNC110  the truth is at the API server, not in an event
                await asyncio.sleep(_SWEEP_RETRY_SECONDS)
        self._world_settled()
        self.synced.set()
        log.info("synced: %d workloads", len(self.store.workloads))

    async def _sweep(self, resource: Resource) -> bool:
        """Return whether the store lacks something of this kind; a failed look counts as lacking."""
        try:
            return bool(await sweep(self.reader, self.store, resource))
        except errors.ApiError as error:
            log.warning("%s cannot be listed: %s", resource.plural, error)
            return True

    async def sweep_often(self) -> None:
        """Look for what the watches of our own kinds have missed, for ever."""
        await self.synced.wait()
        while True:
            await asyncio.sleep(self.settings.sweep_seconds)
            for resource in OWN:
                await self._sweep(resource)

    async def lead(self) -> None:
        """Compete for the Lease as soon as the store is complete, then keep it."""
        await self.sync()
        await self.elector.run()

    async def work(self) -> None:
        """Be one of the workers once this replica leads."""
        await self.elector.leading.wait()
        if not self._counted:
            self._counted = True
            count_what_runs(self.deps)
        self.metrics.leader.labels(self.settings.lease_name).set(1)
        await work(self.queue, self.deps, self.settings.resync_seconds)

    async def stop(self) -> None:
        """End well: finish what is being worked on, then hand the Lease over."""
        self.stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await self.queue.shutdown()
        await self.elector.release()
        await self.login.close()

    def guard(self, name: str, task: asyncio.Task[None]) -> None:
        """Make this replica unhealthy when a task that should run for ever ends."""

        def ended(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and not self.stopping:
                self.broken = f"{name} ended: {done.exception()!r}"
                log.error(self.broken, exc_info=done.exception())

        task.add_done_callback(ended)


async def run(settings: Settings, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Run one replica until it is told to stop. `ready` is told the port of /metrics."""
    metrics = Metrics(settings.per_workload_metrics_cap)
    operator = Operator(settings, metrics, Login(settings.kubeconfig), KeyedQueue(metrics=metrics))
    metrics.leader.labels(settings.lease_name).set(0)
    metrics.workers.labels("workload").set(settings.workers)
    app = application(
        metrics.registry,
        healthy=lambda: operator.broken,
        ready=lambda: "" if operator.synced.is_set() else "caches are not synced yet",
    )
    server, port = await serve(app, settings.listen_address, settings.listen_port)
    ready(port)
    forever = {
        **{f"watch of {resource.plural}": each.run() for resource, each in operator.watches.items()},
        "leading": operator.lead(),
        "sweep": operator.sweep_often(),
        **{f"worker {number}": operator.work() for number in range(settings.workers)},
    }
    # Before kopf starts: at its end it waits for every task that was started after it, and then cancels it.
    tasks = [asyncio.create_task(each, name=name) for name, each in forever.items()]
    for task in tasks:
        operator.guard(task.get_name(), task)
    try:
        await kopf.operator(
            registry=registry(operator.login, operator.store, operator.echoes),
            settings=kopf_settings(),
            standalone=True,
            clusterwide=True,
        )
    finally:
        await operator.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.cleanup()


def _end_at_once() -> None:
    """End the process: another replica may lead by now, and nothing may be written any more."""
    logging.shutdown()
    os._exit(1)
