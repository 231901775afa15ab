"""Write the status of a cluster-scoped object of Berth's own kinds, if it says anything new."""

from dataclasses import replace
from typing import Any, Final

import orjson

from berth.api.meta import API_VERSION
from berth.app.deps import Deps
from berth.kube import errors
from berth.kube.resources import ISOLATION_CLASSES, ISOLATION_POLICIES, TENANTS, WAIVERS, Resource
from berth.observe.model import Status
from berth.world.parse import canonical
from berth.world.records import ClassRecord, PolicyRecord, TenantRecord, WaiverRecord
from berth.world.store import Store

COUNTS: Final = frozenset({"workloads", "matched", "unmet", "waived", "impact", "usage", "classes", "unserved"})
"""Fields that follow the Workloads: they are brought up to date at leisure."""


def table_of(store: Store, resource: Resource) -> dict[str, Any]:
    """Return the store's records of one of Berth's cluster-scoped kinds, by name."""
    tables: dict[Resource, dict[str, Any]] = {
        ISOLATION_CLASSES: store.classes,
        ISOLATION_POLICIES: store.policies,
        TENANTS: store.tenants,
        WAIVERS: store.waivers,
    }
    return tables[resource]


async def settle(
    resource: Resource,
    record: ClassRecord | PolicyRecord | TenantRecord | WaiverRecord,
    status: Status,
    deps: Deps,
    *,
    with_counts: bool,
) -> bool:
    """Write one status if it is new; return whether only counts differ and were left for later."""
    previous: Status = orjson.loads(record.status or b"{}")
    if canonical(previous) == canonical(status):
        return False
    if not with_counts and canonical(_without_counts(previous)) == canonical(_without_counts(status)):
        return True
    body = {
        "apiVersion": API_VERSION,
        "kind": resource.kind,
        "metadata": {"name": record.name, "uid": record.uid},
        "status": status,
    }
    try:
        await deps.gateway.say(resource, body)
    except (errors.Conflict, errors.NotFound):
        return True  # deleted or made anew meanwhile: the next look brings it
    table = table_of(deps.store, resource)
    known = table.get(record.name)  # which the watch may have brought anew during the write
    if known is not None and known.uid == record.uid:
        table[record.name] = replace(known, status=canonical(status))
    return False


def _without_counts(status: Status) -> Status:
    return {name: value for name, value in status.items() if name not in COUNTS}
