"""What was done in each namespace of the recording, done again: the machines, the edits, and what stood in for nodes."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ground import kubevirt_sim
from ground.kubevirt_sim.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    CLUSTER_PREFERENCE,
    DATA_VOLUME,
    MIGRATION,
    POD,
    POOL,
    QUOTA,
    VM,
    VMI,
    Kind,
)
from kubevirt_real.place import Place

Json = dict[str, Any]
Scenario = Callable[[Place], None]

LIMIT_RANGE = Kind("LimitRange", "v1", "limitranges", status=False)
LABELS = {"berth.dev/workload": "w"}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "machines", "effect": "NoSchedule"}
CONTEXT = "system_u:object_r:container_file_t:s0:c1,c2"
RUNNING = {"printableStatus": "Running", "condition Ready": "True"}
STOPPED = {"printableStatus": "Stopped", "condition Ready": "False[VMINotExists] VMI does not exist"}
STATES = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
CLAIM_SPEC = {**STATES, "storageClassName": "ground"}


def machine(*, cpu: int = 1, memory: str = "1Gi", strategy: str = "Always", **spec: Any) -> Json:
    """Return the spec of a machine as the recording's were: no graphics, a containerDisk, the pod network."""
    domain: Json = {
        "cpu": {"sockets": cpu, "cores": 1, "threads": 1},
        "memory": {"guest": memory},
        "devices": {
            "autoattachGraphicsDevice": False,
            "logSerialConsole": False,
            "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
            "interfaces": [{"name": "default", "masquerade": {}}],
        },
    }
    template = {
        "domain": domain,
        "evictionStrategy": "LiveMigrateIfPossible",
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", "containerDisk": {"image": "registry.invalid/disks/a:1"}}],
    }
    return {"runStrategy": strategy, "template": {"metadata": {"labels": LABELS}, "spec": template}, **spec}


def booting_from(volume: Json, **spec: Any) -> Json:
    """Return the spec of a machine with another boot disk."""
    made = machine(**spec)
    made["template"]["spec"]["volumes"] = [{"name": "root", **volume}]
    return made


def template(**spec: Any) -> Json:
    """Return the merge patch of a machine's template."""
    return {"spec": {"template": {"spec": spec}}}


def run(place: Place, name: str = "w", **spec: Any) -> None:
    """Make a machine that comes up."""
    place.make(VM, name, machine(**spec))
    place.rest(VM, name, RUNNING)


def tolerated(place: Place, *names: str) -> None:
    """Edit the class of the machines and take it back: what every machine of the recording saw at its end."""
    for tolerations in ([TOLERATION], None):
        for name in names or ("w",):
            place.edit(name, template(tolerations=tolerations))
        place.settle()


def plain(place: Place) -> None:
    """A live update of the processors, and the node that has done it."""
    run(place)
    place.patch(VM, "w", template(domain={"cpu": {"sockets": 2}}))
    place.rest(VM, "w", {"condition HotVCPUChange": "True"})
    place.status(VMI, "w", {"currentCPUTopology": {"sockets": 2, "cores": 1, "threads": 1}})
    place.rest(VM, "w", {"condition HotVCPUChange": "-"})
    tolerated(place)


def more_memory(place: Place) -> None:
    """A live update of the memory that no node carries out."""
    run(place)
    place.patch(VM, "w", template(domain={"memory": {"guest": "2Gi"}}))
    place.rest(VM, "w", {"condition HotMemoryChange": "True"})
    tolerated(place)


def restart(place: Place) -> None:
    """A change that needs a restart, which it then gets; the class is edited as soon as it has started."""
    run(place)
    place.patch(VM, "w", template(domain={"devices": {"autoattachGraphicsDevice": True}}))
    place.until(
        VM, "w", {"condition RestartRequired": "True a non-live-updatable field was changed in the template spec"}
    )
    place.settle()
    place.patch(VM, "w", {"spec": {"runStrategy": "Halted"}})
    place.rest(VM, "w", STOPPED)
    place.patch(VM, "w", {"spec": {"runStrategy": "Always"}})
    place.rest(VM, "w", RUNNING)
    tolerated(place)


