"""What virtctl and KubeVirt's controllers would change of a Workload's machine, and the operator would undo, is refused."""

from functools import partial
from typing import Any

import pytest

from admission import bodies
from admission.attempts import Attempt, check
from admission.bodies import MARKED
from admission.people import CDI, DEVELOPER, KUBEVIRT, OPERATOR, PLATFORM, VIRT_API
from admission.world import LAB, TEAM
from ground.api import Json
from ground.cluster import Cluster
from scenarios.kinds import CLONE, RESTORE, VM, VMI

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

actions = partial(Attempt, policy="berth-machine-actions")
copies = partial(Attempt, policy="berth-machine-copies")
STOP = "To stop it: kubectl -n team scale workloads.berth.dev erp --replicas=0"
START = "To start it: kubectl -n team scale workloads.berth.dev erp --replicas=1"
DISKS = "Add or remove them in spec.machine.disks or spec.volumes of the Workload"
COPY = "its labels would take it into the Service and the NetworkPolicy of that Workload"
DUMP = "a memory dump adds a volume to it"
EXPAND = "Set spec.configuration.instancetype.referencePolicy of the KubeVirt object to reference"
REVISION = "a revisionName would keep an old one"
RESTORED = "the operator would undo a restore of it"
KEPT = "is kept as Workload erp has it: KubeVirt must not change spec.template.spec.hostname"
GRACE = "its grace period is not shortened"
PRESET = "a VirtualMachineInstancePreset changes it into something else"


def spec(**more: object) -> Json:
    """Return a patch of a machine's spec."""
    return {"spec": more}


def guest(**more: object) -> Json:
    """Return a patch of what a machine's guest is made of."""
    return spec(template={"spec": more})


def status(**more: object) -> Json:
    """Return a patch of a machine's status."""
    return {"status": more}


def replace(path: str, value: Any) -> list[Json]:
    """Return a JSON patch that adds or replaces one field, as virt-api sends it."""
    return [{"op": "add", "path": path, "value": value}]


VOLUMES = [{"name": "more", "persistentVolumeClaim": {"claimName": "more"}}]
ADDED = [
    {
        "addVolumeOptions": {
            "name": "more",
            "disk": {"name": "more", "disk": {}},
            "volumeSource": {"dataVolume": {"name": "more"}},
        }
    }
]
RESTART = [{"action": "Stop", "uid": "1"}, {"action": "Start"}]
COPIED = {"metadata": {"labels": MARKED}, **bodies.machine(MARKED)}
MEMBER = {"apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool", "uid": "1", "controller": True}
PRESETS = {"virtualmachinepreset.kubevirt.io/small": "kubevirt.io/v1"}


def member(pool: str) -> Json:
    """Return a machine that a pool makes."""
    return {"metadata": {"labels": MARKED, "ownerReferences": [{**MEMBER, "name": pool}]}, "spec": COPIED["spec"]}


