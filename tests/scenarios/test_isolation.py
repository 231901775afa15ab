"""Whether the isolation that was chosen is really there is seen on pods, nodes and machines."""

import pytest

from ground.nodes import PLAIN, Shape
from scenarios import specs
from scenarios.kinds import POD, VM
from scenarios.objects import Json
from scenarios.site import Space

pytestmark = pytest.mark.ground

SANDBOX: Json = {"level": "Sandboxed", "pod": {"runtimeClassName": "gvisor"}}


def test_a_pod_on_a_node_without_the_handler_is_not_isolated(space: Space) -> None:
    space.node("able", Shape(allocatable={"pods": "1"}))  # so the second pod has to go to the other one
    lacking = space.node("lacking", PLAIN)
    name = space.isolation_class("sandbox", SANDBOX | space.pool)
    space.workload("web", specs.pinned(name, specs.container(replicas=2)))
    space.expect("web", "Isolated", "False", "IsolationMismatch", says=(lacking, "runsc"))


def test_a_node_that_says_nothing_leaves_it_unknown(space: Space) -> None:
    space.node("silent", silent=True)
    name = space.isolation_class("sandbox", SANDBOX | space.pool)
    space.workload("web", specs.pinned(name, specs.container()))
    space.ready("web")
    space.expect("web", "Isolated", "Unknown", "IsolationUnknown", says="runsc")


def test_a_machine_without_hardware_virtualization_is_not_isolated(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.expect("erp", "Isolated", "True")
    space.merge(VM, "erp", {"metadata": {"annotations": {"ground.berth.dev/fail": "SoftwareEmulation"}}})
    space.expect("erp", "Isolated", "False", "SoftwareEmulation")


def test_pods_with_another_runtime_are_not_isolated(space: Space) -> None:
    space.workload("web", specs.container(trust="Restricted"))
    space.ready("web")
    pod = space.pods("web")[0]
    spec = {key: pod["spec"][key] for key in ("containers", "securityContext")}
    # Without the label by which the ReplicaSet would take it for a replica too many and delete it at once.
    labels = {key: value for key, value in pod["metadata"]["labels"].items() if key != "pod-template-hash"}
    bare = {"metadata": {"name": "intruder", "labels": labels}, "spec": spec}
    space.put_body(POD, bare)
    space.expect("web", "Isolated", "False", "IsolationMismatch", says="RuntimeClass none")
    space.delete(POD, "intruder")
    space.expect("web", "Isolated", "True")
