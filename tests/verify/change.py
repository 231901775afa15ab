"""Objects with one value changed; what they are made of stays as it is."""

from typing import Any

Path = tuple[str | int, ...]
GONE: Any = object()
"""Stands for a field that is taken away."""


def changed(value: Any, path: Path, by: Any) -> Any:
    """Return a value with another one at a path, new fields included; everything beside the path is shared."""
    if not path:
        return by
    first, rest = path[0], path[1:]
    if isinstance(value, list):
        return [changed(each, rest, by) if number == first else each for number, each in enumerate(value)]
    if by is GONE and not rest:
        return {key: each for key, each in value.items() if key != first}
    return {**value, first: changed(value.get(first, {}), rest, by)}


def path_of(text: str) -> Path:
    """Return the path that a text such as `spec.containers.0.image` says."""
    return tuple(int(each) if each.isdigit() else each for each in text.split("."))
