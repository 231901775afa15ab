"""Tasks that run as long as their process: it is unhealthy when one of them ends."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Final

log: Final = logging.getLogger(__name__)


class Lasting:
    """The tasks of one process. `broken` says which of them ended by itself, if any."""

    def __init__(self) -> None:
        self.broken = ""
        self.stopping = False
        """Whether tasks may end from now on."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, forever: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Start tasks by name."""
        for name, each in forever.items():
            task = asyncio.create_task(each, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.stopping:
            self.broken = f"{task.get_name()} ended: {task.exception()!r}"
            log.error(self.broken, exc_info=task.exception())

    async def cancel(self) -> None:
        """End all tasks, and wait until they have."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
