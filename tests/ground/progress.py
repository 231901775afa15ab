"""How far a number of builds has come, and about how long the rest will take."""

from collections.abc import Sequence
from dataclasses import dataclass, field

SECONDS = {
    "etcd": 45.0,
    "kwok": 85.0,
    "kwokctl": 13.0,
    "kube-apiserver": 280.0,
    "kube-controller-manager": 89.0,
    "kube-scheduler": 10.0,
    "kubectl": 21.0,
    "prometheus": 320.0,
    "promtool": 17.0,
    "helm": 83.0,
}
"""Measured on two cores with empty caches, in this order: what several share is built with the first of them."""
OTHER_SECONDS = 30.0
MINUTE = 60.0


@dataclass
class Progress:
    """Builds of some programs, one after another. This machine's pace is taken from those that are done."""

    names: Sequence[str]
    done: dict[str, float] = field(default_factory=dict)
    """Seconds that each took here."""

    def line(self, elapsed: float) -> str:
        """Return how far it is, `elapsed` seconds after the start of the next one: `3 of 8, about 4 minutes more`."""
        return f"{len(self.done) + 1} of {len(self.names)}, {words(self.left(elapsed))}"

    def left(self, elapsed: float) -> float:
        """Return about how many seconds are left, `elapsed` seconds after the start of the next one."""
        current, *later = (SECONDS.get(each, OTHER_SECONDS) for each in self.names[len(self.done) :])
        past = sum(SECONDS.get(each, OTHER_SECONDS) for each in self.done)
        spent = sum(self.done.values())
        pace = spent / past if past else 1.0
        if elapsed > current * pace:  # slower than thought: so will be the rest
            pace = (spent + elapsed) / (past + current)
        return max(0.0, current * pace - elapsed) + sum(later) * pace


def words(seconds: float) -> str:
    """Return a time that is left, to the minute."""
    minutes = round(seconds / MINUTE)
    if minutes < 1:
        return "less than a minute more"
    return f"about {minutes} minute{'s' if minutes > 1 else ''} more"
