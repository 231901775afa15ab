"""The steps from what is there to what is wanted."""

from dataclasses import replace

import pytest

from berth.api.meta import DESIRED_HASH_ANNOTATION, WORKLOAD_LABEL
from berth.api.reasons import Reason
from berth.decide.model import ClassFacts
from berth.plan.make import make_plan
from berth.plan.model import Apply, Delete, Plan, Step, Taken, Wait
from berth.plan.move import BACKING_KINDS
from berth.render.model import Child
from berth.world.records import ChildRecord, Problem
from plan.records import FOREIGN, PAIR, SERVED, UID, all_stored, backing, edited, stored, wanted
from render.specs import CONTAINER, GVISOR, VM, Json, container, machine

TASK: Json = container(type="Task")
DISKED: Json = {
    "machine": {"bootDisk": {"dataSource": {"name": "gold", "storage": "30Gi"}}},
    "resources": {"requests": {"memory": "1Gi"}},
}


def plan(
    desired: tuple[Child, ...], observed: tuple[ChildRecord, ...], *, frozen: bool = False, replicas: int = 1
) -> Plan:
    """Return the plan of shop/web."""
    return make_plan(desired, observed, UID, frozen=frozen, replicas=replicas)


def said(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    """Return what the steps do, and to which kind."""
    return [
        ("wait", step.message.split()[0])
        if isinstance(step, Wait)
        else ("apply", step.child.kind)
        if isinstance(step, Apply)
        else ("delete", step.record.kind)
        for step in steps
    ]


def only(kind: str, records: tuple[ChildRecord, ...]) -> ChildRecord:
    """Return the record of this kind."""
    return next(record for record in records if record.kind == kind)


def with_record(records: tuple[ChildRecord, ...], record: ChildRecord) -> tuple[ChildRecord, ...]:
    """Return the records with this one in the place of its kind."""
    return tuple(record if each.kind == record.kind else each for each in records)


def test_everything_is_created_in_order_and_never_over_something_that_exists() -> None:
    made = plan(wanted(SERVED), ())
    assert said(made.steps) == [("apply", "NetworkPolicy"), ("apply", "Service"), ("apply", "Deployment")]
    assert all(isinstance(step, Apply) and step.uid is None for step in made.steps)


@pytest.mark.parametrize("facts", [CONTAINER, GVISOR, VM], ids=lambda facts: facts.name)
def test_nothing_is_done_when_all_is_said(facts: ClassFacts) -> None:
    assert plan(wanted(PAIR, facts), all_stored(PAIR, facts)) == Plan()


@pytest.mark.parametrize("kind", ["NetworkPolicy", "Service", "Deployment"])
def test_only_what_differs_is_applied_and_to_that_very_object(kind: str) -> None:
    live = all_stored(SERVED)
    odd = edited(only(kind, live), "metadata", "labels", WORKLOAD_LABEL, value="other")
    made = plan(wanted(SERVED), with_record(live, odd))
    [step] = made.steps
    assert isinstance(step, Apply)
    assert (step.child.kind, step.uid) == (kind, f"uid-of-{kind}")


def test_what_is_not_wanted_any_more_shows_by_the_hash() -> None:
    live = all_stored(SERVED)
    old = edited(only("Deployment", live), "metadata", "annotations", DESIRED_HASH_ANNOTATION, value="old")
    assert said(plan(wanted(SERVED), with_record(live, old)).steps) == [("apply", "Deployment")]


def test_what_others_add_is_left_alone() -> None:
    live = all_stored(SERVED)
    kept = edited(only("Deployment", live), "metadata", "labels", "team", value="a")
    assert plan(wanted(SERVED), with_record(live, kept)) == Plan()


def test_a_port_that_somebody_opened_is_closed_again() -> None:
    live = all_stored(SERVED)
    rule = {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 22, "protocol": "TCP"}]}
    opened = edited(only("NetworkPolicy", live), "spec", "ingress", value=[rule])
    assert said(plan(wanted(SERVED), with_record(live, opened)).steps) == [("apply", "NetworkPolicy")]


