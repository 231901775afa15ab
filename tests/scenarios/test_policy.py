"""A policy that comes moves what it may move by itself, holds what it may not, and never weakens what runs."""

import pytest

from ground.api import eventually
from ground.nodes import Shape
from scenarios import specs
from scenarios.kinds import CLASS, DEPLOYMENT, POLICY, REPLICA_SET, VM, VMI, WORKLOAD
from scenarios.objects import SECONDS, Json, history, items
from scenarios.process import Operator
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

METRICS = {"below": "below_required", "pending": "pending_switch"}


def most_pods(space: Space, asked: dict[str, int], since: str) -> int:
    """Return the most pods that all ReplicaSets together asked for since a version, when they asked for these.

    The Deployment's own count lags behind: on a busy control plane it has pods in it that are on their way out.
    """
    totals = [sum(asked.values())]
    for state in history(space.cluster, REPLICA_SET, space.name, since):
        asked = asked | {state["metadata"]["name"]: state["spec"]["replicas"]}
        totals.append(sum(asked.values()))
    assert len(asked) == 2, "one ReplicaSet gave way to another"
    return max(totals)


def test_pods_move_up_by_themselves_without_a_gap_and_never_down(space: Space) -> None:
    space.workload("web", specs.container(replicas=4))
    space.ready("web")
    asked = {
        each["metadata"]["name"]: each["spec"]["replicas"] for each in items(space.cluster, REPLICA_SET, space.name)
    }
    before = space.get(DEPLOYMENT, "web")
    space.policy({"level": "Sandboxed"})
    space.until(WORKLOAD, "web", lambda found: found["status"]["placement"]["className"] == "gvisor")
    space.expect("web", "Isolated", "True")
    space.expect("web", "Ready", "True")
    assert {pod["spec"]["runtimeClassName"] for pod in space.pods("web")} == {"gvisor"}
    states = history(space.cluster, DEPLOYMENT, space.name, before["metadata"]["resourceVersion"])
    assert {state["metadata"]["uid"] for state in states} == {before["metadata"]["uid"]}
    assert min(state["status"].get("readyReplicas", 0) for state in states) >= 4
    assert most_pods(space, asked, before["metadata"]["resourceVersion"]) <= 5
    space.quiet()
    space.delete(POLICY, space.name)
    decided = space.until(WORKLOAD, "web", lambda found: "IsolationPolicy" not in str(found["status"]["placement"]))
    assert decided["status"]["placement"]["className"] == "gvisor"
    assert space.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"


def confidential(space: Space) -> str:
    """Make a place for confidential machines, which others cannot use."""
    space.node("snp", Shape(labels={"kubevirt.io/sev-snp": "true"}))
    snp = {"level": "Confidential", "virtualMachine": {"launchSecurity": "snp"}, **space.pool}
    name = space.isolation_class("snp", snp)
    space.until(CLASS, name, lambda found: shows(found, "Available", "True"))
    return name


def test_a_machine_waits_for_approval_and_says_that_it_runs_below(space: Space, operator: Operator) -> None:
    place = confidential(space)
    space.workload("erp", specs.machine())
    space.ready("erp")
    running = space.get(VMI, "erp")["metadata"]["uid"]
    space.policy({"level": "Confidential"})
    found = space.expect("erp", "Isolated", "False", "BelowRequired", says=space.name)
    pending = found["status"]["pendingSwitch"]
    assert (pending["from"], pending["to"]) == ("vm", place)
    assert found["status"]["placement"]["className"] == "vm"
    assert condition(found, "Ready")["status"] == "True"
    eventually(lambda: {"AwaitingApproval", "BelowRequired"} <= reasons(space, "erp"), SECONDS, "both Events")
    gauges(operator, below=1, pending=1)
    assert space.get(VMI, "erp")["metadata"]["uid"] == running
    space.delete(POLICY, space.name)
    space.until(WORKLOAD, "erp", lambda found: "pendingSwitch" not in found["status"])
    space.expect("erp", "Isolated", "True")
    gauges(operator, below=0, pending=0)
    assert space.get(VMI, "erp")["metadata"]["uid"] == running


def test_where_nothing_fits_a_machine_keeps_running_and_nothing_new_starts(space: Space, operator: Operator) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    running, spec = space.get(VMI, "erp")["metadata"]["uid"], space.get(VM, "erp")["spec"]
    space.policy({"level": "Confidential"})
    found = space.expect("erp", "Isolated", "False", "BelowRequired")
    assert condition(found, "Placed")["status"] == "False"
    gauges(operator, below=1, pending=0)
    edited = specs.machine(resources={"requests": {"cpu": "2", "memory": "2Gi"}})
    space.workload("erp", edited)
    space.workload("late", specs.machine())
    space.workload("pods", specs.container())
    for name in ("late", "pods"):
        space.expect(name, "Placed", "False")
        assert space.children(name) == set()
    space.expect("erp", "Isolated", "False", "BelowRequired")
    space.quiet()
    assert space.get(VM, "erp")["spec"] == spec
    assert space.get(VMI, "erp")["metadata"]["uid"] == running
    assert {event["type"] for event in space.events("erp")} == {"Warning"}
    space.delete(POLICY, space.name)
    for name in ("late", "pods"):
        space.ready(name)
    space.until(VM, "erp", lambda found: memory(found) == "2Gi")


def test_a_machine_below_what_is_required_moves_when_it_is_asked_to_stop(space: Space) -> None:
    place = confidential(space)
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.policy({"level": "Confidential"})
    space.expect("erp", "Isolated", "False", "BelowRequired")
    space.scale("erp", 0)
    space.until(VM, "erp", lambda found: found["spec"]["runStrategy"] == "Halted")
    space.expect("erp", "Ready", "True", "ScaledToZero")
    space.scale("erp", 1)
    found = space.ready("erp")
    assert found["status"]["placement"]["className"] == place
    assert "launchSecurity" in space.get(VMI, "erp")["spec"]["domain"]


def test_where_nothing_fits_what_runs_can_be_stopped_and_comes_back_when_something_fits(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.policy({"level": "Confidential"})
    space.expect("erp", "Isolated", "False", "BelowRequired")
    space.scale("erp", 0)
    eventually(
        lambda: not any(child.startswith("VirtualMachine") for child in space.children("erp")), SECONDS, "it is gone"
    )
    space.expect("erp", "Ready", "False", "NoEligibleClass")
    space.delete(POLICY, space.name)
    space.scale("erp", 1)
    space.ready("erp")


def gauges(operator: Operator, **wanted: int) -> None:
    """Wait for the gauges of the operator, which count the last Workloads of the test before for a moment longer."""
    what = {name: f"berth_workloads_{METRICS[name]}" for name in wanted}
    eventually(lambda: {name: operator.metric(what[name]) for name in wanted} == wanted, SECONDS, f"gauges {wanted}")


def reasons(space: Space, name: str) -> set[str]:
    return {event["reason"] for event in space.events(name)}


def memory(found: Json) -> str:
    text: str = found["spec"]["template"]["spec"]["domain"]["memory"]["guest"]
    return text


def test_pods_that_nothing_fits_keep_running_and_are_not_started_again(space: Space) -> None:
    space.workload("web", specs.container(replicas=2))
    space.ready("web")
    before = space.get(DEPLOYMENT, "web")
    space.policy({"level": "Confidential"})
    space.expect("web", "Isolated", "False", "BelowRequired")
    space.workload("web", specs.container(replicas=5))
    space.expect("web", "Isolated", "False", "BelowRequired")
    space.quiet()
    after = space.get(DEPLOYMENT, "web")
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert after["status"]["readyReplicas"] == 2
