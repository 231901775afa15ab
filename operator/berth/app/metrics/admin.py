"""Gauges about what admins write: classes, what policies cost, what tenants use, when waivers end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import Metric

from berth.app.metrics import declared
from berth.app.outcomes import Outcome
from berth.app.sums import Sum, sums_of
from berth.decide.model import Cost
from berth.policy.quota import CPU, Part, kind_of
from berth.world.records import Key


@dataclass(frozen=True, slots=True)
class ClassState:
    """What a scrape says of one IsolationClass."""

    name: str
    level: str
    backend: str
    reason: str
    """Empty when it is available."""
    nodes: int
    seen: int | None = None
    """What probes saw: 1 what its level promises, 0 less, -1 not known; None of what is not probed."""


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What a scrape says of one IsolationPolicy beside what its Workloads say."""

    name: str
    mode: str
    accepted: bool
    evadable: bool
    generation: int = 0


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One resource of one tenant."""

    tenant: str
    resource: str
    used: Part
    limit: int | None


@dataclass(frozen=True, slots=True)
class WaiverState:
    """One Waiver; times in seconds since the epoch."""

    name: str
    active: bool
    expires: float


def class_gauges(classes: Iterable[ClassState]) -> Iterable[Metric]:
    """Yield which classes this cluster can run, on how many nodes, and what was seen of them from inside."""
    available, nodes = declared.CLASS_AVAILABLE.family(), declared.CLASS_NODES.family()
    seen = declared.CLASS_SEEN.family()
    for each in classes:
        available.add_metric((each.name, each.level, each.backend, each.reason), float(not each.reason))
        nodes.add_metric((each.name,), each.nodes)
        if each.seen is not None:
            seen.add_metric((each.name,), each.seen)
    yield from (available, nodes, seen)


def policy_gauges(policies: Iterable[PolicyState], outcomes: Mapping[Key, Outcome]) -> Iterable[Metric]:
    """Yield the price of every policy: for one in mode Enforce what it costs, for the others what it would cost."""
    sums = sums_of(outcomes)
    matched, waived = declared.POLICY_MATCHED.family(), declared.POLICY_WAIVED.family()
    unplaced, flips = declared.POLICY_UNPLACED.family(), declared.POLICY_FLIPS.family()
    overhead, generation = declared.POLICY_OVERHEAD.family(), declared.POLICY_GENERATION.family()
    accepted, evadable = declared.POLICY_ACCEPTED.family(), declared.POLICY_EVADABLE.family()
    for each in policies:
        place, found = (each.name, each.mode), sums.get(each.name, Sum())
        generation.add_metric((each.name,), each.generation)
        accepted.add_metric(place, float(each.accepted))
        evadable.add_metric(place, float(each.evadable))
        matched.add_metric(place, found.matched)
        waived.add_metric(place, found.waived)
        unplaced.add_metric(place, found.unplaced)
        for (was, then), count in sorted(found.flips.items()):
            flips.add_metric((*place, was, then), count)
        for tenant, toll in sorted(found.tolls.items()):
            for resource, amount in _amounts(toll.added):
                overhead.add_metric((*place, tenant, resource), amount)
    yield from (matched, waived, unplaced, flips, overhead, accepted, evadable, generation)


def _amounts(cost: Cost) -> tuple[tuple[str, float], ...]:
    return ("cpu", cost.cpu / 1000), ("memory", cost.memory)


def quota_gauges(quotas: Iterable[QuotaState]) -> Iterable[Metric]:
    """Yield what tenants use, split into what was asked for, what isolation adds and what moves set aside."""
    used, limit = declared.QUOTA_USED.family(), declared.QUOTA_LIMIT.family()
    for each in quotas:
        scale = 1000 if kind_of(each.resource) == CPU else 1
        for part in each.used._fields:
            used.add_metric((each.tenant, each.resource, part), getattr(each.used, part) / scale)
        if each.limit is not None:
            limit.add_metric((each.tenant, each.resource), each.limit / scale)
    yield used
    yield limit


def waiver_gauges(waivers: Iterable[WaiverState], outcomes: Mapping[Key, Outcome]) -> Iterable[Metric]:
    """Yield when waivers end, whether they hold, and how many Workloads they spare."""
    spared: dict[str, int] = {}
    for outcome in outcomes.values():
        for name in {waiver for _, waiver in outcome.waived}:
            spared[name] = spared.get(name, 0) + 1
    active, expires = declared.WAIVER_ACTIVE.family(), declared.WAIVER_EXPIRES.family()
    workloads = declared.WAIVER_WORKLOADS.family()
    for each in waivers:
        active.add_metric((each.name,), float(each.active))
        expires.add_metric((each.name,), each.expires)
        workloads.add_metric((each.name,), spared.get(each.name, 0))
    yield from (active, expires, workloads)
