"""Leader election by a Lease: of all replicas that run an elector, at most one leads at any time.

Expiry is judged by the local monotonic clock since the record last changed, never by comparing wall clocks of machines.
The leader gives up on its own `duration - renew_deadline` seconds before another can take over.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from time import monotonic
from typing import Any, Final

from berth.kube import errors
from berth.kube.backoff import Uniform, uniform
from berth.kube.client import Client, Obj
from berth.kube.resources import LEASES

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Seconds of an election. client-go's are 15, 10 and 2: too short for an API server that is short of processors."""

    duration: float = 60.0  # without renewal for that long, others may take the lease
    renew_deadline: float = 40.0  # without renewal for that long, the leader stops
    retry_period: float = 5.0  # between attempts to take or renew


DEFAULT_TIMING: Final = LeaseTiming()


class _RestoredError(Exception):
    """The Lease is older than it was: the API server's store was restored from a backup."""


class LeaderElector:
    """Takes the Lease, renews it, and says when it is lost.

    Run `run()` as a task; wait for `leading` or be told by `on_leading`, check `is_leader` before every write, from
    whatever thread. After a loss the process must exit at once (`on_lost` is called synchronously for that): it never
    leads again. The same where the store has
    gone back in time, whether it leads or not: watches that are ahead of the store tell nothing, and what was seen by
    them may not exist. Versions of one kind can be compared (KEP-5504), and reading the Lease asks etcd itself.
    `identity` must be unique per process. Give it a client of its own, so that a renewal never waits behind other
    requests.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        timing: LeaseTiming = DEFAULT_TIMING,
        on_leading: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        uniform: Uniform = uniform,
    ) -> None:
        self.leading = asyncio.Event()
        self.lost = asyncio.Event()
        self.transitions = 0
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing
        self._on_leading = on_leading
        self._on_lost = on_lost
        self._clock = clock
        self._now = now
        self._uniform = uniform
        self._turn = asyncio.Lock()  # a release waits for the attempt under way, which would undo it
        self._released = asyncio.Event()
        self._held_until = float("-inf")
        self._seen: Any = None  # the spec as last read, and since when it has been like that
        self._seen_since = 0.0
        self._version = 0  # the newest resourceVersion of a Lease so far

    @property
    def is_leader(self) -> bool:
        """Whether this process leads now; turns False by time alone, whatever blocks its event loop."""
        return self.leading.is_set() and self._clock() < self._held_until

    async def run(self) -> None:
        """Compete for the lease, then renew it; return when it is lost or released."""
        try:
            while not self._released.is_set():
                await self._attempt()
                if self.leading.is_set() and not self.is_leader:
                    return
                await self._rest()
            async with self._turn:  # what is being given up has been by then
                pass
        except _RestoredError:
            self.leading.clear()
            self._lose()
        finally:
            self._stop()

    async def release(self) -> None:
        """Hand the lease over on a graceful stop, so that another replica leads within one retry period; end `run()`.

        Call it after the last write. After an API failure the lease just expires.
        """
        self._released.set()
        async with self._turn:
            held = self._clock() < self._held_until
            self._held_until = float("-inf")
            self.leading.clear()
            if not held:
                return
            try:
                async with asyncio.timeout(self._timing.renew_deadline / 4):
                    await self._give_up()
            except (errors.ApiError, TimeoutError) as error:
                log.warning("the lease %s was not released and will expire: %r", self._name, error)

    async def _attempt(self) -> None:
        """Try once to take or renew. What is held counts from before the request: others count from after it."""
        async with self._turn:
            sent = self._clock()
            limit = self._timing.renew_deadline / 2
            if self.leading.is_set():
                limit = min(limit, self._held_until - sent)
            try:
                async with asyncio.timeout(limit):
                    held = await self._take_or_renew()
            except (errors.ApiError, TimeoutError) as error:
                log.warning("the lease %s could not be taken or renewed: %r", self._name, error)
                return
            self._held_until = sent + self._timing.renew_deadline if held else float("-inf")
            if held and not self._released.is_set() and not self.leading.is_set():
                log.info("%s leads by lease %s", self._identity, self._name)
                self.leading.set()
                self._on_leading()

    async def _take_or_renew(self) -> bool:
        try:
            lease = await self._client.get(LEASES, self._namespace, self._name)
        except errors.NotFound:
            self._newest(await self._client.create(LEASES, self._namespace, self._new_lease()))
            return True
        self._newest(lease)
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") not in {None, "", self._identity} and not self._expired(spec):
            return False
        renewed = self._record(spec)
        self._newest(await self._client.replace(LEASES, self._namespace, self._name, {**lease, "spec": renewed}))
        self.transitions = renewed["leaseTransitions"]
        return True

    def _newest(self, lease: Obj) -> None:
        """Note how new the store is; raises _RestoredError where it was newer already."""
        version = int(lease["metadata"]["resourceVersion"])
        if version < self._version:
            told = "lease %s has resourceVersion %s after %s: the store was restored; %s ends, to start over with it"
            log.error(told, self._name, version, self._version, self._identity)
            raise _RestoredError
        self._version = version

    def _expired(self, spec: Obj) -> bool:
        now = self._clock()
        if spec != self._seen:
            self._seen, self._seen_since = spec, now
        # A holder with a longer duration than ours counts on it.
        return now >= self._seen_since + max(self._timing.duration, spec.get("leaseDurationSeconds") or 0)

    def _record(self, previous: Obj) -> Obj:
        now = self._timestamp()
        mine = previous.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": ceil(self._timing.duration),
            "acquireTime": previous.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": (previous.get("leaseTransitions") or 0) + (0 if mine else 1),
        }

    def _new_lease(self) -> Obj:
        meta = {"name": self._name, "namespace": self._namespace}
        record = self._record({}) | {"leaseTransitions": 0}
        return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": meta, "spec": record}

    async def _give_up(self) -> None:
        lease = await self._client.get(LEASES, self._namespace, self._name)
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") == self._identity:
            spec = {**spec, "holderIdentity": "", "renewTime": self._timestamp()}
            await self._client.replace(LEASES, self._namespace, self._name, {**lease, "spec": spec})

    async def _rest(self) -> None:
        """Wait for the next attempt, or until the lease is released."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._released.wait()

    def _pause(self) -> float:
        pause = self._timing.retry_period * self._uniform(0.8, 1.2)
        return min(pause, max(0.0, self._held_until - self._clock())) if self.leading.is_set() else pause

    def _timestamp(self) -> str:
        # metav1.MicroTime: RFC 3339 with microseconds, in UTC
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _stop(self) -> None:
        led = self.leading.is_set()
        self.leading.clear()
        self._held_until = float("-inf")
        if led and not self._released.is_set():
            log.error("%s lost lease %s", self._identity, self._name)
            self._lose()

    def _lose(self) -> None:
        self.lost.set()
        self._on_lost()
