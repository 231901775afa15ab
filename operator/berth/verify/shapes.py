"""Shapes of values that authors choose: each returns what is wrong with a value, or None. None repeats the value."""

import re
from collections.abc import Callable
from typing import Any, Final

from berth.verify.table import Complaint, kind_of

Shape = Callable[[Any], Complaint]

_PORTS: Final = range(1, 65536)
_LONGEST_PORT_NAME: Final = 15
_LARGEST: Final = 2**31 - 1
_QUANTITY: Final = re.compile(
    r"[0-9]{1,32}(\.[0-9]{1,32})?([eE]-?[0-9]{1,3}|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?", re.ASCII
)


def text(value: Any) -> Complaint:
    """Text of any length."""
    return None if isinstance(value, str) else f"is {kind_of(value)}: make it a text"


def texts(value: Any) -> Complaint:
    """Return what keeps a value from being a list of texts."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return None
    return "is no list of texts: make it one"


def flag(value: Any) -> Complaint:
    """Return what keeps a value from being true or false."""
    return None if isinstance(value, bool) else f"is {kind_of(value)}: write true or false"


def count(least: int = 0) -> Shape:
    """Return the shape of whole numbers from `least` up."""

    def shape(value: Any) -> Complaint:
        if type(value) is int and least <= value <= _LARGEST:
            return None
        return f"is no whole number from {least} to {_LARGEST}: write one"

    return shape


def port(value: Any) -> Complaint:
    """Return what keeps a value from being the number of a port."""
    return None if type(value) is int and value in _PORTS else "is no number of a port: write one from 1 to 65535"


def port_reference(value: Any) -> Complaint:
    """Return what keeps a value from being a port by number or by name."""
    if isinstance(value, str):
        return None if 0 < len(value) <= _LONGEST_PORT_NAME else "is no name of a port: write at most 15 letters"
    return port(value)


def quantity(value: Any) -> Complaint:
    """Return what keeps a value from being an amount."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return None
    return "is no amount: write a number and a unit as text, such as 512Mi"


def one_of(*choices: str) -> Shape:
    """Return the shape of these words."""
    known = frozenset(choices)

    def shape(value: Any) -> Complaint:
        return None if isinstance(value, str) and value in known else f"is none of {', '.join(choices)}: choose one"

    return shape


def empty(value: Any) -> Complaint:
    """Return what keeps a value from being an object without fields."""
    return None if value == {} and isinstance(value, dict) else "has fields of its own: make it an empty object"


def relative_path(value: Any) -> Complaint:
    """Return what keeps a value from being a path that never leads up or out."""
    if isinstance(value, str) and value and not value.startswith("/") and ".." not in value.split("/"):
        return None
    return "leaves its folder: write a relative path without `..`"


def mount_path(value: Any) -> Complaint:
    """Return what keeps a value from being a path in a container below its root."""
    if isinstance(value, str) and value.startswith("/") and value.strip("/") and ":" not in value:
        return None
    return "is no path below the container's root: write an absolute one without `:`"
