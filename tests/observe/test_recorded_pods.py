"""What a person reads of pods in trouble, where these are as a real kubelet left them."""

from itertools import dropwhile

import pytest

from berth.observe.model import Status
from berth.world.parse import seconds
from observe.recorded_pods import LASTING, observations, statuses

STARTING = "Provisioning"
PULL, ROOT, CONFIG, MEMORY = "ImagePullFailed", "ImageNeedsRoot", "ConfigMissing", "OutOfMemory"
CRASH, PROBE = "CrashLooping", "ProbeFailing"
QUIET = frozenset(
    {"objects were created and replicas start", "all replicas are ready", "the task has not completed yet"}
)
INIT = "container wait-for-db: runs, and the containers after it start once it has ended"
RAISE = "raise resources.limits.memory"

TOLD = {
    "badtag": (
        PULL,
        "image registry.example/demo/goweb:99 cannot be pulled: there is no such image (not found): correct",
    ),
    "private": (PULL, "the registry refuses it, or has no such image (pull access denied"),
    "noroute": (PULL, "its registry does not answer the node"),
    "dead": (PULL, "its registry does not answer the node"),
    "root": (ROOT, "image registry.example/demo/goroot:1 starts as root: set container.securityContext.runAsUser"),
    "named": (ROOT, "image registry.example/demo/gonamed:1 starts as user 'app', and only a number shows"),
    "no-secret": (CONFIG, 'secret "nope" not found'),
    "no-config": (CONFIG, 'configmap "nope" not found'),
    "no-key": (CONFIG, "couldn't find key nokey in ConfigMap shop/kube-root-ca.crt"),
    "crash": (CRASH, "container main: ended with exit code 3 (Error); its log tells more"),
    "nobinary": (
        CRASH,
        'cannot start: exec: "/usr/bin/server": stat /usr/bin/server: no such file or directory: correct',
    ),
    "nobinary-gvisor": (CRASH, "cannot start: failed to load /usr/bin/server: no such file or directory: correct"),
    "exits0": (
        CRASH,
        "ended with exit code 0 (Completed); what a Service runs must not end: keep it in the foreground",
    ),
    "recovers": (CRASH, "what a Service runs must not end"),
    "init-fails": (CRASH, "container migrate: ended with exit code 7 (Error)"),
    "sidecar-crash": (CRASH, "container side: ended with exit code 9 (Error)"),
    "wrong-port": (CRASH, "it ran as long as one does that its livenessProbe ends"),
    "startup": (CRASH, "it ran as long as one does that its startupProbe ends"),
    "small-gvisor": (CRASH, f"its sandbox ends before it starts: {RAISE}"),
    "oom": (MEMORY, f"was killed at its memory limit of 64Mi (OOMKilled, exit code 137): {RAISE}"),
    "oom-gvisor": (MEMORY, f"was killed at its memory limit of 64Mi (OOMKilled, exit code 128): {RAISE}"),
    "scratch": ("Evicted", 'Usage of EmptyDir volume "tmp" exceeds the limit "10Mi": raise emptyDir.sizeLimit'),
    "never-ready": (PROBE, "its readinessProbe (HTTP GET /ready at port http) does not pass"),
    "exec-probe": (PROBE, "its readinessProbe (command sh) does not pass"),
    "grpc-probe": (PROBE, "its readinessProbe (gRPC health check at port 8080) does not pass"),
    "init-hangs": (STARTING, INIT),
    "no-config-volume": (
        STARTING,
        "node n1 has not made the pod's volumes and sandbox yet: it needs ConfigMap nope: see",
    ),
    "no-secret-volume": (STARTING, "it needs Secret nope: see that they exist; events of the pod tell why"),
    "no-sandbox": (STARTING, "node n1 has not made the pod's volumes and sandbox yet; events of the pod tell why"),
    "job-fails": (CRASH, "of 7 tries failed; the last: container main: ended with exit code 4 (Error)"),
    "job-backoff": (CRASH, "of 7 tries failed; the last: container main: ended with exit code 4 (Error)"),
    "job-oom": (MEMORY, "1 of 7 tries failed; the last: container main: was killed at its memory limit of 64Mi"),
}
"""By case, the reason and a part of the message."""


