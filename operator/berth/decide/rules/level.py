"""The class isolates at least as strongly as is required."""

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Outcome, Requirement, Verdict


def level(requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Refuse classes below the required level."""
    if facts.level is requirement.level or facts.level.rank >= requirement.level.rank:
        return None
    message = (
        f"{facts.level} is below {requirement.level}, required by {requirement.by('level')}:"
        f" use a class of level {requirement.level} or above"
    )
    return Verdict(Outcome.NEVER, "level", Reason.BELOW_REQUIRED, message)
