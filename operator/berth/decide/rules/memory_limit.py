"""The memory limit of a pod leaves something for its containers, where the sandbox itself runs within that limit."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict
from berth.decide.words import memory


def memory_limit(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse limits that a sandbox alone uses up. The kubelet adds to a limit only what the RuntimeClass says."""
    if facts.backend is not Backend.POD or not facts.overhead_within:
        return None
    if not 0 < ask.memory_limit <= facts.overhead.memory:
        return None
    taken = memory(facts.overhead.memory)
    name = facts.runtime_class_name
    message = (
        f"the limit of memory is {memory(ask.memory_limit)}, and class {facts.name} takes {taken} of it for itself:"
        f" set resources.limits.memory above {taken}"
        f"{f', or have overhead.podFixed of RuntimeClass {name} add that to every limit' if name else ''}"
    )
    return Verdict(Outcome.NEVER, "memory_limit", Reason.NO_ELIGIBLE_CLASS, message)
