"""The class isolates at least as strongly as is required."""

from dataclasses import replace

import pytest

from berth.api.levels import IsolationLevel
from berth.decide.model import Outcome
from berth.decide.rules.level import level
from decide.builders import needing, pods

LEVELS = list(IsolationLevel)


@pytest.mark.parametrize("has", LEVELS)
@pytest.mark.parametrize("wants", LEVELS)
def test_exactly_the_levels_from_the_required_one_up_fit(has: IsolationLevel, wants: IsolationLevel) -> None:
    verdict = level(needing(wants), pods(level=has))
    assert (verdict is None) == (LEVELS.index(has) >= LEVELS.index(wants))


def test_it_says_who_requires_what_and_what_to_do() -> None:
    verdict = level(needing("Virtualized"), pods(level="Sandboxed"))
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert verdict.message == (
        "Sandboxed is below Virtualized, required by IsolationPolicy pci (cardholder data):"
        " use a class of level Virtualized or above"
    )


def test_an_unknown_level_is_an_error_and_so_a_refusal() -> None:
    with pytest.raises(AttributeError):
        level(needing("Virtualized"), replace(pods(), level="Strong"))  # type: ignore[arg-type]
