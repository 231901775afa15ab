"""The simulator shows an operator what KubeVirt shows: objects, phases, conditions."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from ground import crds, kubevirt_sim, simulator
from ground.api import ApiError, call, eventually
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import KUBEVIRT, POD, VM, VMI
from ground.parts import component
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]
FAIL = kubevirt_sim.FAIL


def test_platform(kubevirt: Cluster) -> None:
    """The KubeVirt object says what a capability check reads."""
    found = wishes.get(kubevirt, KUBEVIRT, "kubevirt", "kubevirt")
    status = found["status"]
    assert (status["phase"], status["defaultArchitecture"]) == ("Deployed", "amd64")
    assert status["observedGeneration"] == found["metadata"]["generation"]
    states = {type_: wishes.condition(found, type_)[0] for type_ in ("Available", "Progressing", "Degraded")}
    assert states == {"Available": "True", "Progressing": "False", "Degraded": "False"}


def test_machine_runs(kubevirt: Cluster, space: str) -> None:
    """A machine gets an instance, that a launcher pod, and each shows the other's state."""
    vm = wishes.running(kubevirt, space, "web")
    vmi = wishes.get(kubevirt, VMI, space, "web")
    (pod,) = wishes.launchers(kubevirt, space, "web")
    assert vm["status"] | {"created": True, "ready": True, "printableStatus": "Running"} == vm["status"]
    assert vm["status"]["observedGeneration"] == vm["status"]["desiredGeneration"] == vm["metadata"]["generation"]
    assert [item["phase"] for item in vmi["status"]["phaseTransitionTimestamps"]] == [
        "Pending",
        "Scheduling",
        "Scheduled",
        "Running",
    ]
    assert vmi["status"]["nodeName"] == pod["spec"]["nodeName"]
    assert wishes.condition(vm, "LiveMigratable") == ("True", None)
    assert pod["metadata"]["labels"]["app"] == "web"
    assert pod["metadata"]["labels"]["kubevirt.io"] == "virt-launcher"
    assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == "1312Mi"


def test_webhook_defaults_survive_apply(kubevirt: Cluster, space: str) -> None:
    """What is filled on create is there and a second apply of the same manifest does not change it."""
    first = wishes.running(kubevirt, space, "web")["spec"]["template"]
    assert first["spec"]["architecture"] == "amd64"
    assert first["spec"]["domain"]["machine"] == {"type": "q35"}
    assert set(first["spec"]["domain"]["firmware"]) == {"uuid", "serial"}
    assert first["metadata"]["annotations"]["kubevirt.io/pci-topology-version"] == "v3"
    wishes.machine(kubevirt, space, "web")
    assert wishes.get(kubevirt, VM, space, "web")["spec"]["template"] == first


def test_nothing_is_written_when_nothing_changes(kubevirt: Cluster, space: str) -> None:
    """A settled machine keeps its version: no field is pruned and written again for ever."""
    wishes.running(kubevirt, space, "web")
    wishes.running(kubevirt, space, "other")
    before = [wishes.get(kubevirt, kind, space, "web")["metadata"]["resourceVersion"] for kind in (VM, VMI)]
    wishes.running(kubevirt, space, "third")
    after = [wishes.get(kubevirt, kind, space, "web")["metadata"]["resourceVersion"] for kind in (VM, VMI)]
    assert before == after


def test_delete(kubevirt: Cluster, space: str) -> None:
    """Deleting a machine removes instance and pod and lets go of the finalizers."""
    wishes.running(kubevirt, space, "web")
    wishes.delete(kubevirt, VM, space, "web")
    for kind in (VM, VMI):
        wishes.gone(kubevirt, kind, space, "web")
    assert call(kubevirt.kubeconfig, "GET", POD.path(space))["items"] == []


