"""A Task can run to completion here."""

from berth.api.levels import Backend, WorkloadType
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def task(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines for a Task with completions or limits of a Job: a VirtualMachine runs once, without an end."""
    if ask.type is WorkloadType.SERVICE:
        return None
    if ask.type is not WorkloadType.TASK:
        raise ValueError(f"unknown type {ask.type}")
    if facts.backend is Backend.POD or (ask.most_replicas <= 1 and not ask.task_limits):
        return None
    message = f"a virtual machine completes a Task once, not {ask.most_replicas} times: set replicas to 1, or use pods"
    if ask.task_limits:
        message = (
            f"a virtual machine runs once, and nothing ends it: remove {' and '.join(ask.task_limits)}, or use pods"
        )
    return Verdict(Outcome.NEVER, "task", Reason.NO_ELIGIBLE_CLASS, message)
