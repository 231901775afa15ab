"""What KubeVirt's users do to a machine: it works, or is refused with the way that does; docs/machines.md has the table."""

from dataclasses import dataclass
from typing import Any

import pytest

from admission.kinds import CLONE, RESTORE
from admission.world import serve
from ground.api import ApiError
from scenarios import specs
from scenarios.acting import AUTHOR, VIRT_API, VIRT_CONTROLLER, create, grant, patch, refusal
from scenarios.kinds import CLUSTER_INSTANCETYPE, VM, VMI, WORKLOAD, Kind
from scenarios.objects import Json
from scenarios.process import Operator
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground


@dataclass(frozen=True)
class Action:
    """What somebody asks of an object, and what the refusal says."""

    what: str
    who: str
    kind: Kind
    name: str
    body: Any
    says: str
    subresource: str = ""

    def __str__(self) -> str:
        """Return a name for the test."""
        return self.what


def change(path: str, value: object) -> list[Json]:
    """Return a JSON patch that sets one field, as KubeVirt sends it."""
    return [{"op": "add", "path": path, "value": value}]


STATUS = "patch workloads/status"
GUEST = "/spec/template/spec"
MORE = {"name": "more", "persistentVolumeClaim": {"claimName": "more"}}
PLUGGED = {"name": "more", "persistentVolumeClaim": {"claimName": "more", "hotpluggable": True}}
EXTRA = {"name": "extra", "bridge": {}}
JOINED = {"name": "extra", "multus": {"networkName": "extra"}}
DISKS = "Add or remove them in spec.machine.disks or spec.volumes of the Workload"
DUMPED = {"status": {"memoryDumpRequest": {"claimName": "dump", "phase": "Associating"}}}
ASKED = {"status": {"volumeRequests": [{"removeVolumeOptions": {"name": "more"}}]}}
REVISION = {"spec": {"instancetype": {"revisionName": "old"}}}
PATCHED = [
    Action("stop", VIRT_API, VM, "erp", change("/spec/runStrategy", "Halted"), "scale workloads.berth.dev erp --replicas=0"),
    Action("stop a member of a pool", VIRT_API, VM, "herd-0", change("/spec/runStrategy", "Halted"), "scale workloads.berth.dev herd --replicas=0"),
    Action("start", VIRT_API, VM, "idle", change("/spec/runStrategy", "Always"), "scale workloads.berth.dev idle --replicas=1"),
    Action("add a volume", VIRT_API, VM, "erp", change(f"{GUEST}/volumes/-", MORE), DISKS),
    Action("remove a volume by request", VIRT_API, VM, "erp", ASKED, DISKS, "status"),
    Action("plug a volume in", VIRT_API, VMI, "erp", change("/spec/volumes/-", PLUGGED), "a disk was plugged into the running machine"),
    Action("remove a volume", VIRT_API, VM, "erp", [{"op": "remove", "path": f"{GUEST}/volumes/0"}], DISKS),
    Action("dump memory", VIRT_API, VM, "erp", DUMPED, "a memory dump adds a volume to it", "status"),
    Action("add an interface", VIRT_CONTROLLER, VM, "erp", [*change(f"{GUEST}/networks/-", JOINED), *change(f"{GUEST}/domain/devices/interfaces/-", EXTRA)], "KubeVirt must not change spec.template.spec."),
    Action("expand the instancetype", VIRT_CONTROLLER, VM, "sized", [{"op": "remove", "path": "/spec/instancetype"}], "referencePolicy of the KubeVirt object to reference"),
    Action("restore", VIRT_CONTROLLER, VM, "erp", {"metadata": {"annotations": {"restore.kubevirt.io/lastRestoreUID": "1"}}}, "the operator would undo a restore of it"),
    Action("edit", AUTHOR, VM, "erp", {"spec": {"runStrategy": "Halted"}}, "belongs to Berth: only the operator writes it"),
]  # fmt: skip


@pytest.fixture(scope="module")
def machines(shared: Operator, shared_space: Space) -> Space:
    """A machine, a pool, one that is stopped, and one of an instancetype."""
    for kind in (RESTORE, CLONE):
        serve(shared.cluster, kind)
    grant(shared.cluster)
    shared_space.workload("erp", specs.machine())
    shared_space.workload("herd", specs.machine(replicas=2))
    shared_space.workload("idle", specs.machine(replicas=0))
    for name in ("erp", "herd"):
        shared_space.ready(name)
    shared_space.until(VM, "idle", lambda found: found["spec"]["runStrategy"] == "Halted")
    return shared_space


@pytest.fixture(scope="module")
def sized(machines: Space) -> Space:
    """A machine of an instancetype, which does not run."""
    small = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}}
    machines.put(CLUSTER_INSTANCETYPE, machines.name, small)
    machine = specs.machine()["machine"] | {"instancetype": machines.name}
    machines.workload("sized", {"machine": machine, "replicas": 0})
    machines.until(VM, "sized", lambda found: "instancetype" in found["spec"])
    return machines


@pytest.mark.usefixtures("sized")
@pytest.mark.parametrize("action", PATCHED, ids=str)
def test_what_berth_would_undo_is_refused_with_the_way_that_works(machines: Space, action: Action) -> None:
    before = machines.get(VM, action.name)
    with pytest.raises(ApiError) as error:
        patch(machines, action.who, action.kind, action.name, action.body, action.subresource)
    assert action.says in refusal(error.value)
    assert machines.get(VM, action.name)["spec"] == before["spec"]


