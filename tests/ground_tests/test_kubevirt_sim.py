"""The simulator shows an operator what KubeVirt shows: objects, phases, conditions, failures."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ground import crds, kubevirt_sim, simulator
from ground.api import ApiError, call, eventually
from ground.cluster import Cluster, component
from ground.kubevirt_sim.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    DATA_SOURCE,
    DATA_VOLUME,
    KUBEVIRT,
    MIGRATION,
    POD,
    POOL,
    QUOTA,
    STORAGE_CLASS,
    VM,
    VMI,
)
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]
FAIL = kubevirt_sim.FAIL


@pytest.fixture
def space(kubevirt: Cluster) -> str:
    """Give a namespace of its own."""
    return wishes.namespace(kubevirt)


def running(cluster: Cluster, space: str, name: str) -> Json:
    """Make a virtual machine and wait until it is ready."""
    wishes.machine(cluster, space, name)
    return wishes.wait(cluster, VM, space, name, wishes.ready)


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
    vm = running(kubevirt, space, "web")
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
    first = running(kubevirt, space, "web")["spec"]["template"]
    assert first["spec"]["architecture"] == "amd64"
    assert first["spec"]["domain"]["machine"] == {"type": "q35"}
    assert set(first["spec"]["domain"]["firmware"]) == {"uuid", "serial"}
    assert first["metadata"]["annotations"]["kubevirt.io/pci-topology-version"] == "v3"
    wishes.machine(kubevirt, space, "web")
    assert wishes.get(kubevirt, VM, space, "web")["spec"]["template"] == first


def test_nothing_is_written_when_nothing_changes(kubevirt: Cluster, space: str) -> None:
    """A settled machine keeps its version: no field is pruned and written again for ever."""
    running(kubevirt, space, "web")
    running(kubevirt, space, "other")
    before = [wishes.get(kubevirt, kind, space, "web")["metadata"]["resourceVersion"] for kind in (VM, VMI)]
    running(kubevirt, space, "third")
    after = [wishes.get(kubevirt, kind, space, "web")["metadata"]["resourceVersion"] for kind in (VM, VMI)]
    assert before == after


def test_delete(kubevirt: Cluster, space: str) -> None:
    """Deleting a machine removes instance and pod and lets go of the finalizers."""
    running(kubevirt, space, "web")
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
    wishes.wait(kubevirt, VM, space, "task", wishes.ready)
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
    running(kubevirt, space, "web")
    first = wishes.get(kubevirt, VMI, space, "web")["metadata"]["uid"]
    name = "web" if what is VMI else wishes.launchers(kubevirt, space, "web")[0]["metadata"]["name"]
    wishes.delete(kubevirt, what, space, name)
    wishes.wait(kubevirt, VMI, space, "web", lambda vmi: vmi["metadata"]["uid"] != first and wishes.ready(vmi))


def test_template_change_needs_restart(kubevirt: Cluster, space: str) -> None:
    """A change that is not live sets RestartRequired; a restart clears it; labels wait for one without saying so."""
    running(kubevirt, space, "web")
    labels = {"spec": {"template": {"metadata": {"labels": {"extra": "1"}}}}}
    wishes.merge(kubevirt, VM, space, "web", labels)
    found = wishes.wait(kubevirt, VM, space, "web", settled)
    assert wishes.condition(found, "RestartRequired") == (None, None)
    assert found["status"]["observedGeneration"] < found["metadata"]["generation"]
    cores = {"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 2}}}}}}
    wishes.merge(kubevirt, VM, space, "web", cores)
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "RestartRequired")[0] == "True")
    wishes.delete(kubevirt, VMI, space, "web")
    found = wishes.wait(
        kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "RestartRequired")[0] is None and wishes.ready(vm)
    )
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]


def settled(vm: Json) -> bool:
    """Tell whether KubeVirt has looked at the newest generation of a machine."""
    return bool(vm["status"].get("desiredGeneration") == vm["metadata"]["generation"])


def test_a_change_taken_back_is_as_if_it_had_not_been(kubevirt: Cluster, space: str) -> None:
    """The generation that is observed follows again when the whole template is what the guest was started with."""
    running(kubevirt, space, "web")
    for tolerations in ([{"key": "a", "operator": "Exists"}], None):
        wishes.merge(kubevirt, VM, space, "web", {"spec": {"template": {"spec": {"tolerations": tolerations}}}})
        found = wishes.wait(kubevirt, VM, space, "web", settled)
        agrees = found["status"]["observedGeneration"] == found["metadata"]["generation"]
        assert (agrees, wishes.ready(found)) == (tolerations is None, True)


def test_processors_and_memory_come_with_a_migration(kubevirt: Cluster, space: str) -> None:
    """More of them reach the instance at once and the guest when it moves; the source pod has then done its work."""
    running(kubevirt, space, "web")
    more = {"cpu": {"sockets": 2}, "memory": {"guest": "2Gi"}}
    wishes.merge(kubevirt, VM, space, "web", {"spec": {"template": {"spec": {"domain": more}}}})
    found = wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "HotMemoryChange")[0] == "True")
    assert wishes.condition(found, "HotVCPUChange")[0] == "True"
    (source,) = wishes.launchers(kubevirt, space, "web")
    wishes.make(kubevirt, MIGRATION, space, {"metadata": {"name": "move"}, "spec": {"vmiName": "web"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("Migrating"))
    wishes.wait(kubevirt, MIGRATION, space, "move", lambda found: found["status"]["phase"] == "Succeeded")
    vmi = wishes.wait(kubevirt, VMI, space, "web", lambda vmi: wishes.condition(vmi, "HotVCPUChange")[0] is None)
    assert vmi["status"]["currentCPUTopology"]["sockets"] == 2
    assert vmi["status"]["memory"]["guestCurrent"] == "2Gi"
    assert vmi["status"]["nodeName"] != source["spec"]["nodeName"]
    left = wishes.get(kubevirt, POD, space, source["metadata"]["name"])
    assert left["status"]["phase"] == "Succeeded"
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.printed("Running")(vm) and wishes.ready(vm))


def test_what_cannot_move_is_not_migrated(kubevirt: Cluster, space: str) -> None:
    """KubeVirt's webhook refuses to migrate an instance that says it cannot move."""
    wishes.machine(kubevirt, space, "web", annotations={FAIL: "NotMigratable"})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    with pytest.raises(ApiError, match="Cannot migrate VMI, Reason: DisksNotLiveMigratable"):
        wishes.make(kubevirt, MIGRATION, space, {"metadata": {"name": "move"}, "spec": {"vmiName": "web"}})


