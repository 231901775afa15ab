"""Whether a running workload follows a decision that changed."""

from dataclasses import replace

import pytest

from berth.api.levels import IsolationLevel, NodeSharing
from berth.api.reasons import Reason
from berth.decide.model import Ask, Candidate, ClassFacts, Cost, Decision, Refusal, Requirement
from berth.plan.model import Move, Pending
from berth.plan.move import backing as running
from berth.plan.move import current_class, left_alone, next_move, put_off
from berth.world.records import ChildRecord
from decide.builders import spec_of
from plan.records import FOREIGN, PAIR, UID, asked, backing
from render.specs import CONTAINER, GVISOR, KATA, TENANTS, VM, Json, container

CATALOG = (CONTAINER, GVISOR, KATA, TENANTS, VM)
ANY = Requirement(IsolationLevel.CONTAINER)
VIRTUAL = Requirement(IsolationLevel.VIRTUALIZED)
WRITER = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]}
READER = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d", "readOnly": True}}]}
POD, TASK, MACHINE, POOL = (
    backing(),
    backing("Job"),
    backing("VirtualMachine", "vm"),
    backing("VirtualMachinePool", "vm"),
)

TO_KATA = Pending("vm", "kata", "the machine would stop and start anew")


def decided(chosen: ClassFacts | None, requirement: Requirement = ANY) -> Decision:
    """Return the decision for a class, or that nothing fits."""
    candidate = Candidate(chosen, (), Cost()) if chosen else None
    return Decision(candidate, (), requirement, Reason.PLACED if chosen else Reason.NO_ELIGIBLE_CLASS, "")


def moved(
    chosen: ClassFacts | None,
    *runs: ChildRecord,
    requirement: Requirement = ANY,
    catalog: tuple[ClassFacts, ...] = CATALOG,
    **spec: Json | int,
) -> Move:
    """Return the move of a workload that runs as given."""
    return next_move(decided(chosen, requirement), runs, catalog, spec_of(**container(**spec)))


def test_a_new_workload_goes_where_was_decided_or_nowhere() -> None:
    assert moved(GVISOR) == Move(GVISOR)
    assert moved(None) == Move(None)


def test_one_that_runs_where_was_decided_stays() -> None:
    assert moved(CONTAINER, POD) == Move(CONTAINER)


@pytest.mark.parametrize("spec", [{}, READER, {"volumes": [{"name": "t", "emptyDir": {}}]}, {"replicas": 9}])
def test_stateless_pods_move_by_themselves(spec: Json) -> None:
    assert moved(GVISOR, POD, **spec) == Move(GVISOR)


def test_pods_that_must_move_do_so_and_are_below_until_then() -> None:
    assert moved(KATA, POD, requirement=VIRTUAL) == Move(KATA, weaker=("container",))


def test_pods_that_write_to_a_claim_wait_for_a_person() -> None:
    move = moved(GVISOR, POD, **WRITER)
    assert (move.placed, move.frozen, move.below) == (CONTAINER, False, False)
    assert move.pending is not None
    assert (move.pending.from_class, move.pending.to_class) == ("container", "gvisor")
    assert "write to a disk" in move.pending.message


def test_nothing_is_started_again_in_a_class_that_a_probe_has_found_out() -> None:
    out = replace(CONTAINER, contradicted="a probe saw")
    waits = moved(GVISOR, POD, catalog=(out, GVISOR), **WRITER)
    assert (waits.placed, waits.frozen, waits.pending is not None) == (out, True, True)
    assert put_off(Move(GVISOR), out, "two others move").frozen
    assert not put_off(Move(GVISOR), CONTAINER, "two others move").frozen


def test_pods_that_write_but_have_no_replicas_move_by_themselves() -> None:
    assert moved(GVISOR, POD, replicas=0, **WRITER) == Move(GVISOR)


@pytest.mark.parametrize(
    ("run", "obstacle"),
    [
        (MACHINE, "the machine would stop and start anew"),
        (POOL, "the machine would stop and start anew"),
        (TASK, "the task would start over"),
        (replace(TASK, complete=True), "the task has completed"),
    ],
    ids=["machine", "pool", "running task", "completed task"],
)
def test_what_a_move_would_interrupt_waits_for_a_person(run: ChildRecord, obstacle: str) -> None:
    current = next(facts for facts in CATALOG if facts.name == run.class_name)
    assert moved(KATA, run) == Move(current, pending=Pending(current.name, "kata", obstacle))


@pytest.mark.parametrize(("replicas", "wanted", "moves"), [(0, 0, True), (1, 0, True), (0, 1, False)])
def test_only_a_machine_that_is_asked_to_stop_moves_by_itself(replicas: int, wanted: int, *, moves: bool) -> None:
    move = moved(KATA, replace(MACHINE, replicas=replicas), replicas=wanted)
    assert (move.pending is None) is moves
    assert move.placed is (KATA if moves else VM)


