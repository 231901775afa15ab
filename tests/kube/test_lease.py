"""What leader election promises: never two leaders, and a new one soon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp
import pytest

from berth.kube.client import Client
from berth.kube.lease import LeaderElector, LeaseTiming
from berth.kube.resources import LEASES
from kube.conditions import eventually
from kube.conftest import QUICK
from kube.fake_apiserver import FakeApiServer, answer, broken, lost, slow

pytestmark = pytest.mark.asyncio

TIMING = LeaseTiming(duration=15.0, renew_deadline=10.0, retry_period=0.05)
"""Where nothing is to expire, however busy the machine is."""
SHORT = LeaseTiming(duration=3.0, renew_deadline=1.0, retry_period=0.05)
"""Where it is."""
LONG = 30.0


@asynccontextmanager
async def competing(*electors: LeaderElector) -> AsyncIterator[None]:
    """Let electors run during the block, and check all along that no two lead."""
    tasks = [asyncio.create_task(elector.run()) for elector in electors]

    async def watch_for_two() -> None:
        while True:
            assert sum(elector.is_leader for elector in electors) <= 1
            await asyncio.sleep(0)

    referee = asyncio.create_task(watch_for_two())
    try:
        yield
        assert not referee.done(), referee.exception()
    finally:
        for task in (*tasks, referee):
            task.cancel()
        await asyncio.gather(*tasks, referee, return_exceptions=True)


def elector(client: Client, identity: str, **options: Any) -> LeaderElector:
    return LeaderElector(client, "berth", "berth", identity, **{"timing": TIMING, **options})


def record(server: FakeApiServer) -> dict[str, Any]:
    spec: dict[str, Any] = server.objects["leases"]["berth", "berth"]["spec"]
    return spec


async def test_the_first_one_creates_the_lease_and_leads(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    assert not one.is_leader
    async with competing(one):
        await asyncio.wait_for(one.leading.wait(), LONG)
        assert one.is_leader
        assert record(server)["holderIdentity"] == "one"
        assert record(server)["leaseDurationSeconds"] == 15
        assert record(server)["leaseTransitions"] == 0


async def test_the_lease_is_renewed_and_acquire_time_stays(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        first = record(server)
        await eventually(lambda: record(server)["renewTime"] > first["renewTime"])
        assert record(server)["acquireTime"] == first["acquireTime"]
        assert record(server)["leaseTransitions"] == 0


async def test_two_that_race_never_both_lead(server: FakeApiServer, client: Client) -> None:
    electors = [elector(client, f"e{number}") for number in range(5)]
    async with competing(*electors):
        await eventually(lambda: sum(each.is_leader for each in electors) == 1)
        await eventually(lambda: server.count("PUT", "leases") >= 5)
        assert sum(each.leading.is_set() for each in electors) == 1


async def test_another_takes_over_when_the_leader_is_gone_but_not_before_the_lease_expired(
    server: FakeApiServer, client: Client
) -> None:
    one, two = elector(client, "one", timing=SHORT), elector(client, "two", timing=SHORT)
    async with competing(one):
        await one.leading.wait()
    loop = asyncio.get_running_loop()
    gone = loop.time()
    async with competing(two):
        await asyncio.wait_for(two.leading.wait(), LONG)
    assert loop.time() - gone >= SHORT.duration - 0.01
    assert record(server)["leaseTransitions"] == 1
    assert two.transitions == 1


async def test_a_wall_clock_hours_away_changes_nothing(server: FakeApiServer, client: Client) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    one, two = elector(client, "one", now=lambda: long_ago, timing=SHORT), elector(client, "two", timing=SHORT)
    async with competing(one, two):
        await eventually(lambda: one.is_leader or two.is_leader)
        await eventually(lambda: server.count("GET", "leases") > 20)
    async with competing(elector(client, "three", now=lambda: long_ago, timing=SHORT)):
        await eventually(lambda: record(server)["holderIdentity"] == "three")
        assert record(server)["renewTime"] == "2000-12-31T19:00:00.000000Z"


async def test_release_hands_over_long_before_the_lease_expires(server: FakeApiServer, client: Client) -> None:
    one, two = elector(client, "one"), elector(client, "two")
    async with competing(one, two):
        await eventually(lambda: one.is_leader or two.is_leader)
        leader, other = (one, two) if one.is_leader else (two, one)
        started = asyncio.get_running_loop().time()
        await leader.release()
        assert not leader.is_leader
        await asyncio.wait_for(other.leading.wait(), LONG)
        assert asyncio.get_running_loop().time() - started < TIMING.duration / 3
        assert not leader.lost.is_set()
    assert record(server)["leaseTransitions"] == 1


async def test_a_lease_that_was_just_being_taken_is_released_as_well(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    server.fail("POST", "leases", slow(0.05))
    async with competing(one):
        worker = asyncio.create_task(one.leading.wait())
        await eventually(lambda: server.count("POST", "leases"))
        await one.release()
        assert record(server)["holderIdentity"] == ""
        assert not worker.done()
        worker.cancel()
        assert not one.lost.is_set()


async def test_release_without_the_lease_touches_nothing(server: FakeApiServer, client: Client) -> None:
    await elector(client, "one").release()
    assert not server.requests


async def test_release_survives_a_server_that_refuses(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        server.fail("PUT", "leases", *[answer(500)] * 3)
        await one.release()
        assert not one.is_leader


@pytest.mark.parametrize("fault", [answer(500), answer(409, "Conflict"), answer(429), broken, slow(0.1)])
async def test_passing_faults_do_not_cost_the_lease(server: FakeApiServer, client: Client, fault: Any) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        server.fail("GET", "leases", fault)
        server.fail("PUT", "leases", fault)
        await eventually(lambda: server.faults_left() == 0)
        before = record(server)["renewTime"]
        await eventually(lambda: record(server)["renewTime"] > before)
        assert one.is_leader
        assert not one.lost.is_set()


async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lease(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        server.fail("PUT", "leases", lost(server))
        await eventually(lambda: server.faults_left() == 0)
        before = record(server)["renewTime"]
        await eventually(lambda: record(server)["renewTime"] > before)
        assert one.is_leader


@pytest.mark.parametrize("fault", [answer(500), slow(60.0)], ids=["error", "hang"])
async def test_a_leader_that_cannot_renew_says_so_before_the_lease_expires(
    server: FakeApiServer, client: Client, fault: Any
) -> None:
    told: list[bool] = []
    one = elector(client, "one", timing=SHORT, on_lost=lambda: told.append(True))
    started = asyncio.get_running_loop().time()
    async with competing(one):
        await one.leading.wait()
        cut = asyncio.get_running_loop().time()
        server.fail("GET", "leases", *[fault] * 1000)
        await asyncio.wait_for(one.lost.wait(), LONG)
        ended = asyncio.get_running_loop().time()
        assert ended - started >= SHORT.renew_deadline
        assert ended - cut < SHORT.duration
        assert not one.is_leader
        assert told == [True]


async def test_a_leader_that_sees_another_holder_is_lost_at_once(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        server.put(LEASES, "berth", "berth", spec={"holderIdentity": "thief", "leaseDurationSeconds": 15})
        await asyncio.wait_for(one.lost.wait(), LONG)
        assert not one.is_leader


async def test_a_lease_deleted_under_the_leader_is_made_again(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        server.remove(LEASES, "berth", "berth")
        await eventually(lambda: ("berth", "berth") in server.objects["leases"])
        assert one.is_leader


async def test_leader_and_standby_end_when_the_store_was_restored_from_a_backup(
    server: FakeApiServer, client: Client
) -> None:
    told: list[str] = []
    electors = [elector(client, name, on_lost=lambda name=name: told.append(name)) for name in ("one", "two")]
    async with competing(*electors):
        await eventually(lambda: server.count("GET", "leases") > 10)
        assert not told
        server.version = 1
        server.put(LEASES, "berth", "berth", spec={"holderIdentity": "older", "leaseDurationSeconds": 15})
        for each in electors:
            await asyncio.wait_for(each.lost.wait(), LONG)
            assert not each.is_leader
        assert sorted(told) == ["one", "two"]


async def test_a_lease_that_is_not_in_the_backup_tells_it_too(server: FakeApiServer, client: Client) -> None:
    one = elector(client, "one")
    async with competing(one):
        await one.leading.wait()
        await eventually(lambda: server.count("PUT", "leases") > 3)
        server.remove(LEASES, "berth", "berth")
        server.version = 1
        await asyncio.wait_for(one.lost.wait(), LONG)


async def test_leadership_ends_by_time_alone_when_the_event_loop_was_blocked(client: Client) -> None:
    stopped = 0.0
    one = elector(client, "one", clock=lambda: asyncio.get_running_loop().time() + stopped)
    async with competing(one):
        await one.leading.wait()
        assert one.is_leader
        stopped = TIMING.renew_deadline
        assert one.leading.is_set()
        assert not one.is_leader


async def test_a_lease_without_a_record_is_taken(server: FakeApiServer, client: Client) -> None:
    server.put(LEASES, "berth", "berth")
    one = elector(client, "one")
    async with competing(one):
        await asyncio.wait_for(one.leading.wait(), LONG)


async def test_a_holder_with_a_longer_duration_is_waited_for(server: FakeApiServer, client: Client) -> None:
    server.put(LEASES, "berth", "berth", spec={"holderIdentity": "old", "leaseDurationSeconds": 3600})
    one = elector(client, "one", timing=LeaseTiming(duration=0.01, renew_deadline=0.4, retry_period=0.01))
    async with competing(one):
        await eventually(lambda: server.count("GET", "leases") > 20)
        assert not one.is_leader


async def test_a_standby_survives_a_server_that_is_down(session: aiohttp.ClientSession) -> None:
    one = elector(Client(lambda: session, "http://127.0.0.1:1", retries=QUICK), "one")
    task = asyncio.create_task(one.run())
    await asyncio.wait({task}, timeout=0.2)
    assert not task.done()
    assert not one.is_leader
    task.cancel()
