"""Which namespaces belong to which tenants now, and what follows for labels and nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from berth.api.isolation_class import NodePool
from berth.api.levels import NodeSharing
from berth.api.meta import GROUP
from berth.decide.facts import ALL_NODES
from berth.policy.tenancy import CompiledTenant, compile_tenant, tenants_of
from berth.world.records import NamespaceRecord, TenantRecord

_MAX_LABEL: Final = 63
_CONTRADICTION: Final = f"{GROUP}/tenants-in-conflict"
"""Asked of nodes where tenants ask for different ones: no node has it, so nothing new starts."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """All tenants, and the namespaces of each."""

    tenants: tuple[CompiledTenant, ...] = ()
    """Sorted by name."""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the namespaces of each tenant, sorted."""
    namespaces: Mapping[str, tuple[CompiledTenant, ...]] = field(default_factory=dict)
    """The tenants of each namespace that belongs to any."""
    made_of: Mapping[str, object] = field(default_factory=dict)
    """What each tenant was compiled from."""

    def of(self, namespace: str) -> tuple[CompiledTenant, ...]:
        """Return the tenants of a namespace: one or none where all is well."""
        return self.namespaces.get(namespace, ())

    def contested(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """Return the namespaces that a tenant shares with others, each with the names of those."""
        found = {name: self.of(name) for name in self.members.get(tenant, ())}
        return {
            name: tuple(each.name for each in tenants if each.name != tenant)
            for name, tenants in found.items()
            if len(tenants) > 1
        }


def tenancy_of(
    records: Mapping[str, TenantRecord], namespaces: Mapping[str, NamespaceRecord], before: Tenancy
) -> Tenancy:
    """Return who belongs to whom. A tenant that has not changed stays the same object."""
    known = {tenant.name: tenant for tenant in before.tenants}
    made_of = {name: (record.uid, record.spec, record.error, record.selector) for name, record in records.items()}
    tenants = tuple(
        known[name] if name in known and before.made_of.get(name) == made_of[name] else compile_tenant(record)
        for name, record in sorted(records.items())
    )
    of = {name: tenants_of(record.labels, tenants) for name, record in sorted(namespaces.items())}
    members: dict[str, list[str]] = {tenant.name: [] for tenant in tenants}
    for namespace, found in of.items():
        for tenant in found:
            members[tenant.name].append(namespace)
    return Tenancy(
        tenants,
        {name: tuple(each) for name, each in members.items()},
        {name: found for name, found in of.items() if found},
        made_of,
    )


def alone(namespace: str) -> str:
    """Return the tenant label of a namespace that belongs to no tenant: one of its own, whatever its length."""
    label = f"ns.{namespace}"
    if len(label) <= _MAX_LABEL:
        return label
    return f"{label[:46]}-{blake2b(namespace.encode(), digest_size=8).hexdigest()}"


def pool_of(tenants: tuple[CompiledTenant, ...]) -> NodePool:
    """Return the nodes of a namespace: those of its tenant; of several, only nodes that all of them have."""
    pools = [tenant.spec.nodes for tenant in tenants if tenant.spec and tenant.spec.nodes]
    if len(tenants) <= 1:
        return pools[0] if pools else ALL_NODES
    pairs = {pair for pool in pools for pair in (pool.selector or {}).items()}
    if len({key for key, _ in pairs}) < len(pairs):
        pairs = {(_CONTRADICTION, ".".join(tenant.name for tenant in tenants)[:_MAX_LABEL].rstrip("."))}
    return NodePool(selector=dict(pairs) or None, sharing=NodeSharing.SHARED)
