"""The rest of the status: placement, candidates, cost, replicas, and how long it took."""

from dataclasses import replace

import pytest

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Cost
from berth.observe.health import health, most_important
from berth.observe.model import Scene
from berth.observe.readiness import time_to_ready
from berth.observe.status import compute_status, timestamp
from berth.world.records import ChildRecord, PodRecord, Problem, Trouble
from observe.scenes import (
    CATALOG,
    MACHINE,
    NOW,
    RUNC,
    SANDBOX,
    SHAPE,
    a_machine,
    a_pod,
    a_scene,
    at_rest,
    requiring,
    served,
    way,
)
from plan.records import PAIR
from render.specs import Json, container

POD_WAY = [("Scheduled", 1), ("Initialized", 1), ("ReadyToStartContainers", 2), ("ContainersReady", 5), ("Ready", 5)]
MACHINE_WAY = [("Scheduled", 2), ("Running", 8), ("Ready", 9)]


def test_what_is_empty_is_left_out() -> None:
    status = compute_status(at_rest(), {}, NOW)
    assert not {"tenant", "wouldChange", "warnings", "pendingSwitch", "decision", "timeToReady"} & status.keys()
    assert None not in status.values()


def test_a_status_says_where_by_whom_and_since_when() -> None:
    scene = at_rest(facts=SANDBOX, requirement=requiring("Sandboxed"))
    first = compute_status(scene, {}, NOW)
    assert first["placement"] == {
        "className": "gvisor",
        "level": "Sandboxed",
        "backend": "Pod",
        "since": "2026-03-01T10:00:00Z",
        "decidedBy": [{"dimension": "level", "value": "Sandboxed", "by": "IsolationPolicy pci (cardholder data)"}],
        "runtimeClassName": "gvisor",
    }
    assert compute_status(scene, first, NOW + 60) == first
    elsewhere = first | {"placement": first["placement"] | {"className": "kata"}}
    assert compute_status(scene, elsewhere, NOW + 60)["placement"]["since"] == "2026-03-01T10:01:00Z"


def test_every_class_is_a_candidate_and_one_is_chosen() -> None:
    found = compute_status(at_rest(requirement=requiring("Sandboxed")), {}, NOW)["candidates"]
    assert [each["className"] for each in found] == sorted(facts.name for facts in CATALOG)
    assert [each["className"] for each in found if each.get("chosen")] == ["gvisor"]
    assert all(("message" in each) == (each["verdict"] != "Fit") for each in found)


def test_costs_count_all_replicas() -> None:
    heavy = replace(SANDBOX, overhead=Cost(250, 64 << 20))
    spec = container(replicas=3, resources={"requests": {"cpu": "500m", "memory": "512Mi"}})
    status = compute_status(a_scene(spec, requirement=requiring("Sandboxed"), catalog=(heavy,)), {}, NOW)
    assert status["cost"] == {
        "requested": {"cpu": "1500m", "memory": "1536Mi"},
        "overhead": {"cpu": "750m", "memory": "192Mi"},
    }
    assert (status["overhead"], status["ready"], status["selector"]) == ("750m/192Mi", "0/3", "berth.dev/workload=web")


@pytest.mark.parametrize(("dedicated", "cpu"), [(False, "200m"), (True, "2")])
def test_a_machine_costs_what_kubevirt_requests_for_its_guest(*, dedicated: bool, cpu: str) -> None:
    pins = replace(MACHINE, shapes=(replace(SHAPE, cpu_manager=True),))
    spec = PAIR | {"replicas": 2, "resources": PAIR["resources"] | {"dedicated": dedicated}}
    status = compute_status(at_rest(spec, pins, catalog=(pins,)), {}, NOW)
    assert status["cost"]["requested"] == {"cpu": cpu, "memory": "2Gi"}


def test_a_guest_of_another_size_than_is_asked_for_is_told_until_it_has_it() -> None:
    scene = at_rest(PAIR, MACHINE, catalog=(MACHINE,), machines=(a_machine(vcpus=2, memory=4 << 30),))
    asked = {"cpu": "100m", "memory": "1Gi"}
    cost = compute_status(scene, {}, NOW)["cost"]
    assert (cost["requested"], cost["running"]) == (asked, {"cpu": "200m", "memory": "4Gi"})
    for same in (a_machine(), a_machine(vcpus=2, phase="Succeeded"), a_machine(vcpus=2, deleting=True)):
        assert "running" not in compute_status(replace(scene, machines=(same,)), {}, NOW)["cost"]


def test_what_runs_nowhere_costs_nothing() -> None:
    status = compute_status(a_scene(requirement=requiring("Confidential")), {}, NOW)
    assert not {"cost", "overhead", "placement"} & status.keys()


