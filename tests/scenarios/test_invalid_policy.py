"""A policy that is not understood is read in the strictest way, and both sides say so."""

import pytest

from scenarios import specs
from scenarios.kinds import POLICY, WORKLOAD
from scenarios.site import Space, shows

pytestmark = pytest.mark.ground


def test_a_condition_that_does_not_compile_counts_as_true(space: Space) -> None:
    space.policy({"level": "Sandboxed"}, when="workload.spec.needs.root &&")
    space.until(POLICY, space.name, lambda found: shows(found, "Accepted", "False", "Misconfigured", says="strictest"))
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
    space.until(WORKLOAD, "unlabelled", lambda found: space.name in " ".join(found["status"].get("warnings", [])))
    space.until(POLICY, space.name, lambda found: shows(found, "Accepted", "False", says="tier"))


def test_an_invalid_policy_touches_no_other_namespace(space: Space) -> None:
    space.policy({"level": "Confidential"}, when="][")
    other = Space.make(space.cluster)
    try:
        other.workload("web", specs.container())
        assert other.ready("web")["status"]["placement"]["className"] == "container"
    finally:
        other.remove()
    space.workload("web", specs.container())
    space.expect("web", "Placed", "False", says=f"IsolationPolicy {space.name}")
    assert space.children("web") == set()
