"""JSON kept small: thousands of specs and statuses that are read once in a while, and compared as bytes."""

import zlib
from typing import Any, Final

import orjson

_WINDOW_BITS: Final = -12
"""A window of 4 KiB and no checksum: one object is hardly longer, and setting up a larger one costs ten times more."""
_MEMORY_LEVEL: Final = 6


def pack(value: object) -> bytes:
    """Return a JSON-like value as compressed bytes; equal values give equal bytes, whatever the order of their keys."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return compressor.compress(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)) + compressor.flush()


def unpack(content: bytes) -> Any:
    """Return the value that `pack` was given."""
    return orjson.loads(zlib.decompress(content, _WINDOW_BITS))
