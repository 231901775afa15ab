"""The cluster can run the class: its RuntimeClass, handler, nodes, KubeVirt and KVM are there."""

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Outcome, Requirement, Verdict


def available(_requirement: Requirement, facts: ClassFacts) -> Verdict | None:
    """Pass on why the cluster cannot run the class; only a class that is not valid stays so by itself."""
    missing = facts.unavailable
    if missing is None:
        return None
    outcome = Outcome.NEVER if missing.reason is Reason.MISCONFIGURED else Outcome.NOT_NOW
    return Verdict(outcome, "available", missing.reason, missing.message)
