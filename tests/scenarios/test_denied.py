"""What may not run does not: no child at all exists, and the Workload says what to change."""

import pytest

from scenarios import specs
from scenarios.objects import Json
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

STATUS = "patch workloads/status"


def assert_nothing_runs(space: Space, found: Json) -> None:
    assert condition(found, "Ready")["status"] == "False"
    assert "placement" not in found["status"]
    assert space.children("web") == set()
    space.quiet(1.0)
    space.silence(2.0)
    assert {what for what in space.writes() if what.startswith("create ")} <= {"create events"}
    assert space.writes()[STATUS] == 1


def test_a_service_account_that_is_not_allowed(space: Space) -> None:
    space.workload("web", specs.container(serviceAccountName="root"))
    found = space.expect("web", "Accepted", "False", "PolicyDenied")
    assert "root" in condition(found, "Accepted")["message"]
    assert condition(found, "Stalled")["status"] == "True"
    assert_nothing_runs(space, found)
    assert {event["reason"] for event in space.events("web")} == {"PolicyDenied"}


def test_kernel_modules_from_an_image(space: Space) -> None:
    space.workload("web", specs.container(needs={"kernelModules": ["wireguard"]}))
    found = space.expect("web", "Placed", "False")
    assert "add spec.machine" in condition(found, "Placed")["message"]
    assert_nothing_runs(space, found)


def test_a_class_that_policy_does_not_allow(space: Space) -> None:
    space.policy({"classes": ["kata", "vm"]})
    space.workload("web", specs.pinned("container", specs.container()))
    found = space.expect("web", "Placed", "False")
    assert space.name in condition(found, "Placed")["message"]
    assert_nothing_runs(space, found)


def test_a_pin_below_what_policy_requires(space: Space) -> None:
    space.policy({"level": "Virtualized"})
    space.workload("web", specs.pinned("gvisor", specs.container()))
    found = space.expect("web", "Placed", "False")
    assert "Virtualized" in condition(found, "Placed")["message"]
    assert_nothing_runs(space, found)
