"""Where the ground keeps what it builds and runs: outside the checkout, under one folder."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def folder() -> Path:
    """Return the cache folder: $BERTH_CACHE, else $XDG_CACHE_HOME/berth, else ~/.cache/berth."""
    if own := os.environ.get("BERTH_CACHE"):
        return Path(own).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "berth"


@contextmanager
def lock(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold an exclusive lock on a file; call `waiting` once when another process has it. Freed also when this dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
