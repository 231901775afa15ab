"""Status of IsolationPolicies: whether they are understood, whom they touch, and what they cost or would cost."""

from collections.abc import Iterable
from typing import Final

import orjson

from berth.api.levels import PolicyMode
from berth.api.reasons import EVADABLE, ConditionType, Reason
from berth.app.deps import Deps
from berth.app.metrics.admin import PolicyState
from berth.app.rationing import bounds_of
from berth.app.sums import Sum, Toll, sums_of
from berth.app.tenancy import Tenancy
from berth.decide.model import Cost
from berth.observe.model import Status
from berth.observe.status import amounts, condition
from berth.policy.compiled import CompiledPolicy, evadable
from berth.policy.ledger import Ledger
from berth.policy.quota import CPU, MEMORY, NOTHING, bare, words
from berth.world.records import PolicyRecord

_SHOWN: Final = 64
"""Flips and tenants in one status."""


def policy_statuses(deps: Deps) -> dict[str, Status]:
    """Return the status of every policy."""
    sums = sums_of(deps.outcomes)
    compiled = {policy.name: policy for policy in deps.views.policies().policies}
    tenancy, now = deps.views.tenancy(), deps.clock()
    return {
        name: _status(record, compiled[name], sums.get(name, Sum()), tenancy, deps.ledger, now)
        for name, record in sorted(deps.store.policies.items())
    }


def policy_states(deps: Deps) -> Iterable[PolicyState]:
    """Yield what metrics say of every policy."""
    for policy in deps.views.policies().policies:
        record = deps.store.policies.get(policy.name)
        generation = record.generation if record else 0
        yield PolicyState(policy.name, str(policy.mode), policy.error is None, bool(evadable(policy)), generation)


def _status(
    record: PolicyRecord, policy: CompiledPolicy, total: Sum, tenancy: Tenancy, ledger: Ledger, now: float
) -> Status:
    previous: Status = orjson.loads(record.status or b"{}")
    findings = (_accepted(policy.error or total.error), _evadable(policy))
    return {
        "observedGeneration": record.generation,
        "conditions": [
            condition(kind, state, reason, message, record.generation, previous, now)
            for kind, (state, reason, message) in zip((ConditionType.ACCEPTED, EVADABLE), findings, strict=True)
        ],
        "matched": total.matched,
        "unmet": total.unmet,
        "waived": total.waived,
        "impact": impact_of(policy.mode, total, tenancy, ledger),
    }


def _accepted(error: str | None) -> tuple[str, Reason, str]:
    if error is None:
        return "True", Reason.ACCEPTED, "the policy is understood"
    return "False", Reason.MISCONFIGURED, f"{error}; until that is corrected it is read in the strictest way"


def _evadable(policy: CompiledPolicy) -> tuple[str, Reason, str]:
    ways = evadable(policy)
    if not ways:
        return "False", Reason.VERIFIED, "it looks at nothing that authors of Workloads write"
    text = f"authors can write their Workloads so that it does not match: {'; '.join(ways)}"
    return "True", Reason.EVADABLE, f"{text}: match by namespaceSelector or tenants to be sure"


def impact_of(mode: PolicyMode, total: Sum, tenancy: Tenancy, ledger: Ledger) -> Status:
    """Return the difference that a policy makes, or would make if it were enforced."""
    tenants = [
        _toll(name, toll, None if mode is PolicyMode.ENFORCE else exceeded(name, toll.added, tenancy, ledger))
        for name, toll in sorted(total.tolls.items(), key=lambda each: (-each[1].added.memory, each[0]))
    ]
    flips = sorted(total.flips.items(), key=lambda each: (-each[1], each[0]))
    found: Status = {
        "workloads": sum(total.flips.values()),
        "unplaced": total.unplaced,
        "overhead": _never_negative(total.added),
        "quotasExceeded": sum("exceeds" in each for each in tenants),
    }
    if flips:
        found["flips"] = [{"from": was, "to": then, "workloads": count} for (was, then), count in flips[:_SHOWN]]
        found["tenants"] = tenants[:_SHOWN]
    return found


def _toll(name: str, toll: Toll, exceeds: str | None) -> Status:
    found: Status = {"tenant": name, "workloads": toll.workloads, "overhead": _never_negative(toll.added)}
    return found if exceeds is None else found | {"exceeds": exceeds}


def _never_negative(cost: Cost) -> Status:
    """Return an amount; a class that adds less than the one before it saves something, which is not counted."""
    return amounts(Cost(max(0, cost.cpu), max(0, cost.memory)))


def exceeded(tenant: str, added: Cost, tenancy: Tenancy, ledger: Ledger) -> str | None:
    """Return the quota of a tenant that would not hold, None if it would."""
    for bounds in bounds_of((each for each in tenancy.tenants if each.name == tenant), tenancy):
        used = ledger.used(bounds.namespaces)
        for resource, more in ((CPU, added.cpu), (MEMORY, added.memory)):
            has, limit = used.get(resource, NOTHING).total, bounds.limits.get(resource)
            if limit is not None and more > 0 and has + more > limit:
                return (
                    f"uses {bare(resource, has)} of {words(resource, limit)}, and {bare(resource, more)} would be added"
                )
    return None