REFUSED = [
    actions(VIRT_API, "json-patch", VM, TEAM, "erp", replace("/spec/runStrategy", "Halted"), STOP, note="stop"),
    actions(VIRT_API, "json-patch", VM, TEAM, "herd-0", replace("/spec/runStrategy", "Halted"), "scale workloads.berth.dev herd --replicas=0", note="stop a member"),
    actions(VIRT_API, "json-patch", VM, TEAM, "idle", replace("/spec/runStrategy", "Always"), START.replace("erp", "idle"), note="start"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "idle", status(stateChangeRequests=[{"action": "Start", "data": {"paused": "true"}}]), "is kept stopped by Workload idle. To start it", "status", note="start paused"),
    actions(VIRT_API, "merge-patch", VMI, TEAM, "erp", spec(terminationGracePeriodSeconds=0), GRACE, note="stop at once"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", guest(volumes=VOLUMES), DISKS, note="add volume"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", status(volumeRequests=ADDED), DISKS, "status", note="add volume"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", status(memoryDumpRequest={"claimName": "dump", "phase": "Associating"}), DUMP, "status", note="memory dump"),
    actions(KUBEVIRT, "json-patch", VM, TEAM, "sized", [{"op": "remove", "path": "/spec/instancetype"}], EXPAND, note="expand"),
    actions(KUBEVIRT, "json-patch", VM, TEAM, "sized", [{"op": "remove", "path": "/spec/preference"}], EXPAND, note="expand the preference"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "sized", {"spec": {"instancetype": None, "template": {"spec": {"volumes": VOLUMES, "hostname": "a"}}}}, EXPAND, note="expand all"),
    actions(PLATFORM, "merge-patch", VM, TEAM, "sized", spec(instancetype={"revisionName": "old"}), REVISION, note="old revision"),
    actions(PLATFORM, "merge-patch", VM, TEAM, "sized", spec(preference={"revisionName": "old"}), REVISION, note="old preference"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "erp", {"metadata": {"annotations": {"restore.kubevirt.io/lastRestoreUID": "1"}}}, RESTORED, note="restore"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "herd-0", {"metadata": {"annotations": {"restore.kubevirt.io/lastRestoreUID": "1"}}}, RESTORED, note="restore"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "erp", guest(hostname="other"), KEPT, note="anything"),
    actions(CDI, "merge-patch", VM, TEAM, "erp", guest(hostname="other"), KEPT, note="anything"),
    actions(KUBEVIRT, "create", VM, LAB, "copy", COPIED, COPY, note="clone"),
    actions(KUBEVIRT, "create", VM, LAB, "copy", bodies.machine(MARKED), COPY, note="clone by its pods"),
    actions(KUBEVIRT, "create", VM, LAB, "copy", member("other"), COPY, note="member of another pool"),
    actions(KUBEVIRT, "create", VMI, LAB, "web", {"metadata": {"labels": MARKED, "annotations": PRESETS}, "spec": bodies.instance()}, PRESET, note="preset"),
]  # fmt: skip
ALLOWED = [
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", status(stateChangeRequests=RESTART), "", "status", note="restart"),
    actions(VIRT_API, "merge-patch", VMI, TEAM, "erp", spec(terminationGracePeriodSeconds=1), note="restart at once"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", status(volumeRequests=[]), "", "status", note="no request"),
    actions(VIRT_API, "merge-patch", VM, TEAM, "erp", status(memoryDumpRequest={"claimName": "dump", "phase": "Dissociating", "remove": True}), "", "status", note="remove a dump"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "erp", {"metadata": {"finalizers": ["snapshot.kubevirt.io/vmsnapshot-source-protection"]}}, note="snapshot"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "erp", status(snapshotInProgress="nightly"), "", "status", note="snapshot"),
    actions(KUBEVIRT, "merge-patch", VM, TEAM, "herd-0", guest(hostname="other"), note="as the pool has it"),
    actions(KUBEVIRT, "create", VM, LAB, "web-0", member("web"), note="member"),
    actions(KUBEVIRT, "create", VM, LAB, "copy", bodies.machine(), note="clone without labels"),
    actions(KUBEVIRT, "create", VMI, LAB, "web", {"metadata": {"labels": MARKED}, "spec": bodies.instance()}),
    actions(PLATFORM, "merge-patch", VM, TEAM, "erp", spec(runStrategy="Halted"), note="by hand"),
    actions(OPERATOR, "merge-patch", VM, TEAM, "erp", spec(runStrategy="Halted"), note="scaled"),
]  # fmt: skip
EVERYTHING_ELSE = ["*", "!berth.dev/*"]
FILTERS: Json = {
    "labelFilters": EVERYTHING_ELSE,
    "annotationFilters": EVERYTHING_ELSE,
    "template": {"labelFilters": EVERYTHING_ELSE},
}
INTO = "would restore into a machine of Workload"
LABELS = "would copy the labels of Workload"


def machine(name: str) -> Json:
    """Return a reference to a machine."""
    return {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name}


def clone(source: str, target: str = "copy", **more: object) -> Json:
    """Return a clone of a machine."""
    return spec(source=machine(source), target=machine(target), **more)


def restore(target: str) -> Json:
    """Return a restore into a machine."""
    return spec(target=machine(target), virtualMachineSnapshotName="nightly")


COPIES_REFUSED = [
    *(copies(DEVELOPER, "create", RESTORE, TEAM, "back", restore(name), INTO, note=name) for name in ("erp", "herd-0", "herd")),
    copies(PLATFORM, "create", RESTORE, TEAM, "back", restore("erp"), INTO, note="erp"),
    copies(DEVELOPER, "create", CLONE, TEAM, "twin", clone("erp"), LABELS, note="all labels"),
    *(copies(DEVELOPER, "create", CLONE, TEAM, "twin", clone("erp", **{**FILTERS, key: value}), LABELS, note=f"all of {key}") for key, value in (("labelFilters", ["*"]), ("annotationFilters", ["*"]), ("template", {}))),
    copies(PLATFORM, "create", CLONE, TEAM, "twin", clone("herd-1"), LABELS, note="member"),
    copies(DEVELOPER, "create", CLONE, TEAM, "twin", clone("own", "erp"), INTO, note="into a machine"),
]  # fmt: skip
COPIES_ALLOWED = [
    copies(DEVELOPER, "create", RESTORE, TEAM, "back", restore("own")),
    copies(DEVELOPER, "create", RESTORE, TEAM, "back", restore("erp-0"), note="no pool"),
    copies(DEVELOPER, "create", RESTORE, TEAM, "back", restore("web"), note="no machine"),
    copies(DEVELOPER, "create", CLONE, TEAM, "twin", clone("own")),
    copies(DEVELOPER, "create", CLONE, TEAM, "twin", clone("erp", **FILTERS), note="without berth.dev"),
]


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED, *COPIES_REFUSED, *COPIES_ALLOWED], ids=str)
def test_what_the_operator_would_undo_is_refused_with_the_way_that_works(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)
