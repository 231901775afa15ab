"""What a kubelet was seen to write, and whether that proves isolation or is a start that counts."""

import pytest

from berth.observe.model import Status
from observe.recorded_pods import observations, statuses

NEVER_BEGAN = {
    *("badtag", "dead", "named", "no-config", "no-key", "no-secret", "nobinary", "nobinary-gvisor", "noroute"),
    *("private", "root", "small-gvisor"),
}
"""Cases in which no container was ever started, however often the kubelet tried."""
LOOPS = {"crash", "exits0", "oom", "oom-gvisor"}
"""Cases whose container ends each time that it was started."""


def isolated(status: Status) -> str:
    return next(str(each["status"]) for each in status["conditions"] if each["type"] == "Isolated")


def test_the_cases_were_recorded() -> None:
    assert {*NEVER_BEGAN, *LOOPS, "good"} <= observations().keys()


@pytest.mark.parametrize("case", sorted(NEVER_BEGAN))
def test_what_never_began_proves_no_isolation_and_was_never_ready(case: str) -> None:
    told = [status for _, status in statuses(case)]
    assert {isolated(status) for status in told} == {"Unknown"}
    assert not any("timeToReady" in status for status in told)


@pytest.mark.parametrize("case", sorted(LOOPS))
def test_a_crash_loop_has_run_and_is_no_start(case: str) -> None:
    *_, (_, last) = statuses(case)
    assert isolated(last) == "True"
    assert "timeToReady" not in last


def test_what_comes_up_is_verified_and_its_way_has_all_steps() -> None:
    *_, (_, last) = statuses("good")
    assert isolated(last) == "True"
    names = [each["name"] for each in last["timeToReady"]["segments"]]
    assert {"Scheduled", "ReadyToStartContainers", "ContainersReady", "Ready"} <= {*names}
    assert (names[0], names[-1]) == ("Scheduled", "Ready")
