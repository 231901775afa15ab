"""How many running workloads are moved at one time: those of a tenant, and all together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from berth.world.records import Key


@dataclass(frozen=True, slots=True)
class Turn:
    """How many may be moved at one time among the workloads of some namespaces."""

    whose: str
    """For people: `Tenant acme`."""
    most: int
    namespaces: frozenset[str] | None = None
    """None stands for all."""

    def concerns(self, key: Key) -> bool:
        """Return whether a workload counts."""
        return self.namespaces is None or key[0] in self.namespaces


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that is under way."""

    from_class: str
    to_class: str
    since: float
    """When it began, in seconds since the epoch."""


class Turns:
    """Who is being moved, and who waits for a turn, the longest first. It is used from one thread."""

    def __init__(self) -> None:
        self.moving: dict[Key, Moving] = {}
        self._waiting: dict[Key, None] = {}

    def take(self, key: Key, turns: Iterable[Turn], move: Moving) -> str | None:
        """Let a workload move, or return why it has to wait. One that goes elsewhere on its way began when it began."""
        for turn in turns:
            others = sum(turn.concerns(each) for each in self.moving.keys() - {key})
            if others >= turn.most:
                self._waiting.setdefault(key)
                return f"{others} Workloads of {turn.whose} are being moved, which is the most at one time"
        self._waiting.pop(key, None)
        begun = self.moving.get(key, move)
        self.moving[key] = replace(move, from_class=begun.from_class, since=begun.since)
        return None

    def end(self, key: Key) -> bool:
        """Note that a workload is not being moved and does not wait; return whether others may have waited for it."""
        self._waiting.pop(key, None)
        return self.moving.pop(key, None) is not None and bool(self._waiting)

    def waiting(self) -> tuple[Key, ...]:
        """Return who waits, the longest first."""
        return tuple(self._waiting)
