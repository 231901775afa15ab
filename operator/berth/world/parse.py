"""Raw objects -> records: our own kinds and the facts of the cluster. Children are in `world/children.py`.

Each function takes one decoded object and keeps the least that is needed; the object is dropped afterwards.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, Final, TypeVar
from zlib import crc32

import orjson
from pydantic import TypeAdapter, ValidationError

from berth.api.base import Model
from berth.api.isolation_class import IsolationClassSpec, IsolationProbe
from berth.api.isolation_policy import IsolationPolicySpec, Match
from berth.api.meta import PROBE_ANNOTATION
from berth.api.quantity import amount, millicores
from berth.api.selector import LabelSelector
from berth.api.tenant import TenantSpec
from berth.api.waiver import WaiverSpec
from berth.world.packed import pack
from berth.world.records import (
    CPU_MODEL_LABEL,
    MACHINE_TYPE_LABEL,
    AttachmentRecord,
    ClassRecord,
    DataSourceRecord,
    Key,
    NamespaceRecord,
    NodeRecord,
    PolicyRecord,
    RuntimeClassRecord,
    Software,
    TenantRecord,
    Toleration,
    WaiverRecord,
    WorkloadRecord,
)

Raw = dict[str, Any]
Spec = TypeVar("Spec", bound=Model)

_PROBES: Final = TypeAdapter(tuple[IsolationProbe, ...])

_ATTACHED_DEVICE: Final = "k8s.v1.cni.cncf.io/resourceName"
"""Annotation by which an attachment names the device that KubeVirt requests for it (pkg/network/multus, nad.go)."""


@lru_cache(maxsize=1024)
def seconds(timestamp: str | None) -> float:
    """Return an RFC 3339 time as seconds since the epoch; 0 for none."""
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else 0.0


def key_of(raw: Raw) -> Key:
    """Return namespace and name; a Workload and all that it owns share these strings."""
    meta = raw["metadata"]
    return intern(meta.get("namespace", "")), intern(meta["name"])


def is_newer(version: str, than: str) -> bool:
    """Return whether one resourceVersion is known to be newer; they are opaque, so only plain numbers compare."""
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)


def canonical(value: object) -> bytes:
    """Return a value as JSON with sorted keys: equal values give equal bytes."""
    # A copy: what orjson returns occupies 4 KiB, however short it is.
    return bytes(memoryview(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))


def pairs(mapping: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Return a map as sorted pairs."""
    return tuple(sorted((mapping or {}).items()))


