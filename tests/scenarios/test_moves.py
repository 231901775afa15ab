"""Every state that a Workload goes through while it is moved: what a person reads, and what is never said."""

from collections.abc import Callable
from itertools import groupby

import pytest

from scenarios import specs
from scenarios.kinds import WORKLOAD
from scenarios.objects import Json, history
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

Act = Callable[[Space], object]
REPLICAS = 3
MAY_BE_SAID = {"Switching", "Updating", "Running"}
"""Reasons of a move that goes well. Updating is what is left of it when the last old pod is gone."""
ISOLATED = {"Switching", "Verified", "Provisioning"}


def by_policy(space: Space) -> None:
    """Have a policy move what runs."""
    space.policy({"level": "Sandboxed"})


def by_author(class_name: str) -> Act:
    """Have the author move it by name."""
    return lambda space: space.workload("web", pinned(class_name))


def pinned(class_name: str) -> Json:
    return specs.pinned(class_name, specs.container(replicas=REPLICAS))


MOVES: dict[str, tuple[str, str, Act]] = {
    "up by policy": ("container", "gvisor", by_policy),
    "up by its author": ("container", "kata", by_author("kata")),
    "down by its author": ("gvisor", "container", by_author("container")),
}


@pytest.mark.parametrize("title", MOVES)
def test_a_move_is_switching_in_every_state_and_no_warning(space: Space, title: str) -> None:
    start, goal, act = MOVES[title]
    space.workload("web", specs.container(replicas=REPLICAS) if title == "up by policy" else pinned(start))
    before = space.until(WORKLOAD, "web", lambda found: arrived(found, start))
    act(space)
    after = space.until(WORKLOAD, "web", lambda found: arrived(found, goal))
    states = [each for each in history(space.cluster, WORKLOAD, space.name, version(before)) if "status" in each]
    said = [reason for reason, _ in groupby(each["status"]["reason"] for each in states)]
    assert set(said) <= MAY_BE_SAID, said
    assert said.count("Switching") == 1, said
    assert {condition(each, "Isolated")["reason"] for each in states} <= ISOLATED
    weaker = [condition(each, "Isolated")["status"] for each in states if not arrived(each, goal)]
    assert ("False" in weaker) == (not title.startswith("down"))
    assert {event["type"] for event in space.events("web")} <= {"Normal"}
    assert condition(after, "Isolated")["reason"] == "Verified"


def arrived(found: Json, goal: str) -> bool:
    """Return whether a Workload says that it runs in a class, and nothing is left to do."""
    status = found.get("status", {})
    there = status.get("placement", {}).get("className") == goal and status["reason"] == "Running"
    return there and condition(found, "Isolated")["status"] == "True"


def reads(found: Json, reason: str) -> bool:
    """Return whether its column REASON shows this."""
    return bool(found.get("status", {}).get("reason") == reason)


def version(found: Json) -> str:
    text: str = found["metadata"]["resourceVersion"]
    return text


def test_a_move_that_cannot_go_on_says_why_and_that_the_old_pods_are_weaker(space: Space) -> None:
    spec = specs.container()
    space.workload("web", spec)
    space.ready("web")
    image = {"image": "registry.example/team/web:fail-ImagePullBackOff"}
    space.workload("web", specs.pinned("gvisor", spec | {"container": spec["container"] | image}))
    says = "still runs in class container until gvisor has taken over"

    def told(found: Json) -> bool:
        return reads(found, "ImagePullFailed") and shows(found, "Isolated", "False", "Switching", says=says)

    assert condition(space.until(WORKLOAD, "web", told), "Isolated")["message"] == says
    assert {event["type"] for event in space.events("web")} <= {"Normal"}


def test_what_has_never_run_is_not_verified(space: Space) -> None:
    spec = specs.container()
    image = {"image": "registry.example/team/web:fail-ImagePullBackOff"}
    space.workload("web", spec | {"container": spec["container"] | image})
    found = space.until(WORKLOAD, "web", lambda found: reads(found, "ImagePullFailed"))
    isolated = condition(found, "Isolated")
    assert (isolated["status"], isolated["reason"]) == ("Unknown", "Provisioning")
