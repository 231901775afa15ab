"""Nothing is started below what is required, whatever runs, is asked for and is decided (reliability R12, P10)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from berth.api.levels import IsolationLevel, NodeSharing
from berth.api.meta import CLASS_LABEL
from berth.decide.engine import decide
from berth.decide.model import ClassFacts, NodeShape, Requirement
from berth.plan.make import make_plan
from berth.plan.model import Apply, Delete, Move, Plan
from berth.plan.move import BACKING_KINDS, next_move
from berth.plan.move import backing as running
from berth.world.records import ChildRecord
from plan.effort import half
from plan.records import FOREIGN, PAIR, UID, asked, backing, parsed, wanted
from render.specs import CONTAINER, EXCLUSIVE, GVISOR, KATA, SNP, TENANTS, VM, Json, container

SHAPE = NodeShape(8000, 32 << 30, (), "amd64", cpu_manager=False, nested=False)
ALL = tuple(replace(each, shapes=(SHAPE,)) for each in (CONTAINER, GVISOR, KATA, TENANTS, VM, SNP, EXCLUSIVE))
NAMES = [each.name for each in ALL]

catalogs = st.just(ALL) | st.lists(st.sampled_from(ALL), unique_by=lambda each: each.name).map(tuple)
requirements = st.builds(
    Requirement,
    level=st.sampled_from([IsolationLevel.CONTAINER, *IsolationLevel]),
    node_sharing=st.sampled_from([NodeSharing.SHARED, NodeSharing.SHARED, NodeSharing.TENANT]),
    classes=st.none() | st.sampled_from([frozenset({name, "kata"}) for name in NAMES]),
    denials=st.sampled_from([(), (), (), ("no",)]),
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 2),
        "type": st.sampled_from(["Service", "Service", "Task"]),
        "volumes": st.just([{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]),
        "needs": st.sampled_from([{"root": True}, {"privileged": True}]),
        "isolation": st.sampled_from(["gvisor", "vm"]).map(lambda name: {"className": name}),
    },
).flatmap(lambda more: st.sampled_from([container(), PAIR]).map(lambda source: source | more))
runs = st.lists(
    st.builds(
        lambda kind, name, created, ready, owner, deleting: replace(
            backing(kind, name), created=created, ready=ready, owner_uid=owner, deleting=deleting
        ),
        st.sampled_from(BACKING_KINDS),
        st.sampled_from([*NAMES, "gone", ""]),
        st.sampled_from([1.0, 2.0]),
        st.integers(0, 2),
        st.sampled_from([UID, UID, UID, FOREIGN, ""]),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.kind,
).map(tuple)


def passes(
    spec: Json, requirement: Requirement, catalog: tuple[ClassFacts, ...], observed: tuple[ChildRecord, ...]
) -> tuple[Move, Plan]:
    """Return what one pass over a Workload would do: the real functions, one after the other."""
    current = running(observed, UID)
    name = current[-1].class_name if current else None
    decision = decide(asked(spec), requirement, catalog, name)
    move = next_move(decision, current, catalog, parsed(spec))
    if move.placed is None:
        return move, Plan()
    try:
        desired = wanted(spec, move.placed)
    except ValueError:
        return move, Plan()
    return move, make_plan(desired, observed, UID, frozen=move.frozen, replicas=int(spec.get("replicas", 1)))


def meets(facts: ClassFacts, requirement: Requirement) -> bool:
    """Return whether a class is what is required."""
    return (
        facts.level.rank >= requirement.level.rank
        and facts.sharing.rank >= requirement.node_sharing.rank
        and (requirement.classes is None or facts.name in requirement.classes)
        and not requirement.denials
    )


worlds = {"spec": specs, "requirement": requirements, "catalog": catalogs, "observed": runs}


@half
@given(**worlds)
def test_no_backing_is_applied_in_a_class_below_the_requirement(
    spec: Json, requirement: Requirement, catalog: tuple[ClassFacts, ...], observed: tuple[ChildRecord, ...]
) -> None:
    _, plan = passes(spec, requirement, catalog, observed)
    by_name = {facts.name: facts for facts in catalog}
    for step in plan.writes:
        if isinstance(step, Apply) and step.child.kind in BACKING_KINDS:
            facts = by_name[step.child.body["metadata"]["labels"][CLASS_LABEL]]
            assert meets(facts, requirement), step


@half
@given(**worlds)
def test_what_is_kept_below_the_requirement_runs_there_already_and_is_frozen(
    spec: Json, requirement: Requirement, catalog: tuple[ClassFacts, ...], observed: tuple[ChildRecord, ...]
) -> None:
    move, _ = passes(spec, requirement, catalog, observed)
    current = running(observed, UID)
    if move.placed is not None and not meets(move.placed, requirement):
        assert current
        assert move.placed.name == current[-1].class_name
        assert move.frozen
    strong = {facts.name for facts in catalog if meets(facts, replace(requirement, denials=()))}
    assert move.below is any(each.class_name not in strong for each in current)


@half
@given(**worlds)
def test_only_what_is_ours_is_changed_or_deleted_and_never_a_disk(
    spec: Json, requirement: Requirement, catalog: tuple[ClassFacts, ...], observed: tuple[ChildRecord, ...]
) -> None:
    _, plan = passes(spec, requirement, catalog, observed)
    seen = {(each.kind, each.key[1]): each for each in observed}
    for step in plan.writes:
        if isinstance(step, Delete):
            assert step.record in observed
            assert step.record.owner_uid == UID
            assert not step.record.deleting
            assert step.record.kind != "DataVolume"
        elif (there := seen.get((step.child.kind, step.child.name))) is not None:
            assert (there.owner_uid, there.uid) == (UID, step.uid)
        else:
            assert step.uid is None


@half
@given(**worlds)
def test_a_backing_goes_only_for_another_that_serves_or_because_its_task_was_edited(
    spec: Json, requirement: Requirement, catalog: tuple[ClassFacts, ...], observed: tuple[ChildRecord, ...]
) -> None:
    move, plan = passes(spec, requirement, catalog, observed)
    gone = [step for step in plan.writes if isinstance(step, Delete) and step.record.kind in BACKING_KINDS]
    assert not (gone and move.frozen)
    for step in gone:
        others = [each for each in observed if each is not step.record and each.owner_uid == UID and not each.deleting]
        serves = any(each.ready >= int(spec.get("replicas", 1)) for each in others)
        assert serves or step.reason == "the task was edited"
