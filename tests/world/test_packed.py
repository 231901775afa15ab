"""Packed JSON gives back what went in, and equal values are equal bytes."""

from hypothesis import given
from hypothesis import strategies as st

from berth.world.packed import pack, unpack

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_was_packed_comes_back(value: object) -> None:
    assert unpack(pack(value)) == value


@given(st.dictionaries(st.text(), values))
def test_the_order_of_keys_makes_no_difference(value: dict[str, object]) -> None:
    assert pack(dict(reversed(value.items()))) == pack(value)


def test_what_is_longer_than_the_window_comes_back() -> None:
    long = {"text": "".join(chr(32 + n * n % 90) for n in range(100_000))}
    assert unpack(pack(long)) == long
    assert len(pack(long)) < 100_000
