"""Objects as they are read, with one value in the place of another that can never stand there."""

from collections.abc import Iterator
from random import Random
from typing import Any

from decide.drawing import pick
from verify.change import Path, changed

Json = dict[str, Any]

MAPS = ("matchLabels", "selector")
"""Objects whose keys are free, so that none is unknown."""
AMOUNTS = ("cpu", "memory")
"""Texts that may be numbers as well."""


def spoiled(random: Random, spec: Json) -> tuple[Json, Path]:
    """Return a spec with one value that is of the wrong type, an unknown word or an unknown field; and where."""
    path, value = pick(random, list(places(spec, ())))
    found: Json = changed(spec, path, _wrong(random, value, path))
    return found, path


def places(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield everything in a spec, with its path."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def _wrong(random: Random, value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        wrong: list[Any] = [7, "Unheard", [], True]
        return pick(
            random, wrong if path[-1] in MAPS else [*wrong, {**value, "unheard": 1}, {**value, "unheard": None}]
        )
    if isinstance(value, list):
        return pick(random, [7, "Unheard", {}, True, [7], [None], [{}]])
    if isinstance(value, bool):
        return pick(random, ["true", 1.5, [], {}])
    if isinstance(value, int):
        return pick(random, ["1", 1.5, [], {}])
    other = ["one", "-1", "1 Gi"] if path[-1] in AMOUNTS else [7]
    return pick(random, [*other, 1.5, [], {}, True, *(["Unheard"] if value in WORDS else [])])


WORDS = frozenset(
    [
        "Enforce",
        "Warn",
        "Audit",
        "Container",
        "Sandboxed",
        "Virtualized",
        "Confidential",
        "Shared",
        "Tenant",
        "Exclusive",
        "Open",
        "Isolated",
        "Trusted",
        "Restricted",
        "Untrusted",
        "Service",
        "Task",
        "Required",
        "Optional",
        "Hold",
        "Stop",
        "In",
        "NotIn",
        "Exists",
        "DoesNotExist",
    ]
)
"""Words of closed lists."""