def missing_preference(place: Place) -> None:
    """A preference that is made later."""
    place.make(VM, "w", machine(preference={"name": "nope", "kind": CLUSTER_PREFERENCE.name}))
    place.until(VM, "w", {"printableStatus": "Stopped"}, "condition Failure")
    place.settle()
    place.make(CLUSTER_PREFERENCE, "nope", {})
    place.rest(VM, "w", RUNNING)
    tolerated(place)


def preference_requires(place: Place) -> None:
    """A preference that requires more than the machine has, until it is mended."""
    name = "fedora"
    place.make(CLUSTER_PREFERENCE, name, {"requirements": {"memory": {"guest": "2Gi"}}})
    place.refused(VM, "w", machine(preference={"name": name, "kind": CLUSTER_PREFERENCE.name}))
    place.make(CLUSTER_PREFERENCE, name, {"requirements": {"memory": {"guest": "1Gi"}}})
    place.make_soon(VM, "w", machine(preference={"name": name, "kind": CLUSTER_PREFERENCE.name}))
    place.rest(VM, "w", RUNNING)


def data_volume(place: Place) -> None:
    """A disk that CDI has not begun to fill, then cannot: there was no CDI, its part was played by hand."""
    source = {"source": {"http": {"url": "http://images.invalid/a.qcow2"}}, "storage": {}}
    place.make(DATA_VOLUME, "w-root", source, {kubevirt_sim.FAIL: "Ignored"})
    place.make(VM, "w", booting_from({"dataVolume": {"name": "w-root"}}))
    place.rest(VM, "w", {"printableStatus": "ErrorPvcNotFound"})
    place.make(CLAIM, "w-root", CLAIM_SPEC)
    place.until(CLAIM, "w-root", {"phase": "Bound"})
    place.rest(VM, "w", {"printableStatus": "ErrorUnschedulable", "condition Synchronized": "-"})
    failed = {"type": "Running", "status": "False", "reason": "Error"}
    conditions = [
        {"type": "Bound", "status": "True", "reason": "Bound"},
        {"type": "Ready", "status": "False", "reason": "TransferRunning"},
        {**failed, "message": "Unable to process data: 404 Not Found"},
    ]
    place.status(DATA_VOLUME, "w-root", {"phase": "ImportInProgress", "progress": "N/A", "conditions": conditions})
    place.rest(VM, "w", {"printableStatus": "DataVolumeError"})
    tolerated(place)


def unschedulable(place: Place) -> None:
    """Four large machines for three nodes; the last is halted."""
    for number in range(4):
        place.make(VM, f"w{number}", machine(memory="90Gi"))
        state = RUNNING if number < 3 else {"printableStatus": "ErrorUnschedulable"}
        place.until(VM, f"w{number}", state)
    place.settle()
    place.patch(VM, "w3", {"spec": {"runStrategy": "Halted"}})
    place.rest(VM, "w3", STOPPED)
    tolerated(place, "w0", "w1", "w2", "w3")


def crash(place: Place) -> None:
    """The launcher pod fails."""
    run(place)
    place.status(POD, place.launcher("w"), {"phase": "Failed"})
    place.started_again("w")
    place.rest(VM, "w", RUNNING)
    tolerated(place)


def task(place: Place) -> None:
    """The guest powers off, and with Once that is its end."""
    run(place, strategy="Once")
    place.status(POD, place.launcher("w"), {"phase": "Succeeded"})
    place.rest(VM, "w", {"printableStatus": "Stopped"})
    tolerated(place)


def migrate(place: Place) -> None:
    """A migration of a machine with a containerDisk."""
    run(place)
    place.make(MIGRATION, "m", {"vmiName": "w"})
    place.rest(MIGRATION, "m", {"phase": "Succeeded"})
    tolerated(place)


