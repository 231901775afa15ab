"""Whatever differs from what is rendered, in one field, in a way that matters, may not be written: none of thousands."""

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from berth.verify.check import verify
from berth.verify.kinds import KINDS
from berth.verify.model import Violation
from berth.verify.table import How, Table
from ground.crds import real_folder
from verify import mutants
from verify.mutants import Mutant, joined

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


@pytest.mark.skipif(real_folder() is None, reason="KubeVirt's own CRDs, which have all fields, are not at hand")
def test_every_classification_is_what_refuses_some_mutant_alone() -> None:
    """Were one field no longer denied or derived, or no longer demanded, one of the mutants would pass."""
    denied, demanded = set(), set()
    for group in CROSSING:
        for mutant, found in judged(group):
            if len(found) == 1:
                place = (mutant.child.split("/")[1], re.sub(r"\[\d+\]", "", found[0].path))
                (demanded if mutant.gone else denied).add(JUDGES.get(place))
    judges = {(id(table), name): (kind, path, table.fields[name]) for kind, path, table, name in judges_of_all()}
    ours = {key: where for key, where in judges.items() if where[2].how in {How.DENY, How.DERIVE}}
    assert sorted(where[:2] for key, where in ours.items() if key not in denied and where[1] not in ELSEWHERE) == []
    must = {key: where for key, where in judges.items() if where[2].absent}
    assert sorted(where[:2] for key, where in must.items() if key not in demanded and where[1] not in ELSEWHERE) == []


def judges_of_all() -> Iterator[tuple[str, str, Table, str]]:
    """Yield every field that is classified, at every place of every kind."""
    for (_, kind), whole in KINDS.items():
        pending = [("", whole)]
        while pending:
            path, table = pending.pop()
            for name, field in table.fields.items():
                below = joined(path, name)
                yield kind, below, table, name
                if field.inner:
                    pending.append((below, field.inner))


JUDGES = {(kind, path): (id(table), name) for kind, path, table, name in judges_of_all()}
ELSEWHERE = {
    "kind": "test_placement: a class of one backend never gets the other",
    "spec.ingress.from": "test_network: it depends on the bounds",
    "spec.maxUnavailable": "test_machines: a pool replaces one machine at a time",
}


def test_there_are_thousands_of_them() -> None:
    """A generator that yields nothing would pass all tests above."""
    counts = {name: len(judged(name)) for name in GROUPS}
    print(counts, "crossing:", sum(counts[name] for name in CROSSING))
    assert sum(counts[name] for name in CROSSING) >= 5000
    assert min(counts.values()) >= 100
