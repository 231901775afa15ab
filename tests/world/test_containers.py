"""What is wrong with a pod, in the words of a kubelet that no recording holds, and for how long it is told."""

from math import inf
from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.world import children
from berth.world.records import Trouble
from world.raws import BORN_SECONDS, Raw, a_raw, condition, conditions, waiting

LIMITED = {"name": "main", "image": "app:1", "resources": {"limits": {"memory": "64Mi"}}}
PRESSURE = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: {}Ki. "
    "Container main was using {}Ki, request is 0, has larger consumption of memory. "
)


def at(seconds: float) -> str:
    """Return a time so many seconds after the pod was made."""
    minutes, rest = divmod(int(seconds), 60)
    return f"2026-03-01T10:{minutes:02}:{rest:02}Z"


def troubles(status: Raw, *, restart: str = "Always", **container: Any) -> tuple[Trouble, ...]:
    """Return what is wrong with a pod whose container `main` was asked for so."""
    spec = {"restartPolicy": restart, "containers": [LIMITED | container]}
    return children.pod(a_raw("Pod", spec=spec, status=status)).troubles


def over(code: int, reason: str = "Error", *, began: float = 0, ended: float = 0, **more: Any) -> Raw:
    """Return the state of a container that has ended."""
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": at(began), "finishedAt": at(ended)} | more}


def contained(**told: Any) -> Raw:
    """Return the status of a pod that runs with one container."""
    return {"phase": "Running", "containerStatuses": [{"name": "main", "ready": False} | told]}


@pytest.mark.parametrize(("ran", "patience"), [(0, 30), (14, 30), (40, 80), (300, 600)])
def test_a_container_that_runs_again_is_in_trouble_for_twice_as_long_as_it_ran(ran: float, patience: float) -> None:
    again = contained(state={"running": {"startedAt": at(900)}}, lastState=over(1, ended=ran), ready=True)
    (found,) = troubles(again)
    assert found.until == BORN_SECONDS + 900 + patience


@pytest.mark.parametrize(("ran", "patience"), [(301, 598), (450, 300), (540, 120), (599, 2)])
def test_one_that_had_run_for_more_than_five_minutes_is_trusted_the_sooner_the_longer_it_ran(
    ran: float, patience: float
) -> None:
    again = contained(state={"running": {"startedAt": at(900)}}, lastState=over(1, ended=ran), ready=True)
    (found,) = troubles(again)
    assert found.until == BORN_SECONDS + 900 + patience


def test_one_that_ran_for_ten_minutes_before_is_in_trouble_only_while_it_does_not_run() -> None:
    ended = over(1, ended=600)
    again = contained(state={"running": {"startedAt": at(900)}}, lastState=ended, ready=True)
    assert not any(each.holds(BORN_SECONDS + 900) for each in troubles(again))
    assert [each.until for each in troubles(contained(state=ended))] == [inf]


@pytest.mark.parametrize("reason", ["ContainerStatusUnknown", "Unknown"])
def test_a_container_that_its_node_lost_did_not_fail(reason: str) -> None:
    again = contained(state={"running": {"startedAt": at(60)}}, lastState=over(137, reason), ready=True)
    assert troubles(again) == ()


@pytest.mark.parametrize(
    ("end", "container", "words"),
    [
        (over(1), {}, "ended with exit code 1 (Error); its log tells more"),
        (over(143, ended=40), {"livenessProbe": {"tcpSocket": {"port": 80}}}, "one does that its livenessProbe ends"),
        (over(143, ended=4), {"livenessProbe": {"tcpSocket": {"port": 80}}}, "its log tells more"),
        (over(1, ended=40), {"livenessProbe": {"tcpSocket": {"port": 80}}}, "its log tells more"),
        (over(137, "OOMKilled"), {"resources": {}}, "its node ran out of memory (OOMKilled, exit code 137): set"),
    ],
    ids=["nothing", "ended by its probe", "too short for its probe", "its own exit code", "without a limit"],
)
def test_an_end_is_told_with_what_is_known_of_it(end: Raw, container: Raw, words: str) -> None:
    (found,) = troubles(contained(state=end), **container)
    assert words in found.problem.message


@pytest.mark.parametrize("when", ["2026-03-01T10:00:00.123Z", "2026/03/01 10:00:07", "2026-03-01 10:00:59.5 UTC"])
def test_what_a_container_wrote_last_is_told_without_its_times(when: str) -> None:
    log = f"{when} starts\n{when} one\n\n{when}  fatal: no\troute\nto db\n"
    (found,) = troubles(contained(state={"terminated": over(1)["terminated"] | {"message": log}}))
    assert ": one | fatal: no route | to db; " in found.problem.message


