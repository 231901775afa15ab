"""Reads objects from YAML or JSON that somebody else wrote: small, flat, and without what YAML can do beyond JSON."""

from typing import Any, Final

import yaml

_LARGEST: Final = 64 << 20
"""Characters: a List of ten thousand Workloads is smaller."""
_DEEPEST: Final = 100
"""Levels: no object of Kubernetes has half as many."""


class Unreadable(ValueError):  # noqa: N818  it says what the text is, not that Berth failed
    """A text that holds no objects. The message says what is wrong with it and how to put it right."""


def objects(text: str) -> list[dict[str, Any]]:
    """Return the objects of a text, those of a List each; raises Unreadable.

    Aliases are refused: with them a page of YAML stands for more than any memory holds, and kubectl writes none.
    """
    if len(text) > _LARGEST:
        raise Unreadable(f"{len(text) >> 20} MiB is no Workload: give fewer than {_LARGEST >> 20} MiB")
    try:
        _walk(text)
        found = yaml.load(text, Loader=_LOADER)  # noqa: S506  one of the safe loaders
    except yaml.YAMLError as error:
        raise Unreadable(f"this is neither YAML nor JSON: {_line(error)}. Give what kubectl prints") from error
    items = found.get("items", [found]) if isinstance(found, dict) else []
    if not isinstance(items, list) or not all(_is_object(each) for each in items):
        items = []
    if not items:
        raise Unreadable("nothing to explain: give a Workload as YAML or JSON")
    return items


_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _walk(text: str) -> None:
    """Look at a text without building anything from it; raise Unreadable for aliases and depth."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("the text has a YAML alias, which Kubernetes never writes: write its value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise Unreadable(f"the text is nested more than {_DEEPEST} levels deep: give a Workload")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _is_object(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("metadata"), dict) and "name" in found["metadata"]


def _line(error: yaml.YAMLError) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}..."  # noqa: PLR2004
