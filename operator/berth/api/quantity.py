"""Kubernetes quantities as integers: CPU in millicores, everything else in bytes or units.

Grammar and rounding (up) follow `k8s.io/apimachinery/pkg/api/resource`.
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Final

QUANTITY_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?([eE][0-9]+|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"
"""What Berth accepts: the API server's grammar without signs, bare points and n or u."""

_PARSE: Final = re.compile(
    r"^([0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$", re.ASCII
)
_SCALE: Final[dict[str | None, Decimal]] = {
    None: Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
_BINARY: Final = tuple((unit, 1024**power) for power, unit in reversed(list(enumerate(("Ki", "Mi", "Gi", "Ti"), 1))))


_MOST: Final = 1 << 58
"""More millicores or bytes (256Pi) than any cluster has. Larger quantities count as this much, so that the sum of a
pod's containers stays within 64 bits and `1e999999` costs nothing."""


@lru_cache(maxsize=4096)
def parse(quantity: str | int) -> Decimal:
    """Return the value of a quantity, exact unless it is infinite; raise ValueError for what is none."""
    match = _PARSE.match(str(quantity))
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity: write a number with m, k, M, G, Ki, Mi, Gi, ...")
    try:
        return Decimal(match[1]) * _SCALE[match[2]]
    except ArithmeticError:  # an exponent that no number can have
        return Decimal(0 if "-" in match[1] else "Infinity")


@lru_cache(maxsize=4096)
def millicores(quantity: str | int | None) -> int:
    """Return a CPU quantity in millicores, rounded up; 0 for None."""
    return 0 if quantity is None else _counted(parse(quantity), 1000)


@lru_cache(maxsize=4096)
def amount(quantity: str | int | None) -> int:
    """Return a quantity in whole units (bytes for memory), rounded up; 0 for None."""
    return 0 if quantity is None else _counted(parse(quantity))


def _counted(exact: Decimal, parts: int = 1) -> int:
    return min(int((min(exact, Decimal(_MOST)) * parts).to_integral_value(ROUND_CEILING)), _MOST)


def format_cpu(milli: int) -> str:
    """Return millicores in canonical form: `1500m`, `2`."""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def format_memory(size: int) -> str:
    """Return bytes in canonical form, with the largest binary unit that keeps it whole: `1536Mi`, `2Gi`."""
    for unit, scale in _BINARY:
        if size and size % scale == 0:
            return f"{size // scale}{unit}"
    return str(size)
