"""Each condition, by what it is about."""

from dataclasses import replace

import pytest

from berth.api.reasons import ConditionType, Reason
from berth.decide.model import Unavailable
from berth.observe.model import Scene
from berth.observe.status import compute_status
from berth.plan.model import Taken
from berth.world.records import ChildRecord, Problem, Trouble
from observe.scenes import (
    CATALOG,
    MACHINE,
    NOW,
    POLICY,
    RUNC,
    SANDBOX,
    a_machine,
    a_pod,
    a_scene,
    at_rest,
    requiring,
    served,
)
from plan.records import PAIR
from render.specs import Json, container

TASK = container(type="Task")
TAKEN = (Taken("Service", "web"),)
FULL = Problem(Reason.WAITING_FOR_QUOTA, "quota q is full")
CRASH = Problem(Reason.CRASH_LOOPING, "container main: ended with exit code 1 (Error)")


def of(scene: Scene, kind: ConditionType) -> tuple[str, str]:
    """Return status and reason of one condition."""
    found = next(each for each in compute_status(scene, {}, NOW)["conditions"] if each["type"] == kind)
    return found["status"], found["reason"]


def headline(scene: Scene) -> str:
    """Return the one reason that is shown."""
    return str(compute_status(scene, {}, NOW)["reason"])


def starting(spec: Json | None = None, **fields: object) -> tuple[ChildRecord, ...]:
    """Return children whose replicas are not there yet."""
    return served(spec or container(), **({"replicas": 0, "ready": 0, "updated": 0} | fields))


def test_at_rest_everything_is_true_and_nothing_is_left_to_do() -> None:
    scene = at_rest(pods=(a_pod(),))
    assert [of(scene, kind) for kind in ConditionType] == [
        ("True", Reason.ACCEPTED),
        ("True", Reason.PLACED),
        ("True", Reason.VERIFIED),
        ("True", Reason.RUNNING),
        ("False", Reason.SETTLED),
        ("False", Reason.SETTLED),
    ]
    assert headline(scene) == Reason.RUNNING


def test_a_new_workload_is_on_its_way() -> None:
    scene = a_scene()
    assert of(scene, ConditionType.READY) == ("False", Reason.PROVISIONING)
    assert of(scene, ConditionType.RECONCILING) == ("True", Reason.PROVISIONING)
    assert of(scene, ConditionType.ISOLATED) == ("Unknown", Reason.PROVISIONING)
    assert headline(scene) == Reason.PROVISIONING


def test_nothing_that_can_fit_ever_is_stalled() -> None:
    scene = a_scene(requirement=requiring("Confidential"))
    assert of(scene, ConditionType.PLACED)[0] == "False"
    assert of(scene, ConditionType.READY)[0] == "False"
    assert of(scene, ConditionType.STALLED)[0] == "True"
    assert of(scene, ConditionType.RECONCILING)[0] == "False"


def test_what_may_fit_later_by_itself_is_not_stalled() -> None:
    missing = replace(RUNC, unavailable=Unavailable(Reason.NO_CAPABLE_NODE, "no node"))
    scene = a_scene(catalog=(missing,))
    assert of(scene, ConditionType.PLACED) == ("False", Reason.NO_CAPABLE_NODE)
    assert of(scene, ConditionType.STALLED)[0] == "False"
    assert of(scene, ConditionType.RECONCILING)[0] == "True"


def test_a_policy_that_forbids_it_is_not_accepted() -> None:
    denied = replace(requiring(), denials=("ServiceAccount x is not allowed",))
    scene = a_scene(requirement=denied)
    assert of(scene, ConditionType.ACCEPTED) == ("False", Reason.POLICY_DENIED)
    assert headline(scene) == Reason.POLICY_DENIED


def test_what_runs_below_a_new_policy_goes_on_serving_and_says_so() -> None:
    scene = at_rest(requirement=requiring("Confidential"), pods=(a_pod(),))
    assert of(scene, ConditionType.READY) == ("True", Reason.RUNNING)
    assert of(scene, ConditionType.ISOLATED) == ("False", Reason.BELOW_REQUIRED)
    assert of(scene, ConditionType.PLACED)[0] == "False"


def test_what_runs_in_a_class_that_is_gone_goes_on_serving() -> None:
    scene = at_rest(facts=SANDBOX, catalog=(), pods=(a_pod(),))
    assert scene.move.placed is None
    assert of(scene, ConditionType.READY) == ("True", Reason.RUNNING)
    assert of(scene, ConditionType.ISOLATED) == ("False", Reason.BELOW_REQUIRED)


