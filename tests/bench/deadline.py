"""Every wait of the bench has a deadline, and what it fails with names what is missing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ground import parts

_LEAST_SECONDS = 120.0
_SECONDS_EACH = 2.0


def patience(count: int) -> float:
    """Return the seconds within which so many Workloads come to be ready, or go, on a machine that is busy, too."""
    return _LEAST_SECONDS + _SECONDS_EACH * count


@asynccontextmanager
async def within(seconds: float, missing: Callable[[], str]) -> AsyncIterator[None]:
    """Bound what is awaited in a block; raises TimeoutError that says what is missing by then, and what does not run."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise TimeoutError(f"not within {seconds:g} s: {missing()}{parts.ended()}") from error


def listed(names: list[str], shown: int = 5) -> str:
    """Return how many there are, and the first ones."""
    more = ", ..." if len(names) > shown else ""
    return f"{len(names)}: {', '.join(names[:shown])}{more}"