@pytest.mark.parametrize(
    ("disk", "image"),
    [
        ({"dataSource": {"name": "gold", "storage": "1Gi"}}, "gold"),
        ({"pvc": {"name": "other", "storage": "1Gi"}}, "other"),
        ({"http": {"url": "https://images.example/a", "storage": "1Gi"}}, "https://images.example/a"),
        ({"registry": {"url": "docker://images.example/a:1", "storage": "1Gi"}}, "docker://images.example/a:1"),
        ({"blank": {"storage": "1Gi"}}, None),
        ({"persistentVolumeClaim": {"claimName": "own"}}, "own"),
    ],
)
def test_the_image_of_a_machine_is_what_it_boots(disk: Json, image: str | None) -> None:
    machine = {"machine": {"bootDisk": disk}, "resources": {"requests": {"memory": "1Gi"}}}
    assert compute_status(at_rest(machine, MACHINE), {}, NOW).get("image") == image


@pytest.mark.parametrize(("facts", "image"), [(RUNC, "app:1"), (MACHINE, "d:1")])
def test_the_image_is_that_of_what_runs(facts: ClassFacts, image: str) -> None:
    assert compute_status(at_rest(PAIR, facts), {}, NOW)["image"] == image


def test_replicas_of_old_and_new_are_added_and_ready_is_never_above_what_is_wanted() -> None:
    both = (*served(PAIR, RUNC), served(PAIR, MACHINE, created=NOW + 1)[-1])
    seen: Json = {"pods": (a_pod(),), "machines": (a_machine(),)}
    fares = health(
        a_scene(PAIR, children=both, requirement=requiring("Virtualized"), catalog=(RUNC, MACHINE), **seen), NOW
    )
    assert (fares.replicas, fares.ready, fares.wanted, fares.settled) == (2, 1, 1, False)


def test_what_has_ended_of_a_task_counts_as_ready() -> None:
    task = container(type="Task")
    ended = a_scene(task, children=served(task, complete=True), pods=(a_pod(ready=False, finished=True),))
    assert compute_status(ended, {}, NOW)["ready"] == "1/1"
    disk = PAIR | {"type": "Task"}
    off = a_scene(disk, children=served(disk, MACHINE, ready=0), machines=(a_machine(phase="Succeeded", ready=False),))
    assert compute_status(off, {}, NOW)["ready"] == "1/1"


def test_the_most_important_problem_does_not_depend_on_the_order() -> None:
    a, b, c = Problem("CrashLooping", "b"), Problem("CrashLooping", "a"), Problem("Unschedulable", "a")
    assert most_important([a, b, c]) == most_important([c, b, a]) == b
    assert most_important([]) is None


def took(scene_children: tuple[ChildRecord, ...], spec: Json | None = None, **fields: object) -> list[tuple[str, int]]:
    """Return the segments of the way to ready."""
    found = time_to_ready(a_scene(spec, children=scene_children, **fields), {}, NOW + 60)
    return [(each["name"], each["seconds"]) for each in found["segments"]] if found else []


def test_the_way_of_a_pod_has_its_segments() -> None:
    assert took(served(container()), pods=(a_pod(),)) == POD_WAY


def test_the_way_of_a_machine_has_its_segments() -> None:
    assert took(served(PAIR, MACHINE), PAIR, machines=(a_machine(),)) == MACHINE_WAY


def test_the_first_replica_that_was_ready_counts() -> None:
    later = a_pod("web-2", steps=way(0, 0, 0, 50, 50))
    found = time_to_ready(at_rest(pods=(later, a_pod())), {}, NOW + 60)
    assert found is not None
    assert found["seconds"] == 5


@pytest.mark.parametrize("age", [0.0, 3600.0, 2.6e6])
def test_a_start_begins_with_its_first_pod_however_old_the_deployment_is(age: float) -> None:
    children = served(container(), created=NOW - age)
    first = a_pod("web-0", created=NOW - 4, ready=False, steps=())
    assert took(children, pods=(a_pod(),))[-1] == ("Ready", 5)
    assert took(children, pods=(first, a_pod()))[-1] == ("Ready", 9)


@pytest.mark.parametrize(
    "pod",
    [
        a_pod(ready=False),
        a_pod(launcher=True),
        a_pod(class_name="kata"),
        a_pod(finished=True),
        a_pod(deleting=True),
        a_pod(has_restarted=True),
    ],
)
def test_pods_that_do_not_serve_since_their_start_do_not_count(pod: PodRecord) -> None:
    assert time_to_ready(at_rest(pods=(pod,)), {}, NOW + 60) is None


