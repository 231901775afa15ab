"""What a pass adds to the counters: decisions, repairs, starts, and who came to be without a class."""

from collections.abc import Iterable

from berth.api.levels import PolicyMode
from berth.app.metrics.process import Metrics
from berth.app.outcomes import Outcome
from berth.decide.impact import Effect
from berth.decide.refusal import deciding_rule
from berth.observe.model import Scene, Status
from berth.plan.model import Apply
from berth.policy.compiled import CompiledPolicy


def count(scene: Scene, previous: Status, status: Status, metrics: Metrics) -> None:
    """Count the decision, repairs, and the first time to ready in a class."""
    chosen, placement = scene.decision.chosen, status.get("placement") or {}
    metrics.decisions.labels(chosen.facts.name if chosen else "", str(scene.decision.reason)).inc()
    if _same_inputs(scene, previous, status):
        for step in scene.plan.writes:
            if isinstance(step, Apply) and step.uid is not None:
                metrics.drift.labels(step.child.kind).inc()
    ready = status.get("timeToReady")
    if ready and ready != previous.get("timeToReady"):
        place = placement.get("className", ""), placement.get("backend", "")
        metrics.ready_seconds.labels(*place).observe(ready["seconds"])
        before = 0
        for segment in ready["segments"]:
            metrics.segment_seconds.labels(*place, segment["name"]).observe(segment["seconds"] - before)
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
