"""The workers: what a failure of one key means for it and for the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from app.parts import WEB, Replica
from app.scrapes import an_outcome
from berth.app import work as module
from berth.app.deps import Deps
from berth.app.work import WORLD, work
from berth.kube import errors
from berth.kube.backoff import Backoff
from berth.kube.client import Client
from berth.kube.gateway import NotOurs
from berth.kube.queue import KeyedQueue
from berth.world.records import Key
from kube.conditions import eventually
from kube.fake_apiserver import FakeApiServer

API: Key = ("shop", "api")
CONFLICT = errors.Conflict(409, "Conflict", "changed meanwhile")
GONE = errors.NotFound(404, "NotFound", "deleted meanwhile")
TERMINATING = errors.NamespaceTerminating(403, "Forbidden", "is being terminated")


class Passes:
    """Stands in for reconcile: fails as told, and counts."""

    def __init__(self, **failures: list[Exception]) -> None:
        self.failures = failures
        self.seen: Counter[str] = Counter()

    async def __call__(self, key: Key, _: Deps) -> float | None:
        self.seen[key[1]] += 1
        left = self.failures.get(key[1], [])
        if left:
            raise left.pop(0)
        return None


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    return Replica(server, client)


@asynccontextmanager
async def working(replica: Replica, *keys: Key) -> AsyncIterator[KeyedQueue]:
    """Let one worker work on these keys during the block; it must not have ended by itself."""
    queue = KeyedQueue(backoff=Backoff(base=0.001, cap=0.002))
    for key in keys:
        queue.add(key)
    task = asyncio.create_task(work(queue, replica.deps, 600.0))
    try:
        yield queue
        assert not task.done()
    finally:
        await queue.shutdown()
        await asyncio.wait_for(task, 5)


def results(replica: Replica) -> dict[str, float]:
    """Return how many reconciliations had which result."""
    registry = replica.deps.metrics.registry
    found = (s for f in registry.collect() for s in f.samples if s.name == "controller_runtime_reconcile_total")
    return {sample.labels["result"]: sample.value for sample in found}


def stand_in(monkeypatch: pytest.MonkeyPatch, passes: Callable[[Key, Deps], Awaitable[float | None]]) -> None:
    """Let workers call this instead of reconcile."""
    monkeypatch.setattr(module, "reconcile", passes)


async def test_to_be_overtaken_is_no_error_and_is_tried_again(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Passes(web=[CONFLICT, GONE])
    stand_in(monkeypatch, passes)
    async with working(replica, WEB):
        await eventually(lambda: passes.seen["web"] == 3)
    assert results(replica) == {"requeue": 2, "success": 1}


async def test_an_object_in_a_namespace_that_ends_is_left_alone(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Passes(web=[TERMINATING] * 9)
    stand_in(monkeypatch, passes)
    replica.workload()
    async with working(replica, WEB, API):
        await eventually(lambda: passes.seen["api"] == 1)
        await asyncio.sleep(0.05)
    assert passes.seen["web"] == 1


@pytest.mark.parametrize(
    "error",
    [errors.Unavailable(503, "ServiceUnavailable", "later"), NotOurs("a bug"), RuntimeError("a bug"), KeyError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_of_one_key_is_tried_again_and_does_not_stop_others(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    passes = Passes(web=[error] * 3)
    stand_in(monkeypatch, passes)
    async with working(replica, WEB, API):
        await eventually(lambda: passes.seen == {"web": 4, "api": 1})
    assert results(replica) == {"error": 3, "success": 2}


async def test_a_failure_is_logged_with_all_that_tells_which_object_it_was(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in(monkeypatch, Passes(web=[RuntimeError("a bug")]))
    record = replica.workload()
    replica.deps.outcomes[WEB] = an_outcome(class_name="gvisor")
    async with working(replica, WEB):
        await eventually(lambda: any("a bug" in each.getMessage() for each in caplog.records))
    [line] = [each.__dict__ for each in caplog.records if "a bug" in each.getMessage()]
    told = {name: line[name] for name in ("namespace", "workload", "uid", "generation", "class")}
    assert told == {"namespace": "shop", "workload": "web", "uid": record.uid, "generation": 1, "class": "gvisor"}


async def test_what_exists_is_looked_at_again_and_what_is_gone_is_not(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Passes()
    stand_in(monkeypatch, passes)
    replica.workload()
    planned: list[tuple[Key, float]] = []
    async with working(replica) as queue:
        monkeypatch.setattr(queue, "add_after", lambda key, seconds: planned.append((key, seconds)))
        queue.add(WEB)
        queue.add(API)
        await eventually(lambda: passes.seen == {"web": 1, "api": 1})
    [(key, seconds)] = planned
    assert key == WEB
    assert 480 <= seconds <= 720


async def test_the_pass_over_the_world_waits_with_counts_until_every_workload_was_looked_at(replica: Replica) -> None:
    replica.add_class()
    async with working(replica, WORLD):
        await eventually(lambda: "/apis/berth.dev/v1alpha1/isolationclasses/runc/status" in replica.writes())
    assert results(replica) == {"success": 1}
