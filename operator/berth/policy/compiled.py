"""Policies prepared for matching: done once whenever a policy changes."""

import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from berth.api.isolation_policy import IsolationPolicySpec, Match, OnDeadline
from berth.api.levels import PolicyMode, Trust, WorkloadType
from berth.policy.cel import Condition, compile_condition
from berth.policy.demand import Demand, demand_of_policy, strictest
from berth.policy.selector import Term, selects, terms
from berth.world.records import PolicyRecord

_MAX_BY: Final = 512
"""Longest name of a source that the status takes."""
_DAY: Final = 86400
_WRITTEN_BY_AUTHORS: Final = re.compile(r"\bworkload\b")


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """One policy. What is None is not required or not asked for. Equal only to itself, to be looked up quickly."""

    name: str
    mode: PolicyMode
    demand: Demand
    namespace: tuple[Term, ...] = ()
    workload: tuple[Term, ...] = ()
    tenants: frozenset[str] | None = None
    trust: frozenset[Trust] | None = None
    types: frozenset[WorkloadType] | None = None
    when: Condition | None = None
    deadline: int = _DAY
    """Seconds within which a running workload must meet it."""
    stops: bool = False
    """Whether what does not meet it in time is stopped."""
    error: str | None = None
    """Why the policy was not understood, or its condition not compiled; it is in force all the same."""


Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class CompiledPolicies:
    """All policies, sorted by name. Equal only to itself, to be looked up quickly."""

    policies: tuple[CompiledPolicy, ...] = ()

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """Return name and error of every policy that was not understood: its Accepted is False."""
        return tuple((policy.name, policy.error) for policy in self.policies if policy.error is not None)

    @cached_property
    def namespace_keys(self) -> frozenset[str]:
        """Return the labels of namespaces that some policy looks at."""
        return frozenset(key for policy in self.policies for key, _, _ in policy.namespace)

    @cached_property
    def workload_keys(self) -> frozenset[str]:
        """Return the labels of workloads that some policy looks at."""
        return frozenset(key for policy in self.policies for key, _, _ in policy.workload)


class Looks(NamedTuple):
    """All that matchers see of a workload, its condition aside. Many workloads look the same to all policies."""

    namespace: Labels | None
    """Labels of the namespace that some policy looks at; None where they could not be read."""
    labels: Labels
    """Its own labels that some policy looks at."""
    tenants: frozenset[str]
    type: WorkloadType
    trust: Trust


def labels_seen(labels: Labels, keys: frozenset[str]) -> Labels:
    """Return the labels that policies look at."""
    return tuple([label for label in labels if label[0] in keys])


@lru_cache(maxsize=4096)
def matching(compiled: CompiledPolicies, looks: Looks) -> tuple[CompiledPolicy, ...]:
    """Return the policies that match, those with a condition if it holds. Remembered for all that look the same."""
    namespace = None if looks.namespace is None else dict(looks.namespace)
    labels = dict(looks.labels)
    return tuple(
        policy
        for policy in compiled.policies
        # Labels that could not be read match every namespaceSelector.
        if (namespace is None or selects(policy.namespace, namespace))
        and selects(policy.workload, labels)
        and (policy.tenants is None or not policy.tenants.isdisjoint(looks.tenants))
        and (policy.types is None or looks.type in policy.types)
        and (policy.trust is None or looks.trust in policy.trust)
    )


@lru_cache(maxsize=256)
def without(compiled: CompiledPolicies, names: tuple[str, ...]) -> CompiledPolicies:
    """Return the policies but some. Remembered, so that what matches among them is."""
    return CompiledPolicies(tuple(policy for policy in compiled.policies if policy.name not in names))


def compile_policies(records: tuple[PolicyRecord, ...]) -> CompiledPolicies:
    """Compile every policy; one that cannot be understood becomes the strictest, it is never dropped."""
    return CompiledPolicies(tuple(sorted(map(compile_policy, records), key=lambda policy: policy.name)))


def compile_policy(record: PolicyRecord) -> CompiledPolicy:
    """Compile one policy."""
    if record.spec is None:
        return _strictest(record.name, record.error or "it has no spec", record.match)
    try:
        return _understood(record.name, record.spec)
    except Exception as error:  # noqa: BLE001 - a policy that breaks this code must not vanish
        return _strictest(record.name, f"{type(error).__name__}: {error}", None)


def _strictest(name: str, error: str, match: Match | None) -> CompiledPolicy:
    """Return the reading of a policy that is not understood: nobody knows how little it asks for, or of whom.

    Whom it cannot match by its namespaces and tenants it spares, where those are understood.
    """
    demand = strictest(f"IsolationPolicy {name} (invalid: {error})"[:_MAX_BY])
    policy = CompiledPolicy(name, PolicyMode.ENFORCE, demand, error=error)
    return policy if match is None else replace(policy, **_matchers(match))


def _understood(name: str, spec: IsolationPolicySpec) -> CompiledPolicy:
    when = None if spec.when is None else compile_condition(spec.when)
    return CompiledPolicy(
        name=name,
        mode=PolicyMode(spec.mode),
        demand=demand_of_policy(f"IsolationPolicy {name} ({spec.reason})"[:_MAX_BY], spec.require),
        when=when,
        error=when.error if when is not None else None,
        deadline=spec.deadline_seconds or _DAY,
        stops=spec.on_deadline is OnDeadline.STOP,
        **_matchers(spec.match or Match()),
    )


def _matchers(match: Match) -> dict[str, Any]:
    """Return the matchers. An empty list asks for nothing, as in the Kubernetes API: it must not match nobody."""
    return {
        "namespace": terms(match.namespace_selector),
        "workload": terms(match.workload_selector),
        "tenants": frozenset(match.tenants) if match.tenants else None,
        "trust": frozenset(match.trust) if match.trust else None,
        "types": frozenset(match.types) if match.types else None,
    }


def evadable(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return by what authors could keep a policy from matching: matchers that look at what they write."""
    looks = {
        "match.workloadSelector looks at labels of the Workload": bool(policy.workload),
        "match.trust looks at spec.trust": policy.trust is not None and len(policy.trust) < len(Trust),
        "match.types looks at spec.type": policy.types is not None and len(policy.types) < len(WorkloadType),
        "when looks at the Workload": policy.when is not None and bool(_WRITTEN_BY_AUTHORS.search(policy.when.text)),
    }
    return tuple(text for text, does in looks.items() if does)
