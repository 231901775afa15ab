"""What people do to a machine by virtctl, and it works: the Workload tells what happens (docs/machines.md)."""

import pytest

from ground.kubevirt_sim import FAIL, HOLD
from scenarios import specs
from scenarios.acting import (
    AUTHOR,
    VIRT_API,
    VIRT_CONTROLLER,
    VIRT_HANDLER,
    company,
    create,
    grant,
    patch,
    plays,
    remove,
    untouched,
)
from scenarios.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    MIGRATION,
    NETWORK_POLICY,
    POD,
    STORAGE_CLASS,
    TENANT,
    VM,
    VMI,
    WORKLOAD,
    Kind,
)
from scenarios.objects import Json, items
from scenarios.process import Operator
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

POLICIES = Kind("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False)
STATUS = "patch workloads/status"
SUBRESOURCES = "subresources.kubevirt.io"
"""Where virt-api serves what virtctl asks for."""


@pytest.fixture
def erp(shared: Operator, space: Space) -> Space:
    """A machine that runs."""
    grant(shared.cluster)
    space.workload("erp", specs.machine())
    space.ready("erp")
    return space


def restarted(space: Space) -> Json:
    """Ask for a restart as virt-api does, and return the new instance once it runs and the Workload is ready."""
    before = space.get(VMI, "erp")["metadata"]["uid"]
    asked = [{"action": "Stop", "uid": before}, {"action": "Start"}]
    patch(space, VIRT_API, VM, "erp", {"status": {"stateChangeRequests": asked}}, "status")
    space.until(VMI, "erp", lambda found: found["metadata"]["uid"] != before and shows(found, "Ready", "True"))
    space.expect("erp", "Ready", "True", "Running")
    return space.get(VMI, "erp")


@plays("restart")
@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
def test_a_restart_is_done_and_the_workload_is_ready_again(erp: Space, *, force: bool) -> None:
    if force:  # as virt-api does first, for --force --grace-period=0
        patch(erp, VIRT_API, VMI, "erp", {"spec": {"terminationGracePeriodSeconds": 1}})
    found = restarted(erp)
    assert found["spec"]["terminationGracePeriodSeconds"] == 180
    assert {f"VirtualMachineInstance {found['metadata']['name']}", "VirtualMachine erp"} <= company(erp, "erp")
    erp.quiet(5.0)
    erp.silence()


@plays("reset")
def test_a_guest_that_boots_again_in_its_pod_is_ready_when_it_serves_again(erp: Space) -> None:
    before, pods = erp.get(VMI, "erp")["metadata"]["uid"], [pod["metadata"]["uid"] for pod in erp.pods("erp")]
    erp.merge(VM, "erp", {"metadata": {"annotations": {FAIL: "NeverReady"}}})  # its readiness probe fails meanwhile
    erp.expect("erp", "Ready", "False")
    erp.merge(VM, "erp", {"metadata": {"annotations": {FAIL: None}}})
    erp.expect("erp", "Ready", "True", "Running")
    assert erp.get(VMI, "erp")["metadata"]["uid"] == before
    assert [pod["metadata"]["uid"] for pod in erp.pods("erp")] == pods


@plays("migrate")
def test_a_migration_is_told_while_it_runs_and_the_guest_serves(erp: Space) -> None:
    before = erp.get(VMI, "erp")
    held = {"metadata": {"annotations": {HOLD: ""}}, "spec": {"vmiName": "erp"}}
    create(erp, VIRT_API, MIGRATION, "move", held)
    told = erp.expect("erp", "Ready", "True", "Migrating", says="the guest moves to node")
    assert condition(told, "Ready")["message"].startswith("the guest moves to node")
    erp.merge(MIGRATION, "move", {"metadata": {"annotations": {HOLD: None}}})
    found = erp.until(VMI, "erp", lambda vmi: vmi["status"]["nodeName"] != before["status"]["nodeName"])
    erp.expect("erp", "Ready", "True", "Running")
    assert found["metadata"]["uid"] == before["metadata"]["uid"]


@plays("cancel a migration")
def test_a_migration_that_is_cancelled_leaves_the_guest_where_it_was(erp: Space) -> None:
    before = erp.get(VMI, "erp")
    held = {"metadata": {"annotations": {HOLD: ""}}, "spec": {"vmiName": "erp"}}
    create(erp, VIRT_API, MIGRATION, "move", held)
    erp.expect("erp", "Ready", "True", "Migrating")
    remove(erp, AUTHOR, MIGRATION, "move")
    erp.gone(MIGRATION, "move")
    erp.until(POD, erp.pods("erp")[0]["metadata"]["name"], lambda pod: pod["spec"]["nodeName"])
    erp.expect("erp", "Ready", "True", "MigrationFailed")
    assert erp.get(VMI, "erp")["status"]["nodeName"] == before["status"]["nodeName"]


@plays("evacuate-cancel")
def test_an_evacuation_that_is_cancelled_is_told_no_more(erp: Space) -> None:
    node = erp.get(VMI, "erp")["status"]["nodeName"]
    erp.merge(VMI, "erp", {"status": {"evacuationNodeName": node}})  # as KubeVirt does with an eviction
    erp.expect("erp", "Ready", "True", "Migrating")
    patch(erp, VIRT_API, VMI, "erp", [{"op": "remove", "path": "/status/evacuationNodeName"}])
    erp.expect("erp", "Ready", "True", "Running")


@plays("pause")
def test_a_paused_guest_serves_nothing_and_is_told_once_by_an_event(erp: Space) -> None:
    when = {"lastProbeTime": "2026-03-01T10:00:00Z", "lastTransitionTime": "2026-03-01T10:00:00Z"}
    told = {"type": "Paused", "status": "True", "reason": "PausedByUser", "message": "VMI was paused by user", **when}
    patch(erp, VIRT_HANDLER, VMI, "erp", [{"op": "add", "path": "/status/conditions/-", "value": told}])
    assert erp.expect("erp", "Ready", "False", "Paused")["status"]["ready"] == "0/1"
    erp.until(VMI, "erp", lambda vmi: condition(vmi, "Ready")["status"] == "False")
    erp.edit(VMI, "erp", lambda vmi: vmi["status"]["conditions"].remove(told))
    erp.expect("erp", "Ready", "True", "Running")
    erp.told("erp", "Paused")


@plays("console")
def test_no_policy_stands_between_virtctl_and_the_subresources_that_leave_the_machine_alone(erp: Space) -> None:
    for policy in items(erp.cluster, POLICIES):
        if policy["metadata"]["name"] == "berth-operator":  # holds the operator alone
            continue
        groups = {group for rule in policy["spec"]["matchConstraints"]["resourceRules"] for group in rule["apiGroups"]}
        assert not groups & {"*", SUBRESOURCES}, policy["metadata"]["name"]


@plays("port-forward")
def test_what_virt_api_forwards_to_reaches_the_ports_that_the_workload_lists(space: Space) -> None:
    machine = specs.machine()["machine"]
    ports = [*machine["ports"], {"name": "ssh", "port": 22}]
    space.workload("open", specs.machine(machine=machine | {"ports": ports}))
    found = space.until(NETWORK_POLICY, "open", lambda _: True)["spec"]["ingress"]
    assert [sorted(port["port"] for port in rule["ports"]) for rule in found] == [[22, 8080]]
    assert "from" not in found[0]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    network = {"mode": "Isolated", "ingressNamespaces": ["kubevirt"]}
    space.put(TENANT, space.name, {"namespaceSelector": selector, "network": network})
    listed = space.until(NETWORK_POLICY, "open", lambda policy: "from" in policy["spec"]["ingress"][0])
    assert "'kubevirt'" in str(listed["spec"]["ingress"][0]["from"])


@plays("grow a claim")
def test_a_claim_that_its_author_makes_larger_is_left_so(space: Space) -> None:
    grant(space.cluster)
    name = f"{space.name}-grows"
    body = {"metadata": {"name": name}, "provisioner": "ground.berth.dev/volume", "allowVolumeExpansion": True}
    space.put_body(STORAGE_CLASS, body)
    claim = {"storageClassName": name, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    space.put(CLAIM, "root", claim)
    kept = {"persistentVolumeClaim": {"claimName": "root"}}
    space.workload("erp", specs.machine(machine=specs.machine()["machine"] | {"bootDisk": kept}))
    space.ready("erp")
    space.until(CLAIM, "root", lambda found: found["status"]["phase"] == "Bound")
    with untouched(space, "erp"):
        patch(space, AUTHOR, CLAIM, "root", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    assert space.get(CLAIM, "root")["spec"]["resources"]["requests"]["storage"] == "2Gi"


@plays("another instancetype")
def test_another_instancetype_in_the_workload_reaches_the_guest_that_runs(space: Space) -> None:
    grant(space.cluster)
    for name, guest in (("small", 1), ("large", 2)):
        space.put(CLUSTER_INSTANCETYPE, f"{space.name}-{name}", {"cpu": {"guest": guest}, "memory": {"guest": "1Gi"}})
    machine = specs.machine(resources=None)["machine"]
    space.workload("erp", {"machine": machine | {"instancetype": f"{space.name}-small"}})
    space.ready("erp")
    before = space.get(VMI, "erp")["metadata"]["uid"]
    space.workload("erp", {"machine": machine | {"instancetype": f"{space.name}-large"}})
    space.expect("erp", "Ready", "True", "LiveUpdating")
    create(space, VIRT_CONTROLLER, MIGRATION, "grow", {"spec": {"vmiName": "erp"}})
    space.expect("erp", "Ready", "True", "Running")
    large = {"cpu": "200m", "memory": "1Gi"}
    space.until(WORKLOAD, "erp", lambda found: found["status"]["cost"]["requested"] == large)
    assert space.get(VMI, "erp")["metadata"]["uid"] == before


@plays("instancetype in place")
def test_an_instancetype_that_is_edited_in_place_leaves_a_guest_that_runs_as_it_is(space: Space) -> None:
    name = f"{space.name}-small"
    space.put(CLUSTER_INSTANCETYPE, name, {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}})
    machine = specs.machine()["machine"] | {"instancetype": name}
    space.workload("erp", {"machine": machine})
    space.ready("erp")
    before = space.get(VMI, "erp")
    space.until(VM, "erp", lambda found: "instancetypeRef" in found.get("status", {}))
    space.put(CLUSTER_INSTANCETYPE, name, {"cpu": {"guest": 4}, "memory": {"guest": "1Gi"}})
    space.until(WORKLOAD, "erp", lambda found: "was edited" in str(found["status"].get("warnings")))
    space.quiet()
    found = space.get(VMI, "erp")
    assert (found["metadata"]["uid"], found["spec"]["domain"]) == (before["metadata"]["uid"], before["spec"]["domain"])
    space.expect("erp", "Ready", "True")


def guest_of(space: Space, name: str) -> Json:
    """Return the domain of the instance that runs."""
    domain: Json = space.get(VMI, name)["spec"]["domain"]
    return domain


@plays("instancetype in place")
def test_an_instancetype_that_is_edited_is_counted_as_the_machine_keeps_it_until_that_names_another(
    space: Space,
) -> None:
    first, second = (f"{space.name}-{each}" for each in ("a", "b"))
    for name in (first, second):
        space.put(CLUSTER_INSTANCETYPE, name, {"cpu": {"guest": 1}, "memory": {"guest": "2Gi"}})
    spec = {"machine": specs.machine()["machine"] | {"instancetype": first}}
    space.workload("keeps", spec)
    space.ready("keeps")
    space.until(VM, "keeps", lambda found: "instancetypeRef" in found.get("status", {}))
    space.merge(CLUSTER_INSTANCETYPE, first, {"spec": {"memory": {"guest": "1Gi"}}})
    told = space.until(WORKLOAD, "keeps", lambda found: "was edited" in str(found["status"].get("warnings")))
    assert told["status"]["cost"]["requested"]["memory"] == "2Gi"
    space.scale("keeps", 0)
    space.gone(VMI, "keeps")
    space.scale("keeps", 1)
    told = space.ready("keeps")
    assert guest_of(space, "keeps")["memory"]["guest"] == "2Gi"
    assert told["status"]["cost"]["requested"]["memory"] == "2Gi"
    space.scale("keeps", 0)
    space.gone(VMI, "keeps")
    for name in (second, first):
        space.merge(WORKLOAD, "keeps", {"spec": {"machine": {"instancetype": name}}})
        space.until(VM, "keeps", lambda found, name=name: found["status"]["instancetypeRef"]["name"] == name)
    space.scale("keeps", 1)
    space.ready("keeps")
    assert guest_of(space, "keeps")["memory"]["guest"] == "1Gi"
    told = space.until(WORKLOAD, "keeps", lambda found: "was edited" not in str(found["status"].get("warnings")))
    assert told["status"]["cost"]["requested"]["memory"] == "1Gi"


@plays("additions")
def test_what_virt_controller_adds_to_an_old_machine_stays(erp: Space) -> None:
    slots = {"kubevirt.io/pci-interface-slot-count": "8"}
    erp.quiet()
    before = erp.writes()
    patch(erp, VIRT_CONTROLLER, VM, "erp", {"spec": {"template": {"metadata": {"annotations": slots}}}})
    erp.until(VM, "erp", lambda found: found["status"]["desiredGeneration"] == found["metadata"]["generation"])
    erp.quiet()
    erp.expect("erp", "Ready", "True", "Running")
    assert {**erp.writes(), STATUS: 0} == {**before, STATUS: 0}  # that it has yet to be looked at may be told meanwhile
    found = erp.get(VM, "erp")["spec"]["template"]["metadata"]["annotations"]
    assert slots.items() <= found.items()


@plays("scale")
def test_scaling_to_zero_and_back_stops_and_starts(erp: Space) -> None:
    erp.scale("erp", 0)
    erp.gone(VMI, "erp")
    erp.expect("erp", "Ready", "True", "ScaledToZero")
    erp.scale("erp", 1)
    erp.expect("erp", "Ready", "True", "Running")
