"""Properties of the decision that hold for all inputs, on the real functions. P1 to P17 are in tests/properties."""

from collections import Counter
from dataclasses import replace
from random import Random

from berth.decide import engine
from berth.decide.change import apply
from berth.decide.facts import _shape as shape_of
from berth.decide.facts import shapes
from berth.decide.fingerprint import canonical
from berth.decide.model import Ask, ClassFacts
from berth.decide.rules import CLASS_RULES, RULES, WORKLOAD_RULES
from berth.decide.rules.capacity import capacity
from berth.decide.whatif import outcome, would_change
from berth.policy import compiled
from berth.policy import effective as joined
from berth.world.records import NodeRecord
from decide import worlds
from decide.builders import ANYTHING, pods
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import decided, fitting, meets, rank, required

SOME = EXAMPLES // 10


@for_all(worlds.a_world)
def test_the_chosen_class_is_allowed_everything_that_is_required(world: World) -> bool:
    needed, decision = required(world), decided(world)
    if decision.chosen is None:
        assert needed.denials or not fitting(decision)
        return False
    facts = decision.chosen.facts
    assert not needed.denials
    assert meets(facts, needed)
    assert world.ask.class_name in (None, facts.name)
    assert facts.unavailable is None
    assert facts.enabled or facts.name == world.current
    return True


@for_all(worlds.a_world, of=SOME)
def test_what_runs_stays_as_long_as_it_fits_and_else_the_lowest_level_is_taken(world: World) -> bool:
    decision = decided(world)
    if decision.chosen is None:
        return False
    fits = [each for each in decision.candidates if not each.verdicts]
    if world.current in fitting(decision):
        assert decision.chosen.facts.name == world.current
    elif (preferred := required(world).preferred) in fitting(decision):
        assert decision.chosen.facts.name == preferred
    else:
        assert rank(decision) == min(each.facts.level.rank for each in fits)
    return len(fits) > 1


@for_all(worlds.a_world, of=SOME)
def test_what_would_change_it_really_does(world: World) -> bool:
    decision = decided(world)
    flips = would_change(world.inputs, decision)
    for flip in flips:
        after = outcome(apply(world.inputs, flip.change))
        before = decision.chosen.facts.name if decision.chosen else decision.reason
        assert flip.outcome == (after.chosen.facts.name if after.chosen else after.reason)
        assert flip.outcome != before
        assert flip.placed == (after.chosen is not None)
    return bool(flips)


@for_all(worlds.an_ask, worlds.a_class)
def test_a_rule_passes_whomever_it_does_not_concern(ask: Ask, facts: ClassFacts) -> None:
    for rule, concerns in WORKLOAD_RULES.items():
        assert concerns(ask) or rule(ask, facts) is None, rule.__name__


@for_all(worlds.a_world, worlds.a_world, of=SOME)
def test_what_is_remembered_is_what_would_be_found_anew(world: World, other: World) -> None:
    decided(replace(world, ask=other.ask, labels=other.labels, current=other.current))
    found = canonical(decided(world))
    for remembered in (engine._under, compiled.matching, joined.joined_as):
        remembered.cache_clear()
    assert canonical(decided(replace(world))) == found


def some_nodes(random: Random) -> list[NodeRecord]:
    return [worlds.a_node_record(random) for _ in range(random.randrange(12))]


@for_all(some_nodes, worlds.an_ask, worlds.a_class)
def test_leaving_out_covered_nodes_changes_no_decision(nodes: list[NodeRecord], ask: Ask, facts: ClassFacts) -> None:
    facts = replace(facts, unavailable=None)
    every = replace(facts, shapes=tuple(shape_of(node) for node in nodes))
    reduced = replace(facts, shapes=shapes(nodes))
    for rule in WORKLOAD_RULES:
        assert (rule(ask, every) is None) == (rule(ask, reduced) is None), rule.__name__
    for rule in CLASS_RULES:
        assert rule(ANYTHING, every) == rule(ANYTHING, reduced), rule.__name__
    assert capacity(ask, pods(shapes=())) is not None


def test_the_random_worlds_prove_something() -> None:
    """Worlds where nothing ever fits would satisfy all properties."""
    seen: Counter[str] = Counter()
    for number in range(1000):
        world = worlds.a_world(Random(number))
        decision = decided(world)
        seen["placed"] += decision.chosen is not None
        seen["a choice"] += len(fitting(decision)) > 1
        seen["denied"] += bool(decision.requirement.denials)
        seen["more is required"] += decision.requirement.level > world.defaults.level
        seen["flips"] += number < 200 and bool(would_change(world.inputs, decision))
        seen.update({verdict.rule for each in decision.candidates for verdict in each.verdicts})
    assert all(seen[rule.__name__] > 10 for rule in RULES), seen
    assert 150 < seen["placed"] < 500, seen
    assert seen["a choice"] > 60, seen
    assert 100 < seen["denied"] < 500, seen
    assert seen["more is required"] > 300, seen
    assert seen["flips"] > 100, seen
