"""A cluster as a preview sees it, without a cluster: classes, policies, tenants and Workloads that run."""

import asyncio
from typing import Any

from app.parts import Clock
from berth.app.preview.admission import Request
from berth.app.preview.picture import Picture
from berth.app.preview.preview import preview
from berth.app.settings import Settings
from berth.app.views import Look, Views
from berth.decide.engine import decide
from berth.render.children import render
from berth.world import children, parse
from berth.world.records import Key, NamespaceRecord
from berth.world.store import Store
from decide.builders import KUBEVIRT, a_node

Json = dict[str, Any]

CLASSES: dict[str, Json] = {
    "container": {"level": "Container", "pod": {}},
    "gvisor": {"level": "Sandboxed", "pod": {"runtimeClassName": "gvisor"}},
    "kata": {"level": "Virtualized", "pod": {"runtimeClassName": "kata"}},
    "vm": {"level": "Virtualized", "virtualMachine": {}},
}
RUNTIMES: tuple[Json, ...] = (
    {"metadata": {"name": "gvisor", "uid": "r1"}, "handler": "runsc"},
    {
        "metadata": {"name": "kata", "uid": "r2"},
        "handler": "kata",
        "overhead": {"podFixed": {"cpu": "250m", "memory": "320Mi"}},
    },
)
SIZE: Json = {"requests": {"cpu": "500m", "memory": "1Gi"}}
BORN = "2026-03-01T10:00:00Z"


def web(**spec: Any) -> Json:
    """Return the spec of a small Service; what is given changes it."""
    return {"container": {"image": "registry.example/web:1"}, "resources": SIZE} | spec


def erp(**spec: Any) -> Json:
    """Return the spec of a machine; what is given changes it."""
    return {"machine": {"bootDisk": {"containerDisk": {"image": "registry.example/disk:1"}}}, "resources": SIZE} | spec


def disk(name: str = "d") -> Json:
    """Return the volumes of a spec that writes to a claim."""
    return {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": name}}]}


def raw(name: str, spec: Json, namespace: str = "", **meta: Any) -> Json:
    """Return an object as the API server has it."""
    where = {"namespace": namespace} if namespace else {}
    given = {"name": name, "uid": f"uid-{namespace}-{name}", "generation": 1, "creationTimestamp": BORN}
    return {"metadata": {**given, **where, **meta}, "spec": spec}


class Pictured:
    """A store with what a preview makes of it."""

    def __init__(self) -> None:
        self.clock = Clock(1_772_359_200.0)
        stale = set[Key]()
        self.store = Store(stale.add, lambda: None)
        self.views = Views(self.store, Settings(), lambda: True, self.clock)
        self.picture = Picture(self.store, self.views, stale, self.clock)
        for runtime in RUNTIMES:
            self.store.put_fact(self.store.runtime_classes, runtime["metadata"]["name"], parse.runtime_class(runtime))
        self.store.put_fact(self.store.nodes, "n1", a_node())
        self.store.put_fact(self.store.kubevirts, ("kubevirt", "kubevirt"), KUBEVIRT)
        for name, spec in CLASSES.items():
            self.store.put_class(name, parse.isolation_class(raw(name, spec)))
        self.namespace("shop")

    def namespace(self, name: str, **labels: str) -> None:
        """Put a namespace with labels."""
        self.store.put_namespace(name, NamespaceRecord(name, tuple(sorted(labels.items())), terminating=False))

    def policy(self, name: str, require: Json, **spec: Any) -> None:
        """Put an IsolationPolicy."""
        self.store.put_policy(name, parse.isolation_policy(raw(name, policy(require, **spec))))

    def tenant(self, name: str, **spec: Any) -> None:
        """Put a Tenant."""
        self.store.put_tenant(name, parse.tenant(raw(name, tenant(name, **spec))))

    def waiver(self, name: str, spec: Json) -> None:
        """Put a Waiver."""
        self.store.put_waiver(name, parse.waiver(raw(name, spec)))

    def workload(self, name: str, spec: Json, namespace: str = "shop", status: Json | None = None) -> None:
        """Put a Workload of which nothing runs."""
        found = raw(name, spec, namespace, resourceVersion="1") | {"status": status or {}}
        self.store.put_workload((namespace, name), parse.workload(found))

    def run(self, name: str, spec: Json, namespace: str = "shop") -> None:
        """Put a Workload that runs where it would be placed now."""
        self.workload(name, spec, namespace)
        look = self.views.look((namespace, name))
        assert isinstance(look, Look)
        chosen = decide(look.ask, look.effective.requirement, look.catalog.classes, None).chosen
        assert chosen is not None
        for child in render(look.rendered, chosen.facts):
            meta = child.body["metadata"] | {"uid": f"{child.kind}-{name}", "resourceVersion": "1", "generation": 1}
            made = child.body | {"kind": child.kind, "metadata": meta | {"creationTimestamp": BORN}}
            self.store.put_child(child.kind, (namespace, child.name), children.child(made))

    def places(self) -> dict[Key, str]:
        """Return the class of every Workload as it would be decided now; empty where none fits."""
        found = {}
        for key in self.store.workloads:
            look = self.views.look(key)
            assert isinstance(look, Look)
            chosen = decide(look.ask, look.effective.requirement, look.catalog.classes, look.current).chosen
            found[key] = chosen.facts.name if chosen else ""
        return found

    def ask(self, plural: str, new: Json | None, old: Json | None = None, **more: Any) -> list[str]:
        """Return the warnings that a dry-run of an object gets."""
        meta = (new or old or {}).get("metadata", {})
        request = Request(
            uid="u",
            plural=plural,
            operation=more.get("operation", "DELETE" if new is None else "UPDATE" if old else "CREATE"),
            namespace=meta.get("namespace", ""),
            name=meta.get("name", ""),
            dry_run=more.get("dry_run", True),
            new=new,
            old=old,
        )
        return asyncio.run(preview(request, self.picture))

    def shown(self, spec: Json, name: str = "web", namespace: str = "shop") -> list[str]:
        """Return the warnings that a dry-run of a Workload gets."""
        return self.ask("workloads", raw(name, spec, namespace))


def policy(require: Json, **spec: Any) -> Json:
    """Return the spec of an IsolationPolicy that is enforced everywhere, unless told otherwise."""
    return {"mode": "Enforce", "reason": "cardholder data", "require": require} | spec


def tenant(name: str, **spec: Any) -> Json:
    """Return the spec of a Tenant of the namespaces that carry its label, with an open network."""
    return {"namespaceSelector": {"matchLabels": {"tenant": name}}, "network": {"mode": "Open"}} | spec


def waiver(*policies: str, workload: str = "web", **spec: Any) -> Json:
    """Return the spec of a Waiver for one Workload in shop."""
    return {
        "workloads": [{"namespace": "shop", "name": workload}],
        "policies": list(policies),
        "reason": "a migration",
        "approver": "ada",
        "expiresAt": "2026-03-08T10:00:00Z",
    } | spec


def assert_told(told: list[str], said: list[str]) -> None:
    """Fail unless all texts are told, in that order."""
    whole, place = "\n".join(told), 0
    for text in said:
        found = whole.find(text, place)
        assert found >= 0, f"{text!r} is not told, or not there:\n{whole}"
        place = found + len(text)