@pytest.mark.parametrize("owner", [FOREIGN, ""])
@pytest.mark.parametrize("kind", ["NetworkPolicy", "Service", "Deployment"])
def test_a_name_that_belongs_to_others_is_taken_and_never_touched(kind: str, owner: str) -> None:
    live = all_stored(SERVED)
    foreign = edited(replace(only(kind, live), owner_uid=owner), "spec", value={})
    made = plan(wanted(SERVED), with_record(live, foreign))
    assert (made.steps, made.taken) == ((), (Taken(kind, "web"),))


@pytest.mark.parametrize("owner", [FOREIGN, ""])
def test_a_foreign_object_with_our_label_is_never_deleted(owner: str) -> None:
    foreign = replace(backing("VirtualMachine"), owner_uid=owner)
    assert plan(wanted(SERVED), (*all_stored(SERVED, ready=1), foreign)) == Plan()


def test_a_frozen_backing_is_left_alone_and_the_rest_is_kept_right() -> None:
    live = tuple(edited(record, "metadata", "labels", WORKLOAD_LABEL, value="x") for record in all_stored(SERVED))
    assert said(plan(wanted(SERVED), live, frozen=True).steps) == [("apply", "NetworkPolicy"), ("apply", "Service")]


def test_a_disk_that_is_new_waits_while_what_runs_is_left_as_it_is() -> None:
    """It would be made before the quota has room for it, and no machine uses it yet."""
    children = wanted(machine(disks=[{"name": "data", "blank": {"storage": "1Gi"}}]), VM)
    running = tuple(stored(child) for child in children if child.kind != "DataVolume")
    assert said(plan(children, running, frozen=True).steps) == []
    assert said(plan(children, running).steps) == [("apply", "DataVolume")]


@pytest.mark.parametrize("kind", BACKING_KINDS)
def test_a_frozen_backing_that_is_not_wanted_stays(kind: str) -> None:
    assert plan(wanted(SERVED), (backing(kind),), frozen=True).steps[2:] == ()


def test_a_frozen_task_is_not_replaced() -> None:
    edited_task = wanted(container(type="Task", task={"backoffLimit": 1}))
    assert said(plan(edited_task, (backing("Job"),), frozen=True).steps) == [("apply", "NetworkPolicy")]


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_being_deleted_is_waited_for(*, frozen: bool) -> None:
    live = all_stored(SERVED, deleting=True)
    made = plan(wanted(SERVED), live, frozen=frozen)
    assert made.writes == ()
    assert [wait.reason for wait in made.waits] == [Reason.PROVISIONING] * (2 if frozen else 3)


def test_what_is_not_wanted_any_more_is_deleted_once() -> None:
    gone = only("Service", all_stored(SERVED))
    made = plan(wanted(container()), (*all_stored(container()), gone))
    assert made.steps == (Delete(gone, "no longer wanted"),)
    assert plan(wanted(container()), (*all_stored(container()), replace(gone, deleting=True))) == Plan()


@pytest.mark.parametrize("owner", [UID, ""])
def test_a_disk_is_neither_changed_nor_deleted(owner: str) -> None:
    live = all_stored(DISKED, VM)
    disk = replace(only("DataVolume", live), owner_uid=owner)
    assert plan(wanted(DISKED, VM), with_record(live, edited(disk, "spec", value={}))) == Plan()
    assert plan(wanted(SERVED), (*all_stored(SERVED, ready=1), disk)) == Plan()


def test_a_disk_of_another_workload_is_taken() -> None:
    live = all_stored(DISKED, VM)
    disk = replace(only("DataVolume", live), owner_uid=FOREIGN)
    assert plan(wanted(DISKED, VM), with_record(live, disk)).taken == (Taken("DataVolume", disk.key[1]),)


def test_a_machine_whose_disk_is_taken_is_not_made() -> None:
    """Two machines that write to one disk would ruin it."""
    disk = replace(only("DataVolume", all_stored(DISKED, VM)), owner_uid=FOREIGN)
    steps = plan(wanted(DISKED, VM), (disk,)).steps
    assert steps
    assert not any(isinstance(step, Apply) and step.child.kind == "VirtualMachine" for step in steps)


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, [("delete", "Job"), ("wait", "the")]),
        ({"complete": True}, [("delete", "Job"), ("wait", "the")]),
        ({"failed": Problem(Reason.TASK_FAILED, "")}, [("delete", "Job"), ("wait", "the")]),
    ],
    ids=["running", "complete", "failed"],
)
def test_an_edited_task_runs_anew_when_the_old_one_is_gone(fields: Json, steps: list[tuple[str, str]]) -> None:
    live = all_stored(TASK, **fields)
    assert said(plan(wanted(container(type="Task", task={"backoffLimit": 1})), live).steps) == steps


