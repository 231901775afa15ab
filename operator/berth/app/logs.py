"""Logs: one JSON object per line on standard error, with what the caller gives as `extra`."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_MAX_TEXT: Final = 4096


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; user text cannot break out of its string."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, logger, message, and every extra field."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:_MAX_TEXT],
            **{name: value for name, value in record.__dict__.items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-_MAX_TEXT:]
        # Not orjson: this one writes ASCII only, so no text can hold what a terminal acts on, and takes any number.
        return json.dumps(line, default=repr, skipkeys=True, separators=(",", ":"))


def configure(level: str) -> None:
    """Send all logs through `JsonLines`; quieten libraries that log every event."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kopf.objects", "kopf.activities", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
