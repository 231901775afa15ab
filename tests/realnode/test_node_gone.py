"""What a person reads while the node of a Workload does not answer."""

import pytest

from ground.node.configuration import NAME
from realnode import site
from realnode.specs import service
from scenarios.site import Space, condition

pytestmark = [pytest.mark.realnode, pytest.mark.ground, pytest.mark.long]

IMAGE = "demo/goweb:1"
SECONDS = 90.0
GRACE_SECONDS = 360.0
"""The control plane waits 200 s for a node, and looks every 25 s."""


def test_a_node_that_is_gone_is_told_of_what_ran_there_and_of_what_comes_there(space: Space) -> None:
    space.workload("before", service(IMAGE))
    space.ready("before")
    with site.silent(space.cluster):
        space.workload("after", service(IMAGE))
        space.expect("after", "Ready", "False", "NodeLost", SECONDS, says=f"node {NAME} does not take the pod")
        says = f"node {NAME} does not answer"
        found = space.expect("before", "Ready", "False", "NodeLost", GRACE_SECONDS, says=says)
        assert condition(found, "Stalled")["message"] != "nothing blocks progress"
    for name in ("before", "after"):
        space.ready(name)
