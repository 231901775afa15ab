"""Which of the two formats of a scrape a client asks for (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

_OPEN: Final = ("application/openmetrics-text", frozenset({"", "1.0.0"}))
_TEXT: Final = ("text/plain", frozenset({"", "0.0.4"}))


class _Range(NamedTuple):
    """One media range of an Accept header, in small letters."""

    type: str
    version: str
    weight: float


def wants_open_metrics(accept: str) -> bool:
    """Return whether OpenMetrics is to be answered: the client wants it more than plain text, or names it as gladly.

    Who wants neither gets plain text, as one who says nothing: every client of Prometheus reads it.
    """
    ranges = list(_ranges(accept))
    open_weight, text_weight = _weight(ranges, *_OPEN), _weight(ranges, *_TEXT)
    named = any(each.type == _OPEN[0] for each in ranges)
    return open_weight > text_weight or (named and open_weight == text_weight > 0)


def _ranges(accept: str) -> Iterator[_Range]:
    """Yield what can be read of the header; what cannot is left out."""
    for each in accept.lower().split(","):
        kind, *given = (part.strip() for part in each.split(";"))
        parameters = {
            name.strip(): value.strip().strip('"') for name, _, value in (one.partition("=") for one in given)
        }
        try:
            weight = float(parameters.get("q", "1"))
        except ValueError:
            continue
        if 0 <= weight <= 1:
            yield _Range(kind, parameters.get("version", ""), weight)


def _weight(ranges: list[_Range], kind: str, versions: frozenset[str]) -> float:
    """Return the weight of the most specific range that a format is in, 0 for one that is in none."""
    family = f"{kind.partition('/')[0]}/*"
    places = {"*/*": 0, family: 1, kind: 2}
    fit = [each for each in ranges if each.type in places and each.version in versions]
    return max(((places[each.type], bool(each.version), each.weight) for each in fit), default=(0, False, 0.0))[2]
