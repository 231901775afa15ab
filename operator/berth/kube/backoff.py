"""Exponential backoff with jitter: the one formula behind every retry."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final, Generic, TypeVar

K = TypeVar("K")

# (low, high) -> a number between them; tests pass a constant one.
Uniform = Callable[[float, float], float]

uniform: Uniform = SystemRandom().uniform

# 2**64 times any base is beyond any cap, and larger exponents only cost time.
_MAX_EXPONENT = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `base` up to `cap` (both in seconds), each shortened at random by up to half.

    The jitter keeps many clients that failed together from coming back together.
    """

    base: float
    cap: float
    uniform: Uniform = uniform

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after this many failures in a row (1 = the first failure)."""
        full = min(self.cap, self.base * 2.0 ** min(failures - 1, _MAX_EXPONENT))
        return full * self.uniform(0.5, 1.0)


AFTER_REFUSAL: Final = Backoff(base=15.0, cap=300.0)
"""Between tries of what the API server refused: mostly somebody has to change something first, and much of what
refuses cannot be watched."""


@dataclass(slots=True)
class Failures(Generic[K]):
    """How often in a row each of many things failed, and so how long it waits."""

    backoff: Backoff
    _in_a_row: dict[K, int] = field(default_factory=dict)

    def again(self, what: K) -> float:
        """Count one more failure; return the seconds to wait."""
        count = self._in_a_row[what] = self._in_a_row.get(what, 0) + 1
        return self.backoff.delay(count)

    def forget(self, what: K) -> None:
        """Start afresh: it has succeeded, is another one now, or is gone."""
        self._in_a_row.pop(what, None)
