"""The rows that previews look at follow the store: each is looked at when it has changed, and not before."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from app.pictures import Pictured, erp, raw, tenant, waiver, web
from berth.world import storage
from berth.world.records import InstancetypeRecord, Key
from decide.builders import a_node

LONG = 60.0
WEB: Key = ("shop", "web")
SMALL: Key = ("", "small")


@pytest.fixture
async def pictured() -> Pictured:
    """Two Workloads that run, all looked at."""
    made = Pictured()
    made.namespace("shop", tenant="acme")
    made.store.put_description(made.store.instancetypes, SMALL, InstancetypeRecord("small", 1, 1 << 30))
    made.run("web", web())
    made.run("erp", {"machine": erp()["machine"] | {"instancetype": "small"}})
    assert not await made.picture.refresh(LONG)
    return made


def looked_at(pictured: Pictured, monkeypatch: pytest.MonkeyPatch) -> list[Key]:
    """Return a list of what is looked at from now on."""
    seen, look = list[Key](), pictured.views.look
    monkeypatch.setattr(pictured.views, "look", lambda key: (seen.append(key), look(key))[1])
    return seen


def anew(pictured: Pictured) -> Pictured:
    """Return a picture of the same cluster that was never looked at before."""
    other = Pictured()
    other.store.__dict__.update(pictured.store.__dict__)
    other.picture._stale.update(pictured.store.workloads)
    return other


CHANGES: dict[str, Callable[[Pictured], None]] = {
    "a spec": lambda p: p.workload("web", web(replicas=3)),
    "a new Workload": lambda p: p.run("api", web()),
    "a Workload that goes": lambda p: p.store.put_workload(WEB, None),
    "a spec that is not understood": lambda p: p.workload("web", web(replicas="x")),
    "a child that goes": lambda p: p.store.put_child("Deployment", WEB, None),
    "a status": lambda p: p.workload("web", web(), status={"reason": "WaitingForQuota"}),
    "a namespace": lambda p: p.namespace("shop", data="cardholder"),
    "a tenant": lambda p: p.tenant("acme", floor="Sandboxed"),
    "an instancetype": lambda p: p.store.put_description(
        p.store.instancetypes, SMALL, InstancetypeRecord("small", 4, 4 << 30)
    ),
    "a waiver": lambda p: p.waiver("w", waiver("pci")),
    "a class": lambda p: p.store.put_class("kata", None),
    "a node": lambda p: p.store.put_fact(p.store.nodes, "n2", a_node("n2")),
    "a claim": lambda p: p.store.put_claim(
        ("shop", "d"), storage.claim({"metadata": {"namespace": "shop", "name": "d", "uid": "d"}})
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_after_whatever_change_it_is_as_if_everything_had_been_looked_at_anew(
    pictured: Pictured, change: Callable[[Pictured], None]
) -> None:
    change(pictured)
    await pictured.picture.refresh(LONG)
    fresh = anew(pictured)
    fresh.views._tenancy = pictured.views._tenancy
    await fresh.picture.refresh(LONG)
    assert pictured.picture.rows == fresh.picture.rows
    assert pictured.picture.ledger.used(["shop"]) == fresh.picture.ledger.used(["shop"])


async def test_what_has_not_changed_is_not_looked_at_again(pictured: Pictured, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looked_at(pictured, monkeypatch)
    pictured.workload("web", web(replicas=3))
    pictured.policy("pci", {"level": "Virtualized"})
    await pictured.picture.refresh(LONG)
    await pictured.picture.refresh(LONG)
    assert seen == [WEB]


async def test_looking_ends_in_time_and_says_that_something_is_left(pictured: Pictured) -> None:
    for number in range(50):
        pictured.workload(f"w{number}", web())
    assert await pictured.picture.refresh(0.0)
    assert pictured.picture.unseen == 50
    while await pictured.picture.refresh(0.001):
        assert pictured.picture.unseen < 50
    assert pictured.picture.unseen == 0


async def test_what_was_not_looked_at_yet_is_told(pictured: Pictured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("berth.app.preview.preview._REFRESH_SECONDS", 0.0)
    pictured.workload("late", web())
    told = await asyncio.to_thread(pictured.ask, "tenants", raw("acme", tenant("acme")))
    told += await asyncio.to_thread(
        pictured.ask,
        "isolationpolicies",
        raw("new", {"mode": "Enforce", "reason": "r", "require": {"network": "Open"}}),
    )
    assert "it matches 2 of 2 Workloads (1 more have not been looked at yet)" in told


async def test_one_that_breaks_the_view_stops_nobody_else(pictured: Pictured, monkeypatch: pytest.MonkeyPatch) -> None:
    look = pictured.views.look

    def broken(key: Key) -> object:
        if key == WEB:
            raise ValueError("odd")
        return look(key)

    monkeypatch.setattr(pictured.views, "look", broken)
    pictured.workload("web", web(replicas=2))
    pictured.run("api", web())
    await pictured.picture.refresh(LONG)
    assert sorted(pictured.picture.rows) == [("shop", "api"), ("shop", "erp")]


async def test_it_is_complete_when_everything_was_looked_at_once() -> None:
    made = Pictured()
    for number in range(30):
        made.workload(f"w{number}", web())
    keeping = asyncio.create_task(made.picture.keep())
    async with asyncio.timeout(LONG):
        await made.picture.complete.wait()
    assert len(made.picture.rows) == 30
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
