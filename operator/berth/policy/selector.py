"""Label selectors as in meta/v1, compiled to terms that all must hold."""

from collections.abc import Mapping
from typing import Final

from berth.api.selector import LabelSelector, SelectorOperator

Term = tuple[str, frozenset[str] | None, bool]
"""Key; values (None: only presence counts); whether the label must match, or must not."""

_WANTED: Final = {
    SelectorOperator.IN: True,
    SelectorOperator.NOT_IN: False,
    SelectorOperator.EXISTS: True,
    SelectorOperator.DOES_NOT_EXIST: False,
}
_BY_VALUE: Final = (SelectorOperator.IN, SelectorOperator.NOT_IN)


def terms(selector: LabelSelector | None) -> tuple[Term, ...]:
    """Compile a selector; one without any part selects everything.

    A comparison with no values selects everything as well: the API refuses it, and a policy must not fail open.
    """
    if selector is None:
        return ()
    compiled: list[Term] = [(key, frozenset((value,)), True) for key, value in (selector.match_labels or {}).items()]
    for each in selector.match_expressions or ():
        wanted = _WANTED[each.operator]
        if each.operator not in _BY_VALUE:
            compiled.append((each.key, None, wanted))
        elif each.values:
            compiled.append((each.key, frozenset(each.values), wanted))
    return tuple(compiled)


def selects(compiled: tuple[Term, ...], labels: Mapping[str, str]) -> bool:
    """Return whether all terms hold. As in meta/v1, NotIn holds for an absent key."""
    for key, values, wanted in compiled:
        present = key in labels if values is None else labels.get(key) in values
        if present is not wanted:
            return False
    return True