def test_halted_then_always(kubevirt: Cluster, space: str) -> None:
    """A halted machine has no instance; starting and halting it works."""
    wishes.machine(kubevirt, space, "web", strategy="Halted")
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("Stopped"))
    assert wishes.read(kubevirt, VMI.path(space, "web")) is None
    wishes.merge(kubevirt, VM, space, "web", {"spec": {"runStrategy": "Always"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    wishes.merge(kubevirt, VM, space, "web", {"spec": {"runStrategy": "Halted"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("Stopped"))


def test_manual_waits_for_a_request(kubevirt: Cluster, space: str) -> None:
    """A manual machine starts on a request in its status, as `virtctl start` writes it."""
    wishes.machine(kubevirt, space, "web", strategy="Manual")
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("Stopped"))
    path = VM.path(space, "web") + "/status"
    request = {"status": {"stateChangeRequests": [{"action": "Start"}]}}
    call(kubevirt.kubeconfig, "PATCH", path, request, "application/merge-patch+json")
    found = wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert "stateChangeRequests" not in found["status"]


@pytest.mark.parametrize("strategy", ["Once", "RerunOnFailure"])
def test_task_succeeds(kubevirt: Cluster, space: str, strategy: str) -> None:
    """A guest that powers off ends in Succeeded and is not started again; Once keeps the instance as the record."""
    off = {kubevirt_sim.SUCCEED_AFTER: "500ms"}
    wishes.machine(kubevirt, space, "task", strategy=strategy, template_annotations=off)
    eventually(lambda: wishes.passed(kubevirt, VM, space, wishes.ready), wishes.SECONDS, "it ran")
    found = wishes.wait(kubevirt, VM, space, "task", wishes.printed("Stopped"))
    assert found["status"]["ready"] is False
    if strategy == "Once":
        assert wishes.get(kubevirt, VMI, space, "task")["status"]["phase"] == "Succeeded"
    else:
        wishes.gone(kubevirt, VMI, space, "task")


def test_failed_task_is_rerun(kubevirt: Cluster, space: str) -> None:
    """RerunOnFailure starts a new instance after a failed one."""
    wishes.machine(kubevirt, space, "task", strategy="RerunOnFailure")
    wishes.wait(kubevirt, VM, space, "task", wishes.ready)
    first = wishes.get(kubevirt, VMI, space, "task")["metadata"]["uid"]
    wishes.delete(kubevirt, POD, space, wishes.launchers(kubevirt, space, "task")[0]["metadata"]["name"])
    wishes.wait(kubevirt, VMI, space, "task", lambda vmi: vmi["metadata"]["uid"] != first and wishes.ready(vmi))


@pytest.mark.parametrize("what", [VMI, POD])
def test_always_starts_again(kubevirt: Cluster, space: str, what: Any) -> None:
    """A deleted instance or launcher pod of an Always machine is followed by a new instance."""
    wishes.running(kubevirt, space, "web")
    first = wishes.get(kubevirt, VMI, space, "web")["metadata"]["uid"]
    name = "web" if what is VMI else wishes.launchers(kubevirt, space, "web")[0]["metadata"]["name"]
    wishes.delete(kubevirt, what, space, name)
    wishes.wait(kubevirt, VMI, space, "web", lambda vmi: vmi["metadata"]["uid"] != first and wishes.ready(vmi))


def test_slow_boot(kubevirt: Cluster, space: str) -> None:
    """A guest that boots for a while is Starting, and scheduled, that long."""
    wishes.machine(kubevirt, space, "web", template_annotations={kubevirt_sim.BOOT_AFTER: "2s"})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert wishes.passed(kubevirt, VM, space, wishes.printed("Starting"))
    times = wishes.get(kubevirt, VMI, space, "web")["status"]["phaseTransitionTimestamps"]
    at = {each["phase"]: datetime.fromisoformat(each["phaseTransitionTimestamp"]) for each in times}
    assert at["Running"] - at["Scheduled"] >= timedelta(seconds=2)


def test_degraded_kubevirt_does_nothing(kubevirt: Cluster, space: str) -> None:
    """While KubeVirt is down its objects say so and new machines stay as they are."""
    wishes.annotate(kubevirt, KUBEVIRT, "kubevirt", "kubevirt", {FAIL: "Degraded"})
    wishes.wait(
        kubevirt, KUBEVIRT, "kubevirt", "kubevirt", lambda found: wishes.condition(found, "Degraded")[0] == "True"
    )
    wishes.machine(kubevirt, space, "web")
    assert "status" not in wishes.get(kubevirt, VM, space, "web")
    wishes.annotate(kubevirt, KUBEVIRT, "kubevirt", "kubevirt", {FAIL: None})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def test_simulator_acts_as_kubevirt(kubevirt: Cluster) -> None:
    """The simulator has KubeVirt's own account: it may not even read a Secret."""
    account = kubevirt.kubeconfig.parent / f"{kubevirt_sim.SERVICE_ACCOUNT}.yaml"
    with pytest.raises(ApiError, match=f"{kubevirt_sim.NAMESPACE}:{kubevirt_sim.SERVICE_ACCOUNT}"):
        call(account, "GET", "/api/v1/secrets")


def test_idle_simulator_rests(kubevirt: Cluster, space: str) -> None:
    """With nothing to do the simulator uses next to no CPU time."""
    wishes.running(kubevirt, space, "web")
    pid = component(kubevirt.workdir, simulator.NAME).pid
    stat = Path(f"/proc/{pid}/stat")

    def used() -> float:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, started = used(), monotonic()
    wishes.running(kubevirt, space, "another")
    wishes.running(kubevirt, space, "third")
    assert used() - before < 2.0 + 0.2 * (monotonic() - started)


def test_crds_go_and_come_back(kubevirt: Cluster) -> None:
    """KubeVirt can be uninstalled below machines that run; installed again, it serves new ones."""
    space = wishes.namespace(kubevirt)
    wishes.running(kubevirt, space, "web")
    crds.remove(kubevirt)
    eventually(lambda: call(kubevirt.kubeconfig, "GET", POD.path(space))["items"] == [], wishes.SECONDS, "pods gone")
    crds.install(kubevirt)
    eventually(lambda: simulator.deployed(kubevirt), wishes.SECONDS, "KubeVirt Deployed again")
    wishes.running(kubevirt, space, "web")
