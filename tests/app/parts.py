"""The parts of one replica, put together on a fake API server, with a clock that is turned by hand."""

from typing import Any

from berth.app.deps import Deps
from berth.app.events import Recorder
from berth.app.metrics.process import Metrics
from berth.app.preflight import Preflight
from berth.app.settings import Settings
from berth.app.views import Views
from berth.kube.client import Client, Obj
from berth.kube.gateway import Gateway
from berth.kube.reading import Reader
from berth.kube.resources import WORKLOADS, Resource
from berth.world import parse
from berth.world.records import Key, NamespaceRecord, StorageClassRecord, WorkloadRecord
from berth.world.store import Store
from kube.fake_apiserver import FakeApiServer

WEB: Key = ("shop", "web")
RUNC = {"level": "Container", "pod": {}}


class Clock:
    """Seconds since the epoch, as told."""

    def __init__(self, now: float = 1_772_359_200.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Replica:
    """A store with its views, and everything that a pass uses. It leads until told otherwise."""

    def __init__(self, server: FakeApiServer, client: Client) -> None:
        self.server = server
        self.clock = Clock()
        self.leads = True
        self.woken: list[Key] = []
        self.dropped = 0
        self.written: list[tuple[Resource, Obj]] = []
        self.store = Store(self.woken.append, lambda: None)
        self.store.put_storage_class("standard", StorageClassRecord("standard", default=True))
        self.reader = Reader(client)
        gateway = Gateway(
            client,
            lambda: self.leads,
            lambda resource, obj: self.written.append((resource, obj)),
            self.store.put_deleting,
        )
        self.deps = Deps(
            store=self.store,
            views=Views(self.store, Settings(), lambda: bool(self.store.kubevirts), lambda: 0.0),
            gateway=gateway,
            preflight=Preflight(self.store, gateway, self.clock, lambda _: None),
            recorder=Recorder(gateway, "replica", self.clock, self._drop),
            metrics=Metrics(10),
            clock=self.clock,
            progress_seconds=30.0,
            wake_reports=lambda: None,
        )

    def _drop(self) -> None:
        self.dropped += 1

    def workload(self, **spec: Any) -> WorkloadRecord:
        """Put the Workload shop/web into the cluster and the store, and return its record."""
        given = spec or {"container": {"image": "app:1"}}
        stored = self.server.put(WORKLOADS, "web", "shop", metadata={"generation": 1}, spec=given)
        record = parse.workload(stored)
        self.store.put_namespace("shop", NamespaceRecord("shop", (), terminating=False))
        self.store.put_workload(WEB, record)
        return record

    def add_class(self, name: str = "runc", **spec: Any) -> None:
        """Put an IsolationClass into the store."""
        raw = {"metadata": {"name": name, "uid": name, "generation": 1}, "spec": spec or RUNC}
        self.store.put_class(name, parse.isolation_class(raw))

    def of(self, plural: str) -> dict[Key, Obj]:
        """Return what the cluster has of a kind."""
        return self.server.objects.get(plural, {})

    def writes(self) -> list[str]:
        """Return the paths of all writes so far."""
        return [path for method, path, _ in self.server.requests if method not in {"GET", "LIST", "WATCH"}]
