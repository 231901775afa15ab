"""Policy allows the class by name."""

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Outcome, Requirement, Verdict
from berth.decide.words import names


def allowed(requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Refuse classes outside the intersection of all lists; an empty intersection refuses every class."""
    classes = requirement.classes
    if classes is None or facts.name in classes:
        return None
    by = requirement.by("classes")
    if classes:
        message = f"only {names(classes)} allowed by {by}: ask for {facts.name} to be listed there"
    else:
        message = f"the classes allowed by {by} have none in common: change one of these lists"
    return Verdict(Outcome.NEVER, "allowed", Reason.POLICY_DENIED, message)
