"""Say what happened: status by server-side apply, Events for what a person should notice, metrics."""

from dataclasses import replace
from typing import Any, Final

from berth.api.meta import API_VERSION
from berth.api.reasons import ConditionType, Reason
from berth.app.counting import count, count_denials, count_start
from berth.app.deps import Deps
from berth.app.events import notes
from berth.app.outcomes import Outcome, outcome_of
from berth.app.views import Look, Unreadable
from berth.app.warnings import warnings
from berth.decide.fingerprint import hashes
from berth.decide.impact import effects
from berth.decide.whatif import Flip, would_change
from berth.kube.resources import WORKLOADS
from berth.observe.model import Scene, Status
from berth.observe.status import compute_status, condition
from berth.world import parse
from berth.world.packed import pack, unpack
from berth.world.records import WorkloadRecord

_REMEMBERED_FLIPS: Final = 4096
_PROGRESS: Final = frozenset({"replicas"})
"""Fields whose change alone may wait: the next real change writes them too."""
_STORY: Final = ("observedGeneration", "placement", "pendingSwitch", "warnings")
"""Fields whose change is always written at once, beside that of the main reason."""
_STARTING: Final = frozenset({Reason.PROVISIONING, Reason.UPDATING})
"""Reasons that pass into each other while replicas start: one and the same story."""
_QUIET: Final = frozenset({"decision"})
"""Fields whose change alone is not worth a write: hashes of other inputs that led to the same decision."""


async def report(scene: Scene, look: Look, deps: Deps) -> float | None:
    """Write the status of a Workload if it says anything new; return when to look again, if earlier than usual."""
    previous = look.status
    warned = warnings(look, scene.decision, deps.clock(), deps.views.waiver_warning)
    explained = _explained(scene, look, tuple(each.text for each in warned), deps)
    status = compute_status(explained, previous, deps.clock())
    does = effects(look.policy_subject, look.matched, deps.views.defaults, look.catalog.classes, look.current)
    outcome = outcome_of(scene, status, look.effective, does)
    count(scene, previous, status, deps.metrics)
    steady = count_start(look.workload.key, previous, status, deps.starts, deps.clock(), deps.metrics)
    count_denials(scene, previous, look.matched, does, deps.outcomes.get(look.workload.key), deps.metrics)
    _remember(look.workload, outcome, deps)
    delay = _delay(look.workload, previous, status, deps)
    if delay == 0.0:
        await _write(look.workload, status, deps)
        await deps.recorder.tell(look.workload, notes(previous, status, warned))
    return min((each for each in (delay, steady) if each), default=None)


async def report_unreadable(look: Unreadable, deps: Deps) -> None:
    """Say on a Workload that this version does not understand its spec. What runs is left alone."""
    workload = look.workload
    previous: Status = unpack(workload.status)
    message = f"the spec is not understood: {look.error}: correct it, or upgrade Berth"
    states = {
        ConditionType.ACCEPTED: "False",
        ConditionType.PLACED: "Unknown",
        ConditionType.ISOLATED: "Unknown",
        ConditionType.READY: "False",
        ConditionType.RECONCILING: "False",
        ConditionType.STALLED: "True",
    }
    status = {
        **previous,
        "observedGeneration": workload.generation,
        "reason": str(Reason.MISCONFIGURED),
        "conditions": [
            condition(kind, state, Reason.MISCONFIGURED, message, workload.generation, previous, deps.clock())
            for kind, state in states.items()
        ],
    }
    if status != previous:
        await _write(workload, status, deps)
        await deps.recorder.tell(workload, notes(previous, status))


def _explained(scene: Scene, look: Look, warned: tuple[str, ...], deps: Deps) -> Scene:
    """Return the scene with its fingerprints, what would change it, and what to be warned about."""
    return replace(
        scene,
        decision_hashes=hashes(look.ask, scene.decision.requirement, look.catalog.classes, look.current),
        would_change=tuple((flip.change.text, flip.outcome) for flip in _flips(scene, look, deps)),
        warnings=warned,
    )


def _flips(scene: Scene, look: Look, deps: Deps) -> tuple[Flip, ...]:
    """Return what would change the decision. It is a pure function of inputs that many Workloads share: kept."""
    question = (look.ask, look.effective, look.current, look.catalog.digest, look.policy_subject.labels)
    known = deps.flips.get(question)
    if known is None:
        if len(deps.flips) >= _REMEMBERED_FLIPS:
            deps.flips.clear()
        known = deps.flips[question] = would_change(look.inputs(deps.views.defaults), scene.decision)
    return known


def _delay(workload: WorkloadRecord, previous: Status, status: Status, deps: Deps) -> float | None:
    """Return the seconds after which the status should be written: 0 is now, None is not at all.

    While a Workload is on its way and its story stays the same, only numbers move: those wait a little, so that
    starting one Workload takes two writes, not one for every pod event.
    """
    if not _differs(previous, status, _QUIET):
        deps.waiting.pop(workload.key, None)
        return None
    if _story(previous) != _story(status):
        return 0.0
    if not _on_the_way(previous, status) and _differs(previous, status, _QUIET | _PROGRESS):
        return 0.0
    since = deps.waiting.setdefault(workload.key, deps.clock())
    return max(0.0, since + deps.progress_seconds - deps.clock())


def _story(status: Status) -> list[object]:
    reason = status.get("reason")
    return [*(status.get(name) for name in _STORY), Reason.PROVISIONING if reason in _STARTING else reason]


def _on_the_way(previous: Status, status: Status) -> bool:
    return all(_state(each, ConditionType.RECONCILING) == "True" for each in (previous, status))


def _state(status: Status, kind: ConditionType) -> str:
    return next((each["status"] for each in status.get("conditions", ()) if each["type"] == kind), "")


def _differs(previous: Status, status: Status, ignored: frozenset[str]) -> bool:
    return _without(previous, ignored) != _without(status, ignored)


def _without(status: Status, ignored: frozenset[str]) -> Status:
    return {name: value for name, value in status.items() if name not in ignored}


async def _write(workload: WorkloadRecord, status: Status, deps: Deps) -> None:
    namespace, name = workload.key
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": WORKLOADS.kind,
        "metadata": {"name": name, "namespace": namespace, "uid": workload.uid},
        "status": status,
    }
    told = pack(status)
    digest = hash(told)
    # It was written just so and still reads otherwise: somebody else owns a field there. Status is Berth's alone.
    whole = deps.written.get(workload.key) == digest
    meta = await deps.gateway.say(WORKLOADS, body, whole=whole)
    deps.written[workload.key] = digest
    deps.waiting.pop(workload.key, None)
    stored = replace(parse.workload({"metadata": meta["metadata"]}), status=told)
    if deps.store.put_status(stored):
        deps.expect_echo(stored.resource_version)


def _remember(workload: WorkloadRecord, outcome: Outcome, deps: Deps) -> None:
    if deps.outcomes.get(workload.key) != outcome:
        deps.outcomes[workload.key] = outcome
        deps.wake_reports()
