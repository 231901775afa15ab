"""The effective requirement of one workload: the join of everything that matches it, with who asked for what."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust
from berth.policy.cel import bind, holds
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, Labels, Looks, labels_seen, matching
from berth.policy.model import Ask, Requirement, Source, hashed_once

Rung = TypeVar("Rung", IsolationLevel, NodeSharing)

DEFAULT_SOURCE: Final = "cluster default"
LEVEL_SOURCE: Final = "spec.isolation.level"


@dataclass(frozen=True, slots=True)
class Subject:
    """What policies see of a workload."""

    namespace: str
    name: str
    labels: Labels
    ask: Ask
    spec: bytes = b"{}"
    """The spec as JSON, for conditions in CEL."""
    tenant: str | None = None
    """The tenant that the namespace belongs to; None is knowledge: it belongs to none."""


class Said(NamedTuple):
    """What an author says that bears on the requirement."""

    level: IsolationLevel | None
    trust: Trust | None
    service_account: str | None


@hashed_once
@dataclass(frozen=True)
class Defaults:
    """What holds where no policy says anything."""

    level: IsolationLevel
    trust_levels: tuple[tuple[Trust, IsolationLevel], ...] = (
        (Trust.RESTRICTED, IsolationLevel.SANDBOXED),
        (Trust.UNTRUSTED, IsolationLevel.VIRTUALIZED),
    )
    """Lowest level by what the author says of the code; saying nothing adds nothing."""
    node_sharing: NodeSharing = NodeSharing.SHARED
    allowed_service_accounts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for one workload."""

    requirement: Requirement
    matched: tuple[tuple[str, PolicyMode], ...] = ()
    """Every matching policy with its mode, sorted by name."""
    with_warn: Requirement | None = None
    """What would hold if policies in mode Warn were enforced; None when that is no more. Decide it again to warn."""
    errors: tuple[tuple[str, str], ...] = ()
    """Policies whose condition failed on this workload, and how; they count as matching."""


def effective(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies, defaults: Defaults
) -> Effective:
    """Return what is required of a workload. Labels that could not be read (None) match every namespaceSelector."""
    matched, errors = _matching(subject, namespace_labels, policies)
    ask = subject.ask
    found = _joined(Said(ask.level, ask.trust, ask.service_account), defaults, matched)
    return replace(found, errors=errors) if errors else found


def _matching(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies
) -> tuple[tuple[CompiledPolicy, ...], tuple[tuple[str, str], ...]]:
    bound, matched, errors = None, [], []
    for policy in matching(policies, _looks(subject, namespace_labels, policies)):
        if policy.when is not None:
            if bound is None and policy.when.error is None:
                bound = _variables(subject, namespace_labels)
            true, error = holds(policy.when, bound)
            if error is not None:
                errors.append((policy.name, error))
            if not true:
                continue
        matched.append(policy)
    return tuple(matched), tuple(errors)


def _looks(subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies) -> Looks:
    return Looks(
        namespace=None if namespace_labels is None else labels_seen(namespace_labels, policies.namespace_keys),
        labels=labels_seen(subject.labels, policies.workload_keys),
        tenant=subject.tenant,
        type=subject.ask.type,
        # An author who says nothing of the code has not said that it can be trusted.
        trust=subject.ask.trust or Trust.RESTRICTED,
    )


def _variables(subject: Subject, namespace_labels: Labels | None) -> Any:
    """Return what conditions see; what could not be read is left out, so that naming it is an error, hence a match."""
    workload: dict[str, object] = {"labels": dict(subject.labels), "name": subject.name}
    with suppress(orjson.JSONDecodeError):
        workload["spec"] = orjson.loads(subject.spec)
    known = {} if namespace_labels is None else {"labels": dict(namespace_labels)}
    return bind({"workload": workload, "ns": {"name": subject.namespace, **known}})


@lru_cache(maxsize=4096)
def _joined(said: Said, defaults: Defaults, matched: tuple[CompiledPolicy, ...]) -> Effective:
    """Return what holds under policies that match. Remembered, since many workloads are under the same ones."""
    enforced = [policy for policy in matched if policy.mode is PolicyMode.ENFORCE]
    requirement = _join(said, defaults, enforced)
    warned = [policy for policy in matched if policy.mode is PolicyMode.WARN]
    demanding = any(_exceeds(policy, requirement) for policy in warned)
    with_warn = _join(said, defaults, enforced + warned) if demanding else None
    return Effective(requirement, tuple((policy.name, policy.mode) for policy in matched), with_warn)


def _join(said: Said, defaults: Defaults, policies: list[CompiledPolicy]) -> Requirement:
    own = tuple(_authors_levels(said, defaults))
    level = _highest({defaults.level, *(each for each, _ in own), *(policy.level for policy in policies)})
    sharing = _highest({defaults.node_sharing, *(policy.sharing for policy in policies)})
    lists = [policy.classes for policy in policies if policy.classes is not None]
    asked = [
        Source("level", defaults.level.value, DEFAULT_SOURCE),
        Source("nodeSharing", defaults.node_sharing.value, DEFAULT_SOURCE),
        *(Source("level", each.value, by) for each, by in own),
        *(source for policy in policies for source in policy.sources),
    ]
    # Every list of classes narrows the intersection; of the other dimensions only who asked for what holds is a source.
    sources = [each for each in asked if each.dimension == "classes" or each.value in (level, sharing)]
    return Requirement(
        level=level,
        node_sharing=sharing,
        classes=frozenset.intersection(*lists) if lists else None,
        sources=tuple(sorted(sources, key=_order)),
        denials=_denials(said, defaults),
    )


def _order(source: Source) -> tuple[str, str, str]:
    return source.dimension, source.by, source.value


def _authors_levels(said: Said, defaults: Defaults) -> Iterable[tuple[IsolationLevel, str]]:
    """Yield what the author asks for, by level and by trust."""
    if said.level is not None:
        yield said.level, LEVEL_SOURCE
    if said.trust is not None:
        for trust, level in defaults.trust_levels:
            if trust is said.trust:
                yield level, f"spec.trust {trust}"


def _highest(rungs: set[Rung | None]) -> Rung:
    """Return the highest rung that anybody asked for."""
    return max((rung for rung in rungs if rung is not None), key=lambda rung: rung.rank)


def _denials(said: Said, defaults: Defaults) -> tuple[str, ...]:
    if said.service_account is None or said.service_account in defaults.allowed_service_accounts:
        return ()
    allowed = ", ".join(sorted(defaults.allowed_service_accounts)) or "none"
    name = said.service_account
    fix = "remove it, or ask the platform admins to allow it"
    return (f"ServiceAccount {name} in spec.serviceAccountName is not allowed (allowed: {allowed}): {fix}",)


def _exceeds(policy: CompiledPolicy, requirement: Requirement) -> bool:
    """Return whether a policy asks for more than what is required without it."""
    if policy.level is not None and policy.level.rank > requirement.level.rank:
        return True
    if policy.sharing is not None and policy.sharing.rank > requirement.node_sharing.rank:
        return True
    return policy.classes is not None and (requirement.classes is None or not requirement.classes <= policy.classes)
