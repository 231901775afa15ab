"""Gauges about what admins write: what policies cost, what tenants use, when waivers end. Computed at every scrape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric

from berth.app.outcomes import Outcome
from berth.app.sums import sums_of
from berth.decide.model import Cost
from berth.policy.quota import CPU, Part, kind_of
from berth.world.records import Key


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What a scrape says of one IsolationPolicy beside what its Workloads say."""

    name: str
    mode: str
    accepted: bool
    evadable: bool


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


def policy_gauges(policies: Iterable[PolicyState], outcomes: Mapping[Key, Outcome]) -> Iterable[Metric]:
    """Yield the price of every policy: for one in mode Enforce what it costs, for the others what it would cost."""
    sums, labels = sums_of(outcomes), ["policy", "mode"]
    matched = GaugeMetricFamily("berth_policy_matched_workloads", "Workloads that a policy matches.", labels=labels)
    waived = GaugeMetricFamily("berth_policy_waived_workloads", "Matching Workloads that are spared.", labels=labels)
    unplaced = GaugeMetricFamily(
        "berth_policy_unplaced_workloads",
        "Workloads that a policy leaves, or would, without a class.",
        labels=labels,
    )
    flips = GaugeMetricFamily(
        "berth_policy_flips",
        "Workloads that a policy places, or would place, in another class.",
        labels=[*labels, "from", "to"],
    )
    overhead = GaugeMetricFamily(
        "berth_policy_overhead",
        "Added by isolation because of a policy, or if it were enforced: cpu in cores, memory in bytes.",
        labels=[*labels, "tenant", "resource"],
    )
    accepted = GaugeMetricFamily("berth_policy_accepted", "Whether a policy is understood.", labels=labels)
    evadable = GaugeMetricFamily("berth_policy_evadable", "Whether authors can dodge a policy.", labels=labels)
    for each in policies:
        place = (each.name, each.mode)
        accepted.add_metric(place, float(each.accepted))
        evadable.add_metric(place, float(each.evadable))
        found = sums.get(each.name)
        matched.add_metric(place, found.matched if found else 0)
        waived.add_metric(place, found.waived if found else 0)
        unplaced.add_metric(place, found.unplaced if found else 0)
        for (was, then), count in sorted(found.flips.items()) if found else ():
            flips.add_metric((*place, was, then), count)
        for tenant, toll in sorted(found.tolls.items()) if found else ():
            for resource, amount in _amounts(toll.added):
                overhead.add_metric((*place, tenant, resource), amount)
    yield from (matched, waived, unplaced, flips, overhead, accepted, evadable)


def _amounts(cost: Cost) -> tuple[tuple[str, float], ...]:
    return ("cpu", cost.cpu / 1000), ("memory", cost.memory)


def quota_gauges(quotas: Iterable[QuotaState]) -> Iterable[Metric]:
    """Yield what tenants use, split into what was asked for, what isolation adds and what moves set aside."""
    used = GaugeMetricFamily(
        "berth_quota_used",
        "Used of a tenant's quota: cpu in cores, memory and storage in bytes, the others counted.",
        labels=["tenant", "resource", "part"],
    )
    limit = GaugeMetricFamily(
        "berth_quota_limit", "Limit of a tenant's quota, in the same units.", labels=["tenant", "resource"]
    )
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
    active = GaugeMetricFamily("berth_waiver_active", "Whether a Waiver holds.", labels=["waiver"])
    expires = GaugeMetricFamily(
        "berth_waiver_expiry_timestamp_seconds", "When a Waiver ends, in seconds since the epoch.", labels=["waiver"]
    )
    workloads = GaugeMetricFamily("berth_waiver_workloads", "Workloads that a Waiver spares.", labels=["waiver"])
    for each in waivers:
        active.add_metric((each.name,), float(each.active))
        expires.add_metric((each.name,), each.expires)
        workloads.add_metric((each.name,), spared.get(each.name, 0))
    yield from (active, expires, workloads)
