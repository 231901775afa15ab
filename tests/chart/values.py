"""`values.yaml` as it is commented: what each value is for, what it may be, and what it is by default."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import yaml

from ground.api import Json
from ground.chart import CHART

FILE = CHART / "values.yaml"
SCHEMA = "@schema "


@dataclass(frozen=True)
class Value:
    """One value; `parts` are those within it, unless it is one as a whole."""

    name: str
    path: str
    meaning: str
    default: Any
    schema: Json
    """What is said of it beside its type."""
    parts: tuple["Value", ...]


def values(text: str | None = None) -> tuple[Value, ...]:
    """Return all values. Raises ValueError for one without a comment."""
    source = FILE.read_text() if text is None else text
    return tuple(_within(yaml.compose(source, yaml.SafeLoader), yaml.safe_load(source), source.splitlines(), ""))


def leaves(found: tuple[Value, ...]) -> Iterator[Value]:
    """Yield every value that holds no other, and those above it before it."""
    for each in found:
        yield each
        yield from leaves(each.parts)


def _within(node: Any, default: Json, lines: list[str], above: str) -> Iterator[Value]:
    for key, inner in node.value:
        name, path = key.value, f"{above}{key.value}"
        meaning, schema = _comment(lines, key.start_mark.line, path)
        whole = schema or not isinstance(default[name], dict)
        parts = () if whole else tuple(_within(inner, default[name], lines, f"{path}."))
        yield Value(name, path, meaning, default[name], schema, parts)


def _comment(lines: list[str], number: int, path: str) -> tuple[str, Json]:
    """Return what stands right above a line: what it means, and its schema."""
    above = takewhile(lambda line: line.startswith("#"), (line.strip() for line in reversed(lines[:number])))
    comment = [line.removeprefix("#").strip() for line in reversed(list(above))]
    meaning = " ".join(line for line in comment if not line.startswith(SCHEMA))
    if not meaning:
        raise ValueError(f"{path} of values.yaml has no comment that says what it is for")
    said = [line.removeprefix(SCHEMA) for line in comment if line.startswith(SCHEMA)]
    return meaning, yaml.safe_load(said[0]) if said else {}
