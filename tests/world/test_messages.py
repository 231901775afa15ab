"""The text of a problem stays the same while nothing happens: no random names, no counters, no readings."""

import pytest

from berth.world import children
from world.raws import Raw, a_raw, condition, conditions, waiting


def failing(message: str) -> str:
    """Return what a Deployment says whose pods cannot be made."""
    status = conditions(condition("ReplicaFailure", reason="FailedCreate", message=message))
    return text(children.child(a_raw("Deployment", status=status)).problem)


def unscheduled(message: str) -> str:
    """Return what a pod says that no node takes."""
    status = conditions(condition("PodScheduled", "False", "Unschedulable", message))
    return of_pod(status)


def of_pod(status: Raw) -> str:
    """Return the first thing that is wrong with a pod of this status."""
    (first, *_) = children.pod(a_raw("Pod", status=status)).troubles
    return first.problem.message


def text(problem: object) -> str:
    """Return the message of a problem."""
    assert problem is not None
    return str(getattr(problem, "message", ""))


def nodes(*counted: str) -> str:
    """Return what the scheduler says of these groups of nodes."""
    total = sum(int(each.split()[0]) for each in counted)
    tail = f"preemption: 0/{total} nodes are available: {total} No preemption victims found for incoming pod."
    return f"0/{total} nodes are available: {', '.join(sorted(counted))}. {tail}"


def test_random_pod_names_vanish() -> None:
    texts = {failing(f'pods "web-7d9c4-{name}" is forbidden: no') for name in ("abcde", "zzzzz")}
    assert texts == {"FailedCreate: pod is forbidden: no"}


def test_names_of_pods_that_are_not_valid_vanish_too() -> None:
    texts = {failing(f'Pod "web-{name}" is invalid: spec.x: no') for name in ("abcde", "zzzzz")}
    assert texts == {"FailedCreate: pod is invalid: spec.x: no"}


def test_how_much_of_a_quota_is_used_vanishes_what_is_asked_and_allowed_stays() -> None:
    quota = 'pods "web-{}" is forbidden: exceeded quota: q, requested: cpu=1,pods=1, used: {}, limited: cpu=10,pods=5'
    texts = {failing(quota.format(*each)) for each in (("aaaaa", "cpu=9,pods=3"), ("bbbbb", "cpu=10,pods=5"))}
    assert texts == {
        "FailedCreate: pod is forbidden: exceeded quota: q, requested: cpu=1,pods=1, limited: cpu=10,pods=5"
    }


def test_how_many_nodes_each_reason_is_about_vanishes() -> None:
    taint = "node(s) had untolerated taint {pool: vm}"
    one = unscheduled(nodes("1 Insufficient cpu", f"2 {taint}"))
    other = unscheduled(nodes("13 Insufficient cpu", f"7 {taint}", f"1 {taint}"))
    assert one == other == f"Unschedulable: no node is available: Insufficient cpu, {taint}"


def test_numbers_that_mean_something_stay() -> None:
    assert unscheduled("no PriorityClass with name tier-1 was found").endswith("tier-1 was found")
    assert "secret-2" in of_pod(waiting("CreateContainerConfigError", 'secret "secret-2" not found'))


@pytest.mark.parametrize("attempt", [1, 7])
def test_container_ids_and_tries_vanish(attempt: int) -> None:
    uid, container = "2f6c1c1e-0000-4000-8000-000000000001", f"{attempt:064x}"
    message = f'name "main_web_shop_{uid}_{attempt}" is reserved for "{container}"'
    told = 'name "main_web_shop_2f6c1c1e-0000-4000-8000-000000000001_..." is reserved for "..."'
    assert of_pod(waiting("CreateContainerError", message)) == f"container main: cannot be created: {told}"


@pytest.mark.parametrize("delay", ["10s", "5m0s"])
def test_the_pause_before_the_next_try_vanishes(delay: str) -> None:
    status = waiting(
        "CrashLoopBackOff", f"back-off {delay} restarting failed container=main pod=web-7d9c4-abcde", restartCount=9
    )
    found = of_pod(status)
    assert delay not in found
    assert "abcde" not in found


@pytest.mark.parametrize(
    "status",
    [
        conditions(condition("ReplicaFailure", message="x" * 9999)),
        conditions(condition("Progressing", "False", "r" * 9999)),
    ],
)
def test_a_message_has_an_end(status: Raw) -> None:
    assert len(text(children.child(a_raw("Deployment", status=status)).problem)) <= 512
