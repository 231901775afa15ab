"""What a change of policies, tenants or waivers does to all Workloads: by the same functions that place them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from berth.api.levels import NetworkMode
from berth.app.preview.picture import Picture, Row
from berth.app.sums import Sum, payer
from berth.app.tenancy import Tenancy, pool_of
from berth.decide.engine import choose
from berth.decide.impact import difference
from berth.decide.model import Candidate, ClassFacts, Requirement
from berth.policy.compiled import CompiledPolicies, CompiledPolicy
from berth.policy.effective import Subject, joined, matches, same_demands, waived_from
from berth.policy.tenancy import CompiledTenant
from berth.policy.waiving import in_force
from berth.world.records import Key, WaiverRecord

_AT_ONCE: Final = 200
"""Workloads that are compared before others get their turn."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is required of Workloads beside what they say themselves: as it is, or as it would be."""

    policies: CompiledPolicies
    tenancy: Tenancy
    waiving: Callable[[Key], tuple[WaiverRecord, ...]]
    """Finds the Waivers that name a Workload."""

    @classmethod
    def now(cls, picture: Picture) -> "Rules":
        """Return what holds now."""
        return cls(picture.views.policies(), picture.views.tenancy(), picture.store.waiving)


@dataclass(slots=True)
class Difference:
    """What a change comes to."""

    total: Sum = field(default_factory=Sum)
    """Where Workloads would be placed differently, and what that costs whom."""
    matched: Counter[str] = field(default_factory=Counter)
    """How many Workloads each policy matches then."""
    waived: Counter[str] = field(default_factory=Counter)
    """How many Workloads a waiver spares from each policy then."""
    errors: dict[str, tuple[Key, str]] = field(default_factory=dict)
    """Policies whose condition fails on a Workload: the first one, and how."""
    lost: list[Key] = field(default_factory=list)
    """Workloads without a class then."""
    staying: list[Key] = field(default_factory=list)
    """Workloads that would have to move and do not by themselves."""
    relaxed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Workloads that stay where they run though less would do: where they run, and where new ones would."""
    closed: int = 0
    """Workloads that are closed off on the network then and are not now."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One Workload under some rules."""

    subject: Subject
    matched: tuple[CompiledPolicy, ...]
    errors: tuple[tuple[str, str], ...]


async def compare(picture: Picture, before: Rules, after: Rules, keys: Iterable[Key] | None = None) -> Difference:
    """Return what would be different for all Workloads, or for some, as far as they have been looked at."""
    found, catalogs = Difference(), dict[tuple[CompiledTenant, ...], tuple[ClassFacts, ...]]()

    def offered(tenants: tuple[CompiledTenant, ...]) -> tuple[ClassFacts, ...]:
        if tenants not in catalogs:
            catalogs[tenants] = picture.views.catalog(pool_of(tenants)).classes
        return catalogs[tenants]

    for number, key in enumerate(sorted(picture.rows if keys is None else keys)):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        row = picture.rows.get(key)
        if row is not None:
            was, then = (_case(row, rules, picture) for rules in (before, after))
            _count_matches(key, then, found)
            if was.subject is not then.subject or was.matched != then.matched:
                _count(row, was, then, offered, picture, found)
    return found


def _case(row: Row, rules: Rules, picture: Picture) -> _Case:
    tenants = rules.tenancy.of(row.key[0])
    waivers = in_force(rules.waiving(row.key), row.key, picture.views.longest_waiver, picture.clock())
    subject = row.subject
    if (tenants, waivers) != (subject.tenants, subject.waivers):
        subject = replace(subject, tenants=tenants, waivers=waivers)
    return _Case(subject, *matches(subject, row.labels, rules.policies))


def _count_matches(key: Key, case: _Case, found: Difference) -> None:
    found.matched.update(policy.name for policy in case.matched)
    found.waived.update(name for name, _ in waived_from(case.subject, case.matched))
    for name, error in case.errors:
        found.errors.setdefault(name, (key, error))


def _count(
    row: Row,
    was: _Case,
    then: _Case,
    offered: Callable[[tuple[CompiledTenant, ...]], tuple[ClassFacts, ...]],
    picture: Picture,
    found: Difference,
) -> None:
    """Count one Workload of which something else is required."""
    defaults, ask = picture.views.defaults, row.subject.ask
    held, holds = (joined(each.subject, defaults, each.matched).requirement for each in (was, then))
    offer, offers = offered(was.subject.tenants), offered(then.subject.tenants)
    if same_demands(held, holds) and offer is offers:
        return
    found.closed += held.network is NetworkMode.OPEN and holds.network is NetworkMode.ISOLATED
    before, after = choose(ask, held, offer, row.current), choose(ask, holds, offers, row.current)
    effect = difference("", ask, before, after)
    if effect is None:
        _count_relaxed(row, (held, offer), (holds, offers), found)
        return
    found.total.count(payer(row.key[0], [tenant.name for tenant in then.subject.tenants]), effect)
    if after is None:
        found.lost.append(row.key)
    elif row.stays and after.facts.name != row.current:
        found.staying.append(row.key)


def _count_relaxed(
    row: Row,
    held: tuple[Requirement, tuple[ClassFacts, ...]],
    holds: tuple[Requirement, tuple[ClassFacts, ...]],
    found: Difference,
) -> None:
    """Count a Workload that stays where it runs, if a new one like it would run with less isolation than now."""
    if row.current is None:
        return
    once, anew = (choose(row.subject.ask, requirement, classes, None) for requirement, classes in (held, holds))
    if _rank(anew) < _rank(once):
        found.relaxed[row.current, anew.facts.name if anew else ""] += 1


def _rank(candidate: Candidate | None) -> int:
    return -1 if candidate is None else candidate.facts.level.rank
