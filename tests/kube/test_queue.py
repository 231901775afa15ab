"""What the work queue promises, one promise per test; the model test below it covers their combinations."""

import asyncio

import pytest

from berth.kube.backoff import Backoff
from berth.kube.queue import Key, KeyedQueue

pytestmark = pytest.mark.asyncio

A: Key = ("one", "a")
B: Key = ("one", "b")
C: Key = ("two", "c")
EXACT = Backoff(base=1.0, cap=300.0, uniform=lambda _, high: high)


class Metrics:
    """Remembers what the queue reports."""

    def __init__(self) -> None:
        self.depths: list[int] = []
        self.adds = 0
        self.retries = 0
        self.waited: list[float] = []
        self.worked: list[float] = []

    def workqueue_depth(self, keys: int) -> None:
        self.depths.append(keys)

    def workqueue_adds(self) -> None:
        self.adds += 1

    def workqueue_retries(self) -> None:
        self.retries += 1

    def workqueue_queue_duration(self, seconds: float) -> None:
        self.waited.append(seconds)

    def workqueue_work_duration(self, seconds: float) -> None:
        self.worked.append(seconds)


async def drained(queue: KeyedQueue, count: int) -> list[Key]:
    keys = []
    for _ in range(count):
        key = await asyncio.wait_for(queue.get(), 5)
        assert key is not None
        queue.done(key)
        keys.append(key)
    return keys


async def test_a_key_added_twice_runs_once() -> None:
    queue = KeyedQueue()
    for key in (A, B, A):
        queue.add(key)
    assert len(queue) == 2
    assert await drained(queue, 2) == [A, B]
    assert len(queue) == 0


async def test_a_key_is_never_at_two_workers_and_runs_once_more_when_added_meanwhile() -> None:
    queue = KeyedQueue()
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert await drained(queue, 1) == [B]
    queue.done(A)
    assert await drained(queue, 1) == [A]
    assert len(queue) == 0


async def test_namespaces_take_turns() -> None:
    queue = KeyedQueue()
    for number in range(5000):
        queue.add(("noisy", str(number)))
    queue.add(C)
    queue.add(("three", "d"))
    assert set(await drained(queue, 3)) == {("noisy", "0"), C, ("three", "d")}


async def test_a_waiting_worker_wakes_up() -> None:
    queue = KeyedQueue()
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.add(A)
    queue.add(B)
    queue.add(C)
    assert sorted(filter(None, await asyncio.gather(*workers))) == [A, B, C]


async def test_a_cancelled_worker_takes_no_key_with_it() -> None:
    queue = KeyedQueue()
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await drained(queue, 1) == [A]


async def test_add_after_comes_when_due_and_not_before() -> None:
    queue = KeyedQueue()
    loop = asyncio.get_running_loop()
    started = loop.time()
    queue.add_after(A, 0.03)
    assert len(queue) == 0
    assert await drained(queue, 1) == [A]
    assert loop.time() - started >= 0.03


async def test_of_two_deadlines_the_earlier_one_wins() -> None:
    queue = KeyedQueue()
    queue.add_after(A, 60)
    queue.add_after(A, 0.01)
    queue.add_after(A, 60)
    assert await drained(queue, 1) == [A]
    assert not queue._timers


async def test_a_run_before_the_deadline_cancels_it() -> None:
    queue = KeyedQueue()
    queue.add_after(A, 0.01)
    queue.add(A)
    assert await drained(queue, 1) == [A]
    assert not queue._timers


async def test_add_after_nothing_is_now() -> None:
    queue = KeyedQueue()
    queue.add_after(A, 0)
    assert len(queue) == 1


async def test_backoff_grows_per_key_to_five_minutes_and_starts_afresh_after_forget() -> None:
    queue = KeyedQueue(backoff=EXACT)
    assert [queue.retry(A) for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert queue.retry(B) == 1
    queue.forget(A)
    assert queue.retry(A) == 1
    await queue.shutdown()


async def test_backoff_is_jittered() -> None:
    delays = {Backoff(base=1.0, cap=300.0).delay(5) for _ in range(50)}
    assert len(delays) > 10
    assert min(delays) >= 8.0
    assert max(delays) <= 16.0


async def test_shutdown_wakes_all_workers_and_waits_for_running_keys() -> None:
    queue = KeyedQueue()
    queue.add(A)
    assert await queue.get() == A
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    queue.add_after(B, 60)
    queue.add(A)
    stopping = asyncio.create_task(queue.shutdown())
    assert await asyncio.gather(*workers) == [None, None, None]
    assert not stopping.done()
    queue.done(A)
    await asyncio.wait_for(stopping, 5)
    queue.add(C)
    queue.retry(C)
    assert await queue.get() is None
    assert len(queue) == 0


async def test_metrics_tell_depth_adds_retries_and_durations() -> None:
    metrics = Metrics()
    queue = KeyedQueue(metrics=metrics)
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert await queue.get() == A
    assert queue.unfinished_seconds() >= 0
    assert queue.longest_running_seconds() >= 0
    queue.done(A)
    assert queue.longest_running_seconds() == 0
    queue.retry(A)
    assert (metrics.adds, metrics.retries, metrics.depths) == (2, 1, [1, 2, 1])
    assert len(metrics.waited) == len(metrics.worked) == 1
    await queue.shutdown()
    assert metrics.depths[-1] == 0
