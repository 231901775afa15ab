"""Properties of the decision that hold for all inputs, on the real functions (reliability: monotone, fail closed, stable)."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from berth.api.levels import IsolationLevel, PolicyMode
from berth.decide import engine
from berth.decide.change import Inputs, apply
from berth.decide.engine import decide
from berth.decide.facts import _shape as shape_of
from berth.decide.facts import shapes
from berth.decide.fingerprint import canonical, hashes
from berth.decide.model import Ask, ClassFacts, Decision, Requirement
from berth.decide.rules import CLASS_RULES, RULES, WORKLOAD_RULES
from berth.decide.rules.capacity import capacity
from berth.decide.whatif import outcome, would_change
from berth.policy import compiled
from berth.policy import effective as joined
from berth.policy.compiled import compile_policies
from berth.policy.effective import effective
from berth.world.records import NodeRecord, PolicyRecord
from decide import faults, worlds
from decide.builders import ANYTHING, pods

ABOVE_ALL = len(IsolationLevel)


def rank(decision: Decision) -> int:
    """Return how strongly a workload is isolated; nothing runs is above all."""
    return ABOVE_ALL if decision.chosen is None else decision.chosen.facts.level.rank


def requirement(world: Inputs) -> Requirement:
    """Return what is required in a world."""
    return effective(world.subject, world.namespace_labels, world.policies, world.defaults).requirement


def fitting(decision: Decision) -> set[str]:
    """Return the classes that fit."""
    return {each.facts.name for each in decision.candidates if not each.verdicts}


def at_least(stricter: Requirement, than: Requirement) -> bool:
    """Return whether one requirement demands all that another one does."""
    return (
        stricter.level.rank >= than.level.rank
        and stricter.node_sharing.rank >= than.node_sharing.rank
        and (than.classes is None or (stricter.classes is not None and stricter.classes <= than.classes))
        and set(stricter.images) >= set(than.images)
        and (
            than.storage_classes is None
            or (stricter.storage_classes is not None and stricter.storage_classes <= than.storage_classes)
        )
        and stricter.dedicated >= than.dedicated
        and stricter.network.rank >= than.network.rank
        and set(stricter.denials) >= set(than.denials)
    )


def unwaived(world: Inputs, *, preferred: bool = False) -> Inputs:
    """Return a world where nothing weakens: no waivers, and no class is preferred over one that is weaker."""
    subject = replace(world.subject, waivers=())
    if not preferred:
        subject = replace(subject, tenants=tuple(each for each in subject.tenants if each.default_class is None))
    return replace(world, subject=subject)


@given(world=worlds.worlds, policies=worlds.policy_lists(), extra=worlds.records("extra"))
def test_more_policies_never_loosen(world: Inputs, policies: tuple[PolicyRecord, ...], extra: PolicyRecord) -> None:
    world = replace(unwaived(world), current=None)
    fewer = replace(world, policies=compile_policies(policies))
    more = replace(world, policies=compile_policies((*policies, extra)))
    assert at_least(requirement(more), requirement(fewer))
    assert fitting(outcome(more)) <= fitting(outcome(fewer))
    assert rank(outcome(more)) >= rank(outcome(fewer))


@given(world=worlds.worlds, policies=worlds.policy_lists(), which=st.integers(0, 2), data=st.data())
def test_a_stricter_policy_never_yields_a_weaker_class(
    world: Inputs, policies: tuple[PolicyRecord, ...], which: int, data: st.DataObject
) -> None:
    assume(which < len(policies))
    record = policies[which]
    assume(record.spec is not None)
    assert record.spec is not None
    require, mode = record.spec.require, record.spec.mode
    level = data.draw(worlds.levels.filter(lambda each: require.level is None or each.rank >= require.level.rank))
    sharing = data.draw(
        worlds.sharings.filter(lambda each: require.node_sharing is None or each.rank >= require.node_sharing.rank)
    )
    classes = require.classes and data.draw(st.lists(st.sampled_from(require.classes), min_size=1, unique=True))
    harder = require.model_copy(update={"level": level, "node_sharing": sharing, "classes": classes})
    wider = data.draw(st.sampled_from((record.spec.match, None)))
    spec = record.spec.model_copy(
        update={"require": harder, "match": wider, "mode": data.draw(st.sampled_from((mode, PolicyMode.ENFORCE)))}
    )
    stricter = tuple(replace(each, spec=spec) if each is record else each for each in policies)
    world = replace(unwaived(world), current=None)
    before, after = (replace(world, policies=compile_policies(each)) for each in (policies, stricter))
    assert at_least(requirement(after), requirement(before))
    assert rank(outcome(after)) >= rank(outcome(before))


@given(world=worlds.worlds)
def test_the_chosen_class_is_allowed_everything_that_is_required(world: Inputs) -> None:
    needed, decision = requirement(world), outcome(world)
    if decision.chosen is None:
        assert needed.denials or not fitting(decision)
        return
    facts = decision.chosen.facts
    assert not needed.denials
    assert facts.level.rank >= needed.level.rank
    assert facts.sharing.rank >= needed.node_sharing.rank
    assert needed.classes is None or facts.name in needed.classes
    assert world.subject.ask.class_name in (None, facts.name)
    assert facts.unavailable is None
    assert facts.enabled or facts.name == world.current


@given(world=worlds.worlds)
def test_what_runs_stays_as_long_as_it_fits_and_else_the_lowest_level_is_taken(world: Inputs) -> None:
    decision = outcome(world)
    if decision.chosen is None:
        return
    fits = [each for each in decision.candidates if not each.verdicts]
    if world.current in fitting(decision):
        assert decision.chosen.facts.name == world.current
    elif (preferred := requirement(world).preferred) in fitting(decision):
        assert decision.chosen.facts.name == preferred
    else:
        assert rank(decision) == min(each.facts.level.rank for each in fits)


@given(world=worlds.worlds, which=st.integers(0, 5))
def test_losing_a_class_never_leads_to_weaker_isolation(world: Inputs, which: int) -> None:
    world = replace(unwaived(world), current=None)
    less = tuple(facts for facts in world.catalog if facts.name != f"c{which}")
    assert rank(outcome(replace(world, catalog=less))) >= rank(outcome(world))


@given(world=worlds.worlds, other=worlds.asks)
def test_an_author_cannot_go_below_what_the_namespace_requires(world: Inputs, other: Ask) -> None:
    """Whatever the author writes: policies that do not look at it hold all the same, and so do the defaults."""
    policies = [
        policy
        for policy in world.policies.policies
        if not policy.workload and policy.trust is None and policy.types is None and policy.when is None
    ]
    world = replace(world, policies=replace(world.policies, policies=tuple(policies)))
    least = effective(
        replace(world.subject, ask=replace(other, level=None, trust=None)),
        world.namespace_labels,
        world.policies,
        world.defaults,
    ).requirement
    least = replace(least, denials=())  # what else the other one asks for may be denied to it alone
    assert at_least(requirement(world), least)
    decision = outcome(world)
    assert decision.chosen is None or decision.chosen.facts.level.rank >= least.level.rank


@given(world=worlds.worlds, policies=worlds.policy_lists(), random=st.randoms(use_true_random=False))
def test_order_of_inputs_changes_nothing(world: Inputs, policies: tuple[PolicyRecord, ...], random: Any) -> None:
    def shuffled(given: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(given, len(given)))

    before = replace(world, policies=compile_policies(policies))
    after = replace(
        world,
        policies=compile_policies(shuffled(policies)),
        catalog=shuffled(world.catalog),
        namespace_labels=world.namespace_labels and shuffled(world.namespace_labels),
        subject=replace(world.subject, labels=shuffled(world.subject.labels)),
    )
    assert canonical(outcome(before)) == canonical(outcome(after))
    ask = world.subject.ask
    assert hashes(ask, requirement(before), before.catalog, None) == hashes(
        ask, requirement(after), after.catalog, None
    )
    assert would_change(before, outcome(before)) == would_change(after, outcome(after))


@given(world=worlds.worlds)
def test_replaying_the_same_inputs_gives_the_same_bytes(world: Inputs) -> None:
    again = replace(world, policies=replace(world.policies))
    assert canonical(outcome(world)) == canonical(outcome(again))


@given(world=worlds.worlds)
def test_what_would_change_it_really_does(world: Inputs) -> None:
    decision = outcome(world)
    for flip in would_change(world, decision):
        after = outcome(apply(world, flip.change))
        before = decision.chosen.facts.name if decision.chosen else decision.reason
        assert flip.outcome == (after.chosen.facts.name if after.chosen else after.reason)
        assert flip.outcome != before
        assert flip.placed == (after.chosen is not None)


@given(world=worlds.worlds)
def test_whoever_is_not_named_as_a_source_does_not_matter(world: Inputs) -> None:
    """Replaying only the sources that are named gives the same demands."""
    needed = requirement(world)
    named = {source.by for source in needed.sources}
    kept = tuple(policy for policy in world.policies.policies if policy.demand.by in named)
    replayed = requirement(replace(world, policies=replace(world.policies, policies=kept)))
    assert at_least(needed, replayed)
    assert at_least(replayed, needed)
    assert {source.dimension for source in needed.sources} >= {"level", "nodeSharing"}


@given(world=worlds.worlds)
def test_a_refusal_always_gives_a_reason_and_something_to_do(world: Inputs) -> None:
    decision = outcome(world)
    assert len(decision.message) < 8192
    assert decision.message
    assert (decision.chosen is not None) == (decision.reason == "Placed")
    for candidate in decision.candidates:
        assert all(verdict.message and verdict.reason for verdict in candidate.verdicts)


@given(
    world=worlds.worlds, name=st.sampled_from(faults.NAMES), error=st.sampled_from((ValueError, KeyError, TypeError))
)
def test_a_rule_that_raises_never_makes_a_class_fit(world: Inputs, name: str, error: type[Exception]) -> None:
    with faults.breaking(name, error("boom")):
        decision = outcome(world)
    assert decision.chosen is None
    assert not fitting(decision)


@given(ask=worlds.asks, facts=worlds.a_class_of("c0"))
def test_a_rule_passes_whomever_it_does_not_concern(ask: Ask, facts: ClassFacts) -> None:
    for rule, concerns in WORKLOAD_RULES.items():
        assert concerns(ask) or rule(ask, facts) is None, rule.__name__


@given(world=worlds.worlds, other=worlds.worlds)
def test_what_is_remembered_is_what_would_be_found_anew(world: Inputs, other: Inputs) -> None:
    outcome(replace(world, subject=other.subject, current=other.current))
    found = canonical(outcome(world))
    for remembered in (engine._under, compiled.matching, joined.joined_as):
        remembered.cache_clear()
    assert canonical(outcome(world)) == found


UNKNOWN = [
    ("ask", "type"),
    ("ask", "claims"),
    ("ask", "replicas"),
    ("ask", "host_devices"),
    ("requirement", "level"),
    ("requirement", "node_sharing"),
    ("facts", "level"),
    ("facts", "sharing"),
    ("facts", "backend"),
    ("facts", "shapes"),
    ("facts", "unavailable"),
    ("facts", "overhead"),
]


@pytest.mark.parametrize(("where", "field"), UNKNOWN)
@settings(max_examples=settings().max_examples // 4)
@given(ask=worlds.asks, facts=worlds.a_class_of("c0"), value=st.sampled_from(("Unheard", None, 7, object())))
def test_an_unknown_value_never_makes_a_class_fit(
    where: str, field: str, ask: Ask, facts: ClassFacts, value: object
) -> None:
    assume(field != "unavailable" or value is not None)
    assume(getattr({"ask": ask, "facts": facts, "requirement": ANYTHING}[where], field) != value)
    before = decide(ask, ANYTHING, (facts,), None)
    given: dict[str, Any] = {"ask": ask, "facts": facts, "requirement": ANYTHING}
    given[where] = replace(given[where], **{field: value})
    after = decide(given["ask"], given["requirement"], (given["facts"],), None)
    assert fitting(after) <= fitting(before)
    if field in ("type", "level", "node_sharing", "sharing", "backend"):
        assert not fitting(after)


@given(nodes=st.lists(worlds.nodes(), max_size=12), ask=worlds.asks, facts=worlds.a_class_of("c0"))
def test_leaving_out_covered_nodes_changes_no_decision(nodes: list[NodeRecord], ask: Ask, facts: ClassFacts) -> None:
    facts = replace(facts, unavailable=None)
    every = replace(facts, shapes=tuple(shape_of(node) for node in nodes))
    reduced = replace(facts, shapes=shapes(nodes))
    for rule in WORKLOAD_RULES:
        assert (rule(ask, every) is None) == (rule(ask, reduced) is None), rule.__name__
    for rule in CLASS_RULES:
        assert rule(ANYTHING, every) == rule(ANYTHING, reduced), rule.__name__
    assert capacity(ask, pods(shapes=())) is not None


REPLAY = """
from bench.decide import the_catalog, the_policies, the_subjects, DECISIONS
from berth.api.levels import IsolationLevel
from berth.decide.change import Inputs
from berth.decide.fingerprint import canonical
from berth.decide.whatif import outcome, would_change
from berth.policy.effective import Defaults
from hashlib import sha256
seen = sha256()
catalog, policies = the_catalog(), the_policies()
for subject, labels in the_subjects()[: DECISIONS : 199]:
    given = Inputs(subject, labels, policies, Defaults(IsolationLevel.CONTAINER), catalog)
    seen.update(canonical(outcome(given)) + repr(would_change(given, outcome(given))).encode())
print(seen.hexdigest())
"""


def test_other_processes_and_hash_seeds_give_the_same_bytes() -> None:
    def replay(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", REPLAY], check=True, capture_output=True, env=environment, text=True
        ).stdout

    assert len({replay(seed) for seed in ("0", "4242")}) == 1


def test_the_random_worlds_prove_something() -> None:
    """Worlds where nothing ever fits would satisfy every property above."""
    seen: Counter[str] = Counter()

    @settings(max_examples=400, database=None, derandomize=True)
    @given(world=worlds.worlds)
    def look(world: Inputs) -> None:
        decision = outcome(world)
        seen["worlds"] += 1
        seen["placed"] += decision.chosen is not None
        seen["a choice"] += len(fitting(decision)) > 1
        seen["flips"] += bool(would_change(world, decision))
        seen.update({verdict.rule for each in decision.candidates for verdict in each.verdicts})

    look()
    assert sum(1 for rule in RULES if seen[rule.__name__]) > len(RULES) * 0.7, seen
    assert seen["placed"] > seen["worlds"] * 0.2, seen
    assert seen["a choice"] > seen["worlds"] * 0.05, seen
    assert seen["flips"] > seen["worlds"] * 0.4, seen
