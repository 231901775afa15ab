"""Policies prepared for matching: done once whenever a policy changes."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from berth.api.isolation_policy import IsolationPolicySpec, Match, Require
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.policy.cel import Condition, compile_condition
from berth.policy.model import Source
from berth.policy.selector import Term, selects, terms
from berth.world.records import PolicyRecord

_MAX_BY: Final = 512
_MAX_VALUE: Final = 1024
"""Longest name and value of a source that the status takes."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """One policy. What is None is not required or not asked for. Equal only to itself, to be looked up quickly."""

    name: str
    mode: PolicyMode
    by: str
    """Its name as a source: `IsolationPolicy pci (cardholder data)`."""
    level: IsolationLevel | None = None
    sharing: NodeSharing | None = None
    classes: frozenset[str] | None = None
    namespace: tuple[Term, ...] = ()
    workload: tuple[Term, ...] = ()
    tenants: frozenset[str] | None = None
    trust: frozenset[Trust] | None = None
    types: frozenset[WorkloadType] | None = None
    when: Condition | None = None
    sources: tuple[Source, ...] = ()
    """What it asks for, one entry for each dimension."""
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
    tenant: str | None
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
        and (policy.tenants is None or looks.tenant in policy.tenants)
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
        return _strictest(record.name, record.error or "it has no spec")
    try:
        return _understood(record.name, record.spec)
    except Exception as error:  # noqa: BLE001 - a policy that breaks this code must not vanish
        return _strictest(record.name, f"{type(error).__name__}: {error}")


def _strictest(name: str, error: str) -> CompiledPolicy:
    """Return the reading of a policy that is not understood: nobody knows whom it spares or how little it asks for."""
    by = f"IsolationPolicy {name} (invalid: {error})"[:_MAX_BY]
    require = Require(level=IsolationLevel.CONFIDENTIAL, node_sharing=NodeSharing.EXCLUSIVE)
    return CompiledPolicy(
        name=name,
        mode=PolicyMode.ENFORCE,
        by=by,
        level=require.level,
        sharing=require.node_sharing,
        sources=_sources(require, by),
        error=error,
    )


def _understood(name: str, spec: IsolationPolicySpec) -> CompiledPolicy:
    match, require = spec.match or Match(), spec.require
    by = f"IsolationPolicy {name} ({spec.reason})"[:_MAX_BY]
    when = None if spec.when is None else compile_condition(spec.when)
    return CompiledPolicy(
        name=name,
        mode=PolicyMode(spec.mode),
        by=by,
        level=require.level,
        sharing=require.node_sharing,
        classes=frozenset(require.classes) if require.classes is not None else None,
        namespace=terms(match.namespace_selector),
        workload=terms(match.workload_selector),
        # An empty list asks for nothing, as in the Kubernetes API; it must not make a policy that matches nobody.
        tenants=frozenset(match.tenants) if match.tenants else None,
        trust=frozenset(match.trust) if match.trust else None,
        types=frozenset(match.types) if match.types else None,
        when=when,
        sources=_sources(require, by),
        error=when.error if when is not None else None,
    )


def _sources(require: Require, by: str) -> tuple[Source, ...]:
    asked = {
        "classes": None if require.classes is None else ", ".join(sorted(require.classes))[:_MAX_VALUE],
        "level": require.level and require.level.value,
        "nodeSharing": require.node_sharing and require.node_sharing.value,
    }
    return tuple(Source(dimension, value, by) for dimension, value in asked.items() if value is not None)
