"""A deadline for a tool as a whole: it ends with a message that names what does not run, whatever it waits for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ground import parts


@contextmanager
def deadline(minutes: float, what: str) -> Iterator[None]:
    """Bound a block of the main thread; raises TimeoutError in it, wherever it is by then.

    What is cleaned up on the way out has as long again.
    """

    def late(_: int, __: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, minutes * 60)
        raise TimeoutError(f"{what} did not end within {minutes:g} minutes{parts.ended()}")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
