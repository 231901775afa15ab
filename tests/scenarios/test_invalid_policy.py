"""A policy that is not understood is read in the strictest way, and both sides say so."""

import pytest

from scenarios import specs
from scenarios.kinds import POLICY, WORKLOAD
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground


def test_a_condition_that_does_not_compile_counts_as_true(space: Space) -> None:
    space.policy({"level": "Sandboxed"}, when="workload.spec.needs.root &&")
    policy = space.get(POLICY, space.name)
    accepted = condition(policy, "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "Misconfigured")
    assert "strictest" in accepted["message"]
    space.workload("web", specs.container())
    found = space.ready("web")
    assert found["status"]["placement"]["className"] == "gvisor"
    assert f"IsolationPolicy {space.name}" in str(found["status"]["placement"]["decidedBy"])


def test_a_condition_that_fails_on_a_workload_counts_as_true_for_it_and_says_so(space: Space) -> None:
    space.policy({"level": "Sandboxed"}, when="workload.labels['tier'] == 'front'")
    space.workload("back", specs.container(), tier="back")
    space.workload("front", specs.container(), tier="front")
    space.workload("unlabelled", specs.container())
    classes = {name: space.ready(name)["status"]["placement"]["className"] for name in ("back", "front", "unlabelled")}
    assert classes == {"back": "container", "front": "gvisor", "unlabelled": "gvisor"}
    found = space.get(WORKLOAD, "unlabelled")
    assert space.name in " ".join(found["status"].get("warnings", []))
    policy = space.until(POLICY, space.name, lambda found: condition(found, "Accepted")["status"] == "False")
    assert "tier" in condition(policy, "Accepted")["message"]


def test_an_invalid_policy_touches_no_other_namespace(space: Space) -> None:
    space.policy({"level": "Confidential"}, when="][")
    other = Space.make(space.cluster)
    try:
        other.workload("web", specs.container())
        assert other.ready("web")["status"]["placement"]["className"] == "container"
    finally:
        other.remove()
    space.workload("web", specs.container())
    found = space.expect("web", "Placed", "False")
    assert f"IsolationPolicy {space.name}" in condition(found, "Placed")["message"]
    assert space.children("web") == set()