def test_a_move_that_waits_is_placed_and_awaits_approval() -> None:
    scene = at_rest(PAIR, MACHINE, catalog=CATALOG[:3], requirement=requiring("Virtualized"))
    scene = replace(scene, machines=(a_machine(),))
    assert headline(scene) != Reason.RUNNING
    status = compute_status(at_rest(PAIR | {"isolation": {"className": "kata"}}, MACHINE), {}, NOW)
    assert status["pendingSwitch"]["from"] == "vm"
    assert status["pendingSwitch"]["to"] == "kata"
    assert status["reason"] == Reason.AWAITING_APPROVAL
    assert status["placement"]["className"] == "vm"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"replicas": 0, "ready": 0, "updated": 0}, Reason.PROVISIONING),
        ({"ready": 0}, Reason.PROVISIONING),
        ({"observed_generation": 2}, Reason.UPDATING),
        ({"updated": 0}, Reason.UPDATING),
        ({"replicas": 2}, Reason.UPDATING),
        ({"problem": FULL, "ready": 0}, Reason.WAITING_FOR_QUOTA),
    ],
)
def test_ready_only_when_the_backing_has_caught_up(fields: Json, reason: Reason) -> None:
    pods = (a_pod(ready=fields.get("ready") != 0),)
    scene = a_scene(children=served(container(), **fields), pods=pods)
    assert of(scene, ConditionType.READY) == ("False", reason)
    assert of(scene, ConditionType.RECONCILING)[0] == "True"


@pytest.mark.parametrize("pod", [{"ready": False}, {"deleting": True}, {"launcher": True}])
def test_what_a_deployment_calls_ready_counts_once_its_pods_were_seen(pod: Json) -> None:
    served_by_two = served(container(replicas=2))
    for pods in ((), (a_pod(),), (a_pod(), a_pod("web-2", **pod))):
        assert of(a_scene(container(replicas=2), children=served_by_two, pods=pods), ConditionType.READY)[0] == "False"
    seen = a_scene(container(replicas=2), children=served_by_two, pods=(a_pod(), a_pod("web-2")))
    assert of(seen, ConditionType.READY) == ("True", Reason.RUNNING)


def test_a_change_that_was_only_now_applied_is_not_ready() -> None:
    served_by_two = served(container(), replicas=2, ready=2, updated=2)
    scene = a_scene(container(replicas=2), children=served_by_two, pods=(a_pod(), a_pod("web-2")))
    assert of(scene, ConditionType.READY) == ("False", Reason.UPDATING)


def test_no_replicas_asked_for_is_ready() -> None:
    assert of(at_rest(container(replicas=0)), ConditionType.READY) == ("True", Reason.SCALED_TO_ZERO)
    still = a_scene(container(replicas=0), children=served(container(replicas=0), replicas=1, updated=1))
    assert of(still, ConditionType.READY)[0] == "False"


@pytest.mark.parametrize("kind", ["child", "pod", "machine", "refused"])
def test_the_problem_is_told_wherever_it_was_seen(kind: str) -> None:
    scene = a_scene(
        children=starting(problem=CRASH if kind == "child" else None),
        pods=(a_pod(troubles=(Trouble(CRASH),)),) if kind == "pod" else (),
        machines=(a_machine(problem=CRASH),) if kind == "machine" else (),
        failures=(CRASH,) if kind == "refused" else (),
    )
    assert of(scene, ConditionType.READY) == ("False", Reason.CRASH_LOOPING)


def test_the_problem_of_what_goes_is_no_problem() -> None:
    gone = (a_pod(troubles=(Trouble(CRASH),), deleting=True), a_pod("b", finished=True))
    assert of(a_scene(children=starting(), pods=gone), ConditionType.READY) == ("False", Reason.PROVISIONING)


def test_of_several_problems_the_first_by_precedence_is_told() -> None:
    scene = a_scene(children=starting(problem=FULL), pods=(a_pod(troubles=(Trouble(CRASH),)),))
    assert of(scene, ConditionType.READY) == ("False", Reason.WAITING_FOR_QUOTA)


@pytest.mark.parametrize(("reason", "stalled"), [(Reason.CHILD_REJECTED, "True"), (Reason.WAITING_FOR_QUOTA, "False")])
def test_a_refusal_stalls_and_a_full_quota_does_not(reason: Reason, stalled: str) -> None:
    scene = a_scene(failures=(Problem(reason, "no"),))
    assert of(scene, ConditionType.STALLED)[0] == stalled


def test_a_name_that_is_taken_stalls_and_names_it() -> None:
    scene = at_rest(taken=TAKEN, pods=(a_pod(),))
    assert of(scene, ConditionType.STALLED) == ("True", Reason.NAME_TAKEN)
    assert of(scene, ConditionType.READY) == ("False", Reason.NAME_TAKEN)
    message = compute_status(scene, {}, NOW)["conditions"][-1]["message"]
    assert message.startswith("Service web exists and is not Berth's: ")


