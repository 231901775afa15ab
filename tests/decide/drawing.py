"""How random values are drawn: every draw takes a `random.Random` and nothing else."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

NAMES = ("c0", "c1", "c2", "c3")
"""Of the classes that there may be."""


def pick(random: Random, values: Sequence[T]) -> T:
    """Return one of some values."""
    return values[int(random.random() * len(values))]


def often(random: Random, usual: T, unusual: Callable[[Random], T], odds: float = 0.25) -> T:
    """Return the usual value three times of four: a world where everything is odd fits nothing and proves nothing."""
    return unusual(random) if random.random() < odds else usual


def some(random: Random, values: Sequence[T], most: int) -> list[T]:
    """Return some of these values, each at most once, in any order."""
    return random.sample(values, int(random.random() * (most + 1)))
