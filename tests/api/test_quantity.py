"""Quantities are counted quickly and within 64 bits, whatever authors write."""

import pytest

from berth.api.quantity import amount, millicores

MOST = 1 << 58


@pytest.mark.parametrize(
    ("text", "milli", "units"),
    [
        ("1500m", 1500, 2),
        ("1Gi", (1 << 30) * 1000, 1 << 30),
        ("256Pi", MOST, MOST),
        ("7Ei", MOST, MOST),
        ("99999999999999Ei", MOST, MOST),
        ("1e999999", MOST, MOST),
        ("1e99999999999999999999999999999", MOST, MOST),
        ("1e-9999999999999999999999999999", 0, 0),
        (None, 0, 0),
    ],
)
def test_what_is_more_than_any_cluster_has_counts_as_256_pi(text: str | None, milli: int, units: int) -> None:
    assert (millicores(text), amount(text)) == (milli, units)
