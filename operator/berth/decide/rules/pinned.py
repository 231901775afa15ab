"""The author named this class, or none."""

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def pinned(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse every class but the pinned one; that one still has to pass all other rules."""
    if ask.class_name is None or ask.class_name == facts.name:
        return None
    message = f"spec.isolation.className names {ask.class_name}: remove it, or name {facts.name}"
    return Verdict(Outcome.NEVER, "pinned", Reason.NO_ELIGIBLE_CLASS, message)
