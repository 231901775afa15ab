"""The nodes of the class are set apart at least as far as is required."""

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Requirement, Verdict


def node_sharing(_ask: Ask, requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Refuse classes whose nodes are shared with more than is allowed."""
    if facts.sharing.rank >= requirement.node_sharing.rank:
        return None
    message = (
        f"its nodes are {facts.sharing}, but nodeSharing {requirement.node_sharing} is required by"
        f" {requirement.by('nodeSharing')}: use a class whose nodes.sharing is {requirement.node_sharing}"
    )
    return Verdict(Outcome.NEVER, "node_sharing", Reason.BELOW_REQUIRED, message)
