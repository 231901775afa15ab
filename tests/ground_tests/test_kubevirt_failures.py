"""Why a machine does not start or serve, as the simulator shows it, and that it heals when the cause is gone."""

from typing import Any

import pytest

from ground import kubevirt_sim
from ground.api import ApiError
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    DATA_SOURCE,
    DATA_VOLUME,
    KUBEVIRT,
    QUOTA,
    STORAGE_CLASS,
    VM,
    VMI,
)
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]
FAIL = kubevirt_sim.FAIL


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
    wishes.wait(kubevirt, DATA_VOLUME, space, "root", wishes.phase("Succeeded"))
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
    wishes.running(kubevirt, space, "one")
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
    wishes.running(kubevirt, space, "web")
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: "NeverReady"})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: not wishes.ready(vm))
    wishes.annotate(kubevirt, VM, space, "web", {FAIL: None})
    wishes.wait(kubevirt, VM, space, "web", wishes.ready)
