"""What reaches a machine that runs, and what it does then: edits, migrations, pauses, as the simulator shows them."""

from typing import Any

import pytest

from ground import kubevirt_sim
from ground.api import ApiError
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import MIGRATION, POD, VM, VMI
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]
FAIL = kubevirt_sim.FAIL


def test_template_change_needs_restart(kubevirt: Cluster, space: str) -> None:
    """A change that is not live sets RestartRequired; a restart clears it; labels wait for one without saying so."""
    wishes.running(kubevirt, space, "web")
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
    wishes.running(kubevirt, space, "web")
    for tolerations in ([{"key": "a", "operator": "Exists"}], None):
        wishes.merge(kubevirt, VM, space, "web", {"spec": {"template": {"spec": {"tolerations": tolerations}}}})
        found = wishes.wait(kubevirt, VM, space, "web", settled)
        agrees = found["status"]["observedGeneration"] == found["metadata"]["generation"]
        assert (agrees, wishes.ready(found)) == (tolerations is None, True)


def test_processors_and_memory_come_with_a_migration(kubevirt: Cluster, space: str) -> None:
    """More of them reach the instance at once and the guest when it moves; the source pod has then done its work."""
    wishes.running(kubevirt, space, "web")
    more = {"cpu": {"sockets": 2}, "memory": {"guest": "2Gi"}}
    wishes.merge(kubevirt, VM, space, "web", {"spec": {"template": {"spec": {"domain": more}}}})
    found = wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.condition(vm, "HotMemoryChange")[0] == "True")
    assert wishes.condition(found, "HotVCPUChange")[0] == "True"
    (source,) = wishes.launchers(kubevirt, space, "web")
    wishes.make(kubevirt, MIGRATION, space, {"metadata": {"name": "move"}, "spec": {"vmiName": "web"}})
    wishes.wait(kubevirt, MIGRATION, space, "move", wishes.phase("Succeeded"))
    assert wishes.passed(kubevirt, VM, space, wishes.printed("Migrating"))
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
    wishes.running(kubevirt, space, "web")
    before = wishes.get(kubevirt, VMI, space, "web")["status"]["conditions"]
    paused = [*before, {"type": "Paused", "status": "True", "reason": "PausedByUser"}]
    wishes.merge(kubevirt, VMI, space, "web", {"status": {"conditions": paused}})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.printed("Paused")(vm) and not wishes.ready(vm))
    wishes.merge(kubevirt, VMI, space, "web", {"status": {"conditions": before}})
    wishes.wait(kubevirt, VM, space, "web", lambda vm: wishes.printed("Running")(vm) and wishes.ready(vm))
