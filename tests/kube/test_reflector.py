"""What a reflector promises: its records equal the server's objects."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from berth.kube.client import EVERYTHING, Client, Selection
from berth.kube.reflector import Timing
from berth.kube.resources import NODES, PODS, VIRTUAL_MACHINES
from kube.conditions import eventually
from kube.fake_apiserver import FakeApiServer
from kube.reflecting import TIMING, Running, reflecting, watched

pytestmark = pytest.mark.asyncio


# The ordinary way


async def test_existing_objects_are_there_when_it_has_synced(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="1")
    server.put(PODS, "b", namespace="other", value="2")
    async with reflecting(client) as running:
        assert running.records.now == {("default", "a"): "1", ("other", "b"): "2"}
        assert running.reflector.present
        assert len(running.reflector) == 2


async def test_added_changed_and_deleted_objects_follow(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client) as running:
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")
        server.put(PODS, "a", value="2")
        await running.becomes(a="2")
        server.remove(PODS, "a")
        await running.becomes()
        assert running.reflector.events == 3
        assert running.reflector.relists == 1


async def test_more_objects_than_a_page_holds(server: FakeApiServer, client: Client) -> None:
    for number in range(1201):
        server.put(PODS, f"p{number}", value="x")
    async with reflecting(client) as running:
        assert len(running.records.now) == 1201
    assert server.count("LIST", "pods") == 25


async def test_cluster_scoped_objects_have_an_empty_namespace(server: FakeApiServer, client: Client) -> None:
    server.put(NODES, "n1", value="1")
    async with reflecting(client, NODES) as running:
        assert running.records.now == {("", "n1"): "1"}


async def test_only_selected_objects_are_asked_for(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="1", metadata={"labels": {"app": "x"}})
    server.put(PODS, "b", value="2")
    async with reflecting(client, selection=Selection(label_selector="app=x")) as running:
        server.put(PODS, "c", value="3", metadata={"labels": {"app": "x"}})
        server.put(PODS, "d", value="4")
        await running.becomes(a="1", c="3")


async def test_an_object_that_is_no_longer_wanted_is_removed(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="1")
    server.put(PODS, "b", value="skip")
    async with reflecting(client) as running:
        server.put(PODS, "a", value="skip")
        await running.becomes()
        assert (("default", "b"), None) not in running.records.changes
        server.put(PODS, "b", value="2")
        await running.becomes(b="2")


async def test_an_object_of_one_and_a_half_megabytes_passes(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client) as running:
        server.put(PODS, "big", value="1", ballast="x" * 1_500_000)
        server.put(PODS, "small", value="2")
        await running.becomes(big="1", small="2")
        assert running.errors.seen == []


async def test_an_empty_list_is_the_truth(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", value="1")
    async with reflecting(client) as running:
        await watched(server)
        server.objects["pods"].clear()
        server.compact(PODS)
        server.cut_watches(PODS)
        await running.becomes()


async def test_watches_ask_for_five_to_ten_minutes(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client):
        await watched(server)
    query = server.requests[1][2]
    assert 300 <= int(query["timeoutSeconds"]) <= 600
    assert query["allowWatchBookmarks"] == "true"


# Optional kinds


async def test_an_absent_optional_kind_counts_as_synced_and_is_picked_up_when_it_appears(
    server: FakeApiServer, client: Client
) -> None:
    server.absent.add("virtualmachines")
    async with reflecting(client, VIRTUAL_MACHINES, optional=True) as running:
        assert not running.reflector.present
        assert running.errors.seen == []
        server.absent.clear()
        server.put(VIRTUAL_MACHINES, "vm", value="1")
        await running.becomes(vm="1")
        assert running.reflector.present


async def test_when_an_optional_kind_vanishes_its_objects_do_too(server: FakeApiServer, client: Client) -> None:
    server.put(VIRTUAL_MACHINES, "vm", value="1")
    async with reflecting(client, VIRTUAL_MACHINES, optional=True) as running:
        await watched(server, VIRTUAL_MACHINES)
        server.vanish(VIRTUAL_MACHINES)
        await running.becomes()
        assert not running.reflector.present
        assert running.reflector.synced.is_set()
        server.absent.clear()
        server.put(VIRTUAL_MACHINES, "vm", value="2")
        await running.becomes(vm="2")


async def test_an_absent_kind_that_is_not_optional_is_an_error_and_not_synced(
    server: FakeApiServer, client: Client
) -> None:
    server.absent.add("pods")
    running = Running(client, PODS)
    task = asyncio.create_task(running.reflector.run())
    await eventually(lambda: running.reflector.errors >= 3)
    assert not running.reflector.synced.is_set()
    assert not running.reflector.present
    server.absent.clear()
    await asyncio.wait_for(running.reflector.synced.wait(), 5)
    task.cancel()


# Our own mistakes


async def test_a_projection_that_raises_keeps_the_last_record_and_reports(
    server: FakeApiServer, client: Client
) -> None:
    server.put(PODS, "a", value="1")
    server.put(PODS, "never", value="bad")
    async with reflecting(client) as running:
        server.put(PODS, "a", value="bad")
        server.put(PODS, "b", value="2")
        await running.becomes(a="1", b="2")
        assert [key for key, _ in running.errors.seen] == [("default", "never"), ("default", "a")]
        server.remove(PODS, "a")
        await running.becomes(b="2")


async def test_a_sink_that_raises_does_not_end_it(server: FakeApiServer, client: Client) -> None:
    async with reflecting(client) as running:
        await watched(server)
        running.records.raising = True
        server.put(PODS, "a", value="1")
        await eventually(lambda: running.reflector.errors == 1)
        running.records.raising = False
        server.put(PODS, "a", value="2")
        await running.becomes(a="2")


# Read your writes


async def test_an_own_write_is_visible_at_once_and_older_events_do_not_undo_it(
    server: FakeApiServer, client: Client
) -> None:
    server.put(PODS, "a", value="1")
    async with reflecting(client) as running:
        await watched(server)
        watch = server.watches[0]
        watch.plural = "deaf"
        older = server.put(PODS, "a", value="2")
        mine = server.put(PODS, "a", value="3")
        running.reflector.accept(mine)
        assert running.records.names() == {"a": "3"}
        watch.plural = "pods"
        server.inject(PODS, {"type": "MODIFIED", "object": older})
        server.inject(PODS, {"type": "DELETED", "object": older})
        server.put(PODS, "b", value="4")
        await running.becomes(a="3", b="4")


async def test_an_own_write_that_was_deleted_meanwhile_does_not_come_back(
    server: FakeApiServer, client: Client
) -> None:
    async with reflecting(client) as running:
        await watched(server)
        mine = server.put(PODS, "a", value="1")
        server.remove(PODS, "a")
        await eventually(lambda: running.reflector.events == 2)
        running.reflector.accept(mine)
        assert running.records.names() == {}


async def test_activity_is_recorded(server: FakeApiServer, client: Client) -> None:
    times = iter(range(1000))

    def clock() -> float:
        return float(next(times))

    timing = Timing(backoff=TIMING.backoff, too_short=-1.0)
    async with reflecting(client, clock=clock, timing=timing, selection=EVERYTHING) as running:
        await watched(server)
        before = running.reflector.last_activity
        server.put(PODS, "a", value="1")
        await running.becomes(a="1")
        assert running.reflector.last_activity > before


async def test_events_in_quick_succession_are_read_together_and_none_is_lost(
    server: FakeApiServer, client: Client
) -> None:
    clock = asyncio.get_running_loop().time
    async with reflecting(client, timing=replace(TIMING, gather=0.2)) as running:
        came: list[float] = []
        apply = running.records.apply
        running.records.apply = lambda *args: came.append(clock()) or apply(*args)  # type: ignore[method-assign,func-returns-value]
        started = clock()
        for number in range(60):  # one every 10 ms: far apart for a loop, close together for a tick
            server.put(PODS, f"p{number}", value="x")
            await asyncio.sleep(0.01)
        await eventually(lambda: len(running.records.now) == 60)
        ticks = (clock() - started) / 0.2
    wakes = 1 + sum(later - earlier > 0.005 for earlier, later in pairwise(came))
    assert wakes <= 2 * ticks + 10
