"""A disk that is there is taken up again by what it was made from, and told where it is another; it grows, or says why."""

from typing import Any

import pytest

from berth.api.quantity import amount
from berth.app.kept import asked_beside, growing, growths, on_hand
from berth.decide.ask import ask_of
from berth.decide.guest import Described
from berth.policy.model import Ask, KeptDisk, ResizedDisk
from berth.render.children import render
from berth.world import children, parse, storage
from berth.world.records import StorageClassRecord
from berth.world.store import Store
from decide.builders import GI, a_machine
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
    return beside(store, source).kept


def beside(store: Store, source: dict[str, Any]) -> Ask:
    """Return what a machine with such a disk asks for beside what is there."""
    return asked_beside(a_machine(), on_hand(RECORD, subject(data(source)).spec, store))


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
    claim = storage.claim({"metadata": {"name": "web-data", "namespace": "shop", "uid": "c", **meta}, "spec": {}})
    store.put_claim(claim.key, claim)
    disk = (KeptDisk("PersistentVolumeClaim", "web-data", "blank"),)
    assert kept(store, SOURCES["blank"][0]) == (disk if told else ())


def test_a_claim_that_is_named_as_a_disk_is_no_other_one() -> None:
    store = Store(lambda _: None, lambda: None)
    claim = storage.claim({"metadata": {"name": "web-data", "namespace": "shop", "uid": "c"}, "spec": {}})
    store.put_claim(claim.key, claim)
    assert kept(store, {"persistentVolumeClaim": {"claimName": "web-data"}}) == ()


def blank(size: str) -> dict[str, Any]:
    return {"blank": {"storage": size}}


def with_claim(
    *, asks: str, has: str = "", grown: str = "", phase: str = "Bound", expands: bool = True, mode: str = "Filesystem"
) -> Store:
    """Return a store with a disk that was made with 10Gi, and its claim as it is now."""
    store = holding(blank("10Gi"))
    store.put_storage_class("fast", StorageClassRecord("fast", default=True, expands=expands))
    meta = {
        "name": "web-data",
        "namespace": "shop",
        "uid": "c",
        "annotations": {"berth.dev/storage": grown} if grown else {},
    }
    meta["ownerReferences"] = [{"kind": "DataVolume", "uid": "dv", "controller": True}]
    spec = {"storageClassName": "fast", "volumeMode": mode, "resources": {"requests": {"storage": asks}}}
    resizing = {"type": "Resizing", "status": "True", "message": "the pool is full"}
    status = {"phase": phase, "capacity": {"storage": has or asks}, "conditions": [resizing]}
    claim = storage.claim({"metadata": meta, "spec": spec, "status": status})
    store.put_claim(claim.key, claim)
    return store


@pytest.mark.parametrize(
    ("claim", "size", "asks"),
    [
        ({"asks": "10Gi", "mode": "Block"}, "20Gi", "20Gi"),
        ({"asks": "12Gi", "mode": "Block"}, "20Gi", "20Gi"),
        ({"asks": "11381663335"}, "20Gi", "21788Mi"),
        ({"asks": "21788Mi", "grown": "20Gi"}, "40Gi", "43576Mi"),
        ({"asks": "30Gi"}, "20Gi", "30Gi"),
        ({"asks": "10Gi", "grown": "nonsense"}, "20Gi", "20Gi"),
    ],
    ids=[
        "block",
        "block by hand before",
        "with a file system",
        "grown before",
        "grown by hand before",
        "noted by others",
    ],
)
def test_a_claim_grows_by_the_share_of_its_disk(claim: dict[str, str], size: str, asks: str) -> None:
    """CDI adds 6 % of a disk to its claim, and KubeVirt gives a guest 94 % of a claim that grows."""
    [growth] = growths(on_hand(RECORD, subject(data(blank(size))).spec, with_claim(**claim)))
    assert (growth.claim, growth.uid) == ("web-data", "c")
    assert (growth.storage, growth.request) == (amount(size), amount(asks))


