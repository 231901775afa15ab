"""What feeds the store: kopf for Berth's own kinds, reflectors for children and facts of the cluster."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import kopf

from berth.api.meta import FIELD_MANAGER, GROUP, MANAGED_BY_LABEL, TENANT_LABEL, VERSION, WORKLOAD_LABEL
from berth.app.session import Login
from berth.app.watch_lines import GATHER_SECONDS, Echoes, Hears, nobody_hears
from berth.kube.reading import Reader, Selection
from berth.kube.reflector import OnError, Reflector, Timing
from berth.kube.resources import (
    CHILDREN,
    CONTROLLER_REVISIONS,
    DATA_SOURCES,
    DATA_VOLUMES,
    ISOLATION_CLASSES,
    ISOLATION_POLICIES,
    KUBEVIRTS,
    NAMESPACES,
    NETWORK_ATTACHMENTS,
    NODES,
    OWN,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    RUNTIME_CLASSES,
    STORAGE_CLASSES,
    TENANTS,
    VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES,
    VIRTUAL_MACHINE_CLUSTER_PREFERENCES,
    VIRTUAL_MACHINE_INSTANCES,
    VIRTUAL_MACHINE_INSTANCETYPES,
    VIRTUAL_MACHINE_POOLS,
    VIRTUAL_MACHINE_PREFERENCES,
    VIRTUAL_MACHINES,
    WAIVERS,
    WORKLOADS,
    Resource,
)
from berth.world import children, configuration, instancetypes, parse, storage
from berth.world.records import Key
from berth.world.store import Store

Raw = dict[str, Any]

_OPTIONAL: Final = frozenset(
    {
        VIRTUAL_MACHINES,
        VIRTUAL_MACHINE_POOLS,
        VIRTUAL_MACHINE_INSTANCES,
        VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES,
        VIRTUAL_MACHINE_CLUSTER_PREFERENCES,
        VIRTUAL_MACHINE_INSTANCETYPES,
        VIRTUAL_MACHINE_PREFERENCES,
        KUBEVIRTS,
        DATA_VOLUMES,
        DATA_SOURCES,
        NETWORK_ATTACHMENTS,
    }
)
"""Kinds that a cluster without KubeVirt, CDI and multus does not serve."""

_KEPT_LABEL: Final = "instancetype.kubevirt.io/object-kind"
"""Label of the ControllerRevisions by which KubeVirt keeps instancetypes and preferences."""


class TableSink:
    """Hands records of one kind to one method of the store (kube.reflector.Sink)."""

    def __init__(self, put: Callable[[Key, Any], None]) -> None:
        self._put = put

    def apply(self, _resource: Resource, key: Key, record: Any, /) -> None:
        """Store or drop one record."""
        self._put(key, record)


def reflectors(reader: Reader, store: Store, on_error: OnError, absent_retry: float) -> dict[Resource, Reflector[Any]]:
    """Return a reflector for every kind of child and every kind of fact, ready to run."""
    labelled, everything = Selection(label_selector=WORKLOAD_LABEL), Selection()
    disks = Selection(label_selector=f"{MANAGED_BY_LABEL}={FIELD_MANAGER}")  # those of former versions, too
    rows: list[tuple[Resource, Selection, Callable[[Raw], Any], Callable[[Key, Any], None]]] = [
        (PODS, labelled, children.pod, store.put_pod),
        (VIRTUAL_MACHINE_INSTANCES, labelled, children.machine, store.put_machine),
        (PERSISTENT_VOLUME_CLAIMS, everything, storage.claim, store.put_claim),
        (DATA_SOURCES, everything, parse.data_source, store.put_data_source),
        (NETWORK_ATTACHMENTS, everything, parse.attachment, store.put_attachment),
        (
            STORAGE_CLASSES,
            everything,
            storage.storage_class,
            lambda key, record: store.put_storage_class(key[1], record),
        ),
        (
            RESOURCE_QUOTAS,
            Selection(label_selector=TENANT_LABEL),
            _child_of(RESOURCE_QUOTAS),
            store.put_net,
        ),
        (NAMESPACES, everything, parse.namespace, lambda key, record: store.put_namespace(key[1], record)),
        (NODES, everything, parse.node, lambda key, record: store.put_fact(store.nodes, key[1], record)),
        (
            RUNTIME_CLASSES,
            everything,
            parse.runtime_class,
            lambda key, record: store.put_fact(store.runtime_classes, key[1], record),
        ),
        (
            KUBEVIRTS,
            everything,
            configuration.kubevirt,
            lambda key, record: store.put_fact(store.kubevirts, key, record),
        ),
        *(
            (kind, everything, instancetypes.instancetype, partial(store.put_description, store.instancetypes))
            for kind in (VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES, VIRTUAL_MACHINE_INSTANCETYPES)
        ),
        *(
            (kind, everything, instancetypes.preference, partial(store.put_description, store.preferences))
            for kind in (VIRTUAL_MACHINE_CLUSTER_PREFERENCES, VIRTUAL_MACHINE_PREFERENCES)
        ),
        (CONTROLLER_REVISIONS, Selection(label_selector=_KEPT_LABEL), instancetypes.revision, store.put_revision),
        *(
            (kind, disks if kind is DATA_VOLUMES else labelled, _child_of(kind), _putter(store, kind))
            for kind in CHILDREN
        ),
    ]
    at_once, bursts = (Timing(absent_retry=absent_retry, gather=seconds) for seconds in (0.0, GATHER_SECONDS))
    return {
        resource: Reflector(
            reader,
            resource,
            project=project,
            sink=TableSink(put),
            selection=selection,
            optional=resource in _OPTIONAL,
            on_error=on_error,
            # What a pass decides by is read at once; what became of it moves on in bursts.
            timing=bursts if selection in (labelled, disks) else at_once,
        )
        for resource, selection, project, put in rows
    }


def _child_of(resource: Resource) -> Callable[[Raw], Any]:
    # Items of a LIST carry no kind.
    return lambda raw: children.child({**raw, "kind": resource.kind})


def _putter(store: Store, resource: Resource) -> Callable[[Key, Any], None]:
    return lambda key, record: store.put_child(resource.kind, key, record)


def put_own(store: Store, resource: Resource, raw: Raw, *, deleted: bool, listed: bool = False) -> None:
    """Store or drop one object of Berth's own kinds; `listed` when it comes from a LIST."""
    key = parse.key_of(raw)
    if resource is WORKLOADS:
        store.put_workload(key, None if deleted else parse.workload(raw), listed=listed)
        return
    rows: dict[Resource, tuple[Callable[[Raw], Any], Callable[[str, Any], None]]] = {
        ISOLATION_CLASSES: (parse.isolation_class, store.put_class),
        ISOLATION_POLICIES: (parse.isolation_policy, store.put_policy),
        TENANTS: (parse.tenant, store.put_tenant),
        WAIVERS: (parse.waiver, store.put_waiver),
    }
    project, put = rows[resource]
    put(key[1], None if deleted else project(raw))


def registry(login: Login, store: Store, echoes: Echoes, hears: Hears = nobody_hears) -> kopf.OperatorRegistry:
    """Return kopf's handlers: they log in, put what they are told into the store, and do no work."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(aiohttp_session=login.kopf_session(echoes, hears), server=login.server)

    for resource in OWN:
        kopf.on.event(GROUP, VERSION, resource.plural, id=resource.plural, registry=handlers)(_handler(store, resource))
    return handlers


def _handler(store: Store, resource: Resource) -> Callable[..., Any]:
    async def on_event(event: Raw, **_: Any) -> None:
        kind = event["type"]
        put_own(store, resource, event["object"], deleted=kind == "DELETED", listed=kind is None)

    return on_event
