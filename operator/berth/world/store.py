"""The one store: everything as last seen, indexed for reconciling. It does no I/O and is used from one thread."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from berth.world.parse import is_newer
from berth.world.records import (
    AttachmentRecord,
    ChildRecord,
    ClaimRecord,
    ClassRecord,
    DataSourceRecord,
    InstancetypeRecord,
    Key,
    KubeVirtRecord,
    MachineRecord,
    NamespaceRecord,
    NodeRecord,
    PodRecord,
    PolicyRecord,
    PreferenceRecord,
    RuntimeClassRecord,
    StorageClassRecord,
    TenantRecord,
    WaiverRecord,
    WorkloadRecord,
)

Facts = ClassRecord | NodeRecord | RuntimeClassRecord | KubeVirtRecord
"""What the offer of classes is computed from."""

_NOTHING: dict[Any, Any] = {}

_MACHINE: Final = b'"machine":'
"""In the spec of every Workload that has a machine."""


class Store:
    """Records by kind and key. Every change wakes the Workloads that it may concern.

    `wake` is called with the key of one Workload, `wake_soon` where only its children have moved on: they do so in
    bursts, which may be looked at together; `world_changed` when classes, policies or facts of the cluster have
    changed, which may concern all of them. `facts_revision`, `policy_revision` and `tenancy_revision` grow then:
    whoever derives values from those keeps them until then.
    """

    def __init__(
        self,
        wake: Callable[[Key], None],
        world_changed: Callable[[], None],
        wake_soon: Callable[[Key], None] | None = None,
    ) -> None:
        self.workloads: dict[Key, WorkloadRecord] = {}
        self.classes: dict[str, ClassRecord] = {}
        self.policies: dict[str, PolicyRecord] = {}
        self.tenants: dict[str, TenantRecord] = {}
        self.waivers: dict[str, WaiverRecord] = {}
        self.namespaces: dict[str, NamespaceRecord] = {}
        self.nodes: dict[str, NodeRecord] = {}
        self.runtime_classes: dict[str, RuntimeClassRecord] = {}
        self.kubevirts: dict[Key, KubeVirtRecord] = {}
        self.instancetypes: dict[Key, InstancetypeRecord] = {}
        self.preferences: dict[Key, PreferenceRecord] = {}
        self.revisions: dict[Key, InstancetypeRecord | PreferenceRecord] = {}
        self.claims: dict[Key, ClaimRecord] = {}
        self.data_sources: dict[Key, DataSourceRecord] = {}
        self.storage_classes: dict[str, StorageClassRecord] = {}
        self.attachments: dict[Key, AttachmentRecord] = {}
        self.nets: dict[Key, ChildRecord] = {}
        self.facts_revision = 0
        self.policy_revision = 0
        self.tenancy_revision = 0
        self._children: dict[Key, dict[tuple[str, str], ChildRecord]] = {}
        self._pods: dict[Key, dict[str, PodRecord]] = {}
        self._machines: dict[Key, dict[str, MachineRecord]] = {}
        self._parents: dict[tuple[str, Key], Key] = {}
        self._by_namespace: dict[str, set[str]] = {}
        self._waiving: dict[Key, set[str]] = {}
        self._wake = wake
        self._world_changed = world_changed
        self._wake_soon = wake_soon or wake

    def put_workload(self, key: Key, record: WorkloadRecord | None, *, listed: bool = False) -> None:
        """Store or drop a Workload; what only echoes our own status write wakes nobody.

        A watch that was resumed may bring again what is older than what is known. A list is the truth in any case:
        after a restore from backup versions start lower again.
        """
        before = self.workloads.get(key)
        if before is not None and record is not None and not listed and _is_older(record, before):
            return
        if record is None:
            self.workloads.pop(key, None)
            names = self._by_namespace.get(key[0], set())
            names.discard(key[1])
            if not names:
                self._by_namespace.pop(key[0], None)
        else:
            self.workloads[key] = record
            self._by_namespace.setdefault(key[0], set()).add(key[1])
        if before is None or before != record:
            self._wake(key)

    def put_status(self, written: WorkloadRecord) -> bool:
        """Remember the status that was just written and the version that it gave the object (read your writes).

        `written` is the object as the API server answered, without its spec. Where it shows an edit that the watch has
        not brought yet nothing is remembered: that edit would then pass for an older version. Return whether the watch
        will bring the write as an echo that says nothing new.
        """
        known = self.workloads.get(written.key)
        if known is None or is_newer(known.resource_version, written.resource_version):
            return False
        if replace(known, spec=written.spec, status=written.status) != written:
            return False
        self.workloads[written.key] = replace(written, spec=known.spec)
        return known.resource_version != written.resource_version

    def put_class(self, name: str, record: ClassRecord | None) -> None:
        """Store or drop an IsolationClass."""
        if self._swap(self.classes, name, record, _no_status):
            self.facts_revision += 1
            self._world_changed()

    def put_policy(self, name: str, record: PolicyRecord | None) -> None:
        """Store or drop an IsolationPolicy."""
        if self._swap(self.policies, name, record, _no_status):
            self.policy_revision += 1
            self._world_changed()

    def put_tenant(self, name: str, record: TenantRecord | None) -> None:
        """Store or drop a Tenant."""
        if self._swap(self.tenants, name, record, _no_status):
            self.tenancy_revision += 1
            self._world_changed()

    def put_waiver(self, name: str, record: WaiverRecord | None) -> None:
        """Store or drop a Waiver; it matters to the Workloads that it names, or named."""
        before = self.waivers.get(name)
        if self._swap(self.waivers, name, record, _no_status):
            self._reindex(before, record)
            self._world_changed()

    def _reindex(self, before: WaiverRecord | None, record: WaiverRecord | None) -> None:
        named = (before.workloads if before else frozenset()) | (record.workloads if record else frozenset())
        for key in named:
            waiving = self._waiving.setdefault(key, set())
            waiving.discard(before.name if before else "")
            if record is not None and key in record.workloads:
                waiving.add(record.name)
            if not waiving:
                del self._waiving[key]
            if key in self.workloads:
                self._wake(key)

    def put_namespace(self, name: str, record: NamespaceRecord | None) -> None:
        """Store or drop a namespace; its labels matter to its Workloads."""
        if self._swap(self.namespaces, name, record):
            self.tenancy_revision += 1
            self._wake_namespace(name)
            if self.tenants:
                self._world_changed()

    def put_claim(self, key: Key, record: ClaimRecord | None) -> None:
        """Store or drop a PersistentVolumeClaim; its shape matters to Workloads that use it."""
        if self._swap(self.claims, key, record):
            self._wake_namespace(key[0])

    def put_data_source(self, key: Key, record: DataSourceRecord | None) -> None:
        """Store or drop a DataSource; it matters to its namespace, and to those of DataSources that lead to it."""
        if self._swap(self.data_sources, key, record):
            self._wake_namespace(key[0])
            for namespace in sorted({each.key[0] for each in self.data_sources.values() if each.source == key}):
                self._wake_namespace(namespace)

    def put_storage_class(self, name: str, record: StorageClassRecord | None) -> None:
        """Store or drop a StorageClass; it matters to machines, whose disks are made in it."""
        if self._swap(self.storage_classes, name, record):
            self._wake_machines()

    def put_attachment(self, key: Key, record: AttachmentRecord | None) -> None:
        """Store or drop a NetworkAttachmentDefinition; it matters to machines, which may join it from anywhere."""
        if self._swap(self.attachments, key, record):
            self._wake_machines()

    def _wake_machines(self) -> None:
        for key, workload in self.workloads.items():
            if _MACHINE in workload.spec:
                self._wake(key)

    def put_fact(self, table: dict[Any, Any], key: object, record: Facts | None) -> None:
        """Store or drop a fact of the cluster in one of this store's tables."""
        if self._swap(table, key, record):
            self.facts_revision += 1
            self._world_changed()

    def put_description(
        self, table: dict[Key, Any], key: Key, record: InstancetypeRecord | PreferenceRecord | None
    ) -> None:
        """Store or drop an instancetype or a preference in its table; it matters to machines of its namespace."""
        if not self._swap(table, key, record):
            return
        if key[0]:
            self._wake_namespace(key[0])
        else:
            self.facts_revision += 1
            self._world_changed()

    def put_revision(self, key: Key, record: InstancetypeRecord | PreferenceRecord | None) -> None:
        """Store or drop what KubeVirt keeps an instancetype or a preference as; it matters to its namespace."""
        if self._swap(self.revisions, key, record):
            self._wake_namespace(key[0])

    def put_net(self, key: Key, record: ChildRecord | None) -> None:
        """Store or drop the ResourceQuota of a tenant's namespace."""
        if self._swap(self.nets, key, record):
            self._world_changed()

    def put_child(self, kind: str, key: Key, record: ChildRecord | None) -> None:
        """Store or drop a child of a Workload."""
        self._put_owned(self._children, (kind, key), (kind, key[1]), record)

    def put_deleting(self, record: ChildRecord) -> None:
        """Remember that a child was told to go, until the watch says that it is gone (read your writes)."""
        owned = self._children.get((record.key[0], record.workload), _NOTHING)
        place = (record.kind, record.key[1])
        known = owned.get(place)
        if known is not None and known.uid == record.uid:
            owned[place] = replace(known, deleting=True)

    def put_pod(self, key: Key, record: PodRecord | None) -> None:
        """Store or drop a pod of a Workload."""
        self._put_owned(self._pods, ("Pod", key), key[1], record)

    def put_machine(self, key: Key, record: MachineRecord | None) -> None:
        """Store or drop a virtual machine instance of a Workload."""
        self._put_owned(self._machines, ("VirtualMachineInstance", key), key[1], record)

    def children(self, key: Key) -> tuple[ChildRecord, ...]:
        """Return all objects that carry the label of this Workload, ours or not, sorted by kind and name."""
        return tuple(record for _, record in sorted(self._children.get(key, _NOTHING).items()))

    def pods(self, key: Key) -> tuple[PodRecord, ...]:
        """Return the pods that carry the label of this Workload, sorted by name."""
        return tuple(record for _, record in sorted(self._pods.get(key, _NOTHING).items()))

    def machines(self, key: Key) -> tuple[MachineRecord, ...]:
        """Return the virtual machine instances that carry the label of this Workload, sorted by name."""
        return tuple(record for _, record in sorted(self._machines.get(key, _NOTHING).items()))

    def waiving(self, key: Key) -> tuple[WaiverRecord, ...]:
        """Return the Waivers that name a Workload, sorted by name."""
        return tuple(self.waivers[name] for name in sorted(self._waiving.get(key, ())))

    def workload_names(self, namespace: str) -> Iterable[str]:
        """Return the names of the Workloads of one namespace."""
        return self._by_namespace.get(namespace, ())

    def _swap(self, table: dict[Any, Any], key: object, record: Any, view: Callable[[Any], Any] = lambda r: r) -> bool:
        """Store or drop a record; return whether anything but what `view` hides has changed."""
        before = table.get(key)
        if record is None:
            table.pop(key, None)
        else:
            table[key] = record
        return bool((before is None) != (record is None) or (record is not None and view(before) != view(record)))

    def _put_owned(self, table: dict[Key, dict[Any, Any]], place: tuple[str, Key], inner: object, record: Any) -> None:
        """Store or drop what belongs to a Workload by its label, and wake that Workload; the label may change."""
        namespace = place[1][0]
        owner = (namespace, record.workload) if record is not None else None
        former = self._parents.get(place)
        if former is not None and former != owner:
            owned = table.get(former, {})
            owned.pop(inner, None)
            if not owned:
                table.pop(former, None)
            del self._parents[place]
            self._wake_soon(former)
        if owner is not None:
            owned = table.setdefault(owner, {})
            before = owned.get(inner)
            owned[inner] = record
            self._parents[place] = owner
            if before != record:
                self._wake_soon(owner)

    def _wake_namespace(self, namespace: str) -> None:
        for name in self.workload_names(namespace):
            self._wake((namespace, name))


def _is_older(record: WorkloadRecord, known: WorkloadRecord) -> bool:
    return record.uid == known.uid and is_newer(known.resource_version, record.resource_version)


def _no_status(record: Any) -> Any:
    return None if record is None else replace(record, status=b"")