def test_a_paused_guest_serves_nothing(kubevirt: Cluster, space: str) -> None:
    """Pausing shuts the launcher's readiness gate, and the kubelet takes the pod out of service until it goes on."""
    running(kubevirt, space, "web")
    before = wishes.get(kubevirt, VMI, space, "web")["status"]["conditions"]
    paused = [*before, {"type": "Paused", "status": "True", "reason": "PausedByUser"}]
    wishes.merge(kubevirt, VMI, space, "web", {"status": {"conditions": paused}})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.printed("Paused")(vm) and not wishes.ready(vm))
    wishes.merge(kubevirt, VMI, space, "web", {"status": {"conditions": before}})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.printed("Running")(vm) and wishes.ready(vm))


def test_missing_instancetype_heals(kubevirt: Cluster, space: str) -> None:
    """Without its instance type a machine is Stopped with Failure=True; it starts when the type is made."""
    name = f"u1-{space}"
    domain: Json = {"cpu": {}, "memory": {}}
    wishes.machine(kubevirt, space, "web", domain=domain, instancetype={"name": name})
    failed = ("True", "FailedFindInstancetype")
    found = wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "Failure") == failed)
    assert wishes.printed("Stopped")(found)
    spec = {"cpu": {"guest": 2}, "memory": {"guest": "4Gi"}}
    wishes.make(kubevirt, CLUSTER_INSTANCETYPE, "", {"metadata": {"name": name}, "spec": spec})
    found = wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert wishes.condition(found, "Failure") == (None, None)
    assert found["status"]["instancetypeRef"]["name"] == name
    vmi = wishes.get(kubevirt, VMI, space, "web")
    assert (vmi["spec"]["domain"]["cpu"]["sockets"], vmi["spec"]["domain"]["memory"]["guest"]) == (2, "4Gi")


