"""Status of Tenants: their namespaces, what they use of what they may have, and what does not run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from berth.api.reasons import ConditionType, Reason
from berth.app.deps import Deps
from berth.app.metrics.admin import QuotaState
from berth.app.outcomes import Outcome
from berth.observe.model import Status
from berth.observe.status import condition
from berth.policy.quota import CPU, MACHINES, MEMORY, NOTHING, STORAGE, WORKLOADS, Part, bare, limits_of
from berth.policy.tenancy import CompiledTenant
from berth.world.records import Key, TenantRecord

_NAMESPACES: Final = 256
_UNSERVED: Final = 32
_ALWAYS: Final = (CPU, MEMORY, STORAGE, WORKLOADS, MACHINES)
"""Resources that are shown whether or not they are limited."""


def tenant_status(record: TenantRecord, tenant: CompiledTenant, deps: Deps) -> Status:
    """Return the status of one tenant."""
    tenancy = deps.views.tenancy()
    namespaces = tenancy.members.get(tenant.name, ())
    mine = {key: outcome for key, outcome in deps.outcomes.items() if tenant.name in outcome.tenants}
    previous: Status = orjson.loads(record.status or b"{}")
    state, reason, message = _accepted(tenant, tenancy.contested(tenant.name))
    now, generation = deps.clock(), record.generation
    placed = Counter(outcome.class_name for outcome in mine.values() if outcome.class_name)
    status: Status = {
        "observedGeneration": generation,
        "conditions": [condition(ConditionType.ACCEPTED, state, reason, message, generation, previous, now)],
        "namespaces": list(namespaces[:_NAMESPACES]),
        "namespaceCount": len(namespaces),
        "workloads": len(mine),
        "usage": list(_usage(deps.ledger.used(namespaces), limits_of(tenant.quota))),
        "classes": [{"className": name, "workloads": count} for name, count in sorted(placed.items())],
        "unserved": _unserved(mine, [charge.key for charge in deps.ledger.waiting(namespaces)]),
    }
    return {name: value for name, value in status.items() if value != []}


def quota_states(deps: Deps) -> Iterable[QuotaState]:
    """Yield what metrics say of every tenant: what it uses, and of what there is a limit."""
    tenancy = deps.views.tenancy()
    for tenant in tenancy.tenants:
        used, limits = deps.ledger.used(tenancy.members.get(tenant.name, ())), limits_of(tenant.quota)
        for name in (*_ALWAYS, *sorted(limits.keys() - set(_ALWAYS))):
            yield QuotaState(tenant.name, name, used.get(name, NOTHING), limits.get(name))


def _accepted(tenant: CompiledTenant, contested: Mapping[str, tuple[str, ...]]) -> tuple[str, Reason, str]:
    if tenant.error is not None:
        text = f"{tenant.error}; until that is corrected nothing but the strictest is allowed in its namespaces"
        return "False", Reason.MISCONFIGURED, text
    if contested:
        shown = "; ".join(f"{name} (also of {', '.join(others)})" for name, others in sorted(contested.items())[:5])
        text = (
            f"{len(contested)} namespaces belong to another tenant too: {shown}: the strictest of all they say holds"
            " there; change the labels of the namespace or a namespaceSelector"
        )
        return "False", Reason.TENANT_CONFLICT, text
    return "True", Reason.ACCEPTED, "the tenant is understood, and no namespace belongs to another one too"


def _usage(used: Mapping[str, Part], limits: Mapping[str, int]) -> Iterable[Status]:
    in_classes = sorted(name for name in limits if name not in _ALWAYS)
    for name in (*_ALWAYS, *in_classes):
        part = used.get(name, NOTHING)
        entry: Status = {
            "resource": name,
            "used": bare(name, part.total),
            "requested": bare(name, part.requested),
            "overhead": bare(name, part.overhead),
            "reserved": bare(name, part.reserved),
        }
        if name in limits:
            entry["limit"] = bare(name, limits[name])
        yield entry


def _unserved(mine: Mapping[Key, Outcome], waiting: list[Key]) -> list[Status]:
    """Return what does not run: those that wait for quota first, in their order."""
    others = sorted(key for key, outcome in mine.items() if not outcome.class_name and key not in waiting)
    return [
        {"namespace": key[0], "name": key[1], "reason": mine[key].reason, "message": mine[key].obstacle[:1024]}
        for key in [*(key for key in waiting if key in mine), *others][:_UNSERVED]
    ]
