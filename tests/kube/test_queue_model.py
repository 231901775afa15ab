"""The work queue against a model so simple that it is plainly right: any order of operations, on made-up time."""

from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from berth.kube.backoff import Backoff
from berth.kube.queue import Key, KeyedQueue

KEYS = [(namespace, name) for namespace in ("one", "two", "three") for name in ("a", "b", "c")]
keys = st.sampled_from(KEYS)
BACKOFF = Backoff(base=1.0, cap=300.0, uniform=lambda _, high: high)


class Planned:
    """A call planned on the made-up clock."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forget the call."""
        self.call = None


class MadeUpTime:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.plan: list[tuple[float, Planned]] = []

    def time(self) -> float:
        """Return the made-up time."""
        return self.now

    def call_at(self, when: float, callback: Callable[[Key], None], key: Key, /) -> Planned:
        """Plan a call."""
        planned = Planned(lambda: callback(key))
        self.plan.append((when, planned))
        return planned

    def go(self, seconds: float) -> None:
        """Let time pass and make the calls that are due."""
        self.now += seconds
        due = sorted((entry for entry in self.plan if entry[0] <= self.now), key=lambda entry: entry[0])
        self.plan = [entry for entry in self.plan if entry[0] > self.now]
        for _, planned in due:
            if planned.call is not None:
                planned.call()


def at_once(coroutine: Coroutine[Any, Any, Key | None]) -> Key | None:
    """Return the result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: Key | None = finished.value
        return result
    raise AssertionError("it had to wait")


class QueueModel(RuleBasedStateMachine):
    """Compares the queue with plain lists and dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = MadeUpTime()
        self.queue = KeyedQueue(clock=self.clock, backoff=BACKOFF)
        self.wanted: set[Key] = set()
        self.running: set[Key] = set()
        self.ready: dict[str, list[Key]] = {key[0]: [] for key in KEYS}
        self.due: dict[Key, float] = {}
        self.failures: dict[Key, int] = {}
        self.passed_over: dict[str, list[str]] = {key[0]: [] for key in KEYS}

    @rule(key=keys)
    def add(self, key: Key) -> None:
        """Add a key now."""
        self.queue.add(key)
        self._want(key)

    @rule(key=keys, seconds=st.integers(1, 20))
    def add_after(self, key: Key, seconds: int) -> None:
        """Add a key later."""
        self.queue.add_after(key, seconds)
        self._plan(key, seconds)

    @rule(key=keys)
    def retry(self, key: Key) -> None:
        """Plan a retry."""
        self.failures[key] = self.failures.get(key, 0) + 1
        seconds = min(300.0, 2.0 ** (self.failures[key] - 1))
        assert self.queue.retry(key) == seconds
        self._plan(key, seconds)

    @rule(key=keys)
    def forget(self, key: Key) -> None:
        """End the backoff of a key."""
        self.queue.forget(key)
        self.failures.pop(key, None)

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        """Let planned keys become due."""
        self.clock.go(seconds)
        for key, when in sorted(self.due.items(), key=lambda item: item[1]):
            if when <= self.clock.now:
                del self.due[key]
                self._want(key)

    @precondition(lambda self: any(self.ready.values()))
    @rule()
    def get(self) -> None:
        """Hand out a key: the oldest of its namespace, and no namespace is passed over twice for the same other one."""
        key = at_once(self.queue.get())
        assert key is not None
        assert key not in self.running
        assert key == self.ready[key[0]].pop(0)
        self.passed_over[key[0]].clear()
        for namespace, waiting in self.ready.items():
            if namespace != key[0] and waiting:
                assert key[0] not in self.passed_over[namespace]
                self.passed_over[namespace].append(key[0])
        self.wanted.remove(key)
        self.due.pop(key, None)
        self.running.add(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        """Finish a key."""
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.queue.done(key)
        self.running.remove(key)
        if key in self.wanted:
            self.ready[key[0]].append(key)

    @invariant()
    def counts_agree(self) -> None:
        """Depth, work in progress and plans are as the model says."""
        assert len(self.queue) == len(self.wanted)
        assert self.queue._available._value == sum(len(waiting) for waiting in self.ready.values())
        assert {key: due for key, (due, _) in self.queue._timers.items()} == self.due
        assert set(self.queue._running) == self.running

    def _want(self, key: Key) -> None:
        if key not in self.wanted:
            self.wanted.add(key)
            if key not in self.running:
                self.ready[key[0]].append(key)

    def _plan(self, key: Key, seconds: float) -> None:
        when = self.clock.now + seconds
        if when < self.due.get(key, float("inf")):
            self.due.pop(key, None)
            self.due[key] = when


TestQueueAgainstModel = QueueModel.TestCase
TestQueueAgainstModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
