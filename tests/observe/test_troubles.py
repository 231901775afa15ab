"""Troubles of pods hold for a time: what is told of a Workload does not come and go with each try."""

from dataclasses import replace

import pytest

from berth.api.reasons import ConditionType, Reason
from berth.observe.health import next_change
from berth.observe.model import Scene, Status
from berth.observe.status import compute_status
from berth.world.records import PodRecord, Problem, Trouble
from observe.scenes import NOW, a_pod, a_scene, at_rest, served
from render.specs import Json, container

CRASH = Problem(Reason.CRASH_LOOPING, "container main: ended with exit code 1 (Error)")
EVICTED = Problem(Reason.EVICTED, "a pod was ended (Evicted): it wrote too much")
LATE = Problem(Reason.BACKEND_FAILED, "ProgressDeadlineExceeded: ReplicaSet has timed out progressing.")
TASK: Json = {"type": "Task", "container": {"image": "app:1"}, "task": {"backoffLimit": 2}}


def condition(scene: Scene, kind: ConditionType, now: float = NOW) -> Status:
    """Return one condition of a scene at a time."""
    return next(each for each in compute_status(scene, {}, now)["conditions"] if each["type"] == kind)


def told(scene: Scene, kind: ConditionType, now: float = NOW) -> tuple[str, str]:
    """Return status and reason of one condition of a scene at a time."""
    found = condition(scene, kind, now)
    return found["status"], found["reason"]


def starting(**fields: object) -> tuple[object, ...]:
    """Return the children of a Workload whose replica is not ready."""
    return served(container(), **({"ready": 0} | fields))


def test_a_pod_that_came_up_again_counts_once_it_has_run_for_a_while() -> None:
    scene = at_rest(pods=(a_pod(troubles=(Trouble(CRASH, until=NOW + 30),)),))
    assert told(scene, ConditionType.READY) == ("False", Reason.CRASH_LOOPING)
    assert next_change(scene, NOW) == 30.0
    assert told(scene, ConditionType.READY, NOW + 30) == ("True", Reason.RUNNING)


def test_a_probe_fails_once_its_time_is_over() -> None:
    failing = Problem(Reason.PROBE_FAILING, "container main: runs, but its readinessProbe does not pass")
    scene = a_scene(children=starting(), pods=(a_pod(ready=False, troubles=(Trouble(failing, since=NOW + 40),)),))
    assert told(scene, ConditionType.READY) == ("False", Reason.PROVISIONING)
    assert next_change(scene, NOW) == 40.0
    assert told(scene, ConditionType.READY, NOW + 40) == ("False", Reason.PROBE_FAILING)


def test_the_successor_of_an_evicted_pod_counts_once_it_has_lasted() -> None:
    over = a_pod("old", ready=False, running=False, finished=True, troubles=(Trouble(EVICTED, until=NOW + 60),))
    scene = at_rest(pods=(over, a_pod("new")))
    assert told(scene, ConditionType.READY) == ("False", Reason.EVICTED)
    assert told(scene, ConditionType.READY, NOW + 60) == ("True", Reason.RUNNING)


def evicted(name: str, born: float, gone: float, **fields: object) -> PodRecord:
    """Return a pod that its node ended: seconds after NOW at which it was made, and ended."""
    in_doubt = Trouble(EVICTED, since=NOW + gone, until=NOW + gone + 2 * (gone - born))
    over: Json = {"ready": False, "running": False, "finished": True, "troubles": (in_doubt,)}
    return a_pod(name, created=NOW + born, **(over | fields))


def serving(*pods: PodRecord, ready: int = 3, now: float) -> int:
    """Return how many of three replicas serve, so many seconds after NOW."""
    spec = container(replicas=3)
    number: int = compute_status(a_scene(spec, children=served(spec, ready=ready), pods=pods), {}, NOW + now)[
        "readyReplicas"
    ]
    return number


ONE_AFTER_ANOTHER = (evicted("a", 0, 240), evicted("b", 240, 480), evicted("c", 480, 720))


def test_of_pods_that_were_evicted_one_after_another_only_the_last_successor_is_in_doubt() -> None:
    pods = (*ONE_AFTER_ANOTHER, a_pod("old-1"), a_pod("old-2"), a_pod("new", created=NOW + 720))
    assert [serving(*pods, now=when) for when in (721, 960, 1199, 1200)] == [2, 2, 2, 3]


def test_no_more_successors_are_in_doubt_than_pods_were_evicted() -> None:
    added = tuple(a_pod(f"new-{number}", created=NOW + 250) for number in range(3))
    assert serving(evicted("a", 0, 240), *added, now=260) == 2


def test_a_successor_that_is_not_ready_yet_takes_nothing_from_the_others() -> None:
    pods = (evicted("a", 0, 240), a_pod("old-1"), a_pod("old-2"), a_pod("new", created=NOW + 241, ready=False))
    assert serving(*pods, ready=2, now=250) == 2


@pytest.mark.parametrize("mended", [{"revision": "5f7c9"}, {"class_name": "gvisor"}])
def test_what_was_evicted_before_a_change_tells_nothing_of_what_follows_it(mended: Json) -> None:
    new = a_pod("new", created=NOW + 700, **mended)
    scene = at_rest(pods=(*ONE_AFTER_ANOTHER, new))
    assert told(scene, ConditionType.READY, NOW + 721) == ("True", Reason.RUNNING)
    begins = a_scene(children=starting(), pods=(*ONE_AFTER_ANOTHER, replace(new, ready=False)))
    assert told(begins, ConditionType.READY, NOW + 721) == ("False", Reason.PROVISIONING)


