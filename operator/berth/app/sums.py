"""What all Workloads together say of every policy: whom it matches, whom it moves, what it adds."""

from collections import Counter
from collections.abc import Mapping, Sequence
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

    def count(self, who: str, effect: Effect) -> None:
        """Add the effect on one Workload of somebody who pays for it."""
        toll = self.tolls.setdefault(who, Toll())
        toll.workloads += 1
        toll.added += effect.added
        self.flips[effect.from_class, effect.to_class] += 1
        self.unplaced += not effect.to_class


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
            found.setdefault(effect.policy, Sum()).count(payer(key[0], outcome.tenants), effect)
    return found


def payer(namespace: str, tenants: Sequence[str]) -> str:
    """Return who pays for the Workloads of a namespace: its tenant, else the namespace."""
    return tenants[0] if len(tenants) == 1 else f"ns/{namespace}"
