"""Reads the lines of a watch: of any length, and never waiting for a connection that is gone."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import aiohttp

_SESSION_CHECK: Final = 1.0


async def lines(content: aiohttp.StreamReader, session: aiohttp.ClientSession, silence: float) -> AsyncGenerator[bytes]:
    """Yield complete lines; StreamReader.readline() gives up at 64 KiB, and objects may have 1.5 MB.

    What follows the last newline is a line cut off, and dropped. Raises TimeoutError when nothing came for `silence`
    seconds, and aiohttp.ClientError when the connection broke or the session was closed.
    """
    parts: list[bytes] = []
    while chunk := await _chunk(content, session, silence):
        first, *others = chunk.split(b"\n")
        parts.append(first)
        for following in others:
            line = b"".join(parts)
            parts = [following]
            if line:
                yield line


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


def session_closed() -> aiohttp.ClientError:
    """Return the error for a session that its owner closed."""
    return aiohttp.ClientConnectionError("the session is closed: a new login is under way")
