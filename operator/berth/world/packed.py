"""JSON kept small: thousands of specs and statuses that are read once in a while, and compared as bytes."""

import zlib
from functools import lru_cache
from typing import Any, Final

import orjson

_WINDOW_BITS: Final = -12
"""A window of 4 KiB and no checksum: one object is hardly longer, and setting up a larger one costs ten times more."""
_MEMORY_LEVEL: Final = 6


def pack(value: object) -> bytes:
    """Return a JSON-like value as compressed bytes; equal values give equal bytes, whatever the order of their keys."""
    return _deflated(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=256)  # while an object starts, what is kept of it comes again and again
def _deflated(content: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return compressor.compress(content) + compressor.flush()


def unpack(content: bytes) -> Any:
    """Return the value that `pack` was given."""
    return orjson.loads(zlib.decompress(content, _WINDOW_BITS))
