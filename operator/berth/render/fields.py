"""How values are written so that a live object compares equal to the rendered one.

The API server drops what is empty or zero where core/v1 says `omitempty`, and stores quantities in canonical form
(`k8s.io/apimachinery/pkg/api/resource`, Quantity.CanonicalizeBytes).
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any, Final

from berth.api.base import Model
from berth.api.quantity import parse
from berth.render.model import Object, Unrenderable

_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {-3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENT: Final = re.compile(r"[eE][0-9]+$", re.ASCII)
_MILLI: Final = Decimal("1e-3")
_LARGEST: Final = Decimal(2**63 - 1)
_KIBI: Final = 1024
_EXA: Final = 18


def present(fields: Object) -> Object:
    """Return the fields that are set: neither None nor an empty list."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def written(model: Model) -> Object:
    """Return a part of the API under the names that core/v1 and KubeVirt give it, without zero values."""
    return _nonzero(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def _nonzero(fields: Object) -> Object:
    pruned = ((name, _pruned(name, value)) for name, value in fields.items())
    return {name: value for name, value in pruned if value or isinstance(value, dict)}


def _pruned(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _nonzero(value)
    if isinstance(value, list) and name != "httpHeaders":  # a header may be empty, and must then say so
        return [_pruned("", item) for item in value]
    return value


@lru_cache(maxsize=4096)
def canonical(quantity: str | int) -> str:
    """Return a quantity as the API server stores it: `1000m` is `1`, `1024Mi` is `1Gi`, `1e4` is `10e3`.

    Parts of a thousandth are rounded up, as core/v1 does for resources. Raises Unrenderable for more than 64 bits hold,
    which the API server stores in ways of its own, and ValueError for what is no quantity.
    """
    text = str(quantity)
    if parse(text) > _LARGEST:
        raise Unrenderable(f"{text} is more than the {_LARGEST} that a quantity can be: lower it")
    value = parse(text).quantize(_MILLI, ROUND_CEILING)
    if text.endswith("i") and value >= _KIBI:
        value = value.to_integral_value(ROUND_CEILING)
        if value % _KIBI == 0:
            return _binary(int(value))
    number, exponent = _decimal(value)
    if _EXPONENT.search(text):
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_DECIMAL[exponent]}"


def _binary(value: int) -> str:
    power = 0
    while value % _KIBI == 0:
        value, power = value // _KIBI, power + 1
    return f"{value}{_BINARY[power]}"


def _decimal(value: Decimal) -> tuple[int, int]:
    """Return the least whole number, and the power of ten (a multiple of three) that it is counted in."""
    number, exponent = int(value.scaleb(3)), -3
    while number and number % 1000 == 0 and exponent < _EXA:
        number, exponent = number // 1000, exponent + 3
    return (number, exponent) if number else (0, 0)
