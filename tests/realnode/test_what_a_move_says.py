"""What a person reads, once a second, while pods that really run are moved to another class."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

import pytest

from realnode.specs import web
from realnode.test_moves import settled
from scenarios.kinds import WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, condition

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

Record = Callable[[str, object], None]
MOVES = ("gvisor", "container-userns", "container")
MAY_BE_SAID = {"Switching", "Updating", "Running"}
LONGEST_START = 60


@contextmanager
def sampled(space: Space) -> Iterator[list[Json]]:
    """Give the status of the Workload, read once a second while the block runs."""
    found: list[Json] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(1.0):
            found.append(space.get(WORKLOAD, "web"))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def test_a_move_says_switching_and_how_long_it_took_itself(space: Space, record_property: Record) -> None:
    space.workload("web", web())
    settled(space, "container")
    began = time.monotonic()
    for class_name in MOVES:
        with sampled(space) as states:
            space.policy({"level": "Container", "classes": [class_name]})
            settled(space, class_name)
        said = [(reason, len([*each])) for reason, each in groupby(state["status"]["reason"] for state in states)]
        record_property("told", f"{class_name:18} {' '.join(f'{reason} {seconds} s' for reason, seconds in said)}")
        assert {"Switching"} <= {reason for reason, _ in said} <= MAY_BE_SAID, class_name
        assert "IsolationMismatch" not in {condition(state, "Isolated")["reason"] for state in states}
        took = space.until(WORKLOAD, "web", lambda found: "timeToReady" in found["status"])["status"]["timeToReady"]
        record_property("told", f"{class_name:18} ready after {took}, {time.monotonic() - began:.0f} s after the first")
        assert took["seconds"] <= LONGEST_START, class_name
        assert [each["name"] for each in took["segments"]][-2:] == ["ContainersReady", "Ready"]
    assert {event["type"] for event in space.events("web")} <= {"Normal"}
