"""`README.md` of the chart: what is written here, and the table of values."""

import json
from collections.abc import Iterator
from pathlib import Path

from chart.values import Value, leaves, values

TEXT = Path(__file__).with_name("README.md")
HEAD = ("Value", "Default", "Meaning")


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table."""
    for each in leaves(values()):
        yield f"`{each.path}`", _default(each), each.meaning


def _default(value: Value) -> str:
    if value.parts:
        return ""
    if isinstance(value.default, dict) and any(isinstance(each, dict) and each for each in value.default.values()):
        return ", ".join(f"`{name}`" for name in value.default)
    return f"`{json.dumps(value.default)}`"
