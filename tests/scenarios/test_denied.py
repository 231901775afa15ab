"""What may not run does not: no child at all exists, and the Workload says what to change."""

import pytest

from scenarios import specs
from scenarios.kinds import CLAIM, DATA_SOURCE, NAMESPACE
from scenarios.objects import Json
from scenarios.process import Operator
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

STATUS = "patch workloads/status"
POD_SECURITY = "pod-security.kubernetes.io/enforce"


def assert_nothing_runs(space: Space, found: Json, *, told: int = 1) -> None:
    """Nothing was made, and it was said once: at most twice where a fact may be seen only after the Workload."""
    assert condition(found, "Ready")["status"] == "False"
    assert "placement" not in found["status"]
    assert space.children("web") == set()
    space.quiet(1.0)
    space.silence(2.0)
    assert {what for what in space.writes() if what.startswith("create ")} <= {"create events"}
    assert 1 <= space.writes()[STATUS] <= told


def test_a_service_account_that_is_not_allowed(space: Space) -> None:
    space.workload("web", specs.container(serviceAccountName="root"))
    found = space.expect("web", "Accepted", "False", "PolicyDenied", says="root")
    assert condition(found, "Stalled")["status"] == "True"
    assert_nothing_runs(space, found)
    space.told("web", "PolicyDenied")


def test_a_golden_image_of_a_namespace_that_the_tenant_does_not_list(space: Space) -> None:
    """CDI would clone it by Berth's right, so no disk is made at all."""
    space.put(DATA_SOURCE, "gold", {"source": {"pvc": {"name": "ledger", "namespace": "bank"}}})
    spec = specs.machine()
    spec["machine"] = spec["machine"] | {"bootDisk": {"dataSource": {"name": "gold", "storage": "2Gi"}}}
    space.workload("web", spec)
    says = "DataSource gold leads to namespace bank (allowed: none)"
    found = space.expect("web", "Accepted", "False", "PolicyDenied", says=says)
    assert_nothing_runs(space, found, told=2)


def test_a_golden_image_that_is_not_there_is_waited_for(space: Space) -> None:
    spec = specs.machine()
    spec["machine"] = spec["machine"] | {"bootDisk": {"dataSource": {"name": "gold", "storage": "2Gi"}}}
    space.workload("web", spec)
    space.expect("web", "Placed", "False", says="DataSource gold does not exist")
    assert space.children("web") == set()
    space.put(CLAIM, "image", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.put(DATA_SOURCE, "gold", {"source": {"pvc": {"name": "image", "namespace": space.name}}})
    space.ready("web")


def test_kernel_modules_from_an_image(space: Space) -> None:
    space.workload("web", specs.container(needs={"kernelModules": ["wireguard"]}))
    found = space.expect("web", "Placed", "False", says="add spec.machine")
    assert_nothing_runs(space, found)


def test_a_class_that_policy_does_not_allow(space: Space) -> None:
    space.policy({"classes": ["kata", "vm"]})
    space.workload("web", specs.pinned("container", specs.container()))
    found = space.expect("web", "Placed", "False", says=space.name)
    assert_nothing_runs(space, found)


def test_a_pin_below_what_policy_requires(space: Space) -> None:
    space.policy({"level": "Virtualized"})
    space.workload("web", specs.pinned("gvisor", specs.container()))
    found = space.expect("web", "Placed", "False", says="Virtualized")
    assert_nothing_runs(space, found)


def test_root_waits_for_its_namespace_to_take_its_capabilities(shared: Operator) -> None:
    """The API server would refuse the pods of every class; with the label that the message names it takes them."""
    space = Space.make(shared.cluster, {POD_SECURITY: "restricted"})
    try:
        space.workload("web", specs.container(needs={"root": True}))
        says = f"label the namespace {POD_SECURITY}=baseline"
        found = space.expect("web", "Placed", "False", "NoEligibleClass", says=says)
        assert_nothing_runs(space, found, told=2)
        space.merge(NAMESPACE, space.name, {"metadata": {"labels": {POD_SECURITY: "baseline"}}})
        found = space.ready("web")
        assert found["status"]["placement"]["className"] == "container-userns"
    finally:
        space.remove()
