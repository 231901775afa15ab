"""The effective requirement of one workload: the join of everything that matches it, with who asked for what."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust
from berth.decide.model import Ask, Requirement, Source
from berth.policy.cel import bind, holds
from berth.policy.compiled import CompiledPolicies, CompiledPolicy
from berth.policy.selector import selects

Labels = tuple[tuple[str, str], ...]
Rung = TypeVar("Rung", IsolationLevel, NodeSharing)

DEFAULT_SOURCE: Final = "cluster default"
LEVEL_SOURCE: Final = "spec.isolation.level"

_ENFORCED: Final = frozenset((PolicyMode.ENFORCE,))
_WITH_WARN: Final = frozenset((PolicyMode.ENFORCE, PolicyMode.WARN))


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
    modes = {policy.mode for policy in matched}
    requirement = _join(subject.ask, defaults, [policy for policy in matched if policy.mode in _ENFORCED])
    with_warn = None
    if PolicyMode.WARN in modes:
        stricter = _join(subject.ask, defaults, [policy for policy in matched if policy.mode in _WITH_WARN])
        with_warn = stricter if _demands(stricter) != _demands(requirement) else None
    return Effective(requirement, tuple((policy.name, policy.mode) for policy in matched), with_warn, errors)


def _matching(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies
) -> tuple[list[CompiledPolicy], tuple[tuple[str, str], ...]]:
    namespace = None if namespace_labels is None else dict(namespace_labels)
    labels, bound = dict(subject.labels), None
    matched, errors = [], []
    for policy in policies.policies:
        if not _static_match(policy, subject, namespace, labels):
            continue
        if policy.when is not None:
            if bound is None and policy.when.error is None:
                bound = _variables(subject, namespace, labels)
            true, error = holds(policy.when, bound)
            if error is not None:
                errors.append((policy.name, error))
            if not true:
                continue
        matched.append(policy)
    return matched, tuple(errors)


def _static_match(
    policy: CompiledPolicy, subject: Subject, namespace: Mapping[str, str] | None, labels: Mapping[str, str]
) -> bool:
    """Return whether all matchers but the condition hold."""
    if policy.namespace and namespace is not None and not selects(policy.namespace, namespace):
        return False
    if policy.workload and not selects(policy.workload, labels):
        return False
    if policy.tenants is not None and subject.tenant not in policy.tenants:
        return False
    if policy.types is not None and subject.ask.type not in policy.types:
        return False
    # An author who says nothing of the code has not said that it can be trusted.
    return policy.trust is None or (subject.ask.trust or Trust.RESTRICTED) in policy.trust


def _variables(subject: Subject, namespace: Mapping[str, str] | None, labels: Mapping[str, str]) -> Any:
    """Return what conditions see; what could not be read is left out, so that naming it is an error, hence a match."""
    workload: dict[str, object] = {"labels": labels, "name": subject.name}
    with suppress(orjson.JSONDecodeError):
        workload["spec"] = orjson.loads(subject.spec)
    known = {} if namespace is None else {"labels": namespace}
    return bind({"workload": workload, "ns": {"name": subject.namespace, **known}})


def _join(ask: Ask, defaults: Defaults, policies: list[CompiledPolicy]) -> Requirement:
    levels = [(defaults.level, DEFAULT_SOURCE), *_authors_levels(ask, defaults)]
    levels += [(policy.level, policy.by) for policy in policies if policy.level is not None]
    sharings = [(defaults.node_sharing, DEFAULT_SOURCE)]
    sharings += [(policy.sharing, policy.by) for policy in policies if policy.sharing is not None]
    level, level_by = _highest(levels)
    sharing, sharing_by = _highest(sharings)
    restricted = [(policy.classes, policy.by) for policy in policies if policy.classes is not None]
    sources = [Source("classes", ", ".join(sorted(names))[:1024], by) for names, by in restricted]
    sources += [Source("level", level.value, by) for by in level_by]
    sources += [Source("nodeSharing", sharing.value, by) for by in sharing_by]
    return Requirement(
        level=level,
        node_sharing=sharing,
        classes=frozenset.intersection(*(names for names, _ in restricted)) if restricted else None,
        sources=tuple(sorted(sources, key=lambda source: (source.dimension, source.by, source.value))),
        denials=_denials(ask, defaults),
    )


def _authors_levels(ask: Ask, defaults: Defaults) -> Iterable[tuple[IsolationLevel, str]]:
    """Yield what the author asks for, by level and by trust."""
    if ask.level is not None:
        yield ask.level, LEVEL_SOURCE
    for trust, level in defaults.trust_levels:
        if trust is ask.trust:
            yield level, f"spec.trust {trust}"


def _highest(asked: list[tuple[Rung, str]]) -> tuple[Rung, list[str]]:
    """Return the highest rung, and everybody who asked for it."""
    top = max((rung for rung, _ in asked), key=lambda rung: rung.rank)
    return top, [by for rung, by in asked if rung is top]


def _denials(ask: Ask, defaults: Defaults) -> tuple[str, ...]:
    if ask.service_account is None or ask.service_account in defaults.allowed_service_accounts:
        return ()
    allowed = ", ".join(sorted(defaults.allowed_service_accounts)) or "none"
    name = ask.service_account
    fix = "remove it, or ask the platform admins to allow it"
    return (f"ServiceAccount {name} in spec.serviceAccountName is not allowed (allowed: {allowed}): {fix}",)


def _demands(requirement: Requirement) -> tuple[object, ...]:
    return requirement.level, requirement.node_sharing, requirement.classes