def test_of_pods_that_ended_the_last_is_told() -> None:
    first = a_pod("a", finished=True, created=NOW - 9, troubles=(Trouble(EVICTED),))
    last = a_pod("b", finished=True, created=NOW - 3, troubles=(Trouble(Problem(Reason.EVICTED, "other")),))
    assert condition(at_rest(pods=(last, first)), ConditionType.READY)["message"] == "other"


def test_what_takes_too_long_stalls_for_the_reason_that_its_pods_know() -> None:
    scene = a_scene(children=starting(problem=LATE), pods=(a_pod(ready=False, troubles=(Trouble(CRASH),)),))
    assert told(scene, ConditionType.READY) == ("False", Reason.CRASH_LOOPING)
    assert told(scene, ConditionType.STALLED) == ("True", Reason.CRASH_LOOPING)
    unknown = a_scene(children=starting(problem=LATE), pods=(a_pod(ready=False),))
    assert told(unknown, ConditionType.STALLED) == ("True", Reason.BACKEND_FAILED)


@pytest.mark.parametrize(
    ("reason", "stalled"),
    [
        (Reason.IMAGE_NEEDS_ROOT, "True"),
        (Reason.CRASH_LOOPING, "False"),
        (Reason.CONFIG_MISSING, "False"),
        (Reason.PROVISIONING, "False"),
    ],
)
def test_nothing_is_said_not_to_block_while_something_does(reason: Reason, stalled: str) -> None:
    scene = a_scene(children=starting(), pods=(a_pod(ready=False, troubles=(Trouble(Problem(reason, "no")),)),))
    assert told(scene, ConditionType.STALLED) == (stalled, reason)
    assert "nothing blocks" not in condition(scene, ConditionType.STALLED)["message"]


def over(name: str, at: float, reason: Reason = Reason.CRASH_LOOPING) -> object:
    """Return a pod of a task that failed."""
    return a_pod(name, ready=False, finished=True, created=at, troubles=(Trouble(Problem(reason, f"why {name}")),))


def test_a_task_that_is_tried_again_tells_how_many_pods_failed_and_why_the_last_one() -> None:
    tried = a_scene(TASK, children=served(TASK, ready=0), pods=(over("b", NOW), over("a", NOW - 5), a_pod("c")))
    ready = condition(tried, ConditionType.READY)
    assert (ready["reason"], ready["message"]) == ("CrashLooping", "2 of 3 tries failed; the last: why b")


def test_a_task_that_failed_tells_why_its_last_pod_did() -> None:
    given_up = Problem(Reason.TASK_FAILED, "BackoffLimitExceeded: Job has reached the specified backoff limit")
    pods = (over("a", NOW - 5), over("b", NOW, Reason.OUT_OF_MEMORY))
    ready = condition(a_scene(TASK, children=served(TASK, failed=given_up), pods=pods), ConditionType.READY)
    assert ready["reason"] == "TaskFailed"
    assert ready["message"] == f"{given_up.message}: 2 of 3 tries failed; the last: why b"


def test_a_task_tells_the_same_of_its_failed_tries_however_long_ago_they_were() -> None:
    evicted = a_pod("a", finished=True, created=NOW - 90, troubles=(Trouble(EVICTED, until=NOW + 40),))
    last = over("b", NOW - 30)
    tried = a_scene(TASK, children=served(TASK, ready=0), pods=(evicted, last, a_pod("c")))
    given_up = Problem(Reason.TASK_FAILED, "BackoffLimitExceeded: Job has reached the specified backoff limit")
    failed = a_scene(TASK, children=served(TASK, failed=given_up), pods=(evicted,))
    for scene, text in (
        (tried, "2 of 3 tries failed; the last: why b"),
        (failed, f"{given_up.message}: 1 of 3 tries failed; the last: {EVICTED.message}"),
    ):
        told = {condition(scene, ConditionType.READY, now)["message"] for now in (NOW, NOW + 40, NOW + 9999)}
        assert told == {text}


def test_the_last_of_pods_that_ended_is_told_for_as_long_as_one_of_them_counts() -> None:
    first = a_pod("a", ready=False, finished=True, created=NOW - 9, troubles=(Trouble(EVICTED, until=NOW + 600),))
    last = a_pod("b", ready=False, finished=True, created=NOW - 3, troubles=(Trouble(CRASH, until=NOW + 30),))
    scene = at_rest(pods=(first, last, a_pod("c")))
    told = {condition(scene, ConditionType.READY, now)["message"] for now in (NOW, NOW + 30, NOW + 599)}
    assert told == {CRASH.message}
    assert condition(scene, ConditionType.READY, NOW + 600)["status"] == "True"


def test_a_task_that_failed_without_pods_tells_its_own_words() -> None:
    late = Problem(Reason.TASK_FAILED, "DeadlineExceeded: Job was active longer than specified deadline")
    scene = a_scene(TASK, children=served(TASK, failed=late))
    assert condition(scene, ConditionType.READY)["message"] == late.message