def test_a_pod_that_was_ready_fails_its_probe_at_once() -> None:
    probe = {"httpGet": {"port": 80}, "periodSeconds": 10}
    runs = contained(state={"running": {"startedAt": at(10)}}, started=True)
    starts = runs | conditions(condition("ContainersReady", "False", lastTransitionTime=at(0)))
    failed = runs | conditions(condition("ContainersReady", "False", lastTransitionTime=at(500)))
    assert [each.since for each in troubles(starts, readinessProbe=probe)] == [BORN_SECONDS + 10 + 40]
    assert [each.since for each in troubles(failed, readinessProbe=probe)] == [BORN_SECONDS + 500]


def test_a_slow_start_has_the_time_that_its_startup_probe_allows() -> None:
    probes = {"readinessProbe": {"grpc": {"port": 1}}, "startupProbe": {"periodSeconds": 10, "failureThreshold": 29}}
    (found,) = troubles(contained(state={"running": {"startedAt": at(0)}}), **probes)
    assert found.since == BORN_SECONDS + 300 + 40


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (
            waiting("InvalidImageName"),
            Reason.IMAGE_PULL_FAILED,
            "app:1 is no name of an image: correct container.image",
        ),
        (
            waiting("CreateContainerConfigError", 'failed to prepare subPath for volumeMount "c"'),
            Reason.VOLUME_MISSING,
            "cannot be created",
        ),
        (waiting("CreateContainerError", "no command specified"), Reason.CRASH_LOOPING, "no command specified"),
        (
            {"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected: Node didn't have enough cpu"},
            Reason.UNSCHEDULABLE,
            "its node ended a pod (OutOfcpu): Pod was rejected",
        ),
    ],
)
def test_what_a_node_refuses_is_told_by_its_kind(status: Raw, reason: Reason, words: str) -> None:
    (found,) = troubles(status)
    assert found.problem.reason == reason
    assert words in found.problem.message


def test_an_eviction_is_told_without_readings_of_the_moment() -> None:
    statuses = [
        conditions(phase="Failed", reason="Evicted", message=PRESSURE.format(*numbers))
        for numbers in ((96744, 1258291), (80000, 1300000))
    ]
    texts = {found.problem.message for each in statuses for found in troubles(each)}
    assert len(texts) == 1
    assert "resources.requests" in texts.pop()


def test_a_pod_of_a_task_may_end_well_whatever_becomes_of_its_sidecars() -> None:
    side = {"name": "proxy", "state": over(143), "ready": False}
    done = contained(state=over(0, "Completed")) | {"initContainerStatuses": [side]}
    spec = {
        "restartPolicy": "Never",
        "containers": [LIMITED],
        "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
    }
    assert children.pod(a_raw("Pod", spec=spec, status=done)).troubles == ()
    assert children.pod(a_raw("Pod", spec=spec | {"restartPolicy": "Always"}, status=done)).troubles


SIDE = {"name": "proxy", "restartPolicy": "Always"}


@pytest.mark.parametrize("phase", ["Running", "Failed"])
def test_a_failed_task_tells_its_own_end_and_not_that_of_the_sidecar_that_is_ended_then(phase: str) -> None:
    failed = over(4, ended=9)["terminated"] | {"message": "migration 17 failed"}
    side = {"name": "proxy", "state": over(143, ended=10), "ready": False}
    status = contained(state={"terminated": failed}) | {"phase": phase, "initContainerStatuses": [side]}
    spec = {"restartPolicy": "Never", "containers": [LIMITED], "initContainers": [SIDE]}
    (found,) = children.pod(a_raw("Pod", spec=spec, status=status)).troubles
    assert found.problem.message.startswith("container main: ended with exit code 4 (Error): migration 17 failed;")


def test_a_task_whose_init_container_failed_tells_its_end_and_not_that_of_a_sidecar_before_it() -> None:
    side = {"name": "proxy", "state": over(143, ended=10), "ready": False}
    failed = {"name": "migrate", "state": over(7, ended=9), "ready": False}
    status = contained(state={"waiting": {"reason": "PodInitializing"}})
    status |= {"phase": "Failed", "initContainerStatuses": [side, failed]}
    spec = {"restartPolicy": "Never", "containers": [LIMITED], "initContainers": [SIDE, {"name": "migrate"}]}
    (found,) = children.pod(a_raw("Pod", spec=spec, status=status)).troubles
    assert found.problem.message.startswith("container migrate: ended with exit code 7")


def test_a_sidecar_that_fails_before_the_task_has_ended_is_told() -> None:
    side = {"name": "proxy", "state": over(9), "ready": False}
    done = {"name": "migrate", "state": over(0, "Completed"), "ready": True}
    status = contained(state={"running": {"startedAt": at(0)}}, ready=True)
    status |= {"initContainerStatuses": [side, done]}
    spec = {"restartPolicy": "Never", "containers": [LIMITED], "initContainers": [SIDE, {"name": "migrate"}]}
    (found,) = children.pod(a_raw("Pod", spec=spec, status=status)).troubles
    assert found.problem.message.startswith("container proxy: ended with exit code 9")


