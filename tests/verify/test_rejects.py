"""Whatever differs from what is rendered, in one field, in a way that matters, may not be written: none of thousands."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from berth.verify.check import verify
from berth.verify.model import Violation
from verify import mutants
from verify.mutants import Mutant

GROUPS: dict[str, Callable[[], Iterator[Mutant]]] = {
    "fields that are never written": mutants.never_written,
    "foreign values": mutants.foreign_values,
    "changed values": mutants.changed_values,
    "unknown fields": mutants.unknown_fields,
    "missing fields": mutants.missing_fields,
    "steering metadata": mutants.steering,
    "wrong shapes": mutants.wrong_shapes,
}
CROSSING = [name for name in GROUPS if name != "wrong shapes"]
"""Those that would cross Pod Security or tenancy if they were written."""


@cache
def judged(group: str) -> list[tuple[Mutant, tuple[Violation, ...]]]:
    return [(mutant, verify(mutant.body, mutant.bounds)) for mutant in GROUPS[group]()]


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutant_is_refused(group: str) -> None:
    assert [str(mutant) for mutant, found in judged(group) if not found][:20] == []


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutant_is_refused_for_what_was_changed(group: str) -> None:
    """Refused for anything else, the change itself might pass elsewhere."""
    assert [str(mutant) for mutant, found in judged(group) if not any(near(each, mutant) for each in found)][:20] == []


def near(violation: Violation, mutant: Mutant) -> bool:
    if violation.path == "kind":  # a kind is what apiVersion and kind say together
        return mutant.where in {"apiVersion", "kind"}
    return violation.path.startswith(mutant.where) or mutant.where.startswith(violation.path)


def test_there_are_thousands_of_them() -> None:
    """A generator that yields nothing would pass all tests above."""
    counts = {name: len(judged(name)) for name in GROUPS}
    print(counts, "crossing:", sum(counts[name] for name in CROSSING))
    assert sum(counts[name] for name in CROSSING) >= 5000
    assert min(counts.values()) >= 100