@pytest.mark.parametrize("fields", [{"complete": True}, {"failed": Problem(Reason.TASK_FAILED, "")}])
def test_a_task_that_has_ended_does_not_run_again_in_another_class(fields: Json) -> None:
    assert plan(wanted(TASK, GVISOR), all_stored(TASK, **fields)) == Plan()


def test_a_task_that_runs_is_left_to_finish_when_only_its_rendering_changed() -> None:
    assert plan(wanted(TASK, GVISOR), all_stored(TASK)) == Plan()


@pytest.mark.parametrize("ended", [True, False])
def test_what_somebody_else_changed_on_a_job_does_not_run_it_again(*, ended: bool) -> None:
    live = all_stored(TASK, complete=ended)
    job = edited(only("Job", live), "spec", "parallelism", value=9)
    steps = said(plan(wanted(TASK), with_record(live, job)).steps)
    assert steps == ([] if ended else [("apply", "Job")])


def test_an_edited_task_in_a_machine_runs_anew_as_one_in_pods_does() -> None:
    task, larger = (
        PAIR | {"type": "Task", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}} for cpu in ("1", "2")
    )
    steps = said(plan(wanted(larger, VM), all_stored(task, VM)).steps)
    assert steps == [("delete", "VirtualMachine"), ("wait", "the")]
    assert plan(wanted(task, VM), all_stored(task, VM)) == Plan()


def test_a_task_in_a_machine_is_edited_in_place_when_only_its_class_or_what_berth_notes_changed() -> None:
    task = PAIR | {"type": "Task"}
    tolerant = replace(VM, tolerations=(("k", None, None),))
    live = all_stored(task, VM)
    assert said(plan(wanted(task, tolerant), live).steps) == [("apply", "VirtualMachine")]
    unnoted = edited(only("VirtualMachine", live), "metadata", "annotations", value={})
    assert said(plan(wanted(task, VM), with_record(live, unnoted)).steps) == [("apply", "VirtualMachine")]


def switching(**heir: object) -> Plan:
    """Return the plan of a move from pods to a machine that is as given."""
    old = backing("Deployment", "container")
    desired = wanted(PAIR, VM)
    return plan(desired, (old, *(stored(child, **(heir if "Virtual" in child.kind else {})) for child in desired)))


@pytest.mark.parametrize(
    "heir",
    [{"ready": 0}, {"ready": 1, "deleting": True}, {"ready": 1, "owner_uid": FOREIGN}, {"ready": 1, "owner_uid": ""}],
    ids=["not ready", "going", "foreign", "nobody's"],
)
def test_the_old_backing_serves_until_one_of_ours_can_replace_it(heir: Json) -> None:
    made = switching(**heir)
    assert not [step for step in made.steps if isinstance(step, Delete)]
    assert ("wait", "Deployment") in said(made.steps)


def test_the_old_backing_goes_when_the_new_one_is_ready() -> None:
    assert said(switching(ready=1).steps) == [("delete", "Deployment")]


def test_the_old_backing_serves_before_the_new_one_exists() -> None:
    steps = said(plan(wanted(PAIR, VM), (backing("Deployment", "container"),)).steps)
    assert steps == [("apply", "NetworkPolicy"), ("apply", "VirtualMachine"), ("wait", "Deployment")]


@pytest.mark.parametrize(("ready", "gone"), [(0, False), (2, False), (3, True)])
def test_all_replicas_of_the_new_backing_must_be_ready(ready: int, *, gone: bool) -> None:
    spec = PAIR | {"replicas": 3}
    live = (*all_stored(spec, ready=ready), backing("VirtualMachinePool", "vm"))
    steps = plan(wanted(spec), live, replicas=3).steps
    assert (("delete", "VirtualMachinePool") in said(steps)) is gone


def test_a_workload_that_is_turned_off_switches_at_once() -> None:
    spec = PAIR | {"replicas": 0}
    live = (*all_stored(spec), backing("VirtualMachine", "vm"))
    assert said(plan(wanted(spec), live, replicas=0).steps) == [("delete", "VirtualMachine")]
