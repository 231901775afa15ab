"""What the operator says of some manifests: the real passes on the cluster of the golden cases, without an API server.

Every write is taken and put into the store, so that the second look sees what the first one made. No pod ever starts.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import orjson
import yaml

from berth.app.deps import Deps
from berth.app.events import Recorder
from berth.app.feeds import put_own
from berth.app.metrics.process import Metrics
from berth.app.preflight import Preflight
from berth.app.reconcile import reconcile
from berth.app.settings import Settings
from berth.app.views import Look, Views
from berth.app.world_report import report_world
from berth.decide.engine import decide
from berth.decide.model import Decision
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.gateway import CHILD_RESOURCES, Gateway
from berth.kube.resources import OWN, WORKLOADS, Resource
from berth.policy.ledger import Ledger
from berth.world import children, parse, storage
from berth.world.records import NodeRecord, StorageClassRecord
from berth.world.store import Store
from golden.decision import KUBEVIRT, RUNTIMES, Instancetypes, nodes_of, with_defaults
from kubevirt_real.verdicts import common

Object = dict[str, Any]
Name = tuple[str, str, str]
"""Kind, namespace (empty for what has none) and name."""

CREATED: Final = "2026-12-01T09:00:00Z"
"""When everything was made that does not say when."""
NOW: Final = parse.seconds("2026-12-01T12:00:00Z")
BY_KIND: Final[dict[str, Resource]] = {resource.kind: resource for resource in OWN}


@dataclass(frozen=True)
class Site:
    """What the cluster has, where it does not have everything."""

    kubevirt: str = "Deployed"
    """`Deployed`, `Missing`, `Emulating` processors in software, `Expanding` instancetypes and preferences, or `Old`."""
    no_node_has: tuple[str, ...] = ()
    """Labels that no node has."""
    storage: str = "Default"
    """`Missing` where no StorageClass is the default."""
    refuses: str = ""
    """What the API server answers to every dry run of a machine; nothing where it takes it."""


class _Paper:
    """Takes the place of the client: puts every child into the store, as a watch would, and keeps every status."""

    def __init__(self, store: Store, refuses: str) -> None:
        self.statuses: dict[Name, Object] = {}
        self._store = store
        self._refuses = refuses

    def fenced(self, _may_write: Callable[[], bool]) -> "_Paper":
        """Return itself: it always leads."""
        return self

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        *,
        subresource: str = "",
        dry_run: bool = False,
        **_: Any,
    ) -> Object:
        """Store an object and return it; a dry run may be refused."""
        if dry_run and self._refuses:
            raise errors.Invalid(422, "Invalid", self._refuses)
        given = {"uid": f"{resource.kind}/{name}", "resourceVersion": "1", "creationTimestamp": CREATED}
        stored = {**body, "metadata": {**given, **body["metadata"]}}
        if subresource:
            self.statuses[resource.kind, namespace or "", name] = orjson.loads(orjson.dumps(body["status"]))
        elif resource.kind in CHILD_RESOURCES and not dry_run:
            self._store.put_child(resource.kind, parse.key_of(stored), children.child(stored))
        return stored

    async def get(self, _resource: Resource, namespace: str, name: str) -> Object:
        """Return what there is of a Workload."""
        return {"metadata": {"uid": self._store.workloads[namespace, name].uid}}

    async def create(self, _resource: Resource, _namespace: str | None, body: Object) -> Object:
        """Take an Event."""
        return {**body, "metadata": {**body["metadata"], "name": body["metadata"]["generateName"]}}

    async def delete(self, resource: Resource, namespace: str, name: str, _uid: str) -> bool:
        """Drop an object."""
        self._store.put_child(resource.kind, (namespace, name), None)
        return True


class World:
    """Manifests on a cluster, and what the operator says of them."""

    def __init__(self, documents: Iterable[Object], site: Site = Site()) -> None:
        self._documents = {name_of(each): each for each in documents}
        self._site = site
        self._store = Store(lambda _: None, lambda: None)
        self._paper = _Paper(self._store, site.refuses)
        settings = Settings()
        gateway = Gateway(cast("Client", self._paper), lambda: True, lambda *_: None, self._store.put_deleting)
        self._deps = Deps(
            store=self._store,
            views=Views(self._store, settings, lambda: site.kubevirt != "Missing", lambda: NOW),
            gateway=gateway,
            preflight=Preflight(self._store, gateway, lambda: NOW, lambda _: None),
            recorder=Recorder(gateway, "docs", lambda: NOW, lambda: None),
            metrics=Metrics(1000),
            clock=lambda: NOW,
            progress_seconds=settings.progress_seconds,
            wake_reports=lambda: None,
            ledger=Ledger(settings.quota_patience_seconds),
        )
        self._fill()

    def settle(self) -> dict[Name, Object]:
        """Look at every Workload, in the order of the manifests, and at all else; return all objects with status."""
        asyncio.run(self._pass())
        return {
            name: {**each, "status": self._paper.statuses[name]} if name in self._paper.statuses else each
            for name, each in self._documents.items()
        }

    def decision(self, name: Name) -> Decision:
        """Return the decision about a Workload, with every verdict; its status shows one of each class."""
        look = self._deps.views.look(name[1:])
        assert isinstance(look, Look), f"{name} is not understood"
        look = self._deps.preflight.recall(look)
        return decide(look.ask, look.effective.requirement, look.catalog.classes, look.current)

    def remove(self, name: Name) -> None:
        """Remove an object of Berth's own kinds."""
        put_own(self._store, BY_KIND[name[0]], self._documents.pop(name), deleted=True)

    async def _pass(self) -> None:
        for kind, namespace, name in self._documents:
            if kind == WORKLOADS.kind:
                await reconcile((namespace, name), self._deps)
        await report_world(self._deps, with_counts=True)

    def _fill(self) -> None:
        own = [each for each in self._documents.values() if each["kind"] == "IsolationClass"]
        tenants = [each for each in self._documents.values() if each["kind"] == "Tenant"]
        classes = with_defaults(own)
        for each in classes:
            self._documents.setdefault(name_of(each), each)
        for node in self._nodes([*classes, *(each for each in tenants if "nodes" in each["spec"])]):
            self._store.put_fact(self._store.nodes, node.name, node)
        for runtime in RUNTIMES:
            self._store.put_fact(self._store.runtime_classes, runtime.name, runtime)
        kubevirt = replace(KUBEVIRT, emulation=self._site.kubevirt == "Emulating")
        if self._site.kubevirt == "Old":
            kubevirt = replace(kubevirt, version="v1.8.4")
        if self._site.kubevirt == "Unprofiled":
            kubevirt = replace(kubevirt, restricted_seccomp=False)
        if self._site.kubevirt == "Expanding":
            kubevirt = replace(kubevirt, expands=True)
        if self._site.kubevirt != "Missing":
            self._store.put_fact(self._store.kubevirts, ("kubevirt", "kubevirt"), kubevirt)
        if self._site.storage != "Missing":
            self._store.put_storage_class("standard", StorageClassRecord("standard", default=True))
        self._store.instancetypes, self._store.preferences = Instancetypes(), dict(common().preferences)
        for each in self._documents.values():
            self._put(stored(each))

    def _nodes(self, documents: list[Object]) -> Iterable[NodeRecord]:
        for node in nodes_of(documents):
            labels = tuple(pair for pair in node.labels if pair[0] not in self._site.no_node_has)
            yield replace(node, labels=labels)

    def _put(self, raw: Object) -> None:
        kind, namespace, name = name_of(raw)
        if kind in BY_KIND:
            put_own(self._store, BY_KIND[kind], raw, deleted=False)
        if kind == "Namespace":
            self._store.put_namespace(name, parse.namespace(raw))
        elif namespace and namespace not in self._store.namespaces:
            self._put(stored({"kind": "Namespace", "metadata": {"name": namespace}}))
        if kind == "PersistentVolumeClaim":
            self._store.put_claim((namespace, name), storage.claim(raw))


def name_of(document: Object) -> Name:
    """Return what an object is known by."""
    return document["kind"], document["metadata"].get("namespace", ""), document["metadata"]["name"]


def stored(document: Object) -> Object:
    """Return a manifest as the API server stores it, as far as anybody looks."""
    meta = {"uid": "/".join(name_of(document)), "resourceVersion": "1", "generation": 1, "creationTimestamp": CREATED}
    meta |= document["metadata"]
    if document["kind"] == "Namespace":
        meta["labels"] = {**meta.get("labels", {}), "kubernetes.io/metadata.name": meta["name"]}
    return {**document, "metadata": meta}


def documents_in(text: str) -> list[Object]:
    """Return the documents of a YAML text; times stay text."""
    return [each for each in yaml.load_all(text, _Loader) if each]


class _Loader(yaml.SafeLoader):
    """Leaves times as they are written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in given if tag != "tag:yaml.org,2002:timestamp"]
    for first, given in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