def test_an_old_revision_is_refused_to_admins_too(sized: Space) -> None:
    with pytest.raises(ApiError) as error:
        sized.merge(VM, "sized", REVISION)
    assert "a revisionName would keep an old one" in refusal(error.value)


@pytest.mark.parametrize(
    ("kind", "spec", "says"),
    [
        (
            RESTORE,
            {"target": {"kind": "VirtualMachine", "name": "erp"}, "virtualMachineSnapshotName": "s"},
            "would restore into a machine of Workload erp",
        ),
        (
            RESTORE,
            {"target": {"kind": "VirtualMachine", "name": "herd-1"}, "virtualMachineSnapshotName": "s"},
            "into a machine of Workload herd",
        ),
        (CLONE, {"source": {"kind": "VirtualMachine", "name": "erp"}}, "would copy the labels of Workload erp"),
    ],
)
def test_a_copy_that_would_be_undone_or_join_is_refused(machines: Space, kind: Kind, spec: Json, says: str) -> None:
    with pytest.raises(ApiError) as error:
        create(machines, AUTHOR, kind, "copy", {"spec": spec})
    assert says in refusal(error.value)


def copied(machines: Space, drop: str) -> Json:
    """Return what KubeVirt makes of a clone of erp: labels and annotations that begin so are left out."""
    source = machines.get(VM, "erp")
    kept = {
        part: {key: value for key, value in source["metadata"][part].items() if not drop or not key.startswith(drop)}
        for part in ("labels", "annotations")
    }
    inner = source["spec"]["template"]
    labels = {key: each for key, each in inner["metadata"]["labels"].items() if not drop or not key.startswith(drop)}
    template = {**inner, "metadata": {**inner["metadata"], "labels": labels}}
    return {"metadata": kept, "spec": {**source["spec"], "template": template}}


def test_a_clone_with_the_labels_of_a_workload_is_not_made(machines: Space) -> None:
    with pytest.raises(ApiError) as error:
        create(machines, VIRT_CONTROLLER, VM, "twin", copied(machines, ""))
    assert "its labels would take it into the Service" in refusal(error.value)


def test_a_clone_without_them_runs_beside_the_workload(machines: Space) -> None:
    filters = {"labelFilters": ["*", "!berth.dev/*"], "annotationFilters": ["*", "!berth.dev/*"]}
    source, target = ({"kind": "VirtualMachine", "name": name} for name in ("erp", "twin"))
    spec = {"source": source, "target": target, **filters, "template": {"labelFilters": filters["labelFilters"]}}
    create(machines, AUTHOR, CLONE, "copy", {"spec": spec})
    create(machines, VIRT_CONTROLLER, VM, "twin", copied(machines, "berth.dev/"))
    machines.until(VMI, "twin", lambda found: found.get("status", {}).get("phase") == "Running")
    assert len(machines.pods("erp")) == 1
    assert machines.expect("erp", "Ready", "True")["status"]["replicas"] == 1


def test_a_restart_is_done_and_the_workload_is_ready_again(space: Space) -> None:
    grant(space.cluster)
    space.workload("erp", specs.machine())
    space.ready("erp")
    before = space.get(VMI, "erp")["metadata"]["uid"]
    asked = [{"action": "Stop", "uid": before}, {"action": "Start"}]
    patch(space, VIRT_API, VM, "erp", {"status": {"stateChangeRequests": asked}}, "status")
    space.until(VMI, "erp", lambda found: found["metadata"]["uid"] != before)
    space.expect("erp", "Ready", "True")


def test_a_snapshot_leaves_the_machine_alone(machines: Space) -> None:
    machines.quiet()
    finalizers = machines.get(VM, "erp")["metadata"].get("finalizers", [])
    held = [*finalizers, "snapshot.kubevirt.io/vmsnapshot-source-protection"]
    patch(machines, VIRT_CONTROLLER, VM, "erp", {"metadata": {"finalizers": held}})
    machines.silence()
    assert machines.get(VM, "erp")["metadata"]["finalizers"] == held
    patch(machines, VIRT_CONTROLLER, VM, "erp", {"metadata": {"finalizers": finalizers}})


def test_what_virt_controller_adds_to_an_old_machine_stays(machines: Space) -> None:
    slots = {"kubevirt.io/pci-interface-slot-count": "8"}
    machines.quiet()
    before = machines.writes()
    patch(machines, VIRT_CONTROLLER, VM, "erp", {"spec": {"template": {"metadata": {"annotations": slots}}}})
    machines.until(VM, "erp", lambda found: found["status"]["desiredGeneration"] == found["metadata"]["generation"])
    machines.quiet()
    machines.expect("erp", "Ready", "True", "Running")
    assert {**machines.writes(), STATUS: 0} == {**before, STATUS: 0}
    found = machines.get(VM, "erp")["spec"]["template"]["metadata"]["annotations"]
    assert slots.items() <= found.items()


def test_scaling_to_zero_and_back_stops_and_starts(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.scale("erp", 0)
    space.gone(VMI, "erp")
    assert condition(space.expect("erp", "Ready", "True"), "Ready")["reason"] == "ScaledToZero"
    space.scale("erp", 1)
    space.until(WORKLOAD, "erp", lambda found: found["status"]["readyReplicas"] == 1)
