"""The work queue: which key comes next. One worker per key, no duplicates, backoff per key, fair to namespaces."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from berth.kube.backoff import Backoff, Failures

# (namespace, name); the namespace is "" for cluster-scoped objects.
Key = tuple[str, str]


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Forget the call."""


class Clock(Protocol):
    """The part of an event loop the queue needs; every asyncio loop is one."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[Key], None], key: Key, /) -> Timer:
        """Call `callback(key)` at that time."""


class QueueMetrics(Protocol):
    """Where the queue reports; names and meanings of client-go's workqueue_* metrics, times in seconds."""

    def workqueue_depth(self, keys: int) -> None:
        """Set how many keys wait for a worker."""

    def workqueue_adds(self) -> None:
        """Count a key that was queued."""

    def workqueue_retries(self) -> None:
        """Count a key that was queued again because its work failed."""

    def workqueue_queue_duration(self, seconds: float) -> None:
        """Record how long a key waited for a worker."""

    def workqueue_work_duration(self, seconds: float) -> None:
        """Record how long a worker had a key."""


RETRY_BACKOFF: Final = Backoff(base=0.5, cap=300.0)


class KeyedQueue:
    """Keys waiting to be worked on; every operation is O(1), delayed ones O(log n).

    A key is handed to one worker at a time. Adding a key that waits already changes nothing; adding one that is being
    worked on makes it run once more afterwards. Namespaces take turns, so one with thousands of keys delays the others
    by one key each.
    """

    def __init__(
        self, *, backoff: Backoff = RETRY_BACKOFF, clock: Clock | None = None, metrics: QueueMetrics | None = None
    ) -> None:
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._metrics = metrics
        self._turns: deque[str] = deque()  # namespaces with a ready key, each once
        self._ready: dict[str, deque[Key]] = {}  # the keys of each of them, in order
        self._wanted: dict[Key, float] = {}  # keys that must run (again), and since when
        self._running: dict[Key, float] = {}  # keys at a worker, and since when
        self._timers: dict[Key, tuple[float, Timer]] = {}
        self._failures = Failures[Key](backoff)
        self._available = asyncio.Semaphore(0)  # one permit per ready key
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def __len__(self) -> int:
        """Return how many keys wait to run, also those that wait for their own previous run to end."""
        return len(self._wanted)

    def add(self, key: Key) -> None:
        """Run this key as soon as a worker is free."""
        if self._closed or key in self._wanted:
            return
        self._wanted[key] = self._clock.time()
        if key not in self._running:
            self._make_ready(key)
        if self._metrics is not None:
            self._metrics.workqueue_adds()
        self._report_depth()

    def add_after(self, key: Key, seconds: float) -> None:
        """Run this key in so many seconds; an earlier plan stays, and any run before then replaces this one."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.time() + seconds
        planned = self._timers.get(key)
        if self._closed or (planned is not None and planned[0] <= due):
            return
        self._cancel_timer(key)
        self._timers[key] = (due, self._clock.call_at(due, self._due, key))

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Run this key again after its backoff, which grows with every retry until `forget`; return the seconds.

        `at_least` is what the server asked to wait.
        """
        seconds = max(self._failures.again(key), at_least)
        if self._metrics is not None:
            self._metrics.workqueue_retries()
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """Start the backoff of this key afresh: its work succeeded, its input changed, or it is gone."""
        self._failures.forget(key)

    async def get(self) -> Key | None:
        """Wait for the next key; None means that the queue is shut down. Call `done` with the key when finished."""
        await self._available.acquire()
        if self._closed:
            self._available.release()  # wakes the next waiting worker
            return None
        return self._take()

    def done(self, key: Key) -> None:
        """Say that the worker is finished with this key. It runs once more if it was added meanwhile."""
        seconds = self._clock.time() - self._running.pop(key)
        if not self._closed and key in self._wanted:
            self._make_ready(key)
        if not self._running:
            self._idle.set()
        if self._metrics is not None:
            self._metrics.workqueue_work_duration(seconds)

    async def shutdown(self) -> None:
        """Hand out and accept nothing any more, then wait for the keys that workers still have."""
        self._closed = True
        self._wanted.clear()
        self._report_depth()
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._available.release()
        await self._idle.wait()

    def unfinished_seconds(self) -> float:
        """Return the time spent so far on keys still at a worker, in sum (workqueue_unfinished_work_seconds)."""
        now = self._clock.time()
        return sum(now - started for started in self._running.values())

    def longest_running_seconds(self) -> float:
        """Return the longest of these times (workqueue_longest_running_processor_seconds): shows a stuck worker."""
        now = self._clock.time()
        return now - min(self._running.values(), default=now)

    def _make_ready(self, key: Key) -> None:
        namespace = key[0]
        keys = self._ready.get(namespace)
        if keys is None:
            keys = self._ready[namespace] = deque()
            self._turns.append(namespace)
        keys.append(key)
        self._available.release()

    def _take(self) -> Key:
        namespace = self._turns.popleft()
        keys = self._ready[namespace]
        key = keys.popleft()
        if keys:
            self._turns.append(namespace)
        else:
            del self._ready[namespace]
        self._cancel_timer(key)
        now = self._clock.time()
        waited = now - self._wanted.pop(key)
        self._running[key] = now
        self._idle.clear()
        if self._metrics is not None:
            self._metrics.workqueue_queue_duration(waited)
        self._report_depth()
        return key

    def _report_depth(self) -> None:
        if self._metrics is not None:
            self._metrics.workqueue_depth(len(self._wanted))

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)

    def _cancel_timer(self, key: Key) -> None:
        planned = self._timers.pop(key, None)
        if planned is not None:
            planned[1].cancel()
