"""Reads the lines of a watch: of any length, many at a time, and never waiting for a connection that is gone."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import aiohttp

_SESSION_CHECK: Final = 1.0


async def lines(
    response: aiohttp.ClientResponse, session: aiohttp.ClientSession, silence: float, gather: float = 0.0
) -> AsyncGenerator[bytes]:
    """Yield complete lines; StreamReader.readline() gives up at 64 KiB, and objects may have 1.5 MB.

    What follows the last newline is a line cut off, and dropped. What comes within `gather` seconds after other lines
    is read together. Raises TimeoutError when nothing came for `silence` seconds, and aiohttp.ClientError when the
    connection broke or the session was closed.
    """
    parts: list[bytes] = []
    while chunk := await _chunk(response.content, session, silence):
        first, *others = chunk.split(b"\n")
        parts.append(first)
        for following in others:
            line = b"".join(parts)
            parts = [following]
            if line:
                yield line
        await leave_alone(response, gather)


async def _chunk(content: aiohttp.StreamReader, session: aiohttp.ClientSession, silence: float) -> bytes:
    # aiohttp 3.14.5 closes a connection under a reader without waking it, and drops its read timeout as well: without
    # this check a new login, which closes the old session, would leave every watch hanging for ever.
    left = silence
    while left > 0:
        step = min(left, _SESSION_CHECK)
        try:
            async with asyncio.timeout(step):
                return await content.readany()
        except TimeoutError:
            if session.closed:
                raise session_closed() from None
            left -= step
    raise TimeoutError(f"nothing came for {silence} s")


async def leave_alone(response: aiohttp.ClientResponse, tick: float) -> None:
    """Leave a connection unread until the next tick, which all connections share.

    A line that comes after a silence is handed on at once; those that follow it closely are handed on together. Woken
    for each of them, a process spends most of its time on warming up its caches ("interrupt moderation").
    """
    transport = response.connection.transport if response.connection is not None else None
    if not tick or transport is None:
        return
    transport.pause_reading()
    try:
        await asyncio.sleep(tick - asyncio.get_running_loop().time() % tick)
    finally:
        transport.resume_reading()


def session_closed() -> aiohttp.ClientError:
    """Return the error for a session that its owner closed."""
    return aiohttp.ClientConnectionError("the session is closed: a new login is under way")