@pytest.mark.parametrize("run", [POD, MACHINE, POOL], ids=lambda run: run.kind)
@pytest.mark.parametrize("requirement", [ANY, VIRTUAL], ids=["not below", "below"])
def test_where_nothing_fits_it_goes_when_no_replicas_are_asked_for(run: ChildRecord, requirement: Requirement) -> None:
    move = moved(None, replace(run, replicas=1), requirement=requirement, replicas=0)
    assert (move.placed, move.stopped, move.frozen) == (None, True, False)
    assert move.below is moved(None, run, requirement=requirement).below


def test_where_nothing_fits_what_is_at_rest_stays() -> None:
    assert moved(None, replace(MACHINE, replicas=0), replicas=0) == Move(VM, frozen=True)
    assert moved(None, replace(TASK, complete=True), replicas=0) == Move(CONTAINER, frozen=True)


@pytest.mark.parametrize("run", [POD, TASK, MACHINE], ids=lambda run: run.kind)
def test_where_nothing_fits_it_stays_as_it_is(run: ChildRecord) -> None:
    move = moved(None, run)
    assert (move.placed, move.frozen, move.pending) == (
        next(c for c in CATALOG if c.name == run.class_name),
        True,
        None,
    )


@pytest.mark.parametrize("chosen", [None, KATA], ids=["nothing fits", "another fits"])
def test_a_class_that_is_gone_is_below_everything_and_frozen(chosen: ClassFacts | None) -> None:
    move = moved(chosen, MACHINE, catalog=CATALOG[:-1])
    assert (move.placed, move.frozen, move.weaker) == (None, True, ("vm",))
    assert move.held


@pytest.mark.parametrize(
    ("requirement", "below"),
    [
        (ANY, False),
        (VIRTUAL, True),
        (Requirement(IsolationLevel.CONTAINER, NodeSharing.TENANT), True),
        (Requirement(IsolationLevel.CONTAINER, classes=frozenset({"container"})), False),
        (Requirement(IsolationLevel.CONTAINER, classes=frozenset({"kata"})), True),
    ],
    ids=["nothing", "level", "nodes", "listed", "not listed"],
)
@pytest.mark.parametrize("chosen", [None, KATA], ids=["nothing fits", "another fits"])
def test_what_does_not_meet_the_requirement_is_below_and_frozen_while_it_waits(
    requirement: Requirement, chosen: ClassFacts | None, *, below: bool
) -> None:
    move = moved(chosen, POD, requirement=requirement, **WRITER)
    assert (move.placed, move.below) == (CONTAINER, below)
    assert move.frozen is (below or chosen is None)


def test_while_the_old_one_still_serves_it_counts_as_below() -> None:
    both = (POD, replace(MACHINE, created=POD.created + 1))
    assert moved(VM, *both, requirement=VIRTUAL) == Move(VM, weaker=("container",))
    assert moved(VM, *both[1:], requirement=VIRTUAL) == Move(VM)


def test_the_newest_backing_says_the_class() -> None:
    both = running((replace(POD, created=2.0), replace(MACHINE, created=1.0)), UID)
    assert current_class(both) == "container"
    assert current_class(()) is None


def test_only_what_is_ours_and_stays_counts_as_running() -> None:
    others = (replace(POD, owner_uid=FOREIGN), replace(POD, owner_uid=""), replace(POD, deleting=True))
    assert running((*others, replace(POD, kind="Service")), UID) == ()


REFUSED = (Refusal("vm", Reason.NO_ELIGIBLE_CLASS, "no", heals=False),)


@pytest.mark.parametrize(
    ("ask", "move", "alone"),
    [
        (asked(PAIR), Move(VM), False),
        (asked(PAIR), Move(VM, frozen=True), True),
        (asked(PAIR), Move(VM, pending=TO_KATA), False),
        (replace(asked(PAIR), refusals=REFUSED), Move(VM, pending=TO_KATA), True),
        (replace(asked(PAIR), machine=None), Move(VM, pending=TO_KATA), True),
        (replace(asked(PAIR), has_container=False), Move(CONTAINER, pending=TO_KATA), True),
        (replace(asked(PAIR), has_container=False), Move(VM, pending=TO_KATA), False),
        (asked(PAIR), Move(None), False),
    ],
    ids=["placed", "frozen", "waits", "refused", "no machine", "no image", "no image, in a machine", "nowhere"],
)
def test_what_its_class_cannot_take_any_more_is_left_as_it_runs(ask: Ask, move: Move, *, alone: bool) -> None:
    assert left_alone(ask, move) is alone
