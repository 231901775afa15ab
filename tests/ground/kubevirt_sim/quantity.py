"""Kubernetes quantities to and from numbers."""

from decimal import ROUND_CEILING, Decimal

FACTORS = {
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    "m": Decimal("0.001"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
    "": Decimal(1),
}


def amount(quantity: str | float) -> Decimal:
    """Return the number a quantity stands for; raises decimal.InvalidOperation for what is none."""
    text = str(quantity)
    for unit in sorted(FACTORS, key=len, reverse=True):
        if unit and text.endswith(unit):
            return Decimal(text.removesuffix(unit)) * FACTORS[unit]
    return Decimal(text)


def whole(number: Decimal) -> int:
    """Round up, as Kubernetes does with bytes."""
    return int(number.to_integral_value(ROUND_CEILING))


def binary(number: int) -> str:
    """Write bytes as Kubernetes does: by the largest power of 1024 that divides them."""
    for unit in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        if number and number % int(FACTORS[unit]) == 0:
            return f"{number // int(FACTORS[unit])}{unit}"
    return str(number)