def migrate_labelled(place: Place) -> None:
    """A migration of a machine with an SELinux context, in a namespace that refuses what the target pod then has."""
    place.refuse_selinux()
    place.make(CLAIM, "root", CLAIM_SPEC)
    place.until(CLAIM, "root", {"phase": "Bound"})
    place.make(VM, "w", booting_from({"persistentVolumeClaim": {"claimName": "root"}}))
    place.rest(VM, "w", RUNNING)
    place.status(VMI, "w", {"selinuxContext": CONTEXT})
    place.make(MIGRATION, "m", {"vmiName": "w"})
    place.rest(MIGRATION, "m", {"phase": "Pending"})
    tolerated(place)


def pause(place: Place) -> None:
    """The guest is paused."""
    run(place)
    place.conditions(VMI, "w", {"type": "Paused", "status": "True", "reason": "PausedByUser"})
    place.rest(VM, "w", {"printableStatus": "Paused"})
    tolerated(place)


def pool_spec(image: str = "registry.invalid/disks/a:1", **more: Any) -> Json:
    """Return the spec of a pool of two."""
    made = booting_from({"containerDisk": {"image": image}})
    made["template"]["spec"] |= more
    meta = {"labels": LABELS}
    return {
        "replicas": 2,
        "maxUnavailable": 1,
        "selector": {"matchLabels": LABELS},
        "virtualMachineTemplate": {"metadata": meta, "spec": made},
    }


def pool(place: Place) -> None:
    """A pool that is made, made anew while its machines end, and changed three times."""
    place.make(POOL, "w", pool_spec())
    place.until(POOL, "w", {"readyReplicas": "2"})
    place.hold(VM, "w-0", "w-1")
    place.delete(POOL, "w")
    place.until(VM, "w-0", {"life": "deleting"})
    place.until(VM, "w-1", {"life": "deleting"})
    place.make(POOL, "w", pool_spec())
    place.until(POOL, "w", {"readyReplicas": "2"})
    place.release(VM, "w-0", "w-1")
    place.settle()
    other = "registry.invalid/disks/b:1"
    for spec in (pool_spec(other), pool_spec(other, tolerations=[TOLERATION]), pool_spec(other)):
        place.make(POOL, "w", deepcopy(spec))
        place.renewed("w-2", "w-3")


def tpm(place: Place) -> None:
    """The state of a persistent TPM and EFI has a claim of its own."""
    spec = machine()
    spec["template"]["spec"]["domain"] |= {
        "firmware": {"bootloader": {"efi": {"persistent": True, "secureBoot": False}}},
    }
    spec["template"]["spec"]["domain"]["devices"]["tpm"] = {"persistent": True}
    place.make(VM, "w", spec)
    place.rest(VM, "w", RUNNING)
    tolerated(place)


def quota(place: Place) -> None:
    """A quota that the launcher pod exceeds."""
    place.make(QUOTA, "q", {"hard": {"requests.memory": "1Gi"}})
    place.counted("q")
    place.make(VM, "w", machine())
    place.until(VM, "w", {"printableStatus": "Starting"}, "condition Synchronized")
    place.settle()
    tolerated(place)


def limits(place: Place) -> None:
    """A default limit that is less than the launcher pod asks for; then the machine is halted."""
    place.make(LIMIT_RANGE, "l", {"limits": [{"type": "Container", "default": {"memory": "512Mi"}}]})
    place.make(VM, "w", machine())
    place.until(VM, "w", {"printableStatus": "Starting"}, "condition Synchronized")
    place.settle()
    place.patch(VM, "w", {"spec": {"runStrategy": "Halted"}})
    place.rest(VM, "w", STOPPED)
    tolerated(place)


def long_disk(place: Place) -> None:
    """A disk whose name makes the name of a container too long."""
    spec, name = machine(), "d" * 60
    inner = spec["template"]["spec"]
    inner["volumes"].append({"name": name, "containerDisk": {"image": "registry.invalid/disks/b:1"}})
    inner["domain"]["devices"]["disks"].append({"name": name, "disk": {"bus": "virtio"}})
    place.make(VM, "w", spec)
    place.until(VM, "w", {"printableStatus": "Starting"}, "condition Synchronized")
    place.settle()
    tolerated(place)


