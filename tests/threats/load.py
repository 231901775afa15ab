"""All vectors: those written down in `vectors/`, and those that are computed."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from threats import computed
from threats.model import Check, Child, Json, Layer, Manifest, Request, Vector

FOLDER = Path(__file__).with_name("vectors")
GIVEN = {"id", "title", "refused", "says", "precedent", "who"}


@cache
def titles() -> dict[int, str]:
    """Return the title of every threat by its number."""
    return {each["threat"]: each["title"] for each in _threats()}


@cache
def vectors() -> tuple[Vector, ...]:
    """Return every vector, by threat. Raises ValueError when two are called the same or try the same."""
    found = [_vector(each["threat"], row, each.get("precedent", [])) for each in _threats() for row in each["vectors"]]
    found += computed.vectors()
    _distinct(found)
    return tuple(sorted(found, key=lambda vector: vector.threat))


def _threats() -> Iterator[Json]:
    for path in sorted(FOLDER.glob("*.yaml")):
        yield from yaml.safe_load(path.read_text())


def _vector(threat: int, row: Json, precedent: list[str]) -> Vector:
    what = {key: value for key, value in row.items() if key not in GIVEN}
    return Vector(
        id=f"T{threat}-{row['id']}",
        threat=threat,
        title=row["title"],
        layer=Layer(row["refused"]),
        says=row.get("says", ""),
        precedent=tuple(row.get("precedent", precedent)),
        who=row.get("who", "developer"),
        **_tried(what),
    )


def _tried(what: Json) -> dict[str, Any]:
    """Return what a row tries: the key that says of which sort it is, and the keys beside it."""
    if "ask" in what:
        method, path = what.pop("ask").split(" ", 1)
        content = what.pop("as", "merge")
        return {"request": Request(method, path, **what, content=content)}
    if "check" in what:
        return {"check": Check(what["check"], what.get("with", {}))}
    for by in ("verifier", "gateway", "operator"):
        if by in what:
            of = what.pop(by)
            return {"child": Child(of, by, what.pop("set", {}), **what)}
    absent = tuple(what.pop("absent", ()))
    return {"workload": Manifest(change=what.pop("set", {}), absent=absent, **what)}


def _distinct(found: list[Vector]) -> None:
    names: set[str] = set()
    tried: dict[str, str] = {}
    for vector in found:
        if vector.id in names:
            raise ValueError(f"two vectors are called {vector.id}: rename one")
        names.add(vector.id)
        child = vector.child and (vector.child.of, vector.child.by, vector.child.change, vector.child.bounds)
        what = repr((vector.who, vector.workload, vector.request, child, vector.check))
        if what in tried:
            raise ValueError(f"{vector.id} tries the same as {tried[what]}: remove one")
        tried[what] = vector.id
