"""Raw objects -> records: what Berth made, and the pods and virtual machine instances behind it.

What a child says of itself becomes a reason of ours and a text that stays the same while nothing happens: no
counters, no random pod names (reference: the conditions of apps/v1, batch/v1 and kubevirt.io/v1).
"""

from collections.abc import Mapping
from sys import intern

from berth.api.meta import CLASS_LABEL, DISK_LABEL, WORKLOAD_LABEL
from berth.api.quantity import amount
from berth.api.reasons import Reason
from berth.world import kubevirt
from berth.world.autoscaler import unable
from berth.world.awaited import awaited
from berth.world.conditions import condition, problem
from berth.world.containers import troubles
from berth.world.packed import pack
from berth.world.parse import Raw, key_of, seconds
from berth.world.records import ChildRecord, MachineRecord, PodRecord, Problem, RevisionRef
from berth.world.sizes import guest_extras, guest_size
from berth.world.starts import has_restarted, has_run, steps


def child(raw: Raw) -> ChildRecord:
    """Project an object that carries the label of its Workload; `kind` must be in it."""
    meta, status = raw["metadata"], raw.get("status") or {}
    labels = meta.get("labels") or {}
    named = labels.get(WORKLOAD_LABEL, "")
    key, workload = key_of(raw), intern(disk_of(labels) if raw["kind"] == "DataVolume" else named)
    failed, trouble = _troubles(raw["kind"], key[1].removeprefix(f"{workload}-"), status)
    is_machine = raw["kind"] == "VirtualMachine"
    return ChildRecord(
        kind=raw["kind"],
        key=key,
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        generation=meta.get("generation", 0),
        owner_uid=controller_uid(meta),
        workload=workload,
        class_name=intern(labels.get(CLASS_LABEL, "")),
        deleting="deletionTimestamp" in meta,
        content=pack(comparable(raw)),
        # KubeVirt's observedGeneration is what the guest was started with: it stays behind what is changed live.
        observed_generation=status.get("desiredGeneration" if is_machine else "observedGeneration", 0),
        replicas=_replicas(raw["kind"], status),
        ready=_ready(raw["kind"], status),
        updated=status.get("updatedReplicas", 0),
        complete=condition(status, "Complete") is not None,
        failed=failed,
        problem=trouble,
        restart=kubevirt.restart_required(status, *key) if is_machine else None,
        created=seconds(meta.get("creationTimestamp")),
        revisions=_revisions(status) if is_machine else (),
    )


def _revisions(status: Raw) -> tuple[RevisionRef, ...]:
    refs = [status.get(field) or {} for field in ("instancetypeRef", "preferenceRef")]
    found = ((each, (each.get("controllerRevisionRef") or {}).get("name", "")) for each in refs)
    return tuple(RevisionRef(each.get("kind", ""), each.get("name", ""), name) for each, name in found if name)


def disk_of(labels: Mapping[str, str]) -> str:
    """Return the Workload whose disk a DataVolume is; former versions of Berth labelled disks as all other children."""
    return labels.get(DISK_LABEL) or labels.get(WORKLOAD_LABEL, "")


def controller_uid(meta: Raw) -> str:
    """Return the UID of the controller that owns an object; empty when there is none."""
    return intern(next((ref["uid"] for ref in meta.get("ownerReferences") or () if ref.get("controller")), ""))


def comparable(raw: Raw) -> Raw:
    """Return what may be compared with what is wanted: metadata and spec."""
    meta = raw["metadata"]
    kept = {name: meta[name] for name in ("labels", "annotations", "ownerReferences") if name in meta}
    return {"metadata": kept, "spec": raw.get("spec")}


def _replicas(kind: str, status: Raw) -> int:
    if kind == "Job":
        return int(status.get("active", 0)) + int(status.get("succeeded", 0))
    if kind == "VirtualMachine":
        return int(bool(status.get("created")))
    return int(status.get("replicas", 0))


def _ready(kind: str, status: Raw) -> int:
    if kind == "Job":
        return int(status.get("ready", 0)) + int(status.get("succeeded", 0))
    if kind == "VirtualMachine":
        return int(bool(status.get("ready")))
    return int(status.get("readyReplicas", 0))


