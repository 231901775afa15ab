"""The effective requirement of one workload: the join of everything that matches it, with who asked for what."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing, PolicyMode, Trust
from berth.policy.cel import bind, holds
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, Labels, Looks, labels_seen, matching
from berth.policy.demand import Demand
from berth.policy.denials import Used, denials
from berth.policy.model import Ask, Requirement, Source, hashed_once
from berth.policy.tenancy import CompiledTenant
from berth.policy.waiving import Waived

Rung = TypeVar("Rung", IsolationLevel, NodeSharing, NetworkMode)

DEFAULT_SOURCE: Final = "cluster default"
LEVEL_SOURCE: Final = "spec.isolation.level"

_ALL_THAT_HOLD: Final = frozenset(("classes", "dedicated", "images", "storageClasses"))
"""Dimensions in which everyone who asks for something narrows what is left; in the others the highest holds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What policies see of a workload."""

    namespace: str
    name: str
    labels: Labels
    ask: Ask
    spec: bytes = b"{}"
    """The spec as JSON, for conditions in CEL."""
    tenants: tuple[CompiledTenant, ...] = ()
    """The tenants that the namespace belongs to; none is knowledge: it belongs to none. Several are a conflict."""
    images: tuple[str, ...] = ()
    """All its images, of containers and of disks."""
    unsized: tuple[tuple[str, str], ...] = ()
    """Resource and container of every request that is missing."""
    waivers: tuple[Waived, ...] = ()
    """What spares it from policies now."""


class Said(NamedTuple):
    """What an author says that bears on the requirement."""

    level: IsolationLevel | None
    trust: Trust | None
    used: Used


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
    """Every matching policy with its mode, sorted by name; those that are waived too."""
    with_warn: Requirement | None = None
    """What would hold if policies in mode Warn were enforced; None when that is no more. Decide it again to warn."""
    errors: tuple[tuple[str, str], ...] = ()
    """Policies whose condition failed on this workload, and how; they count as matching."""
    waived: tuple[tuple[str, str], ...] = ()
    """Matching policies that do not hold, each with the waiver that spares from it."""
    deadline: tuple[int, bool] | None = None
    """Seconds within which what runs must meet the enforced policies, the shortest, and whether it is stopped then."""


def effective(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies, defaults: Defaults
) -> Effective:
    """Return what is required of a workload. Labels that could not be read (None) match every namespaceSelector."""
    matched, errors = matches(subject, namespace_labels, policies)
    found = joined(subject, defaults, matched)
    return replace(found, errors=errors) if errors else found


def joined(subject: Subject, defaults: Defaults, matched: tuple[CompiledPolicy, ...]) -> Effective:
    """Return what is required of a workload that these policies match."""
    return joined_as(said_by(subject, matched), defaults, subject.tenants, matched, waived_from(subject, matched))


def matches(
    subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies
) -> tuple[tuple[CompiledPolicy, ...], tuple[tuple[str, str], ...]]:
    """Return the policies that match, and those whose condition failed, which counts as a match, with how it failed."""
    bound, matched, errors = None, [], []
    candidates = matching(policies, looks(subject, namespace_labels, policies))
    if all(policy.when is None for policy in candidates):
        return candidates, ()
    for policy in candidates:
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


def looks(subject: Subject, namespace_labels: Labels | None, policies: CompiledPolicies) -> Looks:
    """Return what the matchers of policies see of a workload."""
    return Looks(
        namespace=None if namespace_labels is None else labels_seen(namespace_labels, policies.namespace_keys),
        labels=labels_seen(subject.labels, policies.workload_keys),
        tenants=frozenset(tenant.name for tenant in subject.tenants),
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


def said_by(subject: Subject, matched: Iterable[CompiledPolicy]) -> Said:
    """Return what the author says, without what nobody asks about: so that many say the same."""
    ask = subject.ask
    demands = [*(tenant.demand for tenant in subject.tenants), *(policy.demand for policy in matched)]
    used = Used(
        service_account=ask.service_account,
        priority_class=ask.priority_class,
        dedicated=ask.dedicated,
        images=subject.images if any(demand.images for demand in demands) else (),
        storage_classes=ask.storage_classes if any(demand.storage_classes for demand in demands) else (),
        unsized=subject.unsized if any(tenant.quota for tenant in subject.tenants) else (),
        attachments=ask.attachments,
        origins=tuple(each for each in ask.origins if each.namespaces or each.kind == "http") if ask.origins else (),
    )
    return Said(ask.level, ask.trust, used)


def waived_from(subject: Subject, matched: Iterable[CompiledPolicy]) -> tuple[tuple[str, str], ...]:
    """Return the matching policies that a waiver spares from. Of one that is not understood nobody is spared."""
    if not subject.waivers:
        return ()
    found = ((policy.name, _sparing(subject.waivers, policy.name)) for policy in matched if policy.error is None)
    return tuple((name, waiver.name) for name, waiver in found if waiver is not None)


def _sparing(waivers: Iterable[Waived], policy: str) -> Waived | None:
    """Return the waiver that spares from a policy: where there are several, the one that ends last."""
    return max((each for each in waivers if policy in each.policies), key=lambda each: each.expires, default=None)


@lru_cache(maxsize=4096)
def joined_as(
    said: Said,
    defaults: Defaults,
    tenants: tuple[CompiledTenant, ...],
    matched: tuple[CompiledPolicy, ...],
    waived: tuple[tuple[str, str], ...],
) -> Effective:
    """Return what holds under policies that match. Remembered, since many workloads are under the same ones."""
    spared = {name for name, _ in waived}
    held = [policy for policy in matched if policy.name not in spared]
    enforced = [policy for policy in held if policy.mode is PolicyMode.ENFORCE]
    requirement = _join(said, defaults, tenants, [policy.demand for policy in enforced])
    strict = [policy.demand for policy in held if policy.mode is not PolicyMode.AUDIT]
    with_warn = _join(said, defaults, tenants, strict) if len(strict) > len(enforced) else None
    return Effective(
        requirement,
        tuple((policy.name, policy.mode) for policy in matched),
        with_warn if with_warn is not None and not same_demands(with_warn, requirement) else None,
        waived=waived,
        deadline=min(((policy.deadline, policy.stops) for policy in enforced if policy.stops), default=None),
    )


def same_demands(one: Requirement, other: Requirement) -> bool:
    """Return whether two requirements ask for the same, whoever asks."""
    return replace(one, sources=()) == replace(other, sources=())


def _join(said: Said, defaults: Defaults, tenants: tuple[CompiledTenant, ...], demanded: list[Demand]) -> Requirement:
    own = tuple(_authors_levels(said, defaults))
    demands = [*(tenant.demand for tenant in tenants), *demanded]
    level = _highest({defaults.level, *(each for each, _ in own), *(demand.level for demand in demands)})
    sharing = _highest({defaults.node_sharing, *(demand.sharing for demand in demands)})
    network = _highest({NetworkMode.OPEN, *(demand.network for demand in demands)})
    asked = [
        Source("level", defaults.level.value, DEFAULT_SOURCE),
        Source("nodeSharing", defaults.node_sharing.value, DEFAULT_SOURCE),
        *(Source("level", each.value, by) for each, by in own),
        *(source for demand in demands for source in demand.sources),
    ]
    highest = (level, sharing, *((network,) if network is not NetworkMode.OPEN else ()))
    sources = [each for each in asked if each.dimension in _ALL_THAT_HOLD or each.value in highest]
    return Requirement(
        level=level,
        node_sharing=sharing,
        classes=_intersection([demand.classes for demand in demands]),
        preferred=tenants[0].default_class if len(tenants) == 1 else None,
        images=tuple(
            sorted((demand.images for demand in demands if demand.images), key=lambda rule: (str(rule), rule.by))
        ),
        storage_classes=_intersection([demand.storage_classes for demand in demands]),
        dedicated=any(demand.dedicated for demand in demands),
        network=network,
        sources=tuple(sorted(sources, key=_order)),
        denials=denials(said.used, defaults.allowed_service_accounts, tenants, demands),
    )


def _intersection(lists: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    given = [each for each in lists if each is not None]
    return frozenset.intersection(*given) if given else None


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
