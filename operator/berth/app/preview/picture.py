"""What previews look at: the store with its views, and a row for each Workload, kept up to date as the store changes.

Looking at one Workload takes a third of a millisecond; a policy may concern thousands. So each is looked at once, and
again when something about it has changed: a little at a time, so that the process stays awake, and what is left when
somebody asks.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.app.rationing import what_runs
from berth.app.views import Look, Views
from berth.plan.move import obstacle
from berth.policy.compiled import Labels
from berth.policy.effective import Subject
from berth.policy.ledger import Ledger
from berth.world.records import Key
from berth.world.store import Store

log: Final = logging.getLogger(__name__)

_TICK_SECONDS: Final = 0.5
_WORK_SECONDS: Final = 0.1
"""Seconds of every tick that may be spent on looking."""
_AT_ONCE: Final = 20
"""Workloads that are looked at before others get their turn."""


@dataclass(frozen=True, slots=True)
class Row:
    """One Workload as policies see it, and where it runs."""

    key: Key
    subject: Subject
    labels: Labels
    """Labels of its namespace."""
    current: str | None
    """Class that runs it now."""
    stays: bool
    """Whether it would not move to another class by itself, for that would interrupt it."""
    queues: bool
    """Whether it waits for quota, as its status says."""


class Picture:
    """The rows of all Workloads, and what they hold of quotas. `stale` are the keys that must be looked at again."""

    def __init__(self, store: Store, views: Views, stale: set[Key], clock: Callable[[], float]) -> None:
        self.store = store
        self.views = views
        self.clock = clock
        self.rows: dict[Key, Row] = {}
        self.ledger = Ledger(0.0)
        self.complete = asyncio.Event()
        """Set once every Workload has been looked at."""
        self._stale = stale
        self._revision = (-1, -1)

    @property
    def unseen(self) -> int:
        """Return how many Workloads have never been looked at."""
        return len((self.store.workloads.keys() - self.rows.keys()) & self._stale)

    async def keep(self) -> None:
        """Look at everything, and then for ever at what changes."""
        while await self.refresh(_WORK_SECONDS):
            pass
        self.complete.set()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            await self.refresh(_WORK_SECONDS)

    async def refresh(self, seconds: float) -> bool:
        """Look at what has changed, for so long at most; return whether anything is left."""
        revision = (self.store.facts_revision, self.store.tenancy_revision)
        if revision != self._revision:
            self._revision = revision
            self._stale.update(self.store.workloads)
        deadline = monotonic() + seconds
        while self._stale and monotonic() < deadline:
            for key in list(islice(self._stale, _AT_ONCE)):
                self._stale.discard(key)
                self._look(key)
            await asyncio.sleep(0)
        return bool(self._stale)

    def _look(self, key: Key) -> None:
        try:
            look = self.views.look(key)
        except Exception:
            log.exception("%s cannot be looked at", "/".join(key))
            look = None
        charge = None
        if isinstance(look, Look):
            self.rows[key] = _row(look)
            charge = what_runs(look, self.store)
        else:
            self.rows.pop(key, None)
        if charge is None:
            self.ledger.release(key)
        else:
            self.ledger.ask(charge, (), self.clock())  # without limits whatever runs is held


def _row(look: Look) -> Row:
    return Row(
        key=look.workload.key,
        subject=look.policy_subject,
        labels=look.namespace_labels,
        current=look.current,
        stays=bool(look.runs) and obstacle(look.runs, Backend.POD, look.spec) is not None,
        queues=look.status.get("reason") == Reason.WAITING_FOR_QUOTA,
    )
