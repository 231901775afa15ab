"""Values are written as the API server stores them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.api.container import EnvVar
from berth.api.quantity import amount, parse
from berth.render.fields import canonical, present, written
from berth.render.model import Unrenderable
from render.specs import STORED

QUANTITIES = st.one_of(
    st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,4})?([eE][0-9]|m|k|Ki|M|Mi|G|Gi|T|Ti)?", fullmatch=True),
    # Whole thousands that are written in binary units, such as 62.5Ki.
    st.integers(9, 10**6).map(lambda eighths: f"{eighths / 8}Ki"),
)


@pytest.mark.parametrize(("given_text", "stored"), STORED)
def test_canonical(given_text: str, stored: str) -> None:
    """Every unit and every rounding."""
    assert canonical(given_text) == stored


@pytest.mark.parametrize("quantity", ["9223372036854775808", "16E", "8Ei", "1e40"])
def test_more_than_64_bits(quantity: str) -> None:
    """What the API server would cap or not by its own ways of counting is refused."""
    with pytest.raises(Unrenderable, match="lower it"):
        canonical(quantity)


def test_canonical_number() -> None:
    """Manifests may give a bare number."""
    assert canonical(4) == "4"


@given(QUANTITIES)
def test_canonical_keeps_the_value(quantity: str) -> None:
    """The canonical form means the same, rounded up, and is its own canonical form."""
    once = canonical(quantity)
    if "e-" not in once:  # a negative exponent, which Berth does not read
        assert amount(once) == amount(quantity)
        assert parse(once) >= parse(quantity)
        assert canonical(once) == once


def test_present() -> None:
    """None and empty lists are absent; zero, False and empty objects are values."""
    assert present({"a": None, "b": [], "c": 0, "d": False, "e": {}}) == {"c": 0, "d": False, "e": {}}


def test_written_drops_what_the_api_server_drops() -> None:
    """An empty value of an environment variable is not stored."""
    assert written(EnvVar(name="A", value="")) == {"name": "A"}
