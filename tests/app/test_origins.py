"""What disks are made from is looked up as the cluster has it, and nowhere that the tenant does not list."""

from typing import Any

import pytest

from berth.app.origins import clones_of, origins_of
from berth.policy.model import OriginAsk
from berth.render.model import Clone
from berth.world import parse
from berth.world.store import Store
from render.specs import machine, subject
from world.raws import a_raw

WEB = ("shop", "web")
LISTED = frozenset({"images"})
SPEC = subject(machine(bootDisk={"dataSource": {"name": "gold", "storage": "1Gi"}})).spec
PVC, SNAPSHOT = Clone("pvc", "images", "fedora"), Clone("snapshot", "images", "fedora")


def cluster(**sources: dict[str, Any]) -> Store:
    """Return a store with DataSources by name; those whose names begin with `image` are in images."""
    store = Store(lambda _: None, lambda: None)
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
