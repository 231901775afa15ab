"""What all Workloads together say of every policy: whom it matches, whom it moves, what it adds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from berth.app.outcomes import Outcome
from berth.decide.impact import Effect
from berth.decide.model import Cost
from berth.world.records import Key

_NOTHING: Final = Cost()


@dataclass(slots=True)
class Toll:
    """What a policy takes from one tenant."""

    workloads: int = 0
    added: Cost = _NOTHING


@dataclass(slots=True)
class Sum:
    """What all Workloads together say of one policy."""

    matched: int = 0
    unmet: int = 0
    waived: int = 0
    unplaced: int = 0
    flips: Counter[tuple[str, str]] = field(default_factory=Counter)
    tolls: dict[str, Toll] = field(default_factory=dict)
    error: str | None = None

    @property
    def added(self) -> Cost:
        """Return what isolation adds because of the policy."""
        return sum((toll.added for toll in self.tolls.values()), Cost())


def sums_of(outcomes: Mapping[Key, Outcome]) -> dict[str, Sum]:
    """Return what the Workloads say of every policy that matches any."""
    found: dict[str, Sum] = {}
    for key, outcome in sorted(outcomes.items()):
        for name in outcome.policies:
            each = found.setdefault(name, Sum())
            each.matched += 1
            each.unmet += outcome.below
        for name, _ in outcome.waived:
            found[name].waived += 1
        for name, error in outcome.policy_errors:
            text = f"its condition failed on workloads.berth.dev {key[0]}/{key[1]}: {error}"
            found[name].error = found[name].error or text
        for effect in outcome.effects:
            _count(found.setdefault(effect.policy, Sum()), payer(key, outcome), effect)
    return found


def payer(key: Key, outcome: Outcome) -> str:
    """Return who pays for a Workload: its tenant, else its namespace."""
    return outcome.tenants[0] if len(outcome.tenants) == 1 else f"ns/{key[0]}"


def _count(total: Sum, tenant: str, effect: Effect) -> None:
    toll = total.tolls.setdefault(tenant, Toll())
    toll.workloads += 1
    toll.added += effect.added
    total.flips[effect.from_class, effect.to_class] += 1
    total.unplaced += not effect.to_class
