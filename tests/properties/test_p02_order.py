"""P2: in whatever order policies, tenants, classes, labels and lists are given, the decision is the same, byte by byte."""

from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any, TypeVar

from berth.api.base import Model
from berth.decide.fingerprint import canonical, hashes
from berth.world.records import PolicyRecord, TenantRecord
from decide import drawing, drawn_policies, worlds
from decide.worlds import World
from properties.examples import for_all
from properties.judge import decided, required

T = TypeVar("T")


def a_crowded_world(random: Random) -> World:
    """Draw a world of two policies at least."""
    world = worlds.a_world(random)
    return replace(
        world,
        policies=tuple(drawn_policies.a_policy(random, f"p{n}") for n in range(drawing.pick(random, (2, 2, 2, 3)))),
    )


@for_all(a_crowded_world, lambda random: random.random())
def test_p02_every_order_gives_the_same_bytes(world: World, seed: float) -> None:
    random = Random(seed)
    before = canonical(decided(world))
    prints = hashes(world.ask, required(world), world.catalog, world.current)
    for order in permutations(world.policies):
        other = replace(
            world,
            policies=tuple(_inside(random, record) for record in order),
            tenants=tuple(_inside(random, record) for record in _shuffled(random, world.tenants)),
            catalog=_shuffled(random, world.catalog),
            namespace_labels=world.namespace_labels and _shuffled(random, world.namespace_labels),
            labels=_shuffled(random, world.labels),
        )
        assert canonical(decided(other)) == before
    assert hashes(other.ask, required(other), other.catalog, other.current) == prints


def _shuffled(random: Random, values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(random.sample(values, len(values)))


def _inside(random: Random, record: PolicyRecord | TenantRecord) -> Any:
    """Return a record with all lists and maps of its spec in another order."""
    return record if record.spec is None else replace(record, spec=_reordered(random, record.spec))


def _reordered(random: Random, value: Any) -> Any:
    if isinstance(value, Model):
        given = {name: getattr(value, name) for name in value.model_fields_set}
        update = {
            name: _reordered(random, each) for name, each in given.items() if isinstance(each, Model | list | dict)
        }
        return value.model_copy(update=update) if update else value
    if isinstance(value, list):
        return [_reordered(random, each) for each in random.sample(value, len(value))]
    if isinstance(value, dict):
        return dict(random.sample(list(value.items()), len(value)))
    return value
