"""The status of a Workload: everything that was decided and seen, as one value that is written at once."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from berth.api.levels import Backend
from berth.api.meta import WORKLOAD_LABEL
from berth.api.quantity import format_cpu, format_memory
from berth.api.reasons import ConditionType, Reason
from berth.decide.charge import with_guest
from berth.decide.cost import requested
from berth.decide.model import Candidate, Cost
from berth.observe.conditions import findings
from berth.observe.health import health
from berth.observe.model import Finding, Health, Scene, Status
from berth.observe.readiness import time_to_ready
from berth.policy.waiving import Waived
from berth.world.records import MachineRecord

_ENDED: Final = frozenset({"Succeeded", "Failed"})
"""Phases of instances that run no more."""


def compute_status(scene: Scene, previous: Status, now: float) -> Status:
    """Return the status; times of what has not changed are taken over from the previous one."""
    fares = health(scene, now)
    found = findings(scene, fares)
    status: dict[str, Any] = {
        "observedGeneration": scene.workload.generation,
        "conditions": [_condition(each, scene, previous, now) for each in found],
        "tenant": ", ".join(scene.tenants) or None,
        "placement": _placement(scene, previous, now),
        "decision": dict(scene.decision_hashes) if scene.decision_hashes else None,
        "candidates": [_candidate(each, scene) for each in scene.decision.candidates],
        "wouldChange": [{"change": change, "outcome": outcome} for change, outcome in scene.would_change],
        "warnings": list(scene.warnings),
        "pendingSwitch": _pending(scene),
        "cost": _cost(scene),
        "replicas": fares.replicas,
        "readyReplicas": fares.ready,
        "selector": f"{WORKLOAD_LABEL}={scene.workload.key[1]}",
        "image": _image(scene),
        "ready": _ready_text(scene, fares),
        "reason": headline(found, scene),
        "overhead": _overhead_text(scene),
        "timeToReady": time_to_ready(scene, previous, now),
    }
    return {name: value for name, value in status.items() if value is not None and value != []}


def headline(found: tuple[Finding, ...], scene: Scene) -> Reason:
    """Return the one reason that matters most now."""
    by_type = {each.type: each for each in found}
    bad = [
        each.reason
        for each in found
        if each.status == ("True" if each.type is ConditionType.STALLED else "False")
        and each.type is not ConditionType.RECONCILING
    ]
    if scene.move.pending is not None:
        bad.append(scene.move.pending.reason)
    return min(bad, key=lambda reason: reason.precedence, default=by_type[ConditionType.READY].reason)


def timestamp(now: float) -> str:
    """Return a time as RFC 3339 with whole seconds, as metav1.Time."""
    return _second(int(now))


@lru_cache(maxsize=16)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(finding: Finding, scene: Scene, previous: Status, now: float) -> Status:
    return condition(
        finding.type, finding.status, finding.reason, finding.message, scene.workload.generation, previous, now
    )


def condition(
    kind: str, status: str, reason: str, message: str, generation: int, previous: Status, now: float
) -> Status:
    """Return a metav1.Condition; its transition time changes only with its status."""
    before = next((each for each in previous.get("conditions", ()) if each["type"] == kind), None)
    unchanged = before is not None and before["status"] == status
    return {
        "type": str(kind),
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before and unchanged else timestamp(now),
        "reason": str(reason),
        "message": message[:2048],
    }


def _placement(scene: Scene, previous: Status, now: float) -> Status | None:
    facts = scene.move.placed
    if facts is None:
        return None
    before = previous.get("placement") or {}
    same = before.get("className") == facts.name and "since" in before
    placement: dict[str, Any] = {
        "className": facts.name,
        "level": str(facts.level),
        "backend": str(facts.backend),
        "since": before["since"] if same else timestamp(now),
        "decidedBy": [
            {"dimension": source.dimension, "value": source.value, "by": source.by}
            for source in scene.decision.requirement.sources
        ],
    }
    if facts.runtime_class_name:
        placement["runtimeClassName"] = facts.runtime_class_name
    if scene.waivers:
        placement["waivers"] = [_waiver(each) for each in scene.waivers]
    return placement


def _waiver(waived: Waived) -> Status:
    return {
        "name": waived.name,
        "policies": sorted(waived.policies),
        "reason": waived.reason,
        "approver": waived.approver,
        "expiresAt": timestamp(waived.expires),
    }


def _candidate(candidate: Candidate, scene: Scene) -> Status:
    facts, decisive = candidate.facts, candidate.decisive
    entry: dict[str, Any] = {
        "className": facts.name,
        "level": str(facts.level),
        "backend": str(facts.backend),
        "verdict": str(candidate.outcome),
        "overhead": amounts(candidate.overhead.times(scene.spec.replicas)),
    }
    if candidate is scene.decision.chosen:
        entry["chosen"] = True
    if decisive is not None:
        entry |= {"rule": decisive.rule, "reason": str(decisive.reason), "message": decisive.message[:1024]}
    return entry


def amounts(cost: Cost) -> Status:
    """Return a cost as Kubernetes quantities."""
    return {"cpu": format_cpu(cost.cpu), "memory": format_memory(cost.memory)}


def _pending(scene: Scene) -> Status | None:
    pending = scene.move.pending
    if pending is None:
        return None
    until = "the move is approved" if pending.reason is Reason.AWAITING_APPROVAL else "one of them is done"
    return {
        "from": pending.from_class,
        "to": pending.to_class,
        "reason": str(pending.reason),
        "message": f"{pending.message}; it stays in {pending.from_class} until {until}",
    }


def overhead_of(scene: Scene) -> Cost | None:
    """Return what isolation adds where it is placed, all replicas together; None when it has no place."""
    placed = scene.move.placed
    if placed is None:
        return None
    found = (each.overhead for each in scene.decision.candidates if each.facts.name == placed.name)
    return next(found, Cost()).times(scene.spec.replicas)


def requested_of(scene: Scene) -> Cost | None:
    """Return what is set aside without isolation where it is placed, all replicas together; None without a place."""
    placed = scene.move.placed
    return None if placed is None else requested(scene.ask, placed).times(scene.ask.replicas)


def _cost(scene: Scene) -> Status | None:
    asked, overhead = requested_of(scene), overhead_of(scene)
    if asked is None or overhead is None:
        return None
    runs = _running(scene)
    cost = {"requested": amounts(asked), "overhead": amounts(overhead)}
    return cost if runs is None else cost | {"running": amounts(runs)}


def _running(scene: Scene) -> Cost | None:
    """Return what the guests that run have, where that is not what is asked for; None where it is."""
    placed, guests = scene.move.placed, _guests(scene)
    if placed is None or placed.backend is Backend.POD:
        return None
    size = (scene.ask.machine.guest.vcpus, scene.ask.machine.guest.memory) if scene.ask.machine else None
    if all((guest.vcpus, guest.memory) == size for guest in guests):
        return None
    sizes = [requested(with_guest(scene.ask, guest.vcpus, guest.memory), placed) for guest in guests]
    return Cost(sum(size.cpu for size in sizes), sum(size.memory for size in sizes))


def _guests(scene: Scene) -> list[MachineRecord]:
    """Return the machines that run and whose size is known."""
    return [each for each in scene.machines if each.memory and not each.deleting and each.phase not in _ENDED]


def _overhead_text(scene: Scene) -> str | None:
    overhead = overhead_of(scene)
    return None if overhead is None else f"{format_cpu(overhead.cpu)}/{format_memory(overhead.memory)}"


def _image(scene: Scene) -> str | None:
    placed, spec = scene.move.placed, scene.spec
    if spec.container is not None and (placed is None or placed.backend is Backend.POD or spec.machine is None):
        return spec.container.image
    if spec.machine is None:
        return None
    disk = spec.machine.boot_disk
    if disk.container_disk is not None:
        return disk.container_disk.image
    if remote := disk.http or disk.registry:
        return remote.url
    if named := disk.data_source or disk.pvc:
        return named.name
    return disk.persistent_volume_claim.claim_name if disk.persistent_volume_claim else None


def _ready_text(scene: Scene, fares: Health) -> str:
    return f"{fares.ready}/{scene.spec.replicas}"