def test_missing_claim_heals(kubevirt: Cluster, space: str) -> None:
    """A claim that is not there shows in printable status and condition; a DataVolume of its name helps."""
    wishes.machine(kubevirt, space, "web", volume={"persistentVolumeClaim": {"claimName": "root"}})
    found = wishes.wait(kubevirt, VM, space, "web", wishes.printed("ErrorPvcNotFound"))
    assert wishes.condition(found, "Synchronized") == ("False", "FailedPvcNotFound")
    storage = {"resources": {"requests": {"storage": "3Gi"}}}
    wishes.make(
        kubevirt,
        DATA_VOLUME,
        space,
        {"metadata": {"name": "root"}, "spec": {"source": {"blank": {}}, "storage": storage}},
    )
    found = wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert wishes.condition(found, "Synchronized") == (None, None)
    assert wishes.condition(found, "LiveMigratable") == ("False", "DisksNotLiveMigratable")


def test_data_volume_from_data_source(kubevirt: Cluster, space: str) -> None:
    """A DataVolume is refused without its DataSource; then it clones the claim that this names, with its size."""
    images = wishes.namespace(kubevirt)
    reference = {"kind": "DataSource", "name": "debian", "namespace": images}
    body = {"metadata": {"name": "root"}, "spec": {"sourceRef": reference, "storage": {}}}
    with pytest.raises(ApiError, match=r'datasources\.cdi\.kubevirt\.io "debian" not found'):
        wishes.make(kubevirt, DATA_VOLUME, space, body)
    source = {"source": {"pvc": {"namespace": images, "name": "golden"}}}
    wishes.make(kubevirt, DATA_SOURCE, images, {"metadata": {"name": "debian"}, "spec": source})
    wishes.wait(kubevirt, DATA_SOURCE, images, "debian", lambda found: wishes.condition(found, "Ready")[0] == "False")
    wishes.make(kubevirt, DATA_VOLUME, space, body)
    wishes.machine(kubevirt, space, "web", volume={"dataVolume": {"name": "root"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("ErrorPvcNotFound"))
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "7Gi"}}}
    wishes.make(kubevirt, CLAIM, images, {"metadata": {"name": "golden"}, "spec": claim})
    wishes.wait(kubevirt, DATA_SOURCE, images, "debian", wishes.ready)
    wishes.wait(kubevirt, DATA_VOLUME, space, "root", lambda found: found["status"]["phase"] == "Succeeded")
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert wishes.get(kubevirt, CLAIM, space, "root")["spec"]["resources"]["requests"]["storage"] == "7Gi"


