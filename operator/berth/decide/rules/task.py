"""A Task can run to completion here."""

from berth.api.levels import Backend, WorkloadType
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def task(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines for a Task of several completions: a VirtualMachine runs once, and a pool never completes."""
    if ask.type is WorkloadType.SERVICE:
        return None
    if ask.type is not WorkloadType.TASK:
        raise ValueError(f"unknown type {ask.type}")
    if facts.backend is Backend.POD or ask.most_replicas <= 1:
        return None
    message = f"a virtual machine completes a Task once, not {ask.most_replicas} times: set replicas to 1, or use pods"
    return Verdict(Outcome.NEVER, "task", Reason.NO_ELIGIBLE_CLASS, message)