def stop(place: Place) -> None:
    """Somebody halts the machine and Berth starts it again; later it is given less memory."""
    run(place)
    place.patch(VM, "w", {"spec": {"runStrategy": "Halted"}})
    place.patch(VM, "w", {"spec": {"runStrategy": "Always"}})
    place.started_again("w")
    place.rest(VM, "w", RUNNING)
    place.patch(VM, "w", template(domain={"memory": {"guest": "512Mi"}}))
    place.until(VM, "w", {}, "condition RestartRequired")
    place.settle()
    tolerated(place)


def restricted(place: Place) -> None:
    """A namespace with Pod Security `restricted`, where KubeVirt's seccomp setting lets launchers in."""
    place.label({"pod-security.kubernetes.io/enforce": "restricted"})
    run(place)
    tolerated(place)


def dedicated(place: Place) -> None:
    """Dedicated processors."""
    spec = machine()
    spec["template"]["spec"]["domain"]["cpu"]["dedicatedCpuPlacement"] = True
    place.make(VM, "w", spec)
    place.rest(VM, "w", RUNNING)
    tolerated(place)


def huge_pages(place: Place) -> None:
    """An instance type with huge pages, which no node has."""
    memory = {"guest": "2Gi", "hugepages": {"pageSize": "2Mi"}}
    cpu = {"guest": 1, "dedicatedCPUPlacement": True, "isolateEmulatorThread": True}
    place.make(CLUSTER_INSTANCETYPE, "cx1.medium", {"cpu": cpu, "memory": memory})
    spec = machine(instancetype={"name": "cx1.medium", "kind": CLUSTER_INSTANCETYPE.name})
    for field in ("cpu", "memory"):
        del spec["template"]["spec"]["domain"][field]
    place.make(VM, "w", spec)
    place.rest(VM, "w", {"printableStatus": "ErrorUnschedulable"})
    tolerated(place)


def delete(place: Place) -> None:
    """The machine is deleted."""
    run(place)
    place.delete(VM, "w")
    place.rest(VM, "w", {"life": "gone"})


def windows(place: Place) -> None:
    """A preference with a video type, for a machine without graphics: refused."""
    place.make(CLAIM, "root", CLAIM_SPEC)
    place.rest(CLAIM, "root", {"phase": "Bound"})
    place.make(CLUSTER_PREFERENCE, "windows.2k22.virtio", {"devices": {"preferredVideoType": "virtio"}})
    spec = booting_from({"persistentVolumeClaim": {"claimName": "root"}})
    spec["preference"] = {"name": "windows.2k22.virtio", "kind": CLUSTER_PREFERENCE.name}
    place.refused(VM, "w", spec)


def probe(place: Place) -> None:
    """A machine that is ready when its agent answers; then it is given more sockets than it may have."""
    spec = machine()
    spec["template"]["spec"]["readinessProbe"] = {"guestAgentPing": {}}
    place.make(VM, "w", spec)
    place.rest(VM, "w", RUNNING)
    place.patch(VM, "w", template(domain={"cpu": {"sockets": 8}}))
    place.until(VM, "w", {}, "condition RestartRequired")
    place.settle()
    tolerated(place)


SCENARIOS: dict[str, Scenario] = {
    "t-plain": plain,
    "t-memup": more_memory,
    "t-restart": restart,
    "t-pref": missing_preference,
    "t-prefreq": preference_requires,
    "t-dv": data_volume,
    "t-unsched": unschedulable,
    "t-crash": crash,
    "t-task": task,
    "t-migrate": migrate,
    "t-mig2": migrate_labelled,
    "t-pause": pause,
    "t-pool": pool,
    "t-tpm": tpm,
    "t-quota": quota,
    "t-limits": limits,
    "t-longdisk": long_disk,
    "t-stop": stop,
    "t-psa": restricted,
    "t-dedic": dedicated,
    "t-hp": huge_pages,
    "t-delete": delete,
    "t-win": windows,
    "t-probe": probe,
}
