"""One LIST against the store: ghosts go, what is new stays, and a list that failed removes nothing."""

from collections.abc import Callable

import pytest
from aiohttp import web

from app.parts import WEB, Replica
from berth.app.sweep import sweep
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.reading import Reader
from berth.kube.resources import ISOLATION_CLASSES, ISOLATION_POLICIES, WORKLOADS, Resource
from berth.world import parse
from berth.world.store import Store
from kube.fake_apiserver import FakeApiServer, Fault, answer, raw

HALF = b'{"metadata":{},"items":[{"metadata":{"na'


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    return Replica(server, client)


async def swept(replica: Replica) -> frozenset[tuple[str, str]]:
    """Sweep the Workloads; return what the store lacks."""
    return await sweep(replica.reader, replica.store, WORKLOADS)


async def test_what_is_there_stays_and_nothing_is_lacking(replica: Replica) -> None:
    replica.workload()
    assert await swept(replica) == frozenset()
    assert WEB in replica.store.workloads


async def test_a_ghost_is_removed_and_its_key_woken(replica: Replica) -> None:
    replica.workload()
    replica.server.remove(WORKLOADS, "web", "shop")
    replica.woken.clear()
    assert await swept(replica) == frozenset()
    assert replica.store.workloads == {}
    assert replica.woken == [WEB]


async def test_what_the_store_has_not_seen_is_lacking(replica: Replica) -> None:
    replica.workload()
    replica.server.put(WORKLOADS, "api", "shop")
    assert await swept(replica) == {("shop", "api")}


async def test_one_that_was_made_anew_is_a_ghost_and_lacking(replica: Replica) -> None:
    replica.workload()
    replica.server.remove(WORKLOADS, "web", "shop")
    replica.server.put(WORKLOADS, "web", "shop")
    assert await swept(replica) == {WEB}


def then(change: Callable[[], object]) -> Fault:
    """Do something while the list is under way, then answer properly."""

    async def fault(_: object) -> None:
        change()

    return fault


async def test_one_that_comes_while_the_list_runs_is_not_removed(replica: Replica) -> None:
    record = parse.workload(replica.server.put(WORKLOADS, "late", "shop", metadata={"generation": 1}))
    replica.server.remove(WORKLOADS, "late", "shop")
    replica.server.fail("LIST", "workloads", then(lambda: replica.store.put_workload(record.key, record)))
    await swept(replica)
    assert record.key in replica.store.workloads


async def test_one_that_was_made_anew_while_the_list_runs_is_not_removed(replica: Replica) -> None:
    replica.workload()
    replica.server.remove(WORKLOADS, "web", "shop")
    empty = raw(b'{"metadata":{"resourceVersion":"1"},"items":[]}')

    async def stale(request: web.BaseRequest) -> web.StreamResponse | None:
        replica.workload()
        return await empty(request)

    replica.server.fail("LIST", "workloads", stale)
    assert await swept(replica) == frozenset()
    assert WEB in replica.store.workloads


@pytest.mark.parametrize(
    "fault",
    [answer(500), answer(403, "Forbidden"), answer(404, "NotFound"), answer(504), raw(HALF), raw(b"")],
    ids=["500", "403", "404", "504", "half", "empty"],
)
async def test_a_list_that_failed_removes_nothing(server: FakeApiServer, impatient: Client, fault: Fault) -> None:
    replica = Replica(server, impatient)
    replica.workload()
    server.remove(WORKLOADS, "web", "shop")
    server.fail("LIST", "workloads", fault)
    with pytest.raises(errors.ApiError):
        await swept(replica)
    assert WEB in replica.store.workloads


async def test_a_list_that_broke_off_on_its_second_page_removes_nothing(
    server: FakeApiServer, impatient: Client
) -> None:
    replica = Replica(server, impatient)
    replica.workload()
    server.fail("LIST", "workloads", raw(b'{"metadata":{"continue":"1@1"},"items":[]}'), answer(500))
    with pytest.raises(errors.ApiError):
        await swept(replica)
    assert WEB in replica.store.workloads


@pytest.mark.parametrize("resource", [ISOLATION_CLASSES, ISOLATION_POLICIES])
async def test_classes_and_policies_are_swept_too(server: FakeApiServer, client: Client, resource: Resource) -> None:
    changes: list[None] = []
    store = Store(lambda _: None, lambda: changes.append(None))
    meta = {"metadata": {"name": "x", "uid": "u"}, "spec": {}}
    store.put_class("x", parse.isolation_class(meta))
    store.put_policy("x", parse.isolation_policy(meta))
    await sweep(Reader(client), store, resource)
    assert ("x" in store.classes, "x" in store.policies) == (
        resource is ISOLATION_POLICIES,
        resource is ISOLATION_CLASSES,
    )
    assert len(changes) == 3