def workload(raw: Raw) -> WorkloadRecord:
    """Project a Workload."""
    meta = raw["metadata"]
    return WorkloadRecord(
        key=key_of(raw),
        uid=intern(meta["uid"]),
        generation=meta.get("generation", 0),
        resource_version=meta["resourceVersion"],
        created=seconds(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        labels=pairs(meta.get("labels")),
        spec=canonical(raw.get("spec") or {}),
        status=pack(raw.get("status") or {}),
        annotations=crc32(canonical(meta.get("annotations") or {})),
    )


def isolation_class(raw: Raw) -> ClassRecord:
    """Project an IsolationClass; a spec that is not understood is kept as an error, never dropped.

    One with an unknown field keeps its spec as well: its level and backend say what runs there already.
    """
    spec, error = _understood(IsolationClassSpec, raw)
    asked = (raw["metadata"].get("annotations") or {}).get(PROBE_ANNOTATION, "")
    return ClassRecord(*_identity(raw), spec, error or _more_than(spec, raw), _status(raw), _probes(raw), asked)


def _probes(raw: Raw) -> tuple[IsolationProbe, ...]:
    """Return the probes in the status of a class, which Berth alone writes; none where they are not understood."""
    try:
        return _PROBES.validate_python((raw.get("status") or {}).get("probes") or ())
    except ValidationError:
        return ()


def isolation_policy(raw: Raw) -> PolicyRecord:
    """Project an IsolationPolicy; a spec that is not understood is kept as an error, never dropped."""
    spec, error = _whole(IsolationPolicySpec, raw)
    return PolicyRecord(
        *_identity(raw), spec, error, _status(raw), None if spec else _part(Match, (raw.get("spec") or {}).get("match"))
    )


def tenant(raw: Raw) -> TenantRecord:
    """Project a Tenant; a spec that is not understood is kept as an error, never dropped."""
    spec, error = _whole(TenantSpec, raw)
    selector = None if spec else _part(LabelSelector, (raw.get("spec") or {}).get("namespaceSelector"))
    return TenantRecord(*_identity(raw), spec, error, _status(raw), selector)


def waiver(raw: Raw) -> WaiverRecord:
    """Project a Waiver; one that is not understood waives nothing."""
    spec, error = _whole(WaiverSpec, raw)
    return WaiverRecord(
        *_identity(raw),
        created=seconds(raw["metadata"].get("creationTimestamp")),
        expires=_time(spec.expires_at) if spec else None,
        workloads=frozenset((intern(each.namespace), intern(each.name)) for each in spec.workloads)
        if spec
        else frozenset(),
        spec=spec,
        error=error,
        status=_status(raw),
    )


def _identity(raw: Raw) -> tuple[str, str, int]:
    meta = raw["metadata"]
    return meta["name"], meta["uid"], meta.get("generation", 0)


def _status(raw: Raw) -> bytes:
    return canonical(raw.get("status") or {})


def _time(text: str) -> float | None:
    try:
        return seconds(text)
    except ValueError:
        return None


def _whole(model: type[Spec], raw: Raw) -> tuple[Spec | None, str | None]:
    """Return a spec of which every field is known, or what is wrong with it.

    A newer version may ask for more by a field that this one does not know: nobody can say how much.
    """
    spec, error = _understood(model, raw)
    more = _more_than(spec, raw)
    return (None, more) if more else (spec, error)


def _more_than(spec: Model | None, raw: Raw) -> str | None:
    """Return the first field, by name, that a spec has dropped."""
    unknown = sorted(_unknown(raw.get("spec") or {}, spec.model_dump(by_alias=True), "spec")) if spec else []
    return f"unknown field {unknown[0]}" if unknown else None


def _part(model: type[Spec], raw: Any) -> Spec | None:
    """Return one part of a spec that was not understood as a whole, if all of this part is understood."""
    if not isinstance(raw, dict):
        return None
    found, error = _understood(model, {"spec": raw})
    return None if error or found is None or any(_unknown(raw, found.model_dump(by_alias=True), "")) else found


def _unknown(raw: Any, known: Any, path: str) -> Iterator[str]:
    """Yield the paths of fields that a model has dropped. Labels are no fields: their map is kept whole."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            if name in known:
                yield from _unknown(value, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(raw, list) and isinstance(known, list):
        for one, other in zip(raw, known, strict=True):
            yield from _unknown(one, other, path)


def _understood(model: type[Spec], raw: Raw) -> tuple[Spec | None, str | None]:
    try:
        return model.model_validate_json(orjson.dumps(raw.get("spec") or {})), None
    except ValidationError as error:
        return None, problems(error)


def problems(error: ValidationError) -> str:
    """Return what is wrong with a spec as one line: `spec.require.level: Input should be ...`."""
    found = (f"spec.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
    return "; ".join(sorted(found)[:5])


def namespace(raw: Raw) -> NamespaceRecord:
    """Project a namespace."""
    meta = raw["metadata"]
    return NamespaceRecord(meta["name"], pairs(meta.get("labels")), "deletionTimestamp" in meta)


def node(raw: Raw) -> NodeRecord:
    """Project a node: what it offers, not how it fares, so that heartbeats change nothing."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    allocatable = status.get("allocatable") or {}
    handlers = status.get("runtimeHandlers") or ()
    return NodeRecord(
        name=meta["name"],
        schedulable=not spec.get("unschedulable", False) and "deletionTimestamp" not in meta,
        labels=pairs(meta.get("labels")),
        taints=tuple(
            sorted(
                (taint["key"], taint.get("value", ""), taint["effect"])
                for taint in spec.get("taints") or ()
                # Set by the node controller when a node is down for a moment: no reason to move anything.
                if not taint["key"].startswith("node.kubernetes.io/")
            )
        ),
        cpu=millicores(allocatable.get("cpu")),
        memory=amount(allocatable.get("memory")),
        devices=tuple(sorted((name, amount(count)) for name, count in allocatable.items() if _is_device(name))),
        handlers=frozenset(handler.get("name", "") for handler in handlers) if handlers else None,
        user_namespaces=_user_namespaces(handlers),
        software=_software(status.get("nodeInfo") or {}, handlers),
        boot_id=(status.get("nodeInfo") or {}).get("bootID", ""),
        cpu_models=_labelled(meta, CPU_MODEL_LABEL),
        machine_types=_labelled(meta, MACHINE_TYPE_LABEL),
    )


def _user_namespaces(handlers: Iterable[Raw]) -> frozenset[str] | None:
    """Return the handlers with user namespaces; None of a kubelet that says it of none (KEP-127, before 1.30)."""
    said = {each.get("name", ""): (each.get("features") or {}).get("userNamespaces") for each in handlers}
    known = any(value is not None for value in said.values())
    return frozenset(name for name, value in said.items() if value) if known else None


@lru_cache(maxsize=256)
def _one(software: Software) -> Software:
    """Return one and the same object for all that are equal: nodes are of few kinds."""
    return software


def _software(info: Raw, handlers: Iterable[Raw]) -> Software:
    features = {
        each.get("name", ""): tuple(sorted(name for name, has in (each.get("features") or {}).items() if has))
        for each in handlers
    }
    kubelet, runtime = info.get("kubeletVersion", ""), info.get("containerRuntimeVersion", "")
    return _one(Software(kubelet, runtime, info.get("kernelVersion", ""), tuple(sorted(features.items()))))


def _labelled(meta: Raw, prefix: str) -> tuple[str, ...]:
    """Return what virt-handler says by labels with a prefix that guests can have on a node, sorted."""
    labels = meta.get("labels") or {}
    return tuple(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix) and labels[key] == "true"))


