"""P16: a second decision, written only to be read, says the same in more than a million cases."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from berth.decide.engine import choose
from berth.decide.model import Ask, Requirement
from berth.policy.effective import effective
from decide import worlds
from decide.drawing import NAMES
from decide.worlds import World
from properties import slow, slow_required
from properties.examples import EXAMPLES, ONLY, for_all, told, tried
from properties.judge import class_name, decided, required

PARTS = 4
ASKS = 50
"""Workloads that are put into each world."""


def says_the_same(needed: slow_required.Needed, requirement: Requirement) -> bool:
    """Return whether two forms of a requirement demand the same."""
    return (
        needed.level == requirement.level
        and needed.sharing == requirement.node_sharing
        and needed.network == requirement.network
        and needed.classes == requirement.classes
        and needed.disks == requirement.storage_classes
        and needed.dedicated == requirement.dedicated
        and needed.preferred == requirement.preferred
        and needed.denied == bool(requirement.denials)
        and needed.images == {(rule.registries, rule.digest) for rule in requirement.images}
    )


@for_all(worlds.a_world)
def test_p16_the_slow_decision_is_the_decision(world: World) -> None:
    needed, requirement, decision = slow_required.needed(world), required(world), decided(world)
    assert says_the_same(needed, requirement)
    chosen, outcomes = slow.decide_slow(world, needed)
    assert class_name(decision) == chosen
    assert {each.facts.name: each.outcome.value for each in decision.candidates} == outcomes


def agree(world: World, asks: tuple[Ask, ...]) -> int:
    """Check that both choose the same for every workload, whatever runs it now; return how many cases these are."""
    given = world.inputs
    for ask in asks:
        asking, subject = replace(world, ask=ask), replace(given.subject, ask=ask)
        needed = slow_required.needed(asking)
        requirement = effective(subject, given.namespace_labels, given.policies, given.defaults).requirement
        assert says_the_same(needed, requirement)
        for current in (None, *NAMES):
            found = choose(ask, requirement, world.catalog, current)
            expected, _ = slow.decide_slow(replace(asking, current=current), needed)
            assert (found.facts.name if found else None) == expected
    return len(asks) * (1 + len(NAMES))


def some_asks(random: Random) -> tuple[Ask, ...]:
    return tuple(worlds.an_ask(random) for _ in range(ASKS))


@pytest.mark.parametrize("part", range(PARTS))
def test_p16_the_slow_choice_is_the_choice_a_million_times(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """One world is shared by many workloads, as in a cluster; what runs each now is every class in turn, and none."""
    with told(record_property) as counts:
        for number in range(part, 100 * EXAMPLES // (ASKS * (1 + len(NAMES))), PARTS):
            counts.append(tried(agree, number, (worlds.a_world, some_asks)))
    assert sum(counts) >= 100 * EXAMPLES // PARTS or ONLY
