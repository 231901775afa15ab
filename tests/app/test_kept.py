"""A disk that is there already is taken up again by the source that it was made from, and told where it is another."""

from typing import Any

import pytest

from berth.app.kept import kept_disks
from berth.policy.model import KeptDisk
from berth.render.children import render
from berth.world import children, parse
from berth.world.store import Store
from plan.records import UID
from render.specs import VM, machine, subject
from world.raws import a_raw

RECORD = parse.workload(a_raw("Workload", metadata={"uid": UID}, spec={}))
SOURCES: dict[str, tuple[dict[str, Any], str]] = {
    "blank": ({"blank": {"storage": "1Gi"}}, "blank"),
    "stored elsewhere": ({"blank": {"storage": "1Gi", "storageClassName": "fast"}}, "blank in StorageClass fast"),
    "pvc": ({"pvc": {"name": "old", "storage": "1Gi"}}, "pvc old"),
    "dataSource": ({"dataSource": {"name": "gold", "storage": "1Gi"}}, "dataSource gold"),
    "http": ({"http": {"url": "https://images.example/a.img", "storage": "1Gi"}}, "http https://images.example/a.img"),
    "registry": (
        {"registry": {"url": "docker://images.example/a:1", "storage": "1Gi"}},
        "registry docker://images.example/a:1",
    ),
}


def data(source: dict[str, Any]) -> Any:
    """Return the spec of a machine with a further disk of a source."""
    return machine(disks=[{"name": "data", **source}])


def kept(store: Store, source: dict[str, Any]) -> tuple[KeptDisk, ...]:
    return kept_disks(RECORD, subject(data(source)).spec, store)


def holding(source: dict[str, Any], **meta: Any) -> Store:
    """Return a store with the DataVolume that a machine with such a disk was rendered with."""
    store = Store(lambda _: None, lambda: None)
    body = next(child.body for child in render(subject(data(source)), VM) if child.kind == "DataVolume")
    stored = {"uid": "dv", "resourceVersion": "1", **body["metadata"], **meta}
    store.put_child("DataVolume", ("shop", "web-data"), children.child({**body, "metadata": stored}))
    return store


@pytest.mark.parametrize("before", SOURCES)
@pytest.mark.parametrize("after", SOURCES)
def test_a_disk_of_another_source_is_told_and_one_of_the_same_is_taken_up(before: str, after: str) -> None:
    (old, found), (new, wanted) = SOURCES[before], SOURCES[after]
    other = (KeptDisk("DataVolume", "web-data", wanted, found),)
    assert kept(holding(old), new) == (() if before == after else other)


def test_one_that_does_not_say_what_it_was_made_from_is_taken_up() -> None:
    store = holding(SOURCES["pvc"][0], annotations={})
    assert kept(store, SOURCES["blank"][0]) == ()


def test_one_that_somebody_else_owns_is_told_by_its_name_alone() -> None:
    owner = [{"kind": "DataVolume", "name": "x", "uid": "x", "controller": True}]
    assert kept(holding(SOURCES["pvc"][0], ownerReferences=owner), SOURCES["blank"][0]) == ()


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({}, True),
        ({"ownerReferences": [{"kind": "StatefulSet", "uid": "x", "controller": True}]}, True),
        ({"ownerReferences": [{"kind": "DataVolume", "uid": "x", "controller": True}]}, False),
        ({"annotations": {"cdi.kubevirt.io/storage.populatedFor": "web-data"}}, False),
        ({"annotations": {"cdi.kubevirt.io/storage.populatedFor": "web-root"}}, True),
    ],
    ids=["by hand", "of a StatefulSet", "of a DataVolume that goes", "restored for it", "restored for another"],
)
def test_a_claim_that_no_data_volume_made_is_told(meta: dict[str, Any], told: bool) -> None:
    """CDI refuses the DataVolume then; what it takes for its own, as backups restore it, it fills no more."""
    store = Store(lambda _: None, lambda: None)
    claim = parse.claim({"metadata": {"name": "web-data", "namespace": "shop", "uid": "c", **meta}, "spec": {}})
    store.put_claim(claim.key, claim)
    disk = (KeptDisk("PersistentVolumeClaim", "web-data", "blank"),)
    assert kept(store, SOURCES["blank"][0]) == (disk if told else ())


def test_a_claim_that_is_named_as_a_disk_is_no_other_one() -> None:
    store = Store(lambda _: None, lambda: None)
    claim = parse.claim({"metadata": {"name": "web-data", "namespace": "shop", "uid": "c"}, "spec": {}})
    store.put_claim(claim.key, claim)
    assert kept(store, {"persistentVolumeClaim": {"claimName": "web-data"}}) == ()