@pytest.mark.parametrize(
    ("fields", "ready", "stalled"),
    [
        ({}, ("False", Reason.PROVISIONING), "False"),
        ({"complete": True}, ("True", Reason.COMPLETED), "False"),
        ({"failed": Problem(Reason.TASK_FAILED, "x")}, ("False", Reason.TASK_FAILED), "True"),
        ({"problem": FULL}, ("False", Reason.WAITING_FOR_QUOTA), "False"),
    ],
    ids=["runs", "complete", "failed", "waits"],
)
def test_a_task_is_ready_when_it_is_complete(fields: Json, ready: tuple[str, str], stalled: str) -> None:
    scene = at_rest(TASK) if not fields else a_scene(TASK, children=served(TASK, **fields))
    assert of(scene, ConditionType.READY) == ready
    assert of(scene, ConditionType.STALLED)[0] == stalled


@pytest.mark.parametrize(("phase", "ready"), [("Succeeded", Reason.COMPLETED), ("Failed", Reason.TASK_FAILED)])
def test_a_task_in_a_machine_ends_with_the_machine(phase: str, ready: Reason) -> None:
    task = PAIR | {"type": "Task"}
    scene = at_rest(task, MACHINE, machines=(a_machine(phase=phase, ready=False),))
    assert of(scene, ConditionType.READY)[1] == ready


def test_the_reason_that_comes_first_is_the_headline() -> None:
    below = requiring("Confidential")
    assert headline(at_rest(requirement=below)) == Reason.NO_ELIGIBLE_CLASS
    assert headline(at_rest(taken=TAKEN)) == Reason.NAME_TAKEN
    assert headline(a_scene(children=starting(problem=FULL), pods=(a_pod(runtime_class="kata"),))) == FULL.reason
    assert headline(at_rest(pods=(a_pod(runtime_class="kata"),))) == Reason.ISOLATION_MISMATCH


def test_messages_do_not_follow_numbers_that_move_by_themselves() -> None:
    spec = container(replicas=9)
    texts = set()
    for ready in (1, 4, 8):
        scene = a_scene(spec, children=served(spec, replicas=ready + 1, ready=ready, updated=ready))
        texts.add(tuple(each["message"] for each in compute_status(scene, {}, NOW)["conditions"]))
    assert len(texts) == 1


def test_every_message_says_who_decided() -> None:
    scene = at_rest(facts=SANDBOX, requirement=requiring("Sandboxed"))
    placed = next(each for each in compute_status(scene, {}, NOW)["conditions"] if each["type"] == "Placed")
    assert POLICY in placed["message"]


@pytest.mark.parametrize(
    ("phase", "expected"), [("Running", ("False", Reason.PROVISIONING)), ("Succeeded", ("True", Reason.COMPLETED))]
)
def test_a_task_in_a_machine_waits_for_no_restart_for_it_runs_once(phase: str, expected: tuple[str, str]) -> None:
    task = PAIR | {"type": "Task"}
    children = served(task, MACHINE, restart=RESTART)
    scene = a_scene(task, catalog=(MACHINE,), children=children, machines=(a_machine(phase=phase),))
    assert of(scene, ConditionType.READY) == expected


RESTART = Problem(Reason.RESTART_REQUIRED, "a change waits")


@pytest.mark.parametrize(
    ("told", "reconciling"),
    [
        (RESTART, ("False", Reason.RESTART_REQUIRED)),
        (Problem(Reason.LIVE_UPDATING, "it grows"), ("True", Reason.LIVE_UPDATING)),
        (Problem(Reason.MIGRATING, "it moves"), ("False", Reason.SETTLED)),
        (Problem(Reason.MIGRATION_FAILED, "it stays"), ("False", Reason.SETTLED)),
    ],
)
def test_a_machine_that_serves_is_ready_whatever_goes_on_or_waits(told: Problem, reconciling: tuple[str, str]) -> None:
    scene = at_rest(PAIR, MACHINE, catalog=(MACHINE,), machines=(a_machine(goings_on=(told,)),))
    assert of(scene, ConditionType.READY) == ("True", told.reason)
    assert of(scene, ConditionType.RECONCILING) == reconciling
    assert of(scene, ConditionType.STALLED) == ("False", Reason.SETTLED)
    assert headline(scene) == told.reason


def test_what_kubevirt_tries_again_while_the_machine_serves_is_told_and_nothing_more() -> None:
    again = Problem(Reason.RETRYING, "HotPlugCPUError: CPU hotplug is not allowed while VMI is migrating")
    scene = a_scene(PAIR, catalog=(MACHINE,), children=served(PAIR, MACHINE, problem=again), machines=(a_machine(),))
    assert of(scene, ConditionType.READY) == ("True", Reason.RETRYING)
    assert of(scene, ConditionType.STALLED) == ("False", Reason.SETTLED)


