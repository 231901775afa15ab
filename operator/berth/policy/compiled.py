"""Policies prepared for matching: done once whenever a policy changes."""

from dataclasses import dataclass
from typing import Final

from berth.api.isolation_policy import IsolationPolicySpec, Match
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.policy.cel import Condition, compile_condition
from berth.policy.selector import Term, terms
from berth.world.records import PolicyRecord

_MAX_BY: Final = 512
"""Longest name of a source that the status takes."""


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
    error: str | None = None
    """Why the policy was not understood, or its condition not compiled; it is in force all the same."""


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """All policies, sorted by name."""

    policies: tuple[CompiledPolicy, ...] = ()

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """Return name and error of every policy that was not understood: its Accepted is False."""
        return tuple((policy.name, policy.error) for policy in self.policies if policy.error is not None)

    def without(self, name: str) -> "CompiledPolicies":
        """Return all policies but one."""
        return CompiledPolicies(tuple(policy for policy in self.policies if policy.name != name))


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
    return CompiledPolicy(
        name=name,
        mode=PolicyMode.ENFORCE,
        by=f"IsolationPolicy {name} (invalid: {error})"[:_MAX_BY],
        level=IsolationLevel.CONFIDENTIAL,
        sharing=NodeSharing.EXCLUSIVE,
        error=error,
    )


def _understood(name: str, spec: IsolationPolicySpec) -> CompiledPolicy:
    match, require = spec.match or Match(), spec.require
    when = None if spec.when is None else compile_condition(spec.when)
    return CompiledPolicy(
        name=name,
        mode=PolicyMode(spec.mode),
        by=f"IsolationPolicy {name} ({spec.reason})"[:_MAX_BY],
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
        error=when.error if when is not None else None,
    )
