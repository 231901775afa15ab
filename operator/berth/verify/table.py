"""How objects are judged: a table names every field of a type and says how each is judged. All others are refused."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from reprlib import Repr
from typing import Any, Final

from berth.verify.model import Violation
from berth.verify.rules import WHY, Rule

Complaint = str | None
"""What is wrong with a value; None when nothing is."""
Within = Any
"""Bounds of the children of a Workload, or of a tenant's quota: every check knows which."""
Check = Callable[[Any, Within], Complaint]
Absent = Callable[[Within], Complaint]

_LONGEST: Final = 240
_SHORT: Final = Repr()
_SHORT.maxlevel = _SHORT.maxdict = _SHORT.maxlist = 8
_SHORT.maxstring = _SHORT.maxother = 120


class How(StrEnum):
    """How a field is judged."""

    ALLOW = "allow"
    """By its shape alone: the author says what stands there."""
    DERIVE = "derive"
    """It must be what follows from the bounds."""
    DENY = "deny"
    """It must not be there."""
    INSIDE = "inside"
    """Its own fields are judged each."""


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is judged."""

    how: How
    rule: Rule
    check: Check | None = None
    inner: "Table | None" = None
    each: bool = False
    """Whether `inner` judges every item of a list."""
    absent: Absent | None = None
    """What is wrong when it is not there; None when it may be left out."""


@dataclass(frozen=True, slots=True)
class Table:
    """Every field of one type. What it does not name breaks `unknown`."""

    fields: Mapping[str, Field]
    demanded: tuple[tuple[str, Field], ...]
    """Fields that may have to be there."""
    unknown: Rule = Rule.UNKNOWN


def table(
    fields: Mapping[str, Field], *, deny: Mapping[Rule, tuple[str, ...]] | None = None, unknown: Rule = Rule.UNKNOWN
) -> Table:
    """Return a table of these fields, and of those that are denied, by the rule that each would break."""
    denied = {name: _deny(name, rule) for rule, names in (deny or {}).items() for name in names}
    demanded = tuple((name, field) for name, field in fields.items() if field.absent)
    return Table({**fields, **denied}, demanded, unknown)


def allow(check: Callable[[Any], Complaint], rule: Rule = Rule.SHAPE) -> Field:
    """Return a field that the author may set: only its shape is looked at."""
    return Field(How.ALLOW, rule, check=lambda value, _: check(value))


def derive(rule: Rule, check: Check, absent: Absent | None = None) -> Field:
    """Return a field that must agree with the bounds."""
    return Field(How.DERIVE, rule, check=check, absent=absent)


def exactly(rule: Rule, expected: Callable[[Any], Any]) -> Field:
    """Return a field that must be what `expected` returns, and must not be there when that is None."""

    def check(value: Any, bounds: Within) -> Complaint:
        wanted = expected(bounds)
        if wanted is None:
            return "is set, but nothing asks for it: remove it"
        return None if same(value, wanted) else f"is {shown(value)}: set it to {shown(wanted)}"

    def absent(bounds: Within) -> Complaint:
        wanted = expected(bounds)
        return None if wanted is None else f"is missing: set it to {shown(wanted)}"

    return derive(rule, check, absent)


def always(rule: Rule, wanted: Any) -> Field:
    """Return a field that is the same in every child."""
    return exactly(rule, lambda _: wanted)


def only(rule: Rule, wanted: Any) -> Field:
    """Return a field that may be left out, and else is this."""

    def check(value: Any, _: Within) -> Complaint:
        return None if same(value, wanted) else f"is {shown(value)}: set it to {shown(wanted)}, or remove it"

    return derive(rule, check)


def inside(inner: Table, needed: str | None = None) -> Field:
    """Return a field with fields of its own; `needed` says what is wrong without it."""
    return Field(How.INSIDE, Rule.SHAPE, inner=inner, absent=_needed(needed))


def each(inner: Table, needed: str | None = None, *, check: Check | None = None, rule: Rule = Rule.SHAPE) -> Field:
    """Return a list whose items have fields of their own; `needed` says what is wrong without it.

    `check` is put to the whole list first, by `rule`, for what its items must be to each other.
    """
    return Field(How.INSIDE, rule, check=check, inner=inner, each=True, absent=_needed(needed))


def walk(judged: Table, value: Any, path: str, bounds: Within) -> Iterator[Violation]:
    """Yield what is wrong with an object and with everything in it."""
    if type(value) is not dict:
        yield Violation(path, Rule.SHAPE, f"is {kind_of(value)}: make it an object")
        return
    fields = judged.fields
    for name, found in value.items():
        field = fields.get(name)
        if field is None:
            yield Violation(_at(path, name), judged.unknown, _unknown(name))
        elif field.check and (complaint := field.check(found, bounds)):
            yield Violation(_at(path, name), field.rule, complaint)
        elif field.inner:
            yield from _inside(field, field.inner, found, _at(path, name), bounds)
    for name, field in judged.demanded:
        if name not in value and field.absent and (complaint := field.absent(bounds)):
            yield Violation(_at(path, name), field.rule, complaint)


def _inside(field: Field, inner: Table, value: Any, path: str, bounds: Within) -> Iterator[Violation]:
    if not field.each:
        yield from walk(inner, value, path, bounds)
    elif type(value) is not list:
        yield Violation(path, Rule.SHAPE, f"is {kind_of(value)}: make it a list")
    elif not value and field.absent and (complaint := field.absent(bounds)):
        yield Violation(path, field.rule, complaint)
    else:
        for number, item in enumerate(value):
            yield from walk(inner, item, f"{path}[{number}]", bounds)


def same(value: Any, wanted: Any) -> bool:
    """Return whether two values are equal and of the same types: 0 is not False."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict) and value.keys() == wanted.keys() and all(same(value[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(same, value, wanted))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def shown(value: Any) -> str:
    """Return a value as it may stand in a message, however long or deep it is."""
    text = _SHORT.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def kind_of(value: Any) -> str:
    """Return what kind of JSON value something is: the value itself may be a secret."""
    return "null" if value is None else f"of type {type(value).__name__}"


def _deny(name: str, rule: Rule) -> Field:
    complaint = f"{name} {WHY[rule]}: remove it"
    return Field(How.DENY, rule, check=lambda _value, _bounds: complaint)


def _needed(complaint: str | None) -> Absent | None:
    return (lambda _: complaint) if complaint else None


def _at(path: str, name: Any) -> str:
    if not isinstance(name, str) or "." in name:
        return f"{path}[{name!r}]"
    return f"{path}.{name}" if path else name


def _unknown(name: Any) -> str:
    return f"{shown(name)} is not known here, and what is not known is refused: remove it, or classify it first"