def test_an_import_that_fails_is_tried_for_ever(kubevirt: Cluster, space: str) -> None:
    """The machine says DataVolumeError, the DataVolume why, and it is not in phase Failed."""
    meta = {"name": "root", "annotations": {FAIL: "Error"}}
    wishes.make(kubevirt, DATA_VOLUME, space, {"metadata": meta, "spec": {"source": {"blank": {}}, "storage": {}}})
    wishes.machine(kubevirt, space, "web", volume={"dataVolume": {"name": "root"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("DataVolumeError"))
    found = wishes.get(kubevirt, DATA_VOLUME, space, "root")
    assert found["status"]["phase"] == "ImportInProgress"
    assert wishes.condition(found, "Running") == ("False", "Error")
    wishes.annotate(kubevirt, DATA_VOLUME, space, "root", {FAIL: None})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def test_failed_data_volume(kubevirt: Cluster, space: str) -> None:
    """A DataVolume that failed shows on the machine that wants it."""
    meta = {"name": "root", "annotations": {FAIL: "Failed"}}
    wishes.make(kubevirt, DATA_VOLUME, space, {"metadata": meta, "spec": {"source": {"blank": {}}, "storage": {}}})
    wishes.machine(kubevirt, space, "web", volume={"dataVolume": {"name": "root"}})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("DataVolumeError"))


def test_no_capable_node(kubevirt: Cluster, space: str) -> None:
    """Where no node fits, the pod's own verdict shows on the machine."""
    wishes.machine(kubevirt, space, "web", domain={"memory": {"guest": "900Gi"}})
    found = wishes.wait(kubevirt, VM, space, "web", wishes.printed("ErrorUnschedulable"))
    assert wishes.condition(found, "PodScheduled") == ("False", "Unschedulable")


def test_restricted_namespace_by_real_admission(kubevirt: Cluster) -> None:
    """PodSecurity refuses KubeVirt's default launcher; KubeVirt's seccomp setting is the cure."""
    space = wishes.namespace(kubevirt, {"pod-security.kubernetes.io/enforce": "restricted"})
    wishes.machine(kubevirt, space, "web")
    found = wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "Synchronized")[1])
    assert wishes.condition(found, "Synchronized") == ("False", "FailedCreate")
    message = next(item["message"] for item in found["status"]["conditions"] if item["type"] == "Synchronized")
    assert "needs a privileged namespace" in message
    assert found["status"]["printableStatus"] == "Starting"
    profile = {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}}
    setting = {"spec": {"configuration": {"seccompConfiguration": profile}}}
    wishes.merge(kubevirt, KUBEVIRT, "kubevirt", "kubevirt", setting)
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    wishes.merge(kubevirt, KUBEVIRT, "kubevirt", "kubevirt", {"spec": {"configuration": None}})


def test_quota_doubles_the_limit(kubevirt: Cluster, space: str) -> None:
    """A quota on limits.memory makes KubeVirt limit the launcher to twice its request; a full quota refuses it."""
    hard = {"limits.memory": "4Gi", "limits.cpu": "4"}
    wishes.make(kubevirt, QUOTA, space, {"metadata": {"name": "all"}, "spec": {"hard": hard}})
    wishes.wait(kubevirt, QUOTA, space, "all", lambda found: found.get("status", {}).get("hard"))
    running(kubevirt, space, "one")
    (pod,) = wishes.launchers(kubevirt, space, "one")
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == "2624Mi"
    wishes.machine(kubevirt, space, "two")
    found = wishes.wait(kubevirt, VM, space, "two", lambda vm: wishes.condition(vm, "Synchronized")[1])
    assert "exceeded quota" in str(found["status"]["conditions"])
    wishes.delete(kubevirt, QUOTA, space, "all")
    wishes.wait(kubevirt, VM, space, "two", wishes.ready)


def test_refused_instance_shows_on_its_machine(kubevirt: Cluster, space: str) -> None:
    """When admission refuses the instance, that is a failure of its machine, which starts when it is allowed."""
    wishes.deny(kubevirt, space, "kubevirt.io", "virtualmachineinstances")
    wishes.machine(kubevirt, space, "web")
    found = wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "Failure")[1])
    assert wishes.condition(found, "Failure") == ("True", "FailedCreate")
    wishes.delete(kubevirt, wishes.BINDING, "", space)
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def test_persistent_state_needs_a_storage_class(kubevirt: Cluster, space: str) -> None:
    """A persistent TPM needs a default StorageClass; with one, its claim is made."""
    standard = wishes.get(kubevirt, STORAGE_CLASS, "", "ground")
    mark = "storageclass.kubernetes.io/is-default-class"
    wishes.annotate(kubevirt, STORAGE_CLASS, "", "ground", {mark: "false"})
    devices = {"tpm": {"persistent": True}, "disks": [{"name": "root", "disk": {}}]}
    wishes.machine(
        kubevirt, space, "win", domain={"devices": {**devices, "interfaces": [{"name": "default", "masquerade": {}}]}}
    )
    found = wishes.wait(kubevirt, VM, space, "win", lambda vm: wishes.condition(vm, "Synchronized")[1])
    assert wishes.condition(found, "Synchronized") == ("False", "FailedBackendStorageCreate")
    wishes.annotate(kubevirt, STORAGE_CLASS, "", "ground", {mark: standard["metadata"]["annotations"][mark]})
    wishes.wait(kubevirt, VM, space, "win", wishes.ready)
    assert wishes.get(kubevirt, CLAIM, space, "persistent-state-for-win")


