"""A small cluster as the operator sees it: raw objects go through the real parsing into the real store and views."""

import copy
from dataclasses import dataclass, field
from typing import Any

from app.parts import Clock
from berth.app.feeds import put_own
from berth.app.reconcile import bounds
from berth.app.settings import Settings
from berth.app.views import Look, Views
from berth.decide.engine import decide
from berth.decide.model import Decision
from berth.kube.resources import OWN
from berth.plan.model import Move
from berth.plan.move import next_move
from berth.policy.ledger import Ledger
from berth.verify.model import Bounds
from berth.world import children, parse, storage
from berth.world.records import Key
from berth.world.store import Store

Json = dict[str, Any]

BORN = "2026-03-01T10:00:00Z"
OWN_KINDS = {resource.kind: resource for resource in OWN}


@dataclass
class Site:
    """What a pass looks at, without what it writes to. It stands for `Deps` where nothing else is used of it."""

    store: Store
    views: Views
    clock: Clock
    ledger: Ledger = field(default_factory=lambda: Ledger(0.0))
    woken: list[object] = field(default_factory=list)

    def wake_reports(self) -> None:
        """Nobody waits for reports here."""

    def put(self, kind: str, name: str, spec: Any, namespace: str = "", **parts: Any) -> None:
        """Store an object as it is read; a spec of None removes it."""
        raw, gone, key, store = made(name, spec, namespace, **parts), spec is None, (namespace, name), self.store
        facts = {"Node": (store.nodes, parse.node), "RuntimeClass": (store.runtime_classes, parse.runtime_class)}
        if kind in OWN_KINDS:
            put_own(store, OWN_KINDS[kind], raw, deleted=gone)
        elif kind in facts:
            table, project = facts[kind]
            store.put_fact(table, name, None if gone else project(raw))
        elif kind == "Namespace":
            store.put_namespace(name, None if gone else parse.namespace(raw))
        elif kind == "PersistentVolumeClaim":
            store.put_claim(key, None if gone else storage.claim(raw))
        elif kind == "Pod":
            store.put_pod(key, None if gone else children.pod(raw))
        else:
            store.put_child(kind, key, None if gone else children.child({**raw, "kind": kind}))

    def again(self) -> "Site":
        """Return a copy that goes its own way from here."""
        store = copy.copy(self.store)
        for name, value in vars(self.store).items():
            if isinstance(value, dict):
                setattr(store, name, {key: copy.copy(each) for key, each in value.items()})
        views = copy.copy(self.views)
        views._store = store
        copied = Site(store, views, self.clock, self.ledger, [])
        _listen(copied)
        return copied


def a_site() -> Site:
    """Return an empty cluster."""
    clock = Clock()
    store = Store(lambda _: None, lambda: None)
    site = Site(store, Views(store, Settings(), lambda: False, clock), clock)
    _listen(site)
    return site


def _listen(site: Site) -> None:
    site.store._wake = site.store._wake_soon = site.woken.append
    site.store._world_changed = lambda: site.woken.append("world")


def made(name: str, spec: Any, namespace: str = "", **parts: Any) -> Json:
    """Return an object as the API server sends it."""
    meta = {"name": name, "uid": f"uid-of-{namespace}-{name}", "resourceVersion": "1", "generation": 1}
    meta |= {"creationTimestamp": BORN} | ({"namespace": namespace} if namespace else {})
    meta |= {name: parts.pop(name) for name in ("labels", "annotations", "ownerReferences") if name in parts}
    return {"metadata": meta, "spec": spec, **parts}


CLASSES: dict[str, Json] = {
    "runc": {"level": "Container", "pod": {}},
    "gvisor": {"level": "Sandboxed", "pod": {"runtimeClassName": "gvisor"}},
    "kata": {"level": "Virtualized", "pod": {"runtimeClassName": "kata"}},
    "kata-snp": {"level": "Confidential", "pod": {"runtimeClassName": "kata-snp"}},
}


def furnished() -> Site:
    """Return a cluster with nodes, runtimes and a class of pods for every level."""
    site = a_site()
    allocatable = {"cpu": "64", "memory": "256Gi"}
    handlers = [{"name": name} for name in ("runsc", "kata", "kata-snp")]
    for name in ("n1", "n2"):
        site.put("Node", name, {}, labels={"kubernetes.io/arch": "amd64", "pool": name}, status={
            "allocatable": allocatable, "runtimeHandlers": handlers,
        })  # fmt: skip
    for name, handler in (("gvisor", "runsc"), ("kata", "kata"), ("kata-snp", "kata-snp")):
        site.put("RuntimeClass", name, {}, handler=handler)
    for name, spec in CLASSES.items():
        site.put("IsolationClass", name, spec)
    return site


@dataclass(frozen=True)
class Pass:
    """What one pass over a Workload has decided, before anything is written."""

    look: Look
    decision: Decision
    move: Move

    def bounds(self, site: Site) -> Bounds:
        """Return the bounds of what may be written now; raises Conflict once what was decided by has changed."""
        found: Bounds = bounds(self.look, self.move, site)()  # type: ignore[arg-type]
        return found


def passing(site: Site, key: Key) -> Pass | None:
    """Look at a Workload and decide; None where there is nothing to do or its spec is not understood."""
    look = site.views.look(key)
    if not isinstance(look, Look):
        return None
    decision = decide(look.ask, look.effective.requirement, look.catalog.classes, look.current)
    return Pass(look, decision, next_move(decision, look.runs, look.catalog.classes, look.spec))
