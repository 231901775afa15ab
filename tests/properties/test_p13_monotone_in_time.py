"""P13: loosening never moves what runs to a weaker class; tightening acts, or what runs is held and shown as below.

There is no way yet to opt in to going down. Where a policy stops what is below, it does so once its time has passed and
never before.
"""

from dataclasses import replace
from random import Random

from berth.api.levels import Backend, PolicyMode
from berth.api.reasons import Reason
from berth.api.workload import WorkloadSpec
from berth.decide.model import Decision
from berth.plan.model import Move
from berth.plan.move import next_move, overdue
from berth.world.records import ChildRecord, PolicyRecord
from decide import drawn_policies, worlds
from decide.builders import spec_of
from decide.drawing import pick
from decide.worlds import World
from plan.records import PAIR, backing
from properties.examples import EXAMPLES, for_all
from properties.judge import at_least, decided, holds, meets, required

HALF = EXAMPLES // 2
KINDS = {
    Backend.POD: ("Deployment", "Deployment", "Job"),
    Backend.VIRTUAL_MACHINE: ("VirtualMachine", "VirtualMachinePool"),
}
SPECS: tuple[WorkloadSpec, ...] = tuple(
    spec_of(**PAIR, **more)
    for more in (
        {},
        {"replicas": 0},
        {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]},
    )
)


def a_running_world(random: Random) -> World:
    """Draw a world where the workload runs in a class that was chosen for it."""
    while True:
        policies = tuple(drawn_policies.enforced(drawn_policies.a_policy(random, name)) for name in ("p0", "p1"))
        world = replace(worlds.a_friendly_world(random), current=None, policies=policies)
        if (chosen := decided(world).chosen) is not None:
            return replace(world, current=chosen.facts.name)


def run_of(world: World) -> ChildRecord:
    """Return the object that runs the workload."""
    facts = next(each for each in world.catalog if each.name == world.current)
    kinds = KINDS[facts.backend]
    return backing(kinds[len(world.labels) % len(kinds)], world.current or "")


def moved(world: World, spec: WorkloadSpec) -> tuple[Decision, Move]:
    """Return what is decided for a running workload, and where it is kept."""
    decision = decided(world)
    return decision, next_move(decision, (run_of(world),), world.catalog, spec)


def loosened(random: Random, record: PolicyRecord) -> PolicyRecord | None:
    """Return a policy that asks for less, of fewer, or of nobody."""
    if record.spec is None or random.random() < 0.4:
        return None
    update = pick(
        random,
        (
            {"mode": PolicyMode.AUDIT},
            {"mode": PolicyMode.WARN},
            {"match": pick(random, drawn_policies.MATCHES)}
            if record.spec.match is None
            else {"mode": PolicyMode.AUDIT},
            {"require": record.spec.require.model_copy(update={"level": None})},
            {"require": record.spec.require.model_copy(update={"classes": None, "node_sharing": None})},
        ),
    )
    return replace(record, spec=record.spec.model_copy(update=update))


def a_loosening(random: Random) -> tuple[World, World]:
    world = a_running_world(random)
    after = tuple(each for record in world.policies if (each := loosened(random, record)) is not None)
    return world, replace(world, policies=after)


@for_all(a_loosening, lambda random: pick(random, SPECS), of=HALF)
def test_p13_loosening_leaves_what_runs_where_it_is(worlds: tuple[World, World], spec: WorkloadSpec) -> bool:
    before, after = worlds
    decision, move = moved(after, spec)
    assert decision.chosen is not None
    assert decision.chosen.facts.name == after.current
    assert move == Move(decision.chosen.facts)
    assert at_least(required(before), required(after))
    return required(before) != required(after)


def a_tightening(random: Random) -> World:
    """Draw a world where something that was fine where it runs is asked for more."""
    world, extra = a_running_world(random), drawn_policies.enforced(drawn_policies.a_policy(random))
    if extra.spec is not None and random.random() < 0.8:
        extra = replace(extra, spec=extra.spec.model_copy(update={"match": None, "when": None}))
    return replace(world, policies=(*world.policies, extra))


@for_all(a_tightening, lambda random: pick(random, SPECS), of=HALF)
def test_p13_tightening_acts_or_is_held_and_shown(world: World, spec: WorkloadSpec) -> bool:
    decision, move = moved(world, spec)
    current = next(each for each in world.catalog if each.name == world.current)
    below = not meets(current, decision.requirement)
    assert move.below is below
    assert move.weaker == ((current.name,) if below else ())
    if decision.chosen is None:
        stops = spec.replicas == 0
        assert (move.placed, move.frozen, move.stopped) == (None if stops else current, not stops, stops)
    elif move.pending is None:
        assert move.placed == decision.chosen.facts
        assert meets(move.placed, decision.requirement)
    else:
        assert (move.placed, move.frozen) == (current, below)
        assert move.pending.to_class == decision.chosen.facts.name
    return decision.chosen is None or decision.chosen.facts != current


SINCE = 1_000_000.0


@for_all(a_tightening, lambda random: pick(random, (-1.0, 0.0, 59.0, 60.0, 3599.0, 3600.0, 86400.0)), of=EXAMPLES // 10)
def test_p13_a_deadline_stops_what_is_below_in_time_and_not_before(world: World, waited: float) -> bool:
    _, move = moved(world, SPECS[0])
    deadline = holds(world).deadline
    told = [
        each.deadline
        for each in world.inputs.policies.policies
        if each.stops and each.mode is PolicyMode.ENFORCE and each.name in dict(holds(world).matched)
    ]
    spared = {name for name, _ in holds(world).waived}
    assert deadline is None or deadline[1]
    assert (deadline is None) or deadline[0] in told
    late = overdue(move, SINCE, deadline, SINCE + waited)
    if move.below and deadline is not None and waited >= deadline[0]:
        assert (late.placed, late.stopped, late.pending) == (None, True, None)
        assert late.withheld is not None
        assert late.withheld.reason is Reason.DEADLINE_PASSED
    else:
        assert late == move
    assert overdue(move, None, deadline, SINCE + waited) == move
    assert spared or not told or deadline == (min(told), True)
    return move.below and deadline is not None
