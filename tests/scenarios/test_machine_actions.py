"""What the operator would undo of what people do to a machine is refused, with the way that works (docs/machines.md)."""

from dataclasses import dataclass
from typing import Any

import pytest

from ground.api import ApiError
from scenarios import specs
from scenarios.acting import AUTHOR, VIRT_API, VIRT_CONTROLLER, create, grant, patch, plays, refusal, remove
from scenarios.kinds import CLUSTER_INSTANCETYPE, MIGRATION, POOL, TENANT, VM, VMI, Kind
from scenarios.objects import Json
from scenarios.process import Operator
from scenarios.site import Space

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


GUEST = "/spec/template/spec"
MORE = {"name": "more", "persistentVolumeClaim": {"claimName": "more"}}
PLUGGED = {"name": "more", "persistentVolumeClaim": {"claimName": "more", "hotpluggable": True}}
EXTRA = {"name": "extra", "bridge": {}}
JOINED = {"name": "extra", "multus": {"networkName": "extra"}}
DISKS = "Add or remove them in spec.machine.disks or spec.volumes of the Workload"
DUMPED = {"status": {"memoryDumpRequest": {"claimName": "dump", "phase": "Associating"}}}
ASKED = {"status": {"volumeRequests": [{"removeVolumeOptions": {"name": "more"}}]}}
REVISION = {"spec": {"instancetype": {"revisionName": "old"}}}
PAUSED_START = {"status": {"stateChangeRequests": [{"action": "Start", "data": {"paused": "true"}}]}}
BELONGS = "belongs to Berth: only the operator writes it. Change its Workload"
KEYS = [{"sshPublicKey": {"source": {"secret": {"secretName": "keys"}}, "propagationMethod": {"noCloud": {}}}}]
PATCHED = [
    Action("stop", VIRT_API, VM, "erp", change("/spec/runStrategy", "Halted"), "scale workloads.berth.dev erp --replicas=0"),
    Action("stop a member of a pool", VIRT_API, VM, "herd-0", change("/spec/runStrategy", "Halted"), "scale workloads.berth.dev herd --replicas=0"),
    Action("start", VIRT_API, VM, "idle", change("/spec/runStrategy", "Always"), "scale workloads.berth.dev idle --replicas=1"),
    Action("start paused", VIRT_API, VM, "idle", PAUSED_START, "is kept stopped by Workload idle", "status"),
    Action("scale a pool", AUTHOR, POOL, "herd", {"spec": {"replicas": 3}}, BELONGS, "scale"),
    Action("add a volume", VIRT_API, VM, "erp", change(f"{GUEST}/volumes/-", MORE), DISKS),
    Action("remove a volume by request", VIRT_API, VM, "erp", ASKED, DISKS, "status"),
    Action("plug a volume in", VIRT_API, VMI, "erp", change("/spec/volumes/-", PLUGGED), "a disk was plugged into the running machine"),
    Action("remove a volume", VIRT_API, VM, "erp", [{"op": "remove", "path": f"{GUEST}/volumes/0"}], DISKS),
    Action("dump memory", VIRT_API, VM, "erp", DUMPED, "a memory dump adds a volume to it", "status"),
    Action("add an interface", VIRT_CONTROLLER, VM, "erp", [*change(f"{GUEST}/networks/-", JOINED), *change(f"{GUEST}/domain/devices/interfaces/-", EXTRA)], "KubeVirt must not change spec.template.spec."),
    Action("expand the instancetype", VIRT_CONTROLLER, VM, "sized", [{"op": "remove", "path": "/spec/instancetype"}], "referencePolicy of the KubeVirt object to reference"),
    Action("restore", VIRT_CONTROLLER, VM, "erp", {"metadata": {"annotations": {"restore.kubevirt.io/lastRestoreUID": "1"}}}, "the operator would undo a restore of it"),
    Action("edit", AUTHOR, VM, "erp", {"spec": {"runStrategy": "Halted"}}, BELONGS),
    Action("resize", AUTHOR, VM, "erp", change(f"{GUEST}/domain/cpu/sockets", 2), BELONGS),
    Action("assign a key", AUTHOR, VM, "erp", change(f"{GUEST}/accessCredentials", KEYS), BELONGS),
]  # fmt: skip


@pytest.fixture(scope="module")
def machines(shared: Operator, shared_space: Space) -> Space:
    """A machine, a pool, one that is stopped, and one of an instancetype."""
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


@plays(*(action.what for action in PATCHED))
@pytest.mark.usefixtures("sized")
@pytest.mark.parametrize("action", PATCHED, ids=str)
def test_what_berth_would_undo_is_refused_with_the_way_that_works(machines: Space, action: Action) -> None:
    before = machines.get(action.kind, action.name)
    with pytest.raises(ApiError) as error:
        patch(machines, action.who, action.kind, action.name, action.body, action.subresource)
    assert action.says in refusal(error.value)
    assert machines.get(action.kind, action.name)["spec"] == before["spec"]


@plays("old revision")
def test_an_old_revision_is_refused_to_admins_too(sized: Space) -> None:
    with pytest.raises(ApiError) as error:
        sized.merge(VM, "sized", REVISION)
    assert "a revisionName would keep an old one" in refusal(error.value)


@plays("delete")
@pytest.mark.parametrize("kind", [VM, VMI], ids=lambda kind: kind.name)
def test_a_machine_and_its_instance_are_deleted_with_the_workload_alone(machines: Space, kind: Kind) -> None:
    with pytest.raises(ApiError) as error:
        remove(machines, AUTHOR, kind, "erp")
    assert BELONGS in refusal(error.value)
    assert "deletionTimestamp" not in machines.get(kind, "erp")["metadata"]


@plays("preset")
def test_a_machine_that_a_preset_changes_is_not_started(machines: Space) -> None:
    found = machines.get(VMI, "erp")
    meta = {
        "labels": found["metadata"]["labels"],
        "annotations": {"virtualmachinepreset.kubevirt.io/p": "kubevirt.io/v1"},
    }
    with pytest.raises(ApiError) as error:
        create(machines, VIRT_CONTROLLER, VMI, "other", {"metadata": meta, "spec": found["spec"]})
    assert "a VirtualMachineInstancePreset changes it" in refusal(error.value)


@plays("migrate by hand")
def test_a_migration_under_a_floor_is_asked_of_virtctl(space: Space) -> None:
    grant(space.cluster)
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    space.enact(TENANT, space.name, {"namespaceSelector": selector, "floor": "Virtualized"})
    space.workload("erp", specs.machine())
    space.ready("erp")
    move = {"spec": {"vmiName": "erp"}}
    with pytest.raises(ApiError) as error:
        create(space, AUTHOR, MIGRATION, "move", move)
    assert "Use virtctl migrate instead" in refusal(error.value)
    create(space, VIRT_API, MIGRATION, "move", move)
    space.until(MIGRATION, "move", lambda found: found.get("status", {}).get("phase") == "Succeeded")


@plays("admin edit")
def test_an_edit_of_a_platform_admin_is_taken_with_a_warning_and_put_back(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.merge(VM, "erp", {"spec": {"template": {"spec": {"evictionStrategy": "None"}}}})
    space.until(VM, "erp", lambda vm: vm["spec"]["template"]["spec"]["evictionStrategy"] == "LiveMigrateIfPossible")
    space.expect("erp", "Ready", "True")
    space.quiet()
    space.silence()
