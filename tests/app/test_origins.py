"""What disks are made from is looked up as the cluster has it, and nowhere that the tenant does not list."""

from typing import Any

import pytest

from berth.app.origins import clones_of, origins_of
from berth.policy.model import OriginAsk
from berth.render.model import Clone
from berth.world import parse
from berth.world.records import StorageClassRecord
from berth.world.storage import storage_class
from berth.world.store import Store
from render.specs import machine, subject
from world.raws import a_raw

WEB = ("shop", "web")
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
LISTED = frozenset({"images"})
SPEC = subject(machine(bootDisk={"dataSource": {"name": "gold", "storage": "1Gi"}})).spec
PVC, SNAPSHOT = Clone("pvc", "images", "fedora"), Clone("snapshot", "images", "fedora")


def cluster(**sources: dict[str, Any]) -> Store:
    """Return a store with DataSources by name; those whose names begin with `image` are in images."""
    store = Store(lambda _: None, lambda: None)
    store.put_storage_class("standard", StorageClassRecord("standard", default=True))
    for name, source in sources.items():
        namespace = "images" if name.startswith("image") else "shop"
        record = parse.data_source(a_raw("DataSource", name, namespace=namespace, spec={"source": source}))
        store.put_data_source(record.key, record)
    return store


def at(namespace: str, name: str = "fedora") -> dict[str, str]:
    return {"namespace": namespace, "name": name}


@pytest.mark.parametrize(
    ("sources", "origin", "clone"),
    [
        ({}, OriginAsk("DataSource", "gold", found=False), None),
        ({"gold": {}}, OriginAsk("DataSource", "gold", leads=False), None),
        ({"gold": {"pvc": at("shop")}}, OriginAsk("DataSource", "gold"), Clone("pvc", "shop", "fedora")),
        ({"gold": {"pvc": at("images")}}, OriginAsk("DataSource", "gold", namespaces=("images",)), PVC),
        ({"gold": {"snapshot": at("images")}}, OriginAsk("DataSource", "gold", namespaces=("images",)), SNAPSHOT),
        ({"gold": {"pvc": at("bank")}}, OriginAsk("DataSource", "gold", namespaces=("bank",)), None),
        (
            {"gold": {"dataSource": at("images", "image")}, "image": {"pvc": at("images")}},
            OriginAsk("DataSource", "gold", namespaces=("images",)),
            PVC,
        ),
        (
            {"gold": {"dataSource": at("images", "image")}, "image": {"pvc": at("bank")}},
            OriginAsk("DataSource", "gold", namespaces=("bank", "images")),
            None,
        ),
        (
            {"gold": {"dataSource": at("images", "image")}},
            OriginAsk("DataSource", "gold", leads=False, namespaces=("images",)),
            None,
        ),
        ({"gold": {"dataSource": at("bank")}}, OriginAsk("DataSource", "gold", namespaces=("bank",)), None),
    ],
    ids=["gone", "empty", "own", "listed", "snapshot", "of others", "chain", "chain to others", "broken", "chain away"],
)
def test_what_a_data_source_leads_to(sources: dict[str, Any], origin: OriginAsk, clone: Clone | None) -> None:
    """What is decided by is what is cloned: the name of the DataSource is never handed on (finding W9)."""
    store = cluster(**sources)
    assert origins_of(WEB, SPEC, store, (), LISTED) == (origin,)
    assert clones_of(WEB, SPEC, store.data_sources, LISTED) == ((("gold", clone),) if clone else ())


def test_a_disk_that_is_made_is_asked_about_no_more() -> None:
    """It was filled once: whoever changes or removes its source changes nothing for what runs."""
    assert origins_of(WEB, SPEC, cluster(), ("web-root",), LISTED) == ()


def test_nothing_is_said_of_a_namespace_that_is_not_listed() -> None:
    """Whether something of that name is there is nobody else's business."""
    leads = {"gold": {"dataSource": at("images", "image")}}
    there, absent = cluster(**leads, image={"pvc": at("images")}), cluster(**leads)
    assert origins_of(WEB, SPEC, there, (), frozenset()) == origins_of(WEB, SPEC, absent, (), frozenset())


@pytest.mark.parametrize(
    ("asked", "there", "missing"),
    [
        ("fast", {"fast": {}}, None),
        ("fast", {"standard": {IS_DEFAULT: "true"}}, "fast"),
        (None, {"standard": {IS_DEFAULT: "true"}}, None),
        (None, {"virt": {"storageclass.kubevirt.io/is-default-virt-class": "true"}}, None),
        (None, {"standard": {IS_DEFAULT: "false"}}, ""),
        (None, {}, ""),
    ],
    ids=["named", "named and gone", "default", "default of machines", "no default", "no class at all"],
)
def test_a_storage_class_that_is_missing_is_told_of_disks_that_are_to_be_made(
    asked: str | None, there: dict[str, dict[str, str]], missing: str | None
) -> None:
    """CDI would make no claim, whatever binding mode the class has; a disk that is made asks for none any more."""
    store, made = (
        Store(lambda _: None, lambda: None),
        {"storage": "1Gi"} | ({"storageClassName": asked} if asked else {}),
    )
    for name, marks in there.items():
        store.put_storage_class(name, storage_class({"metadata": {"name": name, "annotations": marks}}))
    spec = subject(machine(bootDisk={"blank": made})).spec
    asks = () if missing is None else (OriginAsk("StorageClass", missing, found=False),)
    assert origins_of(WEB, spec, store, (), LISTED) == asks
    assert origins_of(WEB, spec, store, ("web-root",), LISTED) == ()
