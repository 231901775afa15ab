"""The decision: every rule for every class, then the cheapest class that fits. Pure and independent of order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final, TypeVar

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.cost import overhead
from berth.decide.model import Ask, Candidate, ClassFacts, Cost, Decision, Outcome, Requirement, Verdict
from berth.decide.refusal import refusal
from berth.decide.rules import CLASS_RULES, WORKLOAD_RULES, WorkloadRule
from berth.decide.words import required

Given = TypeVar("Given", Ask, Requirement)

_UNKNOWN: Final = Cost()
_MACHINE: Final = Backend.VIRTUAL_MACHINE


def decide(ask: Ask, requirement: Requirement, catalog: tuple[ClassFacts, ...], current: str | None) -> Decision:
    """Return where a workload goes. `current` is the class it runs in, as seen on its children."""
    candidates = _candidates(ask, _under(requirement, catalog), current)
    fitting = [candidate for candidate in candidates if not candidate.verdicts]
    if requirement.denials or not fitting:
        reason, message = refusal(ask, requirement, candidates)
        return Decision(None, candidates, requirement, reason, message)
    cheapest = min(fitting, key=partial(_preference, ask, requirement.preferred))
    chosen = next((each for each in fitting if each.facts.name == current), cheapest)
    if chosen is not cheapest:
        why = f"it runs there, though {cheapest.facts.name} would do as well; it still meets"
    elif ask.class_name is not None:
        why = "named by spec.isolation.className, meets"
    elif chosen.facts.name == requirement.preferred:
        why = "the tenant's default class, meets"
    else:
        why = "lowest level that fits and meets"
    message = f"{chosen.facts.name} ({chosen.facts.level}): {why} {required(requirement)}"
    return Decision(chosen, candidates, requirement, Reason.PLACED, message)


def choose(
    ask: Ask, requirement: Requirement, catalog: tuple[ClassFacts, ...], current: str | None
) -> Candidate | None:
    """Return the class that `decide` would choose, without saying why: for questions asked thousands of times."""
    if requirement.denials:
        return None
    fitting = [each for each in _candidates(ask, _open(requirement, catalog), current) if not each.verdicts]
    stays = next((each for each in fitting if each.facts.name == current), None)
    return stays or min(fitting, key=partial(_preference, ask, requirement.preferred), default=None)


@lru_cache(maxsize=1024)
def _open(requirement: Requirement, catalog: tuple[ClassFacts, ...]) -> tuple[Candidate, ...]:
    """Return the classes that are open to all workloads under a requirement."""
    return tuple(each for each in _under(requirement, catalog) if not each.verdicts)


@lru_cache(maxsize=1024)
def _under(requirement: Requirement, catalog: tuple[ClassFacts, ...]) -> tuple[Candidate, ...]:
    """Return every class, by name, as all workloads under a requirement share it. Remembered, for there are many."""
    ordered = sorted(catalog, key=lambda facts: facts.name)
    verdicts = zip(*(_put(rule, requirement, ordered) for rule in CLASS_RULES), strict=True)
    return tuple(
        Candidate(facts, tuple(filter(None, each)), facts.overhead)
        for facts, each in zip(ordered, verdicts, strict=True)
    )


def _candidates(ask: Ask, shared: tuple[Candidate, ...], current: str | None) -> tuple[Candidate, ...]:
    """Put a workload to every class. One that is disabled takes nobody new, but keeps whoever runs there."""
    classes = [each.facts for each in shared]
    seen = [replace(each, enabled=True) if not each.enabled and each.name == current else each for each in classes]
    verdicts = zip(*[_put(rule, ask, seen) for rule in _concerning(ask)], strict=True)
    return tuple([_candidate(ask, each, found) for each, found in zip(shared, verdicts, strict=True)])


def _concerning(ask: Ask) -> list[WorkloadRule]:
    """Return the rules that can refuse a workload; all of them where that cannot be told."""
    try:
        return [rule for rule, concerns in WORKLOAD_RULES.items() if concerns(ask)]
    except Exception:  # noqa: BLE001 - what is not understood is put to every rule, and one that breaks refuses
        return list(WORKLOAD_RULES)


def _candidate(ask: Ask, shared: Candidate, verdicts: tuple[Verdict | None, ...]) -> Candidate:
    """Return what a class is to one workload, which mostly is what it is to all."""
    facts, added = shared.facts, _UNKNOWN
    try:
        added = overhead(ask, facts)
    except Exception as error:  # noqa: BLE001 - a class whose cost is unknown cannot be compared with others
        verdicts = (*verdicts, _broken("cost", error))
    if added is shared.overhead and not any(verdicts):
        return shared
    return Candidate(facts, (*shared.verdicts, *filter(None, verdicts)), added)


def _put(
    rule: Callable[[Given, ClassFacts], Verdict | None], given: Given, classes: Sequence[ClassFacts]
) -> list[Verdict | None]:
    """Put a rule to every class; if it breaks, then to one after the other."""
    try:
        return [rule(given, facts) for facts in classes]
    except Exception:  # noqa: BLE001 - `_guarded` says which class broke it, and how
        return [_guarded(rule, given, facts) for facts in classes]


def _guarded(rule: Callable[[Given, ClassFacts], Verdict | None], given: Given, facts: ClassFacts) -> Verdict | None:
    try:
        return rule(given, facts)
    except Exception as error:  # noqa: BLE001 - a rule that breaks must rule the class out, never let it pass
        return _broken(rule.__name__, error)


def _broken(rule: str, error: Exception) -> Verdict:
    message = f"rule {rule} failed ({type(error).__name__}: {error}): report it; the class stays ruled out until then"
    return Verdict(Outcome.NEVER, rule, Reason.MISCONFIGURED, message)


def _preference(ask: Ask, preferred: str | None, candidate: Candidate) -> tuple[object, ...]:
    """Order classes that fit: the tenant's default, least isolation, an image as pods, least overhead, then preference.

    A default never lets anything run below what is required, for it must fit like any other class.
    """
    facts, cost = candidate.facts, candidate.overhead
    image_in_machine = ask.has_container and facts.backend is _MACHINE
    default = facts.name == preferred
    return not default, facts.level.rank, image_in_machine, cost.memory, cost.cpu, -facts.preference, facts.name
