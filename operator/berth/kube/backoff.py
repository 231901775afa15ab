"""Exponential backoff with jitter: the one formula behind every retry of this room."""

from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom

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
