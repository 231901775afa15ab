"""What disks that are still to be made are filled from, as the cluster has it now."""

from collections.abc import Collection, Iterator, Mapping

from berth.api.machine_disks import DiskSource
from berth.api.workload import WorkloadSpec
from berth.policy.model import OriginAsk
from berth.render.disks import data_volume_name, named_disks
from berth.render.model import Clone
from berth.world.records import DataSourceRecord, Key
from berth.world.store import Store

DataSources = Mapping[Key, DataSourceRecord]
Clones = tuple[tuple[str, Clone], ...]
"""By DataSource: the golden image that it leads to."""


def origins_of(
    key: Key, spec: WorkloadSpec, store: Store, made: Collection[str], allowed: frozenset[str]
) -> tuple[OriginAsk, ...]:
    """Return what the disks of a Workload are filled from, without those whose DataVolumes are made.

    A StorageClass is among it only where it is missing.

    Nothing is looked up in a namespace that its tenant does not list: not even whether something is there.
    """
    namespace, name = key
    disks = ((disk, source) for disk, source in _disks(spec) if data_volume_name(name, disk) not in made)
    found = {each for _, disk in disks for each in _origin(namespace, disk, store, allowed)}
    return tuple(sorted(found, key=str))


def clones_of(key: Key, spec: WorkloadSpec, sources: DataSources, allowed: frozenset[str]) -> Clones:
    """Return what the DataSources that a Workload names lead to, of those that it may be cloned from."""
    named = sorted({disk.data_source.name for _, disk in _disks(spec) if disk.data_source})
    found = ((name, _end(key[0], name, sources, allowed)) for name in named)
    return tuple(
        (name, Clone(end.kind, *end.source))
        for name, end in found
        if end is not None and end.kind in ("pvc", "snapshot") and end.source[0] in allowed | {key[0]}
    )


def _disks(spec: WorkloadSpec) -> Iterator[tuple[str, DiskSource]]:
    if spec.machine:
        yield from named_disks(spec.machine)


def _origin(namespace: str, disk: DiskSource, store: Store, allowed: frozenset[str]) -> Iterator[OriginAsk]:
    if disk.made and not _stored(disk.made.storage_class_name, store):
        yield OriginAsk("StorageClass", disk.made.storage_class_name or "", found=False)
    if disk.pvc:
        yield OriginAsk("PersistentVolumeClaim", disk.pvc.name, found=(namespace, disk.pvc.name) in store.claims)
    if disk.http:
        yield OriginAsk("http", disk.http.url)
    if disk.data_source:
        name = disk.data_source.name
        first, end = store.data_sources.get((namespace, name)), _end(namespace, name, store.data_sources, allowed)
        led = {each.source[0] for each in (first, end) if each is not None and each.kind}
        yield OriginAsk(
            "DataSource",
            name,
            found=first is not None,
            leads=first is None or (end is not None and end.kind != ""),
            namespaces=tuple(sorted(led - {namespace})),
        )


def _stored(name: str | None, store: Store) -> bool:
    """Return whether there is a StorageClass of that name, or a default where none is named."""
    return name in store.storage_classes if name else any(each.default for each in store.storage_classes.values())


def _end(namespace: str, name: str, sources: DataSources, allowed: frozenset[str]) -> DataSourceRecord | None:
    """Return the DataSource that names the image: this one, or the one that it leads to. CDI follows one step only."""
    first = sources.get((namespace, name))
    if first is None or first.kind != "dataSource" or first.source[0] not in allowed | {namespace}:
        return first
    second = sources.get(first.source)
    return None if second is None or second.kind == "dataSource" else second
