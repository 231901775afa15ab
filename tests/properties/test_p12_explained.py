"""P12: what is listed as sources is all that matters, each entry counts or another says the same, and a no has a fix."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing
from berth.decide.model import Requirement, Source
from decide import worlds
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import decided, required

FIX = re.compile(
    r"(: |, or |, and |; )(add|ask|change|correct|create|do without|drop|enable|give|install|lower|name|push|remove"
    r"|restore|set|set up|use|wait|write)\b"
)
"""What to do: an order after a colon or a comma."""


@dataclass(frozen=True)
class Told:
    """What a list of sources says is required."""

    level: IsolationLevel | None
    sharing: NodeSharing | None
    network: NetworkMode
    classes: frozenset[str] | None
    disks: frozenset[str] | None
    images: frozenset[str]
    dedicated: bool


def replayed(sources: Iterable[Source]) -> Told:
    """Return what a list of sources says, read as text and with nothing else at hand."""
    values: dict[str, list[str]] = {}
    for source in sources:
        values.setdefault(source.dimension, []).append(source.value)
    level, sharing, network = (set(values.get(name, ())) for name in ("level", "nodeSharing", "network"))
    assert max(len(level), len(sharing), len(network)) <= 1
    return Told(
        level=IsolationLevel(level.pop()) if level else None,
        sharing=NodeSharing(sharing.pop()) if sharing else None,
        network=NetworkMode(network.pop()) if network else NetworkMode.OPEN,
        classes=_common(values.get("classes")),
        disks=_common(values.get("storageClasses")),
        images=frozenset(values.get("images", ())),
        dedicated="dedicated" in values,
    )


def _common(lists: list[str] | None) -> frozenset[str] | None:
    return frozenset.intersection(*(frozenset(each.split(", ")) for each in lists)) if lists else None


def said(requirement: Requirement) -> Told:
    """Return a requirement in the same form, from its values."""
    return Told(
        level=requirement.level,
        sharing=requirement.node_sharing,
        network=requirement.network,
        classes=requirement.classes,
        disks=requirement.storage_classes,
        images=frozenset(map(str, requirement.images)),
        dedicated=requirement.dedicated,
    )


@for_all(worlds.a_world, of=EXAMPLES // 5 * 2)
def test_p12_the_sources_alone_give_the_requirement(world: World) -> bool:
    needed = required(world)
    assert replayed(needed.sources) == said(needed)
    named = {source.by for source in needed.sources}
    kept = {policy.name for policy in world.inputs.policies.policies if policy.demand.by in named}
    others = replace(world, policies=tuple(record for record in world.policies if record.name in kept))
    assert required(others) == needed
    return len(named) > 1


@for_all(worlds.a_world, of=EXAMPLES // 5 * 2)
def test_p12_a_source_that_is_taken_away_is_missed_unless_another_says_the_same(world: World) -> bool:
    needed = required(world)
    named = [p for p in world.inputs.policies.policies if any(source.by == p.demand.by for source in needed.sources)]
    for policy in named:
        rest = [source for source in needed.sources if source.by != policy.demand.by]
        others = tuple(record for record in world.policies if record.name != policy.name)
        assert (said(required(replace(world, policies=others))) != said(needed)) is (replayed(rest) != said(needed))
    return bool(named)


def nowhere(random: Random) -> World:
    """Draw a world where a workload goes nowhere."""
    while decided(world := worlds.a_world(random)).chosen is not None:
        pass
    return world


@for_all(nowhere, of=EXAMPLES // 5)
def test_p12_a_no_says_what_to_do(world: World) -> None:
    decision = decided(world)
    assert FIX.search(decision.message), decision.message
    assert len(decision.message) < 8192
    assert decision.reason != "Placed"
    for denial in decision.requirement.denials:
        assert FIX.search(denial), denial
    for candidate in decision.candidates:
        for verdict in candidate.verdicts:
            assert FIX.search(verdict.message), verdict.message
        assert candidate.verdicts or decision.requirement.denials
