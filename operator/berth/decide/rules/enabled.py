"""The class takes new workloads."""

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def enabled(_ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse classes that are switched off. Whoever runs there already may stay: the engine sees to that."""
    if facts.enabled:
        return None
    message = f"IsolationClass {facts.name} is disabled: set its spec.enabled to true, or use another class"
    return Verdict(Outcome.NEVER, "enabled", Reason.NO_ELIGIBLE_CLASS, message)
