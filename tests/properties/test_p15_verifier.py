"""P15: the verifier accepts whatever is rendered, and refuses whatever differs from it in one field that matters."""

from collections.abc import Callable
from itertools import cycle
from random import Random
from typing import Final

from berth.verify.check import verify
from decide.drawing import pick
from properties.examples import EXAMPLES, SEED, for_all, told
from properties.specs import Scene, a_scene, children_of
from verify import mutants
from verify.bounds import bounds_of
from verify.mutants import Mutant, Spot

WAYS: Final = (
    mutants.foreign_values,
    mutants.changed_values,
    mutants.unknown_fields,
    mutants.missing_fields,
    mutants.steering,
    mutants.wrong_shapes,
)
EACH: Final = 40
"""Mutants of one rendered child, at most: so that thousands of children have some."""


@for_all(a_scene)
def test_p15_whatever_is_rendered_is_accepted(scene: Scene) -> bool:
    children = children_of(scene)
    if children is None:
        return False
    bounds = bounds_of(scene.subject, scene.facts)
    assert [str(found) for child in children for found in verify(child.body, bounds)] == []
    return True


def test_p15_whatever_differs_in_one_field_is_refused(record_property: Callable[[str, object], None]) -> None:
    """The fixed corpus of the verifier is refused as a whole in tests/verify; this one is new with every seed."""
    with told(record_property) as counts:
        random = Random(f"{SEED}/mutants")
        passed: list[str] = []
        while sum(counts) < EXAMPLES:
            found = some_mutants(random)
            passed += [str(mutant) for mutant in found if not verify(mutant.body, mutant.bounds)]
            counts.append(len(found))
            assert passed == [], f"BERTH_SEED={SEED}"
    assert sum(counts) >= EXAMPLES


def some_mutants(random: Random) -> list[Mutant]:
    """Return mutants of one rendered child, of every kind."""
    while (children := children_of(scene := a_scene(random))) is None:
        pass
    child = pick(random, children)
    spots: list[Spot] = list(mutants.spots_of(child.kind, child.body, bounds_of(scene.subject, scene.facts)))
    found = [list(way(spots)) for way in WAYS]
    return [pick(random, each) for each, _ in zip(cycle(filter(None, found)), range(EACH), strict=False)]