def _troubles(kind: str, name: str, status: Raw) -> tuple[Problem | None, Problem | None]:
    """Return what is final and what stands in the way now; `name` is that of a disk in its machine."""
    if kind == "Job":
        failed = condition(status, "Failed")
        return (problem(Reason.TASK_FAILED, failed) if failed else None), None
    if kind == "Deployment":
        return None, _replica_failure(status)
    if kind == "HorizontalPodAutoscaler":
        return None, unable(status)
    if kind == "VirtualMachinePool":
        return None, kubevirt.pool_problem(status)
    if kind == "VirtualMachine":
        return None, kubevirt.machine_problem(status)
    return None, kubevirt.disk_problem(status, name) if kind == "DataVolume" else None


def _replica_failure(status: Raw) -> Problem | None:
    failure = condition(status, "ReplicaFailure")
    if failure is not None:
        quota = "exceeded quota" in failure.get("message", "")
        return problem(Reason.WAITING_FOR_QUOTA if quota else Reason.CHILD_REJECTED, failure)
    late = condition(status, "Progressing", "False")
    return problem(Reason.BACKEND_FAILED, late) if late else None


def pod(raw: Raw) -> PodRecord:
    """Project a pod with the workload label."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    labels = meta.get("labels") or {}
    reached = steps(status)
    launcher = labels.get("kubevirt.io") == "virt-launcher"
    return PodRecord(
        key=key_of(raw),
        uid=meta["uid"],
        workload=intern(labels.get(WORKLOAD_LABEL, "")),
        class_name=intern(labels.get(CLASS_LABEL, "")),
        runtime_class=spec.get("runtimeClassName") or "",
        host_users=spec.get("hostUsers") is not False,
        overhead_memory=amount((spec.get("overhead") or {}).get("memory")),
        node=spec.get("nodeName") or "",
        running=status.get("phase") == "Running",
        ready="Ready" in dict(reached),
        finished=status.get("phase") in {"Succeeded", "Failed"},
        deleting="deletionTimestamp" in meta,
        launcher=launcher,
        troubles=troubles(raw, launcher=launcher),
        created=seconds(meta.get("creationTimestamp")),
        steps=reached,
        has_run=has_run(status),
        has_restarted=has_restarted(spec, status),
        controlled=bool(controller_uid(meta)),
        revision=intern(labels.get("pod-template-hash", "")),
    )


def machine(raw: Raw) -> MachineRecord:
    """Project a VirtualMachineInstance with the workload label."""
    meta, status = raw["metadata"], raw.get("status") or {}
    key, labels = key_of(raw), meta.get("labels") or {}
    vcpus, memory = guest_size(raw.get("spec") or {})
    paused = kubevirt.paused(status, *key)
    ready = None if paused else condition(status, "Ready")
    phases = tuple(
        (each["phase"], seconds(each.get("phaseTransitionTimestamp")))
        for each in status.get("phaseTransitionTimestamps") or ()
    )
    return MachineRecord(
        key=key,
        uid=meta["uid"],
        workload=intern(labels.get(WORKLOAD_LABEL, "")),
        class_name=intern(labels.get(CLASS_LABEL, "")),
        phase=status.get("phase", ""),
        node=status.get("nodeName", ""),
        ready=ready is not None,
        deleting="deletionTimestamp" in meta,
        emulated=condition(status, "SoftwareEmulation") is not None,
        problem=paused or kubevirt.machine_problem(status) or awaited(raw),
        goings_on=kubevirt.goings_on(status, *key),
        vcpus=vcpus,
        memory=memory,
        created=seconds(meta.get("creationTimestamp")),
        extras=guest_extras(raw.get("spec") or {}),
        phases=phases,
        # KubeVirt copies the time of the pod's Ready, which may lie before the guest runs: take the later one.
        ready_at=max(seconds(ready.get("lastTransitionTime")), dict(phases).get("Running", 0.0)) if ready else 0.0,
    )
