"""The effective requirement of one workload: the join of everything that matches it, with who asked for what."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust
from berth.policy.cel import bind, holds
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, Labels, in_namespace
from berth.policy.model import Ask, Requirement, Source
from berth.policy.selector import selects

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


@dataclass(frozen=True, slots=True)
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
    enforced = [policy for policy in matched if policy.mode is PolicyMode.ENFORCE]
    requirement = _join(subject.ask, defaults, enforced)
    warned = [policy for policy in matched if policy.mode is PolicyMode.WARN]
    demanding = any(_exceeds(policy, requirement) for policy in warned)
    with_warn = _join(subject.ask, defaults, enforced + warned) if demanding else None
    return Effective(requirement, tuple((policy.name, policy.mode) for policy in matched), with_warn, errors)


def _matching(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies
) -> tuple[list[CompiledPolicy], tuple[tuple[str, str], ...]]:
    labels, bound = dict(subject.labels), None
    matched, errors = [], []
    for policy in in_namespace(policies, namespace_labels):
        if not _static_match(policy, subject, labels):
            continue
        if policy.when is not None:
            if bound is None and policy.when.error is None:
                bound = _variables(subject, namespace_labels, labels)
            true, error = holds(policy.when, bound)
            if error is not None:
                errors.append((policy.name, error))
            if not true:
                continue
        matched.append(policy)
    return matched, tuple(errors)


def _static_match(policy: CompiledPolicy, subject: Subject, labels: Mapping[str, str]) -> bool:
    """Return whether all matchers hold but those on the namespace's labels and the condition."""
    if policy.workload and not selects(policy.workload, labels):
        return False
    if policy.tenants is not None and subject.tenant not in policy.tenants:
        return False
    if policy.types is not None and subject.ask.type not in policy.types:
        return False
    # An author who says nothing of the code has not said that it can be trusted.
    return policy.trust is None or (subject.ask.trust or Trust.RESTRICTED) in policy.trust


def _variables(subject: Subject, namespace_labels: Labels | None, labels: Mapping[str, str]) -> Any:
    """Return what conditions see; what could not be read is left out, so that naming it is an error, hence a match."""
    workload: dict[str, object] = {"labels": labels, "name": subject.name}
    with suppress(orjson.JSONDecodeError):
        workload["spec"] = orjson.loads(subject.spec)
    known = {} if namespace_labels is None else {"labels": dict(namespace_labels)}
    return bind({"workload": workload, "ns": {"name": subject.namespace, **known}})


def _join(ask: Ask, defaults: Defaults, policies: list[CompiledPolicy]) -> Requirement:
    own = tuple(_authors_levels(ask, defaults))
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
        denials=_denials(ask, defaults),
    )


def _order(source: Source) -> tuple[str, str, str]:
    return source.dimension, source.by, source.value


def _authors_levels(ask: Ask, defaults: Defaults) -> Iterable[tuple[IsolationLevel, str]]:
    """Yield what the author asks for, by level and by trust."""
    if ask.level is not None:
        yield ask.level, LEVEL_SOURCE
    if ask.trust is not None:
        for trust, level in defaults.trust_levels:
            if trust is ask.trust:
                yield level, f"spec.trust {trust}"


def _highest(rungs: set[Rung | None]) -> Rung:
    """Return the highest rung that anybody asked for."""
    return max((rung for rung in rungs if rung is not None), key=lambda rung: rung.rank)


def _denials(ask: Ask, defaults: Defaults) -> tuple[str, ...]:
    if ask.service_account is None or ask.service_account in defaults.allowed_service_accounts:
        return ()
    allowed = ", ".join(sorted(defaults.allowed_service_accounts)) or "none"
    name = ask.service_account
    fix = "remove it, or ask the platform admins to allow it"
    return (f"ServiceAccount {name} in spec.serviceAccountName is not allowed (allowed: {allowed}): {fix}",)


def _exceeds(policy: CompiledPolicy, requirement: Requirement) -> bool:
    """Return whether a policy asks for more than what is required without it."""
    if policy.level is not None and policy.level.rank > requirement.level.rank:
        return True
    if policy.sharing is not None and policy.sharing.rank > requirement.node_sharing.rank:
        return True
    return policy.classes is not None and (requirement.classes is None or not requirement.classes <= policy.classes)