@pytest.mark.parametrize(
    ("store", "size"),
    [
        (with_claim(asks="10Gi"), "10Gi"),
        (with_claim(asks="10Gi"), "5Gi"),
        (with_claim(asks="21788Mi", grown="20Gi"), "20Gi"),
        (with_claim(asks="10Gi", phase="Pending"), "20Gi"),
        (holding(blank("10Gi")), "20Gi"),
    ],
    ids=["the same", "smaller", "grown", "not bound", "no claim yet"],
)
def test_nothing_grows_that_is_large_enough_or_not_there_yet(store: Store, size: str) -> None:
    assert growths(on_hand(RECORD, subject(data(blank(size))).spec, store)) == ()


@pytest.mark.parametrize(
    ("claim", "size", "resized"),
    [
        ({"asks": "10Gi"}, "10Gi", None),
        ({"asks": "10Gi"}, "10240Mi", None),
        ({"asks": "10Gi"}, "20Gi", (10, 20, True)),
        ({"asks": "10Gi", "expands": False}, "20Gi", (10, 20, False)),
        ({"asks": "10Gi"}, "5Gi", (10, 5, True)),
        ({"asks": "20Gi", "grown": "20Gi"}, "10Gi", (20, 10, True)),
        ({"asks": "12Gi", "grown": "20Gi"}, "12Gi", None),
        ({"asks": "12Gi", "grown": "20Gi"}, "20Gi", (12, 20, True)),
    ],
    ids=[
        "the same",
        "in other words",
        "larger",
        "larger and fixed",
        "smaller",
        "smaller than it was grown to",
        "as small as its claim was made again",
        "larger than its claim was made again",
    ],
)
def test_a_disk_of_another_size_is_told(
    claim: dict[str, Any], size: str, resized: tuple[int, int, bool] | None
) -> None:
    found = beside(with_claim(**claim), blank(size)).resized
    expected = resized and ResizedDisk("web-data", resized[0] * GI, resized[1] * GI, "fast", resized[2])
    assert found == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("claim", "size", "storage_", "stored"),
    [
        ({"asks": "10854Mi"}, "10Gi", 10, 10),
        ({"asks": "10854Mi"}, "20Gi", 20, 10),
        ({"asks": "21788Mi", "grown": "20Gi"}, "20Gi", 20, 20),
        ({"asks": "40Gi"}, "10Gi", 40, 40),
        ({"asks": "12Gi", "mode": "Block"}, "10Gi", 12, 12),
        ({"asks": "20Gi", "grown": "20Gi"}, "10Gi", 20, 20),
    ],
    ids=["as made", "to grow", "grown", "by hand", "by hand and a little", "asked for less"],
)
def test_a_quota_counts_what_is_asked_for_and_what_is_there(
    claim: dict[str, str], size: str, storage_: int, stored: int
) -> None:
    """What a disk is to grow to counts before its claim is written; what was grown by hand counts when it is seen."""
    spec = subject(data(blank(size))).spec
    asked = ask_of(spec, {}.get, Described("shop", {}, {}))
    machine = asked_beside(asked, on_hand(RECORD, spec, with_claim(**claim))).machine
    assert machine is not None
    assert (machine.storage, machine.stored) == (storage_ * GI, stored * GI)


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"asks": "20Gi", "grown": "20Gi", "has": "10Gi"}, "disk web-data grows to 20Gi: StorageClass fast has yet to"),
        ({"asks": "20Gi", "grown": "20Gi", "has": "10Gi"}, "give its claim 20Gi (the pool is full); the guest serves"),
        ({"asks": "20Gi", "grown": "20Gi", "has": "20Gi"}, ""),
        ({"asks": "10Gi", "has": "9Gi"}, ""),
    ],
    ids=["what", "why", "done", "made so"],
)
def test_what_a_disk_that_grows_waits_for_is_told(claim: dict[str, str], told: str) -> None:
    found = growing(on_hand(RECORD, subject(data(blank("20Gi"))).spec, with_claim(**claim)))
    assert told in "".join(each.message for each in found)
    assert bool(told) == bool(found)
