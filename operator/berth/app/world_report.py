"""Status of IsolationClasses and IsolationPolicies: what the cluster can do, and whom a policy touches."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from berth.api.meta import API_VERSION
from berth.api.reasons import AVAILABLE, ConditionType, Reason
from berth.app.deps import Deps
from berth.app.metrics import ClassState
from berth.decide.model import ClassFacts
from berth.kube import errors
from berth.kube.resources import ISOLATION_CLASSES, ISOLATION_POLICIES, Resource
from berth.observe.model import Status
from berth.observe.status import amounts, condition
from berth.world.parse import canonical
from berth.world.records import ClassRecord, PolicyRecord

COUNTS: Final = frozenset({"workloads", "matched", "unmet"})
"""Fields that follow the Workloads: they are brought up to date at leisure."""


async def report_world(deps: Deps, *, with_counts: bool) -> bool:
    """Write the statuses that say anything new; return whether a count was left for later."""
    found = deps.views.catalog()
    facts = {each.name: each for each in found.classes}
    deps.metrics.state.classes = tuple(_state(each, found.nodes) for each in found.classes)
    placed = Counter(outcome.class_name for outcome in deps.outcomes.values())
    left = False
    for name, record in sorted(deps.store.classes.items()):
        status = _class_status(record, facts[name], found.nodes.get(name, 0), placed[name], deps.clock())
        left |= await _settle(ISOLATION_CLASSES, record, status, deps, with_counts=with_counts)
    matched, unmet = _touched(deps)
    invalid = _failed(deps) | dict(deps.views.policies().errors)
    for name, policy in sorted(deps.store.policies.items()):
        status = _policy_status(policy, invalid.get(name), matched[name], unmet[name], deps.clock())
        left |= await _settle(ISOLATION_POLICIES, policy, status, deps, with_counts=with_counts)
    return left


def _state(facts: ClassFacts, nodes: Mapping[str, int]) -> ClassState:
    why = str(facts.unavailable.reason) if facts.unavailable else ""
    return ClassState(facts.name, str(facts.level), str(facts.backend), why, nodes.get(facts.name, 0))


def _availability(facts: ClassFacts) -> tuple[str, Reason, str]:
    if facts.unavailable is not None:
        return "False", facts.unavailable.reason, facts.unavailable.message
    if not facts.enabled:
        return "True", Reason.VERIFIED, "this cluster can run it, but it is disabled: new workloads go elsewhere"
    return "True", Reason.VERIFIED, "this cluster can run it"


def _class_status(record: ClassRecord, facts: ClassFacts, nodes: int, placed: int, now: float) -> Status:
    previous: Status = orjson.loads(record.status)
    status, reason, message = _availability(facts)
    return {
        "observedGeneration": record.generation,
        "conditions": [condition(AVAILABLE, status, reason, message, record.generation, previous, now)],
        "backend": str(facts.backend),
        "nodes": nodes,
        "workloads": placed,
        "overhead": amounts(facts.overhead),
    }


def _failed(deps: Deps) -> dict[str, str]:
    """Return, for every policy whose condition failed on some Workload, what went wrong on the first of them."""
    found: dict[str, str] = {}
    for (namespace, name), outcome in sorted(deps.outcomes.items()):
        for policy, error in outcome.policy_errors:
            found.setdefault(policy, f"its condition failed on workloads.berth.dev {namespace}/{name}: {error}")
    return found


def _touched(deps: Deps) -> tuple[Counter[str], Counter[str]]:
    matched: Counter[str] = Counter()
    unmet: Counter[str] = Counter()
    for outcome in deps.outcomes.values():
        matched.update(outcome.policies)
        if outcome.below:
            unmet.update(outcome.policies)
    return matched, unmet


def _policy_status(record: PolicyRecord, error: str | None, matched: int, unmet: int, now: float) -> Status:
    previous: Status = orjson.loads(record.status)
    if error is None:
        state, reason, message = "True", Reason.ACCEPTED, "the policy is understood"
    else:
        state, reason = "False", Reason.MISCONFIGURED
        message = f"{error}; until that is corrected it is read in the strictest way"
    return {
        "observedGeneration": record.generation,
        "conditions": [condition(ConditionType.ACCEPTED, state, reason, message, record.generation, previous, now)],
        "matched": matched,
        "unmet": unmet,
    }


async def _settle(
    resource: Resource, record: ClassRecord | PolicyRecord, status: Status, deps: Deps, *, with_counts: bool
) -> bool:
    """Write one status if it is new; return whether only counts differ and were left for later."""
    previous: Status = orjson.loads(record.status)
    if canonical(previous) == canonical(status):
        return False
    if not with_counts and canonical(_but(previous, COUNTS)) == canonical(_but(status, COUNTS)):
        return True
    body = {
        "apiVersion": API_VERSION,
        "kind": resource.kind,
        "metadata": {"name": record.name, "uid": record.uid},
        "status": status,
    }
    try:
        await deps.client.apply(resource, None, record.name, body, subresource="status")
    except (errors.Conflict, errors.NotFound):
        return True  # deleted or made anew meanwhile: the next look brings it
    table: dict[str, Any] = deps.store.classes if resource is ISOLATION_CLASSES else deps.store.policies
    table[record.name] = replace(record, status=canonical(status))
    return False


def _but(status: Status, ignored: Iterable[str]) -> Status:
    return {name: value for name, value in status.items() if name not in ignored}
