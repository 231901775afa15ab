"""What the properties compare: how strong a placement is, and whether one requirement demands all that another does."""

from dataclasses import replace

from berth.api.levels import IsolationLevel
from berth.decide.model import ClassFacts, Decision, Requirement
from berth.decide.whatif import outcome
from berth.policy.effective import Effective, effective
from decide.worlds import World

NOWHERE = len(IsolationLevel)
"""Nothing runs: that is above all levels."""


def holds(world: World) -> Effective:
    """Return what holds for the workload of a world."""
    given = world.inputs
    return effective(given.subject, given.namespace_labels, given.policies, given.defaults)


def required(world: World) -> Requirement:
    """Return what is required in a world."""
    return holds(world).requirement


def decided(world: World) -> Decision:
    """Return where the workload of a world goes."""
    return outcome(world.inputs)


def rank(decision: Decision) -> int:
    """Return how strongly a workload is isolated."""
    return NOWHERE if decision.chosen is None else decision.chosen.facts.level.rank


def fitting(decision: Decision) -> set[str]:
    """Return the classes that fit."""
    return {each.facts.name for each in decision.candidates if not each.verdicts}


def class_name(decision: Decision) -> str | None:
    """Return the class that was chosen."""
    return decision.chosen.facts.name if decision.chosen else None


def meets(facts: ClassFacts, requirement: Requirement) -> bool:
    """Return whether a class is what is required of one."""
    return (
        facts.level.rank >= requirement.level.rank
        and facts.sharing.rank >= requirement.node_sharing.rank
        and (requirement.classes is None or facts.name in requirement.classes)
    )


def at_least(stricter: Requirement, than: Requirement) -> bool:
    """Return whether one requirement demands all that another one does."""
    return (
        stricter.level.rank >= than.level.rank
        and stricter.node_sharing.rank >= than.node_sharing.rank
        and _within(stricter.classes, than.classes)
        and set(stricter.images) >= set(than.images)
        and _within(stricter.storage_classes, than.storage_classes)
        and stricter.dedicated >= than.dedicated
        and stricter.network.rank >= than.network.rank
        and set(stricter.denials) >= set(than.denials)
    )


def _within(names: frozenset[str] | None, others: frozenset[str] | None) -> bool:
    return others is None or (names is not None and names <= others)


def from_scratch(world: World) -> World:
    """Return a world where nothing is taken before what is cheapest: neither where it runs nor a default class."""
    kept = tuple(each for each in world.tenants if not (each.spec and each.spec.classes and each.spec.classes.default))
    return replace(world, tenants=kept, current=None)
