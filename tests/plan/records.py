"""Children as rendered, and as they stand in the cluster after an apply."""

from dataclasses import replace
from functools import cache
from typing import Any

import orjson

from berth.api.workload import WorkloadSpec
from berth.decide.model import Ask, ClassFacts
from berth.render.children import render
from berth.render.model import Child
from berth.world import children
from berth.world.packed import pack, unpack
from berth.world.records import ChildRecord
from decide.builders import ask_for, spec_of
from render.specs import CONTAINER, VM, Json, container, subject

UID = subject(container()).uid
FOREIGN = "ffffffff-0000-4000-8000-000000000009"
SERVED: Json = container(service={"ports": [{"port": 80}]})
PAIR: Json = {"container": {"image": "app:1"}, "machine": {"bootDisk": {"containerDisk": {"image": "d:1"}}}} | {
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}
}
"""A spec with both sources: it runs as pods or as a machine."""


def wanted(spec: Json, facts: ClassFacts = CONTAINER) -> tuple[Child, ...]:
    """Return the children of the Workload shop/web."""
    return _wanted(orjson.dumps(spec), facts)


def parsed(spec: Json) -> WorkloadSpec:
    """Return a spec as it is worked on."""
    return _parsed(orjson.dumps(spec))


def asked(spec: Json) -> Ask:
    """Return what a spec asks for, where no claims exist."""
    return _asked(orjson.dumps(spec))


@cache
def _wanted(spec: bytes, facts: ClassFacts) -> tuple[Child, ...]:
    return render(subject(orjson.loads(spec)), facts)


@cache
def _parsed(spec: bytes) -> WorkloadSpec:
    return spec_of(**orjson.loads(spec))


@cache
def _asked(spec: bytes) -> Ask:
    return ask_for(**orjson.loads(spec))


def stored(child: Child, **fields: Any) -> ChildRecord:
    """Return the record of a child as the API server has it, changed as given."""
    meta = {"uid": f"uid-of-{child.kind}", "resourceVersion": "1", "creationTimestamp": "2026-03-01T10:00:00Z"}
    raw = child.body | {"metadata": child.body["metadata"] | meta, "kind": child.kind}
    return replace(children.child(raw), **fields)


def all_stored(spec: Json, facts: ClassFacts = CONTAINER, **fields: Any) -> tuple[ChildRecord, ...]:
    """Return the records of all children of a spec in a class."""
    return tuple(stored(child, **fields) for child in wanted(spec, facts))


def edited(record: ChildRecord, *path: str, value: Any) -> ChildRecord:
    """Return a record whose live object somebody changed at one place."""
    live = unpack(record.content)
    place = live
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return replace(record, content=pack(live))


def backing(kind: str = "Deployment", class_name: str = "container", **fields: Any) -> ChildRecord:
    """Return the record of an object of ours that runs shop/web."""
    return replace(_backing(kind), class_name=class_name, **fields)


@cache
def _backing(kind: str) -> ChildRecord:
    facts = {"VirtualMachine": VM, "VirtualMachinePool": VM}.get(kind, CONTAINER)
    spec = PAIR | {"type": "Task" if kind == "Job" else "Service", "replicas": 2 if kind.endswith("Pool") else 1}
    made = stored(next(child for child in wanted(spec, facts) if child.kind == kind))
    return replace(made, replicas=1, ready=1)
