"""What a pass adds to the counters: decisions, repairs, starts, and who came to be without a class."""

from collections.abc import Iterable
from dataclasses import dataclass

from berth.api.levels import PolicyMode
from berth.app.metrics.process import Metrics
from berth.app.outcomes import Outcome
from berth.decide.impact import Effect
from berth.decide.refusal import deciding_rule
from berth.observe.model import Scene, Status
from berth.observe.readiness import STEADY_SECONDS
from berth.plan.model import Apply
from berth.policy.compiled import CompiledPolicy
from berth.world.records import Key

Place = tuple[str, str, str]
"""Class and backend of a placement, and since when it holds: a Workload may come back to a class."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start that this process has seen."""

    place: Place
    due: float | None
    """When it counts, in seconds since the epoch; None once it was counted."""


def count(scene: Scene, previous: Status, status: Status, metrics: Metrics) -> None:
    """Count the decision, and repairs."""
    chosen = scene.decision.chosen
    metrics.decisions.labels(chosen.facts.name if chosen else "", str(scene.decision.reason)).inc()
    if _same_inputs(scene, previous, status):
        for step in scene.plan.writes:
            if isinstance(step, Apply) and step.uid is not None:
                metrics.drift.labels(step.child.kind).inc()


def count_start(
    key: Key, previous: Status, status: Status, starts: dict[Key, Start], now: float, metrics: Metrics
) -> float | None:
    """Count a start once in a placement, when what serves has done so for a while; return the seconds until then.

    `starts` is what this process has seen. What `previous` tells already was counted by whoever wrote it.
    """
    took, place, start = status.get("timeToReady"), _place(status), starts.get(key)
    if took is None:
        if start is not None and start.due is not None:
            del starts[key]
        return None
    if start is None or start.place != place:
        told = previous.get("timeToReady") is not None and _place(previous) == place
        start = starts[key] = Start(place, None if told else now + STEADY_SECONDS)
    if start.due is None:
        return None
    if now < start.due:
        return start.due - now
    starts[key] = Start(place, None)
    _observe(took, place, metrics)
    return None


def _place(status: Status) -> Place:
    placement = status.get("placement") or {}
    return placement.get("className", ""), placement.get("backend", ""), placement.get("since", "")


def _observe(took: Status, place: Place, metrics: Metrics) -> None:
    class_name, backend, _ = place
    metrics.ready_seconds.labels(class_name, backend).observe(took["seconds"])
    before = 0
    for segment in took["segments"]:
        metrics.segment_seconds.labels(class_name, backend, segment["name"]).observe(segment["seconds"] - before)
        before = segment["seconds"]


def _same_inputs(scene: Scene, previous: Status, status: Status) -> bool:
    """Return whether nothing that Berth decides by has changed: what has to be written then was changed by others."""
    same_spec = previous.get("observedGeneration") == scene.workload.generation
    return same_spec and all(previous.get(name) == status.get(name) for name in ("decision", "candidates"))


def count_denials(
    scene: Scene,
    previous: Status,
    matched: Iterable[CompiledPolicy],
    does: Iterable[Effect],
    before: Outcome | None,
    metrics: Metrics,
) -> None:
    """Count a Workload that came to be without a class, and one that a policy would leave so, if it were enforced.

    It is counted when it begins, not at every look: `previous` is its status, `before` what the last pass came to.
    """
    decision = scene.decision
    if decision.chosen is None and (previous.get("placement") or previous.get("reason") != str(decision.reason)):
        metrics.denials.labels(str(decision.reason), deciding_rule(scene.ask, decision), str(PolicyMode.ENFORCE)).inc()
    modes = {policy.name: policy.mode for policy in matched}
    known = {each.policy for each in before.effects if not each.to_class} if before else set()
    for effect in does:
        mode = modes[effect.policy]
        if not effect.to_class and mode is not PolicyMode.ENFORCE and effect.policy not in known:
            metrics.would_denials.labels(effect.policy, str(mode)).inc()
