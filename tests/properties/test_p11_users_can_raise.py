"""P11: an author can ask for more, within what the tenant allows, and gets it or is told why not; the result says so."""

from dataclasses import replace
from random import Random

from berth.api.levels import IsolationLevel, Trust
from berth.api.reasons import Reason
from berth.policy.effective import LEVEL_SOURCE
from decide import worlds
from decide.drawing import NAMES, pick
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import at_least, class_name, decided, fitting, meets

QUARTER = EXAMPLES // 4


def silent(random: Random) -> World:
    """Draw a world whose author has no wish about where it runs, and where nobody forbids it at all."""
    world = worlds.a_world(random)
    ask = replace(world.ask, level=None, trust=None, class_name=None, service_account=None, priority_class=None)
    return replace(world, ask=ask, unsized=(), images=(), current=None)


@for_all(silent, lambda random: pick(random, tuple(IsolationLevel)), of=2 * QUARTER)
def test_p11_a_level_that_is_asked_for_is_kept_and_named(world: World, level: IsolationLevel) -> bool:
    before = decided(world)
    raised = decided(replace(world, ask=replace(world.ask, level=level)))
    needed = raised.requirement
    assert needed.level.rank == max(level.rank, before.requirement.level.rank)
    assert at_least(needed, before.requirement)
    if level.rank >= before.requirement.level.rank:
        assert LEVEL_SOURCE in [source.by for source in needed.sources if source.dimension == "level"]
    if raised.chosen is not None:
        assert raised.chosen.facts.level.rank >= level.rank
        assert needed.by("level") in raised.message
    allowed = [facts.name for facts in world.catalog if meets(facts, needed)]
    assert fitting(raised) == fitting(before) & set(allowed)
    return level.rank > before.requirement.level.rank


@for_all(silent, lambda random: pick(random, tuple(Trust)), of=QUARTER)
def test_p11_less_trust_never_gets_less(world: World, trust: Trust) -> bool:
    before = decided(replace(world, ask=replace(world.ask, trust=Trust.TRUSTED)))
    after = decided(replace(world, ask=replace(world.ask, trust=trust)))
    wanted = dict(world.defaults.trust_levels).get(trust)
    matches = [record.spec.match if record.spec else record.match for record in world.policies]
    if any(match and match.trust for match in matches):
        return False  # an admin's own policies by trust may say otherwise
    assert at_least(after.requirement, before.requirement)
    assert wanted is None or after.requirement.level.rank >= wanted.rank
    if wanted is not None and wanted.rank > before.requirement.level.rank:
        assert after.requirement.by("level") == f"spec.trust {trust}"
    return trust is not Trust.TRUSTED


@for_all(silent, lambda random: pick(random, (*NAMES, "c9")), of=QUARTER)
def test_p11_a_class_that_is_named_is_taken_if_it_fits_and_else_none(world: World, name: str) -> None:
    before = decided(world)
    after = decided(replace(world, ask=replace(world.ask, class_name=name)))
    if name in fitting(before) and not before.requirement.denials:
        assert class_name(after) == name
        assert "named by spec.isolation.className" in after.message
        return
    assert after.chosen is None
    if before.requirement.denials:
        assert after.reason is Reason.POLICY_DENIED
    elif name not in {facts.name for facts in world.catalog} and world.catalog:
        assert f"spec.isolation.className names {name}, which does not exist" in after.message
    elif before.requirement.classes is not None and name not in before.requirement.classes and world.catalog:
        verdicts = next(each for each in after.candidates if each.facts.name == name).verdicts
        assert Reason.POLICY_DENIED in {verdict.reason for verdict in verdicts}