def test_the_first_value_stays_whatever_happens_to_the_replicas() -> None:
    first = compute_status(at_rest(pods=(a_pod(),)), {}, NOW)
    assert first["timeToReady"]["seconds"] == 5
    for pods in ((), (a_pod(steps=way(1, 1, 2, 500, 500)),), (a_pod(ready=False),), (a_pod(has_restarted=True),)):
        assert compute_status(at_rest(pods=pods), first, NOW + 600)["timeToReady"] == first["timeToReady"]


@pytest.mark.parametrize(
    "reason", [Reason.PROBE_FAILING, Reason.NODE_LOST, Reason.PROVISIONING, Reason.IMAGE_PULL_FAILED]
)
def test_an_outage_of_what_served_is_no_other_start(reason: Reason) -> None:
    ready = a_pod(steps=way(1, 1, 2, 8, 8))
    out = replace(ready, ready=False, steps=ready.steps[:-2], troubles=(Trouble(Problem(reason, "out")),))
    back = replace(ready, steps=way(1, 1, 2, 2_599_500, 2_599_500))
    told = compute_status(at_rest(pods=(ready,)), {}, NOW)
    for pod in (out, back):
        told = compute_status(at_rest(pods=(pod,)), told, NOW + 2_599_500)
        assert told["timeToReady"]["seconds"] == 8


def test_what_served_before_a_move_that_was_taken_back_is_no_start_of_the_way_back() -> None:
    first, later = compute_status(at_rest(pods=(a_pod(),)), {}, NOW), NOW + 3600
    moved = first | {"placement": first["placement"] | {"className": "kata", "since": timestamp(later - 9)}}
    old, new = a_pod(), a_pod("web-2", created=later + 1, steps=way(3602, 3602, 3603, 3604, 3604))
    back = compute_status(at_rest(pods=(old,)), moved, later)
    again = compute_status(at_rest(pods=(old,)), back, later + 9)
    assert not {"timeToReady"} & (back.keys() | again.keys())
    assert compute_status(at_rest(pods=(old, new)), again, later + 9)["timeToReady"]["seconds"] == 3


def test_a_placement_that_somebody_forged_costs_no_start_that_was_measured() -> None:
    first = compute_status(at_rest(pods=(a_pod(),)), {}, NOW)
    forged = first | {"placement": {"className": "vm", "level": "Confidential", "backend": "VirtualMachine"}}
    assert compute_status(at_rest(pods=(a_pod(),)), forged, NOW + 10)["timeToReady"] == first["timeToReady"]


def test_a_start_after_a_crash_begins_with_the_pods_that_follow() -> None:
    old, new = a_pod(created=NOW - 2.6e6, has_restarted=True), a_pod("web-2")
    assert took(served(container()), pods=(old, new)) == POD_WAY


def test_what_turns_out_to_fail_was_never_ready() -> None:
    first = compute_status(at_rest(pods=(a_pod(),)), {}, NOW)
    looping = a_pod(
        has_restarted=True, troubles=(Trouble(Problem(Reason.CRASH_LOOPING, "exit code 3"), until=NOW + 30),)
    )
    assert "timeToReady" not in compute_status(at_rest(pods=(looping,)), first, NOW + 20)
    assert compute_status(at_rest(pods=(looping, a_pod("web-2"))), first, NOW + 20)["timeToReady"]["seconds"] == 5
    assert "timeToReady" not in compute_status(at_rest(pods=(looping,)), {}, NOW + 60)


def test_it_is_measured_anew_in_another_class() -> None:
    first = compute_status(at_rest(pods=(a_pod(),)), {}, NOW)
    sandboxed = at_rest(facts=SANDBOX, requirement=requiring("Sandboxed"))
    placed = compute_status(sandboxed, first, NOW + 900)
    assert "timeToReady" not in placed
    moved = a_pod(class_name="gvisor", created=NOW + 900, steps=way(901, 901, 904, 907, 907))
    assert compute_status(replace(sandboxed, pods=(moved,)), placed, NOW + 908)["timeToReady"]["seconds"] == 7


@pytest.mark.parametrize("scene", [at_rest(pods=(a_pod(),)), at_rest(PAIR, MACHINE, machines=(a_machine(),))])
def test_segments_ascend_and_end_with_the_whole(scene: Scene) -> None:
    found = time_to_ready(scene, {}, NOW + 60)
    assert found is not None
    seconds = [each["seconds"] for each in found["segments"]]
    assert seconds == sorted(seconds)
    assert seconds[-1] == found["seconds"]


def test_segments_that_have_the_same_second_keep_their_order() -> None:
    pod = a_pod(steps=way(0, 0, 0, 0, 0))
    assert [name for name, _ in took(served(container()), pods=(pod,))] == [name for name, _ in POD_WAY]
