"""Policies prepared for matching: done once whenever a policy changes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from berth.api.isolation_policy import IsolationPolicySpec, Match, Require
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.policy.cel import Condition, compile_condition
from berth.policy.model import Source
from berth.policy.selector import Term, selects, terms
from berth.world.records import PolicyRecord

_MAX_BY: Final = 512
_MAX_VALUE: Final = 1024
"""Longest name and value of a source that the status takes."""


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One policy. What is None is not required or not asked for."""

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


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicies:
    """All policies, sorted by name. Equal only to itself, so that `in_namespace` finds it again quickly."""

    policies: tuple[CompiledPolicy, ...] = ()

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """Return name and error of every policy that was not understood: its Accepted is False."""
        return tuple((policy.name, policy.error) for policy in self.policies if policy.error is not None)


@lru_cache(maxsize=4096)
def in_namespace(compiled: CompiledPolicies, labels: Labels | None) -> tuple[CompiledPolicy, ...]:
    """Return the policies that may match in a namespace; all of them where its labels could not be read (None).

    Remembered, since a namespace holds many workloads.
    """
    if labels is None:
        return compiled.policies
    known = dict(labels)
    return tuple(policy for policy in compiled.policies if selects(policy.namespace, known))


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