def test_crash_loop_and_recovery(kubevirt: Cluster, space: str) -> None:
    """A machine that fails to start backs off with a counter; it runs when the cause is gone."""
    wishes.machine(kubevirt, space, "web", annotations={FAIL: "CrashLoop"})
    wishes.wait(kubevirt, VM, space, "web", wishes.printed("CrashLoopBackOff"))
    failed = wishes.wait(
        kubevirt, VM, space, "web", lambda vm: vm["status"].get("startFailure", {}).get("consecutiveFailCount", 0) > 1
    )
    assert failed["status"]["startFailure"]["retryAfterTimestamp"]
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: None})
    found = wishes.wait(kubevirt, VM, space, "web", wishes.ready)
    assert "startFailure" not in found["status"]


SYMPTOMS = {
    "NotMigratable": ("Running", "LiveMigratable", ("False", "DisksNotLiveMigratable")),
    "SoftwareEmulation": ("Running", "SoftwareEmulation", ("True", None)),
    "PSA": ("Starting", "Synchronized", ("False", "FailedCreate")),
    "NeverReady": ("Running", "Ready", ("False", "ContainersNotReady")),
    "ImagePullBackOff": ("ImagePullBackOff", "Synchronized", ("False", "ImagePullBackOff")),
}


@pytest.mark.parametrize("failure", SYMPTOMS)
def test_failure_on_demand(kubevirt: Cluster, space: str, failure: str) -> None:
    """An annotation makes a machine fail in one way; without it the machine becomes well."""
    status, type_, expected = SYMPTOMS[failure]
    wishes.machine(kubevirt, space, "web", annotations={FAIL: failure})
    seen = wishes.printed(status)
    wishes.wait(kubevirt, VM, space, "web", lambda vm: seen(vm) and wishes.condition(vm, type_) == expected)
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: None})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def test_running_machine_can_be_made_to_fail(kubevirt: Cluster, space: str) -> None:
    """A failure can be asked for, and taken back, while the machine runs."""
    running(kubevirt, space, "web")
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: "NeverReady"})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: not wishes.ready(vm))
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: None})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def test_slow_boot(kubevirt: Cluster, space: str) -> None:
    """A guest that boots for a while is Starting, and scheduled, that long."""
    wishes.machine(kubevirt, space, "web", template_annotations={kubevirt_sim.BOOT_AFTER: "2s"})
    wishes.wait(kubevirt, VMI, space, "web", lambda vmi: vmi["status"]["phase"] == "Scheduled")
    assert wishes.get(kubevirt, VM, space, "web")["status"]["printableStatus"] == "Starting"
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)


def pool(replicas: int, **more: Any) -> Json:
    """Return a pool of small machines."""
    template = {"metadata": {"labels": {"pool": "web"}}, "spec": wishes.vm_spec("web")}
    template["spec"]["template"]["metadata"]["labels"] = {"pool": "web"}
    selector = {"matchLabels": {"pool": "web"}}
    spec = {"replicas": replicas, "selector": selector, "virtualMachineTemplate": template, **more}
    return {"metadata": {"name": "web"}, "spec": spec}


def has_ready(count: int) -> Any:
    """Return a wish for a pool's numbers."""
    return lambda found: (
        (found.get("status", {}).get("replicas"), found.get("status", {}).get("readyReplicas")) == (count, count)
    )


def machines(cluster: Cluster, space: str) -> list[str]:
    """Return the names of the machines of a namespace."""
    return sorted(item["metadata"]["name"] for item in call(cluster.kubeconfig, "GET", VM.path(space))["items"])


