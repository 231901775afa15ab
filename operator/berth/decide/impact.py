"""What a policy does to a workload: where it would run with and without it, and what that adds.

A policy in mode Enforce is compared with its absence; one in Warn or Audit is imagined to be enforced, on what runs.
"""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from berth.api.levels import PolicyMode
from berth.decide.cost import overhead
from berth.decide.engine import choose
from berth.decide.model import Ask, Candidate, ClassFacts, Cost, Requirement
from berth.policy.compiled import CompiledPolicy
from berth.policy.effective import Defaults, Said, Subject, joined_as, said_by, same_demands, waived_from
from berth.policy.tenancy import CompiledTenant


class Effect(NamedTuple):
    """The difference that one policy makes to one workload."""

    policy: str
    from_class: str
    """Class without the policy; empty where none fits."""
    to_class: str
    """Class with it; empty where none fits."""
    added: Cost
    """What isolation adds because of it, all replicas together; nothing where no class is left."""


class _Question(NamedTuple):
    """With and without one policy."""

    policy: CompiledPolicy
    without: Requirement
    held: Requirement


def effects(
    subject: Subject,
    matched: tuple[CompiledPolicy, ...],
    defaults: Defaults,
    catalog: tuple[ClassFacts, ...],
    current: str | None,
) -> tuple[Effect, ...]:
    """Return the effect of every matching policy that has any. `current` is the class that runs the workload now."""
    said, waived = said_by(subject, matched), waived_from(subject, matched)
    questions = _questions(said, defaults, subject.tenants, matched, waived)
    if not questions:
        return ()
    ask = subject.ask
    return tuple(effect for each in questions if (effect := _effect(each, ask, catalog, current)) is not None)


@lru_cache(maxsize=4096)
def _questions(
    said: Said,
    defaults: Defaults,
    tenants: tuple[CompiledTenant, ...],
    matched: tuple[CompiledPolicy, ...],
    waived: tuple[tuple[str, str], ...],
) -> tuple[_Question, ...]:
    """Return the policies that ask for anything that is not asked for anyhow. Many workloads share the answer."""
    spared = {name for name, _ in waived}
    found = []
    for policy in matched:
        if policy.name in spared:
            continue
        others = tuple(each for each in matched if each is not policy)
        without = joined_as(said, defaults, tenants, others, waived).requirement
        held = joined_as(said, defaults, tenants, (*others, _enforced(policy)), waived).requirement
        if not same_demands(without, held):
            found.append(_Question(policy, without, held))
    return tuple(found)


@lru_cache(maxsize=1024)
def _enforced(policy: CompiledPolicy) -> CompiledPolicy:
    return policy if policy.mode is PolicyMode.ENFORCE else replace(policy, mode=PolicyMode.ENFORCE)


def _effect(question: _Question, ask: Ask, catalog: tuple[ClassFacts, ...], current: str | None) -> Effect | None:
    holds_now = question.policy.mode is PolicyMode.ENFORCE
    # What runs stays where it is without the policy, too: so its absence is imagined from the beginning.
    before = choose(ask, question.without, catalog, None if holds_now else current)
    after = choose(ask, question.held, catalog, current)
    return difference(question.policy.name, ask, before, after)


def difference(policy: str, ask: Ask, before: Candidate | None, after: Candidate | None) -> Effect | None:
    """Return the effect of a policy on a workload that is placed differently with it; None when it is not."""
    if _name(before) == _name(after):
        return None
    return _shared(policy, _name(before), _name(after), _added(ask, before, after))


def _name(candidate: Candidate | None) -> str:
    return "" if candidate is None else candidate.facts.name


def _added(ask: Ask, before: Candidate | None, after: Candidate | None) -> Cost:
    if after is None:
        return Cost()
    more = overhead(ask, after.facts).times(ask.replicas)
    less = overhead(ask, before.facts).times(ask.replicas) if before else Cost()
    return Cost(more.cpu - less.cpu, more.memory - less.memory)


@lru_cache(maxsize=4096)
def _shared(policy: str, before: str, after: str, added: Cost) -> Effect:
    """Return an effect; thousands of workloads have the same one."""
    return Effect(policy, before, after, added)
