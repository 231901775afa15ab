"""Waiting in tests: on a condition, with a deadline, never for a fixed time."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as the condition is true; fail when it is not within so many seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.002)