def test_pool_scales(kubevirt: Cluster, space: str) -> None:
    """A pool makes machines by number, reports them, follows its scale subresource, and replaces a lost one."""
    wishes.make(kubevirt, POOL, space, pool(3))
    found = wishes.wait(kubevirt, POOL, space, "web", has_ready(3))
    assert machines(kubevirt, space) == ["web-0", "web-1", "web-2"]
    assert found["status"]["labelSelector"] == "pool=web"
    path = POOL.path(space, "web") + "/scale"
    call(kubevirt.kubeconfig, "PATCH", path, {"spec": {"replicas": 1}}, "application/merge-patch+json")
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    eventually(lambda: machines(kubevirt, space) == ["web-0"], wishes.SECONDS, "only web-0")
    wishes.delete(kubevirt, VM, space, "web-0")
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    wishes.delete(kubevirt, POOL, space, "web")
    eventually(lambda: machines(kubevirt, space) == [], wishes.SECONDS, "machines of the pool gone")


def test_pool_rolls_out_a_change(kubevirt: Cluster, space: str) -> None:
    """A changed template reaches machines and instances, which keep their identity."""
    wishes.make(kubevirt, POOL, space, pool(2, maxUnavailable=1))
    wishes.wait(kubevirt, POOL, space, "web", has_ready(2))
    uuid = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"]
    changed = pool(2, maxUnavailable=1)
    changed["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] = 2
    wishes.make(kubevirt, POOL, space, changed)
    for name in ("web-0", "web-1"):
        wishes.wait(
            kubevirt, VMI, space, name, lambda vmi: vmi["spec"]["domain"]["cpu"]["cores"] == 2 and wishes.ready(vmi)
        )
    after = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["domain"]
    assert after["firmware"]["uuid"] == uuid


def test_pool_names_secrets_by_number(kubevirt: Cluster, space: str) -> None:
    """With nameGeneration every machine has a Secret of its own."""
    body = pool(1, nameGeneration={"appendIndexToSecretRefs": True})
    spec = body["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "init", "cloudInitNoCloud": {"secretRef": {"name": "userdata"}}})
    wishes.make(kubevirt, POOL, space, body)
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    volumes = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["volumes"]
    assert volumes[1]["cloudInitNoCloud"]["secretRef"]["name"] == "userdata-0"


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


def test_killed_simulator_goes_on(kubevirt: Cluster, space: str) -> None:
    """Killed in the middle and started again, the simulator finishes what was begun and doubles nothing."""
    wishes.make(kubevirt, POOL, space, pool(6))
    eventually(lambda: machines(kubevirt, space), wishes.SECONDS, "a first machine")
    simulator.stop(kubevirt, signal.SIGKILL)
    wishes.delete(kubevirt, VM, space, machines(kubevirt, space)[0])
    simulator.start(kubevirt, crash_backoff=1.0)
    wishes.wait(kubevirt, POOL, space, "web", has_ready(6))
    eventually(
        lambda: len(call(kubevirt.kubeconfig, "GET", POD.path(space))["items"]) == 6,
        wishes.SECONDS,
        "one pod per machine",
    )


def test_idle_simulator_rests(kubevirt: Cluster, space: str) -> None:
    """With nothing to do the simulator uses next to no CPU time."""
    running(kubevirt, space, "web")
    pid = component(kubevirt.workdir, simulator.NAME).pid
    stat = Path(f"/proc/{pid}/stat")

    def used() -> float:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    running(kubevirt, space, "another")
    running(kubevirt, space, "third")
    assert used() - before < 2.0


def test_crds_go_and_come_back(kubevirt: Cluster) -> None:
    """KubeVirt can be uninstalled below machines that run; installed again, it serves new ones."""
    space = wishes.namespace(kubevirt)
    running(kubevirt, space, "web")
    crds.remove(kubevirt)
    eventually(lambda: call(kubevirt.kubeconfig, "GET", POD.path(space))["items"] == [], wishes.SECONDS, "pods gone")
    crds.install(kubevirt)
    eventually(lambda: simulator.deployed(kubevirt), wishes.SECONDS, "KubeVirt Deployed again")
    running(kubevirt, space, "web")
