"""Whom a change of the world concerns: a policy only Workloads that it may match, a tenant only its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from berth.app.outcomes import Outcome
from berth.app.tenancy import Tenancy
from berth.policy.compiled import CompiledPolicies, Looks, labels_seen, matching
from berth.world.records import InstancetypeRecord, Key, PreferenceRecord
from berth.world.store import Store

_EVERYWHERE: Final = ""
"""Where instancetypes and preferences of the whole cluster stand."""


@dataclass(frozen=True, slots=True)
class World:
    """What decisions depend on beside the Workload itself."""

    offered: tuple[str, ...] = ()
    """Digests of all that the cluster offers, to everyone and to each tenant."""
    instancetypes: Mapping[Key, InstancetypeRecord] = field(default_factory=dict)
    preferences: Mapping[Key, PreferenceRecord] = field(default_factory=dict)
    policies: CompiledPolicies = field(default_factory=CompiledPolicies)
    tenancy: Tenancy = field(default_factory=Tenancy)


def concerned(before: World, after: World, store: Store, outcomes: Mapping[Key, Outcome]) -> Iterable[Key]:
    """Yield the Workloads that a change may concern. What was not looked at yet is going to be in any case."""
    described = _described(before, after)
    if before.offered != after.offered or _EVERYWHERE in described:
        yield from store.workloads
        return
    moved = _moved(before.tenancy, after.tenancy, store) | described
    changed = _changed(before.policies, after.policies)
    if not moved and not changed.policies:
        return
    for key in store.workloads:
        outcome = outcomes.get(key)
        if key[0] in moved or (
            outcome is not None and changed.policies and matching(changed, _looks(key, outcome, changed, after, store))
        ):
            yield key


def _described(before: World, after: World) -> frozenset[str]:
    """Return the namespaces for whose machines an instancetype or a preference is another than it was."""
    kinds = ((before.instancetypes, after.instancetypes), (before.preferences, after.preferences))
    return frozenset(key[0] for old, new in kinds if old != new for key, _ in old.items() ^ new.items())


def _moved(before: Tenancy, after: Tenancy, store: Store) -> frozenset[str]:
    """Return the namespaces whose tenants are others, or have other namespaces, or say something else."""
    tenants = {name for name, members in after.members.items() if before.members.get(name) != members}
    return frozenset(
        name
        for name in store.namespaces
        if before.of(name) != after.of(name) or any(tenant.name in tenants for tenant in after.of(name))
    )


def _changed(before: CompiledPolicies, after: CompiledPolicies) -> CompiledPolicies:
    """Return the policies that are new, gone, or other than they were: as they were and as they are."""
    old, new = set(before.policies), set(after.policies)
    return CompiledPolicies(tuple(sorted(old ^ new, key=lambda policy: policy.name)))


def _looks(key: Key, outcome: Outcome, policies: CompiledPolicies, world: World, store: Store) -> Looks:
    home = store.namespaces.get(key[0])
    return Looks(
        namespace=labels_seen(home.labels, policies.namespace_keys) if home else None,
        labels=labels_seen(store.workloads[key].labels, policies.workload_keys),
        tenants=frozenset(tenant.name for tenant in world.tenancy.of(key[0])),
        type=outcome.type,
        trust=outcome.trust,
    )
