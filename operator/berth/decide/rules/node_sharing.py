"""The nodes of the class are set apart at least as far as is required."""

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Outcome, Requirement, Verdict


def node_sharing(requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Refuse classes whose nodes are shared with more than is allowed."""
    wanted = requirement.node_sharing
    if facts.sharing is wanted or facts.sharing.rank >= wanted.rank:
        return None
    message = (
        f"its nodes are {facts.sharing}, but nodeSharing {wanted} is required by"
        f" {requirement.by('nodeSharing')}: use a class whose nodes.sharing is {wanted}"
    )
    return Verdict(Outcome.NEVER, "node_sharing", Reason.BELOW_REQUIRED, message)