def ready(status: Status) -> Status:
    """Return the condition Ready."""
    return next(each for each in status["conditions"] if each["type"] == "Ready")


def told(case: str) -> list[Status]:
    """Return the statuses of a case, from the first trouble on: while it starts, nothing is wrong yet.

    A liveness probe may end what a readiness probe fails, too: the end is what matters then.
    """

    def early(status: Status) -> bool:
        return ready(status)["message"] in QUIET or ready(status)["reason"] == PROBE != TOLD[case][0]

    return list(dropwhile(early, (status for _, status in statuses(case))))


@pytest.mark.parametrize("case", TOLD)
def test_a_trouble_is_told_with_what_mends_it_and_does_not_flap(case: str) -> None:
    reason, text = TOLD[case]
    found = [ready(each) for each in told(case)]
    assert {(each["status"], each["reason"]) for each in found} == {("False", reason)}
    assert any(text in each["message"] for each in found)
    assert {each["reason"] for each in told(case)} == {reason}


@pytest.mark.parametrize("case", TOLD)
def test_nothing_is_said_not_to_block_while_a_trouble_does(case: str) -> None:
    stalled = [each for status in told(case) for each in status["conditions"] if each["type"] == "Stalled"]
    assert {each["status"] for each in stalled} == {"True" if TOLD[case][0] == ROOT else "False"}
    assert not any("nothing blocks" in each["message"] for each in stalled)


@pytest.mark.parametrize(
    "case", sorted(TOLD.keys() - {"noroute", "dead", "private", "job-fails", "job-backoff", "job-oom", "scratch"})
)
def test_the_message_stays_the_same_from_one_try_to_the_next(case: str) -> None:
    assert len({ready(each)["message"] for each in told(case)}) == 1


def test_a_registry_that_answers_otherwise_is_told_anew_and_no_port_of_the_node_is() -> None:
    assert not any("->" in ready(each)["message"] for case in ("noroute", "dead", "private") for each in told(case))


@pytest.mark.parametrize("case", sorted(TOLD.keys() - LASTING - {"scratch"}))
def test_a_trouble_is_told_with_the_first_word_of_the_kubelet(case: str) -> None:
    told_at = next(at for at, status in statuses(case) if ready(status)["reason"] == TOLD[case][0])
    shown = (row for row in observations()[case] if _shows_trouble(row))
    assert told_at == seconds(next(shown)["at"])


def _shows_trouble(row: Status) -> bool:
    """Return whether a container has ended, or waits for something else than its turn."""
    of = row.get("status") or {}
    states = [each["state"] for name in ("initContainerStatuses", "containerStatuses") for each in of.get(name, ())]
    states += [each.get("lastState", {}) for each in of.get("containerStatuses", ())]
    waits = {state["waiting"]["reason"] for state in states if "waiting" in state} - {
        "ContainerCreating",
        "PodInitializing",
    }
    return bool(waits) or any("terminated" in state for state in states)


@pytest.mark.parametrize("case", ["good", "sidecar"])
def test_pods_that_start_well_are_in_no_trouble(case: str) -> None:
    reasons = [ready(status)["reason"] for _, status in statuses(case)]
    assert set(reasons) == {STARTING, "Running"}
    assert reasons[-1] == "Running"


@pytest.mark.parametrize("case", ["job-deadline", "job-evicted"])
def test_a_pod_that_its_job_ends_or_that_ends_well_is_in_no_trouble(case: str) -> None:
    assert {ready(status)["reason"] for _, status in statuses(case)} <= {STARTING, "Completed"}
