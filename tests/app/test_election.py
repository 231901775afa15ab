"""The Lease is renewed, and given up in time, whatever holds up the event loop that decides and writes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from berth.app.election import Election
from berth.app.metrics.process import Metrics
from berth.app.settings import Settings
from kube.fake_apiserver import FakeApiServer, answer, running

pytestmark = pytest.mark.asyncio

DURATION, DEADLINE, RETRY = 3.0, 2.0, 0.1
SECONDS = 30.0

Elect = Callable[..., Election]


@pytest.fixture
def apart() -> Iterator[FakeApiServer]:
    """An API server in a thread of its own, which answers while a test blocks the loop."""
    up: Future[FakeApiServer] = Future()
    loop, end = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with running() as fake:
            up.set_result(fake)
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield up.result(SECONDS)
    loop.call_soon_threadsafe(end.set)
    thread.join()
    loop.close()


@pytest_asyncio.fixture
async def made(apart: FakeApiServer, tmp_path: Path) -> Elect:
    """Makes elections."""
    path = tmp_path / "kubeconfig"
    named = {"name": "one"}
    content = {"clusters": [named | {"cluster": {"server": apart.url}}], "users": [named | {"user": {}}]}
    context = named | {"context": {"cluster": "one", "user": "one"}}
    path.write_text(yaml.safe_dump(content | {"contexts": [context], "current-context": "one"}))
    settings = Settings(
        kubeconfig=path, lease_duration=DURATION, lease_renew_deadline=DEADLINE, lease_retry_period=RETRY
    )
    return lambda identity, on_lost=lambda: None: Election(settings, identity, Metrics(0), on_lost)


@pytest_asyncio.fixture
async def elect(made: Elect) -> AsyncIterator[Elect]:
    """Starts elections, and releases what they hold."""
    begun: list[tuple[Election, asyncio.Task[None]]] = []

    def start(identity: str, on_lost: Callable[[], None] = lambda: None) -> Election:
        election = made(identity, on_lost)
        begun.append((election, asyncio.create_task(election.run())))
        return election

    yield start
    for election, task in begun:
        await election.release()
        await task


def holder(server: FakeApiServer) -> str:
    spec = server.objects["leases"]["berth-system", "berth"]["spec"]
    return f"{spec['holderIdentity']} {spec['leaseTransitions']}"


async def test_the_lease_is_renewed_while_the_loop_is_blocked(apart: FakeApiServer, elect: Elect) -> None:
    one, two = elect("one"), elect("two")
    await asyncio.wait({asyncio.create_task(each.leading.wait()) for each in (one, two)}, return_when="FIRST_COMPLETED")
    before = holder(apart)
    threading.Event().wait(DURATION + DEADLINE)  # the loop is blocked
    assert [each for each in (one, two) if each.is_leader] == [each for each in (one, two) if each.leading.is_set()]
    assert holder(apart) == before


async def test_it_is_lost_in_time_while_the_loop_is_blocked(apart: FakeApiServer, elect: Elect) -> None:
    lost = threading.Event()
    one = elect("one", lost.set)
    await one.leading.wait()
    apart.fail("GET", "leases", *[answer(500)] * 1000)
    assert lost.wait(SECONDS), "blocked, as a busy loop is"
    assert not one.is_leader


async def test_a_release_hands_over_within_a_retry_period_and_ends_the_election(
    apart: FakeApiServer, elect: Elect
) -> None:
    one = elect("one")
    await one.leading.wait()
    two = elect("two")
    await one.release()
    assert not one.is_leader
    await asyncio.wait_for(two.leading.wait(), DURATION)
    assert holder(apart) == "two 1"


async def test_released_as_it_begins_it_ends(apart: FakeApiServer, elect: Elect) -> None:
    one = elect("one")
    await asyncio.sleep(0)
    await one.release()
    assert not one.is_leader
    kept = apart.objects.get("leases", {}).values()
    assert [each["spec"]["holderIdentity"] for each in kept if each["spec"]["holderIdentity"]] == []


async def test_released_before_it_begins_it_takes_no_lease_and_ends(apart: FakeApiServer, made: Elect) -> None:
    one = made("one", lambda: None)
    await one.release()
    await asyncio.wait_for(one.run(), SECONDS)
    assert apart.objects.get("leases", {}) == {}
