"""The time that a picture shows."""

import re
from dataclasses import dataclass

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Window:
    """From when to when, in seconds since 1970."""

    start: float
    end: float

    def step(self, points: int, least: int) -> int:
        """Return whole seconds between two points, so that there are at most so many, and no less than `least`."""
        return max(least, -int(-(self.end - self.start) // max(points, 1)))

    def aligned(self, step: int) -> "Window":
        """Return the window at whole steps, so that the queries of all panels share their times."""
        return Window(self.start // step * step, self.end // step * step)


def seconds(text: str) -> int:
    """Return the seconds of a duration such as 30s, 5m or 1m30s; raises ValueError."""
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise ValueError(f"not a duration such as 30s, 5m or 1h: {text!r}")
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw])", text))


def moment(text: str, now: float) -> float:
    """Return a time that is given as seconds since 1970, as `now`, or as -15m before now; raises ValueError."""
    if text.removeprefix("now").startswith("-"):
        return now - seconds(text.removeprefix("now")[1:])
    return now if text == "now" else float(text)
