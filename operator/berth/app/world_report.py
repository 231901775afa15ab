"""Status of everything that admins write: what the cluster can do, whom a policy touches, what a tenant uses."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import orjson

from berth.api.reasons import AVAILABLE, NETWORK_POLICY_ENFORCED, PROBED, Reason
from berth.app.deps import Deps
from berth.app.events import Note
from berth.app.metrics.admin import ClassState
from berth.app.policy_report import policy_states, policy_statuses
from berth.app.settle import settle
from berth.app.tenant_report import quota_states, tenant_status
from berth.app.views import Catalog
from berth.app.waiver_report import waiver_states, waiver_status
from berth.decide.model import ClassFacts
from berth.decide.pod_nodes import vouched_handler
from berth.decide.proof import contradicted
from berth.kube.resources import ISOLATION_CLASSES, ISOLATION_POLICIES, TENANTS, WAIVERS
from berth.observe.model import Status
from berth.observe.probed import network_enforced, probed
from berth.observe.status import amounts, condition
from berth.world.records import ClassRecord


async def report_world(deps: Deps, *, with_counts: bool) -> bool:
    """Write the statuses that say anything new; return whether a count was left for later."""
    left = await _report_classes(deps, with_counts=with_counts)
    deps.metrics.state.policies = tuple(policy_states(deps))
    deps.metrics.state.quotas = tuple(quota_states(deps))
    deps.metrics.state.waivers = tuple(waiver_states(deps))
    for name, status in policy_statuses(deps).items():
        left |= await settle(ISOLATION_POLICIES, deps.store.policies[name], status, deps, with_counts=with_counts)
    for tenant in deps.views.tenancy().tenants:
        record = deps.store.tenants.get(tenant.name)
        if record is not None:
            left |= await settle(TENANTS, record, tenant_status(record, tenant, deps), deps, with_counts=with_counts)
    for _, waiver in sorted(deps.store.waivers.items()):
        left |= await settle(WAIVERS, waiver, waiver_status(waiver, deps), deps, with_counts=with_counts)
    return left


async def _report_classes(deps: Deps, *, with_counts: bool) -> bool:
    found, left = deps.views.catalog(), False
    facts = {each.name: each for each in found.classes}
    deps.metrics.state.classes = tuple(
        _state(each, found.nodes, deps.store.classes[each.name]) for each in found.classes
    )
    placed = Counter(outcome.class_name for outcome in deps.outcomes.values())
    for name, record in sorted(deps.store.classes.items()):
        if deps.probes.get(name) == record.probes:
            del deps.probes[name]
        probes = deps.probes.get(name, record.probes)
        status = _class_status(replace(record, probes=probes), facts[name], found, placed[name], deps.clock())
        left |= await settle(ISOLATION_CLASSES, record, status, deps, with_counts=with_counts)
        await deps.recorder.tell(record, _found_out(record, status))
    return left


def _state(facts: ClassFacts, nodes: Mapping[str, int], record: ClassRecord) -> ClassState:
    why = str(facts.unavailable.reason) if facts.unavailable else ""
    seen = (0 if contradicted(record) else 1 if facts.proven else -1) if record.probes else None
    return ClassState(facts.name, str(facts.level), str(facts.backend), why, nodes.get(facts.name, 0), seen)


def _availability(facts: ClassFacts, unable: tuple[str, ...]) -> tuple[str, Reason, str]:
    if facts.unavailable is not None:
        return "False", facts.unavailable.reason, facts.unavailable.message
    message = "this cluster can run it"
    if unable:
        message += (
            f", but not on {len(unable)} nodes that its pods may be sent to, {unable[0]} among them: leave these out by"
            " nodes.selector, or install the runtime there"
        )
    if not facts.enabled:
        message += ", but it is disabled: new workloads go elsewhere"
    return "True", Reason.VERIFIED, message


def _conditions(record: ClassRecord, facts: ClassFacts, found: Catalog) -> dict[str, tuple[str, Reason, str]]:
    said = {AVAILABLE: _availability(facts, found.unable.get(record.name, ()))}
    if record.probes:
        kinds = found.kinds.get(record.name, {})
        said[PROBED] = probed(record, kinds)
        said[NETWORK_POLICY_ENFORCED] = network_enforced(record, kinds)
    return said


def _found_out(record: ClassRecord, status: Status) -> tuple[Note, ...]:
    """Return what to tell of a class that was not found out before."""

    def message(said: Status) -> str:
        of = (each for each in said.get("conditions", ()) if each["type"] == PROBED and each["status"] == "False")
        return next((str(each["message"]) for each in of), "")

    now = message(status)
    new = now and now != message(orjson.loads(record.status or b"{}"))
    return (Note("Warning", str(Reason.ISOLATION_CONTRADICTED), now),) if new else ()


def _class_status(record: ClassRecord, facts: ClassFacts, found: Catalog, placed: int, now: float) -> Status:
    previous: Status = orjson.loads(record.status or b"{}")
    probed = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in record.probes]
    handler = vouched_handler(record) or facts.handler
    return {
        "observedGeneration": record.generation,
        "conditions": [
            condition(kind, *said, record.generation, previous, now)
            for kind, said in _conditions(record, facts, found).items()
        ],
        "backend": str(facts.backend),
        "nodes": found.nodes.get(record.name, 0),
        "workloads": placed,
        "overhead": amounts(facts.overhead),
        **({"handler": handler} if handler else {}),
        **({"probes": probed} if probed else {}),
    }
