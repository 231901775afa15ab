"""P1: another policy, a wider match or a stricter demand never weakens what is required, nor where it leads.

From scratch, that is: what runs stays where it fits, and a tenant's default class is taken before a cheaper one.
"""

from dataclasses import replace
from random import Random

from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode
from berth.world.records import PolicyRecord
from decide import drawn_policies, worlds
from decide.drawing import pick
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import at_least, decided, fitting, from_scratch, rank, required

Pair = tuple[PolicyRecord, PolicyRecord]


HALF = EXAMPLES // 2


def an_enforced_policy(random: Random) -> PolicyRecord:
    return drawn_policies.enforced(drawn_policies.a_policy(random))


def a_tightened_policy(random: Random) -> Pair:
    """Draw a policy and one that asks for more, or of more workloads."""
    record = drawn_policies.a_policy(random)
    if record.spec is None:
        return record, replace(record, match=None)
    require = record.spec.require
    at = (require.level.rank if require.level else 0), (require.node_sharing.rank if require.node_sharing else 0)
    harder = require.model_copy(
        update={
            "level": pick(random, list(IsolationLevel)[at[0] :]),
            "node_sharing": pick(random, list(NodeSharing)[at[1] :]),
            "classes": require.classes and require.classes[: random.randint(1, len(require.classes))],
        }
    )
    update = {
        "require": harder,
        "match": pick(random, (record.spec.match, None)),
        "when": pick(random, (record.spec.when, None, "nope(")),
        "mode": pick(random, (record.spec.mode, PolicyMode.ENFORCE)),
    }
    return record, replace(record, spec=record.spec.model_copy(update=update))


@for_all(worlds.a_world, an_enforced_policy, of=HALF)
def test_p01_monotone_in_policies(world: World, extra: PolicyRecord) -> bool:
    return stricter(world, replace(world, policies=(*world.policies, extra)))


@for_all(worlds.a_world, a_tightened_policy, of=HALF)
def test_p01_monotone_in_what_a_policy_says(world: World, pair: Pair) -> bool:
    # A waiver spares nobody from a policy that is not understood, so becoming understood would weaken it.
    waivers = tuple(each for each in world.waivers if pair[0].name not in each.policies)
    before, after = (replace(world, policies=(*world.policies, policy), waivers=waivers) for policy in pair)
    return stricter(before, after)


def stricter(before: World, after: World) -> bool:
    """Check that nothing is weaker; tell whether anything is other than it was."""
    weaker, stronger = required(before), required(after)
    assert at_least(stronger, weaker)
    fewer, more = decided(from_scratch(before)), decided(from_scratch(after))
    assert fitting(more) <= fitting(fewer)
    assert rank(more) >= rank(fewer)
    return stronger != weaker
