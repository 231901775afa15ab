"""Children with one field changed, each of which must never be written.

They come from the golden children and from the schemas that Kubernetes and KubeVirt ship, not from the tables of the
verifier: what it does not know of is among them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from berth.verify.container import root_allowed
from berth.verify.model import Bounds
from verify.bounds import Json, corpus
from verify.change import GONE, Path, changed
from verify.foreign import AUTHORED, FOREIGN, MISSING, STEERING, WHOLE
from verify.schemas import resolved, schema_of


@dataclass(frozen=True)
class Spot:
    """One object in a child, with its schema."""

    child: str
    body: Json
    bounds: Bounds
    path: Path
    value: Json
    type: str
    fields: Json | None
    """Fields that the schema has here; None for maps."""

    def parent(self) -> str:
        """Return the name of the field that this object, or the list that it is in, stands in."""
        return next((str(each) for each in reversed(self.path) if isinstance(each, str)), "")


@dataclass(frozen=True)
class Mutant:
    """A child with one field changed."""

    child: str
    body: Json
    bounds: Bounds
    where: str
    gone: bool
    """Whether the field was taken away."""

    def __str__(self) -> str:
        """Return where it was changed."""
        return f"{self.child}: {self.where}"


def spots() -> Iterator[Spot]:
    """Yield every object in every golden child."""
    for name, body, bounds in corpus():
        yield from spots_of(name, body, bounds)


def spots_of(name: str, body: Json, bounds: Bounds) -> Iterator[Spot]:
    """Yield every object in one child."""
    return _spots(name, body, bounds, (), body, schema_of(body["apiVersion"], body["kind"]))


def _spots(child: str, body: Json, bounds: Bounds, path: Path, value: Any, schema: Json) -> Iterator[Spot]:
    name, schema = resolved(schema, str(path[-1]) if path else "")
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _spots(child, body, bounds, (*path, number), item, schema.get("items", {}))
    if not isinstance(value, dict):
        return
    fields = schema.get("properties")
    yield Spot(child, body, bounds, path, value, name or _place(body["kind"], path), fields)
    for key, each in value.items():
        yield from _spots(child, body, bounds, (*path, key), each, (fields or {}).get(key, {}))


def _place(kind: str, path: Path) -> str:
    """Return where in a machine something is: the same in a machine and in a pool of them."""
    names = [each for each in path if isinstance(each, str)]
    inside = "virtualMachineTemplate" in names
    kind = "VirtualMachine" if inside else kind
    return ".".join((kind, *(names[2:] if inside else names)))


def never_written() -> Iterator[Mutant]:
    """Yield children with one field of the schema that no golden child has there."""
    everything = list(spots())
    written: dict[str, set[str]] = {}
    for spot in everything:
        written.setdefault(spot.type, set()).update(spot.value)
    for spot in everything:
        for name, schema in (spot.fields or {}).items():
            if name not in written[spot.type] | AUTHORED:
                yield _with(spot, name, _plausible(schema))


def _plausible(schema: Json) -> Any:
    schema = resolved(schema)[1]
    kind = schema.get("type", "string")
    kind = kind if isinstance(kind, str) else next(each for each in kind if each != "null")
    if kind == "array":
        return [_plausible(schema["items"])]
    return {"boolean": True, "integer": 1, "number": 1, "object": {}}.get(kind, "kube-system")


def foreign_values(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children with a value that is not theirs, where the schema has such a field."""
    for spot in given or spots():
        for name in spot.fields or ():
            for value in FOREIGN.get(name, []) + FOREIGN.get(f"{spot.parent()}.{name}", []):
                if repr(spot.value.get(name, GONE)) != repr(value):  # 0 is not False
                    yield _with(spot, name, value)
        yield from _not_asked_for(spot)


def _not_asked_for(spot: Spot) -> Iterator[Mutant]:
    """Yield children with what some may be, but not this one."""
    if spot.type.endswith(".PodSecurityContext"):
        yield _with(spot, "runAsNonRoot", GONE)
    if "dedicatedCpuPlacement" in (spot.fields or ()) and not spot.bounds.named.dedicated:
        yield _with(spot, "dedicatedCpuPlacement", True)
    for name, value in (("runAsUser", 0), ("runAsNonRoot", False), ("add", ["CHOWN"])):
        if name in (spot.fields or ()) and not root_allowed(spot.bounds):
            yield _with(spot, name, value)


def changed_values(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children with one part of a whole value changed or gone."""
    for spot in given or spots():
        if WHOLE.isdisjoint(each for each in spot.path if isinstance(each, str)):
            continue
        for name, value in spot.value.items():
            if not isinstance(value, dict | list):
                yield _with(spot, name, _other(value))
            yield _with(spot, name, GONE)


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}-other"


def unknown_fields(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children with a field or key that nobody knows, in every object and map."""
    for spot in given or spots():
        for name in ("brandNew", "x.example/y"):
            yield _with(spot, name, "1")


def missing_fields(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children that lack what they must have."""
    for spot in given or spots():
        for name in spot.value:
            if name in MISSING or f"{spot.parent()}.{name}" in MISSING:
                yield _with(spot, name, GONE)


def steering(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children with an annotation or label that somebody takes orders from: once for every kind of metadata."""
    seen = set()
    for spot in given or spots():
        place = (spot.body["kind"], len(spot.path))
        if spot.parent() == "metadata" and place not in seen:
            seen.add(place)
            for field in ("annotations", "labels"):
                for key in STEERING:
                    yield _with(spot, field, {**spot.value.get(field, {}), key: "true"})


def wrong_shapes(given: Iterable[Spot] = ()) -> Iterator[Mutant]:
    """Yield children with another kind of value in the place of every value."""
    for spot in given or spots():
        for name, value in spot.value.items():
            for other in (None, {"x": {"y": 1}}, [[{}]], 1.5):
                if type(other) is not type(value) or isinstance(value, dict | list):
                    yield _with(spot, name, other)


def _with(spot: Spot, name: str, value: Any) -> Mutant:
    path = (*spot.path, name)
    return Mutant(spot.child, changed(spot.body, path, value), spot.bounds, reduce(joined, path, ""), value is GONE)


def joined(path: str, name: str | int) -> str:
    """Return the path of a field or item as violations write it."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    if "." in name:
        return f"{path}[{name!r}]"
    return f"{path}.{name}" if path else name
