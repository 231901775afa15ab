"""How properties are tried: an example that fails is told small, with its seed, and can be tried again."""

from dataclasses import replace
from random import Random

import pytest

from decide import drawn_policies, worlds
from decide.worlds import World
from properties import examples
from properties.examples import drawn, for_all


def nobody_is_told(_name: str, _value: object) -> None:
    """Stand for pytest's record_property."""


def test_an_example_is_drawn_from_seed_name_and_number_alone() -> None:
    first = drawn("x", 3, (worlds.a_world, drawn_policies.a_policy))
    drawn("x", 4, (worlds.a_world,))
    assert drawn("x", 3, (worlds.a_world, drawn_policies.a_policy)) == first
    assert drawn("y", 3, (worlds.a_world, drawn_policies.a_policy)) != first


def test_what_fails_is_told_as_small_as_it_still_fails_with_its_seed_and_number() -> None:
    def check(world: World) -> None:
        assert not (len(world.catalog) >= 2 and world.policies), "two classes and a policy"

    with pytest.raises(AssertionError, match="two classes and a policy") as caught:
        for_all(worlds.a_world)(check)(nobody_is_told)
    [note] = caught.value.__notes__
    assert note.count("ClassFacts(") == 2
    assert note.count("PolicyRecord(") == 1
    assert "TenantRecord(" not in note
    assert "Waived(" not in note
    assert f"BERTH_SEED={examples.SEED} BERTH_EXAMPLE=" in note
    assert "test_what_fails_is_told_as_small" in note


def test_an_error_counts_as_a_failure() -> None:
    def check(_: World) -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        for_all(worlds.a_world, of=1)(check)(nobody_is_told)


def test_only_examples_that_say_something_count() -> None:
    seen = []

    def check(number: float) -> bool:
        seen.append(number)
        return number < 0.5

    for_all(Random.random, of=50)(check)(nobody_is_told)
    assert sum(number < 0.5 for number in seen) == 50
    assert len(seen) > 60
    with pytest.raises(AssertionError, match="only 0 of"):
        for_all(Random.random, of=50)(lambda _: False)(nobody_is_told)


def test_one_example_can_be_tried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[World] = []
    monkeypatch.setattr(examples, "ONLY", "7")

    def check(world: World) -> None:
        seen.append(world)

    for_all(worlds.a_world, of=20)(check)(nobody_is_told)
    assert seen == list(drawn("check", 7, (worlds.a_world,)))


def test_a_world_can_be_made_simpler_in_every_part() -> None:
    world = replace(worlds.a_friendly_world(Random(1)), policies=(drawn_policies.a_policy(Random(1)),), current="c0")
    simpler = list(examples.simpler_values(world))
    assert len({len(each.catalog) for each in simpler}) == 2
    assert any(each.policies == () for each in simpler)
    assert any(each.current is None for each in simpler)
