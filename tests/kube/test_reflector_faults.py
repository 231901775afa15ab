"""Whatever goes wrong on the way, a reflector's records become equal to the server's objects again."""

import asyncio
from typing import Any

import aiohttp
import pytest

from berth.kube.backoff import Backoff
from berth.kube.client import Client
from berth.kube.reflector import Timing
from berth.kube.resources import PODS
from berth.kube.transport import Timeouts
from kube.conditions import eventually
from kube.fake_apiserver import FakeApiServer, answer, broken, raw, slow
from kube.reflecting import Running, reflecting, watched

pytestmark = pytest.mark.asyncio


# Gaps and faults of the watch


async def test_object_deleted_during_a_watch_gap_is_removed_on_relist(server: FakeApiServer, client: Client) -> None:
    for name in ("kept", "ghost"):
        server.put(PODS, name, value="1")
    async with reflecting(client) as running:
        await watched(server)
        server.watches[0].plural = "deaf"  # the stream hears nothing of what follows
        server.remove(PODS, "ghost")
        server.put(PODS, "new", value="2")
        server.compact(PODS)
        server.watches[0].plural = "pods"
        server.cut_watches(PODS)
        await running.becomes(kept="1", new="2")
        assert running.reflector.relists == 2


async def test_object_recreated_during_a_watch_gap_is_replaced(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="old")
    async with reflecting(client) as running:
        await watched(server)
        server.watches[0].plural = "deaf"
        server.remove(PODS, "a")
        server.put(PODS, "a", value="new")
        server.compact(PODS)
        server.watches[0].plural = "pods"
        server.cut_watches(PODS)
        await running.becomes(a="new")


async def test_unchanged_objects_are_not_delivered_again_by_a_relist(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="1")
    async with reflecting(client) as running:
        await watched(server)
        server.inject(PODS, {"type": "ERROR", "object": {"code": 410, "reason": "Expired"}})
        await eventually(lambda: running.reflector.relists == 2)
        server.put(PODS, "b", value="2")
        await running.becomes(a="1", b="2")
        assert len(running.records.changes) == 2


@pytest.mark.parametrize("code", [410, 500, 403, 429, None])
async def test_an_error_in_the_stream_leads_to_a_relist(server: FakeApiServer, client: Client, code: int) -> None:
    async with reflecting(client) as running:
        await watched(server)
        server.inject(PODS, {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": "injected"}})
        await eventually(lambda: running.reflector.relists == 2)
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")


async def test_a_410_on_connect_leads_to_a_relist(server: FakeApiServer, client: Client) -> None:
    server.fail("WATCH", "pods", answer(410, "Expired"))
    async with reflecting(client) as running:
        await eventually(lambda: running.reflector.relists == 2)
        await watched(server)


async def test_a_410_at_a_continue_token_starts_the_list_again(server: FakeApiServer, client: Client) -> None:
    for number in range(600):
        server.put(PODS, f"p{number:03}", value="1")
    passed: list[bool] = []

    async def first_page(_: Any) -> None:
        passed.append(True)

    async def drop(_: Any) -> None:
        server.remove(PODS, "p000")
        server.compact(PODS)

    server.fail("LIST", "pods", first_page, drop)
    async with reflecting(client) as running:
        assert ("default", "p000") not in running.records.now
        assert len(running.records.now) == 599


@pytest.mark.parametrize("rest", [b"", b'{"type":"MODIFIED","object":{"metadata":{"na'], ids=["clean", "mid-line"])
async def test_a_cut_watch_resumes_without_a_relist(server: FakeApiServer, client: Client, rest: bytes) -> None:
    async with reflecting(client) as running:
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")
        server.cut_watches(PODS, rest)
        server.put(PODS, "b", value="2")
        await running.becomes(a="1", b="2")
        assert running.reflector.relists == 1
        assert server.requests[-1][2]["resourceVersion"] == "101"


@pytest.mark.parametrize("code", [401, 429, 503])
async def test_a_watch_refused_in_passing_is_tried_again_without_a_relist(
    server: FakeApiServer, impatient: Client, code: int
) -> None:
    server.fail("WATCH", "pods", answer(code), answer(code))
    async with reflecting(impatient) as running:
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")
        assert running.reflector.relists == 1


async def test_a_watch_that_keeps_failing_ends_in_a_relist(server: FakeApiServer, impatient: Client) -> None:
    server.fail("WATCH", "pods", *[answer(503)] * 4)
    async with reflecting(impatient) as running:
        await eventually(lambda: running.reflector.relists == 2)
        await watched(server)


async def test_garbage_in_the_stream_does_not_end_it(server: FakeApiServer, client: Client) -> None:
    server.fail("WATCH", "pods", raw(b'{"type":\n'), raw(b"[]\n"), raw(b'{"type":"ADDED","object":{}}\n'), raw(b"{}\n"))
    async with reflecting(client) as running:
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")


async def test_a_silent_watch_is_replaced(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    client = Client(lambda: session, server.url, timeouts=Timeouts(silence=0.1))
    async with reflecting(client) as running:
        await watched(server)
        server.hang_watches(PODS)
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")


async def test_a_watch_that_ends_at_once_is_not_repeated_in_a_hot_loop(server: FakeApiServer, client: Client) -> None:
    timing = Timing(backoff=Backoff(base=0.05, cap=60.0, uniform=lambda _, high: high), too_short=0.5, resumes=100)
    server.fail("WATCH", "pods", *[raw(b"")] * 100)
    async with reflecting(client, timing=timing) as running:
        started = asyncio.get_running_loop().time()
        await eventually(lambda: len(running.errors.seen) == 4)
        assert asyncio.get_running_loop().time() - started >= 0.3  # 0.05 + 0.1 + 0.2, less the first watch
        assert {type(error).__name__ for _, error in running.errors.seen} == {"Unavailable"}


async def test_duplicate_events_are_delivered_once(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client) as running:
        await watched(server)
        pod = server.put(PODS, "a", value="1")
        for kind in ("ADDED", "MODIFIED"):
            server.inject(PODS, {"type": kind, "object": pod})
        server.remove(PODS, "a")
        server.inject(PODS, {"type": "DELETED", "object": pod})
        server.put(PODS, "b", value="2")
        await running.becomes(b="2")
        assert [record for _, record in running.records.changes] == ["1", None, "2"]


async def test_bookmarks_move_the_position(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client) as running:
        await watched(server)
        server.version = 500
        server.inject(PODS, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "500"}}})
        await eventually(lambda: running.reflector.events == 1)
        server.cut_watches(PODS)
        await eventually(lambda: server.count("WATCH", "pods") == 2)
        assert server.requests[-1][2]["resourceVersion"] == "500"
        assert running.records.changes == []


