"""A decision as lines for people: who requires what, every class with its verdict, the choice, what would change it."""

from collections.abc import Iterable

from berth.decide.model import Candidate, Cost, Decision
from berth.decide.whatif import Flip
from berth.decide.words import size


def explain(decision: Decision, replicas: int = 1, flips: tuple[Flip, ...] = ()) -> tuple[str, ...]:
    """Return the whole explanation; overheads are those of all replicas together."""
    return (
        f"{decision.reason}: {decision.message}",
        "Required:",
        *_required(decision),
        "Classes:",
        *(line for each in decision.candidates for line in _candidate(each, decision, replicas)),
        *(("Would change it:", *(f"  {flip.change.text} -> {flip.outcome}" for flip in flips)) if flips else ()),
    )


def _required(decision: Decision) -> Iterable[str]:
    for source in decision.requirement.sources:
        yield f"  {source.dimension} {source.value} by {source.by}"
    for denial in decision.requirement.denials:
        yield f"  denied: {denial}"


def _candidate(candidate: Candidate, decision: Decision, replicas: int) -> Iterable[str]:
    facts = candidate.facts
    mark = "*" if candidate is decision.chosen else " "
    cost = candidate.overhead.times(replicas)
    added = f", overhead {size(cost)}" if cost != Cost() else ""
    yield f"{mark} {facts.name} ({facts.level}, {facts.backend}): {candidate.outcome}{added}"
    for verdict in candidate.verdicts:
        yield f"      {verdict.rule}: {verdict.message}"