def _is_device(resource: str) -> bool:
    return "/" in resource or resource.startswith("hugepages-")


def runtime_class(raw: Raw) -> RuntimeClassRecord:
    """Project a RuntimeClass."""
    meta = raw["metadata"]
    fixed, scheduling = (raw.get("overhead") or {}).get("podFixed"), raw.get("scheduling") or {}
    return RuntimeClassRecord(
        name=meta["name"],
        uid=meta["uid"],
        handler=raw["handler"],
        overhead_cpu=millicores((fixed or {}).get("cpu")),
        overhead_memory=amount((fixed or {}).get("memory")),
        has_overhead=bool(fixed),
        node_selector=pairs(scheduling.get("nodeSelector")),
        tolerations=tuple(_tolerations(scheduling.get("tolerations") or ())),
    )


def _tolerations(given: Iterable[Raw]) -> Iterator[Toleration]:
    """Yield tolerations of core/v1. One with an operator that is not known here counts for nothing."""
    for each in given:
        operator = each.get("operator") or "Equal"
        if operator in ("Equal", "Exists"):
            value = None if operator == "Exists" else each.get("value", "")
            yield each.get("key") or None, value, each.get("effect") or None


def data_source(raw: Raw) -> DataSourceRecord:
    """Project a DataSource. One with another kind of source than is known here leads nowhere."""
    given = (raw.get("spec") or {}).get("source") or {}
    kind = next((each for each in ("pvc", "snapshot", "dataSource") if given.get(each)), "")
    found = given.get(kind) or {}
    return DataSourceRecord(key_of(raw), kind, (intern(found.get("namespace", "")), found.get("name", "")))


def attachment(raw: Raw) -> AttachmentRecord:
    """Project a NetworkAttachmentDefinition."""
    return AttachmentRecord(key_of(raw), (raw["metadata"].get("annotations") or {}).get(_ATTACHED_DEVICE, ""))