# Faults of the list


@pytest.mark.parametrize("fault", [answer(500), answer(403), answer(401), answer(429), raw(b'{"items": ['), broken])
async def test_a_failed_list_removes_nothing_and_is_tried_again(
    server: FakeApiServer, impatient: Client, fault: Any
) -> None:
    server.put(PODS, "a", value="1")
    async with reflecting(impatient) as running:
        await watched(server)
        server.fail("LIST", "pods", fault, fault, fault)
        server.inject(PODS, {"type": "ERROR", "object": {"code": 410}})
        await eventually(lambda: server.faults_left() == 0)
        await eventually(lambda: server.count("WATCH", "pods") == 2)
        assert running.records.changes == [(("default", "a"), "1")]
        assert running.reflector.errors >= 2  # aiohttp itself repeats a broken GET once


async def test_it_is_not_synced_before_a_list_succeeded(server: FakeApiServer, impatient: Client) -> None:
    server.fail("LIST", "pods", answer(500), answer(403), slow(0.05))
    running = Running(impatient, PODS)
    task = asyncio.create_task(running.reflector.run())
    await eventually(lambda: running.reflector.errors == 2)
    assert not running.reflector.synced.is_set()
    await asyncio.wait_for(running.reflector.synced.wait(), 5)
    task.cancel()


async def test_a_list_broken_off_half_way_removes_nothing(server: FakeApiServer, impatient: Client) -> None:
    for number in range(600):
        server.put(PODS, f"p{number:03}", value="1")
    async with reflecting(impatient) as running:
        await watched(server)

        async def passing(_: Any) -> None:
            return None

        server.fail("LIST", "pods", passing, answer(500))
        server.inject(PODS, {"type": "ERROR", "object": {"code": 410}})
        await eventually(lambda: running.reflector.relists == 3)
        await watched(server)
        assert len(running.records.changes) == 600


async def test_a_list_is_the_truth_also_when_versions_went_back(server: FakeApiServer, client: Client) -> None:
    server.version = 9000
    server.put(PODS, "a", value="new")
    server.put(PODS, "b", value="new")
    async with reflecting(client) as running:
        await watched(server)
        server.version = 50  # as after a restore from backup
        server.objects["pods"].clear()
        server.history["pods"].clear()
        server.put(PODS, "a", value="restored")
        server.inject(PODS, {"type": "ERROR", "object": {"code": 410}})
        await running.becomes(a="restored")
