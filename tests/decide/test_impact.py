"""What a policy does to a workload: where it would run with and without it, and what that adds."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.levels import PolicyMode
from berth.decide.change import Inputs
from berth.decide.cost import overhead
from berth.decide.engine import choose, decide
from berth.decide.impact import Effect, effects
from berth.decide.model import Cost
from berth.policy.compiled import CompiledPolicies
from berth.policy.effective import effective, matches
from berth.world.records import PolicyRecord
from decide import worlds
from decide.builders import DEFAULTS, GI, LINUX_VM, MI, a_policy, a_subject, a_waiver, an_ask, machines, pods, policies
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import decided, required

RUNC, GVISOR = pods(), pods("gvisor", "Sandboxed")
KATA = pods("kata", "Virtualized", overhead=Cost(250, 320 * MI))
CATALOG = (RUNC, GVISOR, KATA)


def found(*records: PolicyRecord, current: str | None = None, **subject: Any) -> tuple[Effect, ...]:
    """Return the effects on one workload of two replicas."""
    asked = a_subject(an_ask(replicas=2), **subject)
    matched, _ = matches(asked, (), policies(*records))
    return effects(asked, matched, DEFAULTS, CATALOG, current)


@pytest.mark.parametrize("mode", list(PolicyMode))
def test_a_policy_is_priced_in_every_mode(mode: PolicyMode) -> None:
    assert found(a_policy("pci", mode=mode), current=None) == (Effect("pci", "runc", "kata", Cost(500, 640 * MI)),)


def test_a_policy_that_changes_nothing_has_no_effect() -> None:
    assert found(a_policy("weak", {"level": "Container"})) == ()
    assert found(a_policy("one"), a_policy("other", {"level": "Sandboxed"})) == (
        Effect("one", "gvisor", "kata", Cost(500, 640 * MI)),
    )


def test_of_two_policies_that_ask_for_the_same_neither_makes_the_difference() -> None:
    assert found(a_policy("one"), a_policy("other")) == ()


def test_what_would_have_no_class_left_adds_nothing_and_goes_nowhere() -> None:
    assert found(a_policy("top", {"level": "Confidential"}, mode="Audit")) == (Effect("top", "runc", "", Cost()),)
    strict = a_policy("pinned", {"images": {"digest": "Required"}}, mode="Warn")
    assert found(strict, images=("nginx",)) == (Effect("pinned", "runc", "", Cost()),)


def test_what_runs_stays_where_it_is_unless_the_policy_moves_it() -> None:
    assert found(a_policy("soft", {"level": "Sandboxed"}, mode="Audit"), current="kata") == ()
    assert found(a_policy("hard", mode="Audit"), current="gvisor") == (
        Effect("hard", "gvisor", "kata", Cost(500, 640 * MI)),
    )


def test_a_policy_that_is_waived_has_no_effect() -> None:
    assert found(a_policy("pci"), waivers=(a_waiver("w", "pci"),)) == ()


def test_an_enforced_policy_is_compared_with_its_absence_from_the_beginning() -> None:
    assert found(a_policy("pci"), current="kata") == (Effect("pci", "runc", "kata", Cost(500, 640 * MI)),)


def test_machines_are_priced_by_their_own_formula() -> None:
    ask = an_ask(machine=LINUX_VM)
    vm = machines()
    asked = a_subject(ask)
    matched, _ = matches(asked, (), policies(a_policy()))
    [effect] = effects(asked, matched, DEFAULTS, (RUNC, vm), None)
    assert effect.added == overhead(ask, vm)
    assert 0 < effect.added.memory < GI


@for_all(worlds.a_world)
def test_the_quick_choice_is_the_decision(world: World) -> None:
    assert choose(world.ask, required(world), world.catalog, world.current) == decided(world).chosen


@for_all(worlds.a_world, of=EXAMPLES // 5)
def test_an_effect_is_what_deciding_with_and_without_the_policy_says(world: World) -> bool:
    """The slow way: remove or enforce each policy, and decide again."""
    given = world.inputs
    matched, _ = matches(given.subject, given.namespace_labels, given.policies)
    told = {each.policy: each for each in effects(given.subject, matched, given.defaults, given.catalog, given.current)}
    spared = {name for waiver in world.waivers for name in waiver.policies}
    for policy in matched:
        if policy.name in spared and policy.error is None:
            assert policy.name not in told
            continue
        enforced = policy.mode is PolicyMode.ENFORCE
        others = tuple(each for each in matched if each is not policy)
        harder = replace(policy, mode=PolicyMode.ENFORCE)
        before = _slow(given, others, None if enforced else given.current)
        after = _slow(given, (*others, harder), given.current)
        if policy.name in told:
            assert (told[policy.name].from_class, told[policy.name].to_class) == (before, after)
            assert before != after
        elif _requires(given, others) != _requires(given, (*others, harder)):
            assert before == after
    return bool(told)


def _slow(given: Inputs, matched: tuple[Any, ...], current: str | None) -> str:
    decision = decide(given.subject.ask, _requires(given, matched), given.catalog, current)
    return decision.chosen.facts.name if decision.chosen else ""


def _requires(given: Inputs, matched: tuple[Any, ...]) -> Any:
    """Return what is required under these policies and no others, without who requires it."""
    alone = CompiledPolicies(tuple(sorted(matched, key=lambda policy: policy.name)))
    found = effective(given.subject, given.namespace_labels, alone, given.defaults).requirement
    return replace(found, sources=())
