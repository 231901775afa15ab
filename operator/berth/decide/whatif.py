"""What would change a decision: the nearest single changes of one input that flip it, each tried for real."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from berth.decide.change import Change, Inputs, apply
from berth.decide.engine import decide
from berth.decide.model import Decision
from berth.decide.remedies import remedies
from berth.policy.effective import effective

__all__ = ["Change", "Flip", "Inputs", "apply", "outcome", "would_change"]

MAX_TRIES: Final = 24
"""Most changes that are tried for one decision; each costs about one decision."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A change, and the class or the reason that it leads to."""

    change: Change
    outcome: str
    placed: bool


def outcome(inputs: Inputs) -> Decision:
    """Return the decision that these inputs lead to."""
    found = effective(inputs.subject, inputs.namespace_labels, inputs.policies, inputs.defaults)
    return decide(inputs.subject.ask, found.requirement, inputs.catalog, inputs.current)


def would_change(inputs: Inputs, decision: Decision, limit: int = 5) -> tuple[Flip, ...]:
    """Return changes that flip a decision, nearest first; those that lead to a class before those that do not."""
    before, flips = _result(decision), list[Flip]()
    for change in islice(remedies(inputs, decision), MAX_TRIES):
        after = outcome(apply(inputs, change))
        if _result(after) != before:
            flips.append(Flip(change, _result(after)[0], after.chosen is not None))
            if sum(flip.placed for flip in flips) == limit:
                break
    return tuple(sorted(flips, key=lambda flip: not flip.placed)[:limit])


def _result(decision: Decision) -> tuple[str, bool]:
    """Return the class, or the reason why there is none."""
    chosen = decision.chosen
    return (decision.reason.value, False) if chosen is None else (chosen.facts.name, True)
