"""Why nothing fits: one reason by precedence, and a message with who requires what, the obstacles and the fix."""

from collections.abc import Iterable
from typing import Final

from berth.api.reasons import Reason
from berth.decide.model import Ask, Candidate, Decision, Outcome, Requirement, Verdict
from berth.decide.rules import POLICY_RULES
from berth.decide.words import names, required

_SHOWN: Final = 3
"""Obstacles in the message; all of them are in the candidates."""


def refusal(ask: Ask, requirement: Requirement, candidates: tuple[Candidate, ...]) -> tuple[Reason, str]:
    """Return reason and message of a decision without a class."""
    if requirement.denials:
        return Reason.POLICY_DENIED, "; ".join(requirement.denials)
    if not candidates:
        return (
            Reason.NO_ELIGIBLE_CLASS,
            "there is no IsolationClass: create one for every place where workloads may run",
        )
    if _names_none(ask, candidates):
        known = names(frozenset(each.facts.name for each in candidates))
        text = f"spec.isolation.className names {ask.class_name}, which does not exist: use one of {known}"
        return Reason.MISCONFIGURED, text
    contenders = _contenders(ask, candidates)
    reason = _common(contenders)
    return reason, "; ".join((required(requirement), *_obstacles(_nearest(contenders, reason), reason)))


def deciding_rule(ask: Ask, decision: Decision) -> str:
    """Return the rule that decides against the class nearest to fitting; `requirement` where no class may be used."""
    if decision.requirement.denials or not decision.candidates:
        return "requirement"
    if _names_none(ask, decision.candidates):
        return "pinned"
    nearest = _nearest(_contenders(ask, decision.candidates), decision.reason)[0]
    verdict = _speaking(nearest, decision.reason)
    return verdict.rule if verdict else ""


def _names_none(ask: Ask, candidates: tuple[Candidate, ...]) -> bool:
    """Return whether the class that is named does not exist."""
    return ask.class_name is not None and all(each.facts.name != ask.class_name for each in candidates)


def _contenders(ask: Ask, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return the classes that an answer speaks of: the named one, else those that policy leaves open, else all."""
    named = tuple(candidate for candidate in candidates if candidate.facts.name == ask.class_name)
    return named or tuple(each for each in candidates if not _reasons(each, POLICY_RULES)) or candidates


def _nearest(candidates: tuple[Candidate, ...], reason: Reason) -> list[Candidate]:
    """Return the classes by how near they are to fitting, those first that the reason speaks of."""
    return sorted(candidates, key=lambda each: (reason not in _reasons(each), *_distance(each)))


def _speaking(candidate: Candidate, reason: Reason) -> Verdict | None:
    """Return the verdict to tell against a class: the one with the reason, else the decisive one."""
    return next((each for each in candidate.verdicts if each.reason is reason), candidate.decisive)


def _common(candidates: tuple[Candidate, ...]) -> Reason:
    """Return the reason that matters: one that forbids, else what all miss, else that there is none.

    Classes that may come to fit by themselves speak for all: the others are out for good, for reasons of their own.
    """
    if any(Reason.MISCONFIGURED in _reasons(candidate) for candidate in candidates):
        return Reason.MISCONFIGURED
    waiting = [candidate for candidate in candidates if candidate.outcome is Outcome.NOT_NOW]
    every = [_reasons(candidate) for candidate in waiting or candidates]
    shared = frozenset.intersection(*every) - {Reason.BELOW_REQUIRED}
    return min(shared, key=lambda reason: reason.precedence, default=Reason.NO_ELIGIBLE_CLASS)


def _reasons(candidate: Candidate, rules: frozenset[str] | None = None) -> frozenset[Reason]:
    return frozenset(verdict.reason for verdict in candidate.verdicts if rules is None or verdict.rule in rules)


def _distance(candidate: Candidate) -> tuple[int, str]:
    """Order by how little stands in the way."""
    return len(candidate.verdicts), candidate.facts.name


def _obstacles(candidates: list[Candidate], reason: Reason) -> Iterable[str]:
    """Yield what stands in the way, once for all classes that share it."""
    grouped: dict[str, list[str]] = {}
    for candidate in candidates:
        verdict = _speaking(candidate, reason)
        grouped.setdefault(verdict.message if verdict else "", []).append(candidate.facts.name)
    for message, classes in list(grouped.items())[:_SHOWN]:
        yield f"{names(frozenset(classes))}: {message}"
    if len(grouped) > _SHOWN:
        yield f"and {sum(map(len, list(grouped.values())[_SHOWN:]))} more classes"