def test_what_a_quota_refuses_while_the_machine_serves_is_told_until_there_is_room() -> None:
    scene = at_rest(PAIR, MACHINE, catalog=(MACHINE,), machines=(a_machine(),), failures=(FULL,))
    assert of(scene, ConditionType.READY) == ("True", Reason.WAITING_FOR_QUOTA)
    assert of(scene, ConditionType.RECONCILING) == ("True", Reason.WAITING_FOR_QUOTA)
    assert of(scene, ConditionType.STALLED) == ("False", Reason.SETTLED)


def test_a_paused_machine_is_not_ready_and_nothing_is_under_way() -> None:
    paused = a_machine(ready=False, problem=Problem(Reason.PAUSED, "it was paused"))
    scene = at_rest(PAIR, MACHINE, catalog=(MACHINE,), machines=(paused,))
    assert of(scene, ConditionType.READY) == ("False", Reason.PAUSED)
    assert of(scene, ConditionType.RECONCILING) == ("False", Reason.PAUSED)
    assert of(scene, ConditionType.STALLED) == ("False", Reason.PAUSED)


def test_a_pool_is_updating_while_members_are_to_be_restarted() -> None:
    spec = PAIR | {"replicas": 2}
    rest = served(spec, MACHINE)
    member = replace(rest[-1], kind="VirtualMachine", key=("shop", "web-0"), owner_uid=rest[-1].uid)
    guests = (a_machine(), a_machine(key=("shop", "web-1")))
    for restart, expected in ((RESTART, ("False", Reason.UPDATING)), (None, ("True", Reason.RUNNING))):
        members = (*rest, replace(member, restart=restart))
        scene = a_scene(spec, catalog=(MACHINE,), children=members, machines=guests)
        assert of(scene, ConditionType.READY) == expected


def test_what_a_disk_waits_for_is_told_in_place_of_the_claim_that_is_not_there_yet() -> None:
    cloned = PAIR | {"machine": {"bootDisk": {"dataSource": {"name": "golden", "storage": "10Gi"}}}}
    filled = Problem(Reason.PROVISIONING, "disk root is being filled: ImportInProgress")
    missing = Problem(Reason.VOLUME_MISSING, "FailedPvcNotFound: PVC shop/web-root does not exist")
    children = served(cloned, MACHINE, ready=0, problem=None)
    waiting = tuple(replace(each, problem=filled if each.kind == "DataVolume" else None) for each in children)
    for guests in ((a_machine(ready=False, problem=missing),), ()):
        scene = a_scene(cloned, catalog=(MACHINE,), children=waiting, machines=guests)
        assert of(scene, ConditionType.READY) == ("False", Reason.PROVISIONING)
    alone = a_scene(cloned, catalog=(MACHINE,), children=children, machines=(a_machine(ready=False, problem=missing),))
    assert of(alone, ConditionType.READY) == ("False", Reason.VOLUME_MISSING)


def test_a_machine_serves_while_kubevirt_has_yet_to_look_at_an_edit_of_it() -> None:
    edited = served(PAIR, MACHINE, generation=3, observed_generation=2)
    scene = a_scene(PAIR, catalog=(MACHINE,), children=edited, machines=(a_machine(),))
    assert of(scene, ConditionType.READY) == ("True", Reason.UPDATING)
    assert of(scene, ConditionType.RECONCILING)[0] == "True"
    starting = served(PAIR, MACHINE, generation=3, observed_generation=2, ready=0)
    assert of(replace(scene, children=starting), ConditionType.READY)[0] == "False"


def test_a_machine_that_stops_is_not_ready_before_it_has_stopped() -> None:
    halted = PAIR | {"replicas": 0}
    scene = a_scene(halted, catalog=(MACHINE,), children=served(halted, MACHINE, replicas=1), machines=(a_machine(),))
    assert of(scene, ConditionType.READY) == ("False", Reason.UPDATING)
    assert of(replace(scene, children=served(halted, MACHINE)), ConditionType.READY) == ("True", Reason.SCALED_TO_ZERO)


def test_a_workload_serves_without_an_autoscaler_that_can_act() -> None:
    scaled = container(autoscaling={"maxReplicas": 3}, resources={"requests": {"cpu": "100m", "memory": "64Mi"}})
    unable = Problem(Reason.AUTOSCALER_UNABLE, "this cluster has no metrics API")
    children = tuple(
        replace(each, problem=unable if each.kind == "HorizontalPodAutoscaler" else None) for each in served(scaled)
    )
    assert unable in {each.problem for each in children}
    scene = a_scene(scaled, children=children, pods=(a_pod(),))
    assert of(scene, ConditionType.READY) == ("True", Reason.RUNNING)
    assert headline(scene) == Reason.RUNNING
