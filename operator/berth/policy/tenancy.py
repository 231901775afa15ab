"""Tenants prepared for matching, and which of them a namespace belongs to."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from berth.api.tenant import Network, Quota, TenantSpec
from berth.policy.demand import Demand, demand_of_tenant, strictest
from berth.policy.selector import Term, selects, terms
from berth.world.records import TenantRecord

Labels = tuple[tuple[str, str], ...]

_MAX_BY: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTenant:
    """One tenant. Equal only to itself, to be looked up quickly."""

    name: str
    uid: str
    demand: Demand
    namespaces: tuple[Term, ...]
    """What labels of namespaces must be."""
    spec: TenantSpec | None = None
    """None where it was not understood; then the strictest reading holds in its namespaces."""
    error: str | None = None

    @property
    def default_class(self) -> str | None:
        """Return the class that is taken where it fits."""
        return self.spec.classes.default if self.spec and self.spec.classes else None

    @property
    def quota(self) -> Quota | None:
        """Return the most that it may have."""
        return self.spec.quota if self.spec else None

    @property
    def network(self) -> Network:
        """Return whom its workloads may talk to."""
        return (self.spec and self.spec.network) or Network()


def compile_tenants(records: tuple[TenantRecord, ...]) -> tuple[CompiledTenant, ...]:
    """Compile every tenant, sorted by name; one that is not understood stays, and asks for the most."""
    return tuple(sorted(map(compile_tenant, records), key=lambda tenant: tenant.name))


def compile_tenant(record: TenantRecord) -> CompiledTenant:
    """Compile one tenant. Where not even its selector is understood, it takes every namespace."""
    spec = record.spec
    if spec is not None and terms(spec.namespace_selector):
        by = f"Tenant {record.name}"
        return CompiledTenant(record.name, record.uid, demand_of_tenant(by, spec), terms(spec.namespace_selector), spec)
    error = record.error or "its namespaceSelector is empty and would take every namespace"
    by = f"Tenant {record.name} (invalid: {error})"[:_MAX_BY]
    return CompiledTenant(record.name, record.uid, strictest(by), terms(record.selector), error=error)


@lru_cache(maxsize=4096)
def tenants_of(namespace_labels: Labels, tenants: tuple[CompiledTenant, ...]) -> tuple[CompiledTenant, ...]:
    """Return the tenants that a namespace belongs to: one or none where all is well."""
    labels = dict(namespace_labels)
    return tuple(tenant for tenant in tenants if selects(tenant.namespaces, labels))
