"""The ResourceQuota in every namespace of a tenant that has a quota: kept as it should be, removed when due."""

import logging
from collections.abc import Iterable
from typing import Final

from berth.app.deps import Deps
from berth.kube import errors
from berth.plan.make import says
from berth.plan.model import Apply, Delete
from berth.render.resource_quota import NAME, hard_of, resource_quota
from berth.verify.model import QuotaBounds
from berth.world.packed import unpack
from berth.world.records import ChildRecord, TenantRecord

log: Final = logging.getLogger(__name__)


async def keep_nets(deps: Deps) -> None:
    """Make the ResourceQuotas of all tenants what they should be. What is refused is tried again at the next look."""
    tenancy = deps.views.tenancy()
    wanted = {
        (namespace, NAME): tenant
        for tenant in tenancy.tenants
        if hard_of(tenant.quota)
        for namespace in tenancy.members[tenant.name]
        if len(tenancy.of(namespace)) == 1 and not deps.store.namespaces[namespace].terminating
    }
    for key, tenant in sorted(wanted.items(), key=lambda each: each[0]):
        record, hard = deps.store.tenants[tenant.name], hard_of(tenant.quota)
        child = resource_quota(tenant.name, record.uid, key[0], hard)
        found = deps.store.nets.get(key)
        if found is None or not says(unpack(found.content), child):
            bounds = QuotaBounds(key[0], NAME, tenant.name, record.uid, tuple(sorted(hard.items())))
            await _settle(Apply(child, found.uid if found else None), record, bounds, deps)
    for net in list(_surplus(deps, frozenset(wanted))):
        record = next(each for each in deps.store.tenants.values() if each.uid == net.owner_uid)
        await _settle(Delete(net, "no quota"), record, QuotaBounds(net.key[0], NAME, record.name, record.uid, ()), deps)


def _surplus(deps: Deps, wanted: frozenset[tuple[str, str]]) -> Iterable[ChildRecord]:
    """Yield the nets of tenants that are still there, in namespaces that are not theirs any more or have no quota.

    Those of a tenant that is gone go with it.
    """
    owners = {record.uid for record in deps.store.tenants.values()}
    for key, net in sorted(deps.store.nets.items()):
        if key not in wanted and net.owner_uid in owners and not net.deleting:
            yield net


async def _settle(step: Apply | Delete, tenant: TenantRecord, bounds: QuotaBounds, deps: Deps) -> None:
    try:
        refused = await deps.gateway.settle(step, tenant, bounds)
    except (errors.Conflict, errors.NotFound, errors.NamespaceTerminating) as overtaken:
        log.info("ResourceQuota %s/%s of Tenant %s: %s", bounds.namespace, NAME, tenant.name, overtaken)
        return  # somebody was faster; the watch brings it
    for problem in refused:
        log.warning("ResourceQuota %s/%s of Tenant %s: %s", bounds.namespace, NAME, tenant.name, problem.message)