def test_of_a_launcher_only_what_keeps_it_from_starting_is_told() -> None:
    launcher = {"labels": {"kubevirt.io": "virt-launcher"}}
    ended = children.pod(a_raw("Pod", metadata=launcher, status=contained(state=over(1)) | {"phase": "Failed"}))
    pulls = children.pod(a_raw("Pod", metadata=launcher, status=waiting("ErrImagePull", "not found")))
    assert ended.troubles == ()
    assert [each.problem.reason for each in pulls.troubles] == [Reason.IMAGE_PULL_FAILED]


SCHEDULED = condition("PodScheduled", lastTransitionTime=at(5))


def test_a_node_that_does_not_take_a_pod_is_named_after_a_while() -> None:
    (found,) = children.pod(
        a_raw("Pod", spec={"nodeName": "n1"}, status=conditions(SCHEDULED, phase="Pending"))
    ).troubles
    assert (found.problem.reason, found.since) == (Reason.NODE_LOST, BORN_SECONDS + 35)
    assert "node n1 does not take the pod" in found.problem.message


@pytest.mark.parametrize(
    ("reason", "lost"), [("", True), ("ReadinessGatesNotReady", False), ("ContainersNotReady", False)]
)
def test_a_pod_that_its_node_left_ready_is_lost_with_the_node(reason: str, *, lost: bool) -> None:
    """A node that was stopped for four minutes left its pods so: Ready is False without a reason, ContainersReady True."""
    told = (SCHEDULED, condition("ContainersReady"), condition("Ready", "False", reason))
    status = conditions(*told, phase="Running", startTime=at(6))
    found = children.pod(a_raw("Pod", spec={"nodeName": "n1"}, status=status)).troubles
    assert [each.problem.reason for each in found] == ([Reason.NODE_LOST] if lost else [])


def test_a_pod_that_was_evicted_without_a_word_tells_what_it_was_held_to() -> None:
    volumes = [{"name": "tmp", "emptyDir": {"sizeLimit": "10Mi"}}, {"name": "cache", "emptyDir": {}}]
    limited = LIMITED | {"resources": {"limits": {"ephemeral-storage": "1Gi"}}}
    spec = {"restartPolicy": "Always", "volumes": volumes, "containers": [limited]}
    (found,) = children.pod(a_raw("Pod", spec=spec, status={"phase": "Succeeded"})).troubles
    assert found.problem.message.startswith(
        "its node ended a pod (Evicted): emptyDir.sizeLimit of volume tmp is 10Mi,"
        " resources.limits.ephemeral-storage of container main is 1Gi; its event tells why"
    )


@pytest.mark.parametrize(("restarts", "reason"), [("Always", Reason.EVICTED), ("Never", Reason.CRASH_LOOPING)])
def test_a_pod_that_may_never_be_over_was_evicted_whatever_its_containers_ended_with(
    restarts: str, reason: Reason
) -> None:
    told = {"name": "main", "state": over(143, "Error"), "ready": False}
    spec = {"restartPolicy": restarts, "containers": [LIMITED]}
    status = conditions(phase="Failed", startTime=at(0)) | {"containerStatuses": [told]}
    (found,) = children.pod(a_raw("Pod", spec=spec, status=status)).troubles
    assert found.problem.reason == reason


def test_the_successor_of_an_evicted_pod_is_in_doubt_though_their_clocks_differ() -> None:
    gone = condition("Ready", "False", lastTransitionTime=at(240))
    (found,) = troubles(conditions(gone, phase="Failed", reason="Evicted", startTime=at(0)))
    assert (found.since, found.until) == (BORN_SECONDS + 235, BORN_SECONDS + 720)


def test_an_evicted_pod_that_never_was_ready_lasted_until_its_sandbox_was_gone() -> None:
    ready = condition("Ready", "False", lastTransitionTime=at(0))
    sandbox = condition("PodReadyToStartContainers", "False", lastTransitionTime=at(50))
    (found,) = troubles(conditions(ready, sandbox, phase="Failed", reason="Evicted", startTime=at(0)))
    assert found.until == BORN_SECONDS + 50 + 100


def test_a_sidecar_that_ends_well_is_no_task() -> None:
    side = {"name": "proxy", "state": over(0, "Completed"), "ready": False}
    asked = {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}], "containers": [LIMITED]}
    status = {"phase": "Running", "initContainerStatuses": [side]}
    (found,) = children.pod(a_raw("Pod", spec=asked | {"restartPolicy": "Always"}, status=status)).troubles
    assert found.problem.message == (
        "container proxy: ended with exit code 0 (Completed); a sidecar must not end: keep it in the foreground"
    )


def test_a_long_answer_of_a_registry_leaves_room_for_what_mends_it() -> None:
    answer = f'failed to do request: Head "https://r.example/{"a/" * 400}": dial tcp 192.0.2.1:443: connect: no route to host'
    (found,) = troubles(waiting("ErrImagePull", answer))
    assert "no route to host): check the registry's name" in found.problem.message
