"""The decision: every rule for every class, then the cheapest class that fits. Pure and independent of order."""

from dataclasses import replace
from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.cost import overhead
from berth.decide.model import Ask, Candidate, ClassFacts, Cost, Decision, Outcome, Requirement, Verdict
from berth.decide.refusal import refusal
from berth.decide.rules import RULES
from berth.decide.words import required

_UNKNOWN: Final = Cost()


def decide(ask: Ask, requirement: Requirement, catalog: tuple[ClassFacts, ...], current: str | None) -> Decision:
    """Return where a workload goes. `current` is the class it runs in, as seen on its children."""
    ordered = sorted(catalog, key=lambda facts: facts.name)
    candidates = tuple(examine(ask, requirement, facts, facts.name == current) for facts in ordered)
    fitting = [candidate for candidate in candidates if not candidate.verdicts]
    if requirement.denials or not fitting:
        reason, message = refusal(ask, requirement, candidates)
        return Decision(None, candidates, requirement, reason, message)
    cheapest = min(fitting, key=lambda candidate: _preference(ask, candidate))
    chosen = next((each for each in fitting if each.facts.name == current), cheapest)
    if chosen is not cheapest:
        why = f"it runs there, though {cheapest.facts.name} would do as well; it still meets"
    elif ask.class_name is not None:
        why = "named by spec.isolation.className, meets"
    else:
        why = "lowest level that fits and meets"
    message = f"{chosen.facts.name} ({chosen.facts.level}): {why} {required(requirement)}"
    return Decision(chosen, candidates, requirement, Reason.PLACED, message)


def examine(ask: Ask, requirement: Requirement, facts: ClassFacts, stays: bool = False) -> Candidate:  # noqa: FBT001, FBT002
    """Put every rule to one class. A class that is disabled takes nobody new but keeps whoever runs there (`stays`)."""
    seen = replace(facts, enabled=True) if stays and not facts.enabled else facts
    verdicts, added = [], _UNKNOWN
    for rule in RULES:
        try:
            verdict = rule(ask, requirement, seen)
        except Exception as error:  # noqa: BLE001 - a rule that breaks must rule the class out, never let it pass
            verdict = _broken(rule.__name__, error)
        if verdict is not None:
            verdicts.append(verdict)
    try:
        added = overhead(ask, facts)
    except Exception as error:  # noqa: BLE001 - a class whose cost is unknown cannot be compared with others
        verdicts.append(_broken("cost", error))
    return Candidate(facts, tuple(verdicts), added)


def _broken(rule: str, error: Exception) -> Verdict:
    message = f"rule {rule} failed ({type(error).__name__}: {error}): report it; the class stays ruled out until then"
    return Verdict(Outcome.NEVER, rule, Reason.MISCONFIGURED, message)


def _preference(ask: Ask, candidate: Candidate) -> tuple[object, ...]:
    """Order classes that fit: least isolation, an image as pods, least overhead, then what admins prefer."""
    facts, cost = candidate.facts, candidate.overhead
    image_in_machine = ask.has_container and facts.backend is Backend.VIRTUAL_MACHINE
    return facts.level.rank, image_in_machine, cost.memory, cost.cpu, -facts.preference, facts.name
