"""Raw objects -> records: what Berth made, and the pods and virtual machine instances behind it.

What a child says of itself becomes a reason of ours and a text that stays the same while nothing happens: no
counters, no random pod names (reference: the conditions of apps/v1, batch/v1 and kubevirt.io/v1).
"""

import re
from sys import intern
from typing import Final

from berth.api.meta import CLASS_LABEL, WORKLOAD_LABEL
from berth.api.quantity import amount
from berth.api.reasons import Reason
from berth.world.awaited import awaited
from berth.world.packed import pack
from berth.world.parse import Raw, key_of, seconds
from berth.world.records import ChildRecord, MachineRecord, PodRecord, Problem

_POD_NAME: Final = re.compile(r'\b[Pp]ods? "[^"]*" is ')
_USED: Final = re.compile(r"used: \S+, ")
_COUNT: Final = re.compile(r"^\d+ ")
_RANDOM: Final = re.compile(r'\b[0-9a-f]{12,}\b|(?<=_)\d+(?=")')
"""Ids of containers, and the number of the try in their names."""
_IMAGE: Final = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_VOLUME: Final = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_MAX_TEXT: Final = 512


def child(raw: Raw) -> ChildRecord:
    """Project an object that carries the workload label; `kind` must be in it."""
    meta, status = raw["metadata"], raw.get("status") or {}
    labels = meta.get("labels") or {}
    failed, problem = _troubles(raw["kind"], status)
    return ChildRecord(
        kind=raw["kind"],
        key=key_of(raw),
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        generation=meta.get("generation", 0),
        owner_uid=controller_uid(meta),
        workload=intern(labels.get(WORKLOAD_LABEL, "")),
        class_name=intern(labels.get(CLASS_LABEL, "")),
        deleting="deletionTimestamp" in meta,
        content=pack(comparable(raw)),
        observed_generation=status.get("observedGeneration", 0),
        replicas=_replicas(raw["kind"], status),
        ready=_ready(raw["kind"], status),
        updated=status.get("updatedReplicas", 0),
        complete=_true(status, "Complete") is not None,
        failed=failed,
        problem=problem,
        created=seconds(meta.get("creationTimestamp")),
    )


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


def _true(status: Raw, kind: str) -> Raw | None:
    return _condition(status, kind, "True")


def _condition(status: Raw, kind: str, value: str) -> Raw | None:
    found = (each for each in status.get("conditions") or () if each["type"] == kind and each["status"] == value)
    return next(found, None)


def _troubles(kind: str, status: Raw) -> tuple[Problem | None, Problem | None]:
    """Return what is final and what stands in the way now."""
    if kind == "Job":
        failed = _true(status, "Failed")
        return (_problem(Reason.TASK_FAILED, failed) if failed else None), None
    if kind in {"Deployment", "VirtualMachinePool"}:
        return None, _replica_failure(status)
    if kind == "VirtualMachine":
        return None, _machine_failure(status)
    if kind == "DataVolume" and status.get("phase") == "Failed":
        return Problem(Reason.VOLUME_MISSING, "the disk could not be filled: see the DataVolume's conditions"), None
    return None, None


def _replica_failure(status: Raw) -> Problem | None:
    failure = _true(status, "ReplicaFailure")
    if failure is not None:
        quota = "exceeded quota" in failure.get("message", "")
        return _problem(Reason.WAITING_FOR_QUOTA if quota else Reason.CHILD_REJECTED, failure)
    late = _condition(status, "Progressing", "False")
    return _problem(Reason.BACKEND_FAILED, late) if late else None


def _machine_failure(status: Raw) -> Problem | None:
    """Conditions before printableStatus: that often says Starting while the cause stands in a condition."""
    for kind, value in (("Failure", "True"), ("Synchronized", "False")):
        found = _condition(status, kind, value)
        if found is not None:
            return _problem(_machine_reason(found), found)
    unscheduled = _condition(status, "PodScheduled", "False")
    if unscheduled is not None:
        return _problem(Reason.UNSCHEDULABLE, unscheduled)
    return _PRINTABLE.get(status.get("printableStatus", ""))


def _machine_reason(condition: Raw) -> Reason:
    text = condition.get("reason", "") + condition.get("message", "")
    if "exceeded quota" in text:
        return Reason.WAITING_FOR_QUOTA
    if "Pvc" in condition.get("reason", "") or "BackendStorage" in condition.get("reason", ""):
        return Reason.VOLUME_MISSING
    return Reason.CHILD_REJECTED if "forbidden" in text else Reason.BACKEND_FAILED


_PRINTABLE: Final = {
    "CrashLoopBackOff": Problem(Reason.CRASH_LOOPING, "the machine keeps failing to start"),
    "ErrorPvcNotFound": Problem(Reason.VOLUME_MISSING, "a disk of the machine does not exist"),
    "DataVolumeError": Problem(Reason.VOLUME_MISSING, "a disk of the machine could not be filled"),
    "ErrorUnschedulable": Problem(Reason.UNSCHEDULABLE, "no node can take the machine now"),
    "ErrImagePull": Problem(Reason.IMAGE_PULL_FAILED, "the image of the machine's disk cannot be pulled"),
    "ImagePullBackOff": Problem(Reason.IMAGE_PULL_FAILED, "the image of the machine's disk cannot be pulled"),
}


def _problem(reason: Reason, condition: Raw) -> Problem:
    text = _USED.sub("", _POD_NAME.sub("pod is ", condition.get("message", "")))
    if reason is Reason.UNSCHEDULABLE:
        text = _unscheduled(text)
    return Problem(reason, f"{condition.get('reason', '')}: {text}"[:_MAX_TEXT].removeprefix(": "))


def _unscheduled(text: str) -> str:
    """Return why no node is taken, without how many nodes each reason is about: `0/3 nodes are available: 1 ...`."""
    _, found, reasons = text.partition("nodes are available: ")
    if not found:
        return text
    kinds = {_COUNT.sub("", each) for each in reasons.partition(" preemption: ")[0].rstrip(".").split(", ")}
    return f"no node is available: {', '.join(sorted(kinds))}"


def pod(raw: Raw) -> PodRecord:
    """Project a pod with the workload label."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    labels = meta.get("labels") or {}
    times = {each["type"]: each for each in status.get("conditions") or ()}
    return PodRecord(
        key=key_of(raw),
        uid=meta["uid"],
        workload=intern(labels.get(WORKLOAD_LABEL, "")),
        class_name=intern(labels.get(CLASS_LABEL, "")),
        runtime_class=spec.get("runtimeClassName") or "",
        overhead_memory=amount((spec.get("overhead") or {}).get("memory")),
        node=spec.get("nodeName") or "",
        running=status.get("phase") == "Running",
        ready=times.get("Ready", {}).get("status") == "True",
        finished=status.get("phase") in {"Succeeded", "Failed"},
        deleting="deletionTimestamp" in meta,
        launcher=labels.get("kubevirt.io") == "virt-launcher",
        problem=_pod_problem(status),
        created=seconds(meta.get("creationTimestamp")),
        scheduled=_since(times, "PodScheduled"),
        initialized=_since(times, "Initialized"),
        ready_at=_since(times, "Ready"),
    )


def _since(conditions: dict[str, Raw], kind: str) -> float:
    found = conditions.get(kind, {})
    return seconds(found.get("lastTransitionTime")) if found.get("status") == "True" else 0.0


def _pod_problem(status: Raw) -> Problem | None:
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (each.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason in _IMAGE:
            return Problem(
                Reason.IMAGE_PULL_FAILED, f"container {each['name']}: {reason}: image {each.get('image', '')}"
            )
        if reason == "CrashLoopBackOff":
            return Problem(Reason.CRASH_LOOPING, f"container {each['name']}: {_last_exit(each)}")
        if reason in _VOLUME:
            text = _RANDOM.sub("...", waiting.get("message", ""))[:_MAX_TEXT]
            return Problem(Reason.VOLUME_MISSING, f"container {each['name']}: {text or reason}")
    unscheduled = _condition(status, "PodScheduled", "False")
    return _problem(Reason.UNSCHEDULABLE, unscheduled) if unscheduled else None


def _last_exit(container: Raw) -> str:
    ended = (container.get("lastState") or {}).get("terminated")
    if not ended:
        return "keeps failing"
    return f"ended with exit code {ended.get('exitCode')} ({ended.get('reason') or 'no reason given'})"


def machine(raw: Raw) -> MachineRecord:
    """Project a VirtualMachineInstance with the workload label."""
    meta, status = raw["metadata"], raw.get("status") or {}
    labels = meta.get("labels") or {}
    ready = _true(status, "Ready")
    phases = tuple(
        (each["phase"], seconds(each.get("phaseTransitionTimestamp")))
        for each in status.get("phaseTransitionTimestamps") or ()
    )
    return MachineRecord(
        key=key_of(raw),
        uid=meta["uid"],
        workload=intern(labels.get(WORKLOAD_LABEL, "")),
        class_name=intern(labels.get(CLASS_LABEL, "")),
        phase=status.get("phase", ""),
        node=status.get("nodeName", ""),
        ready=ready is not None,
        deleting="deletionTimestamp" in meta,
        emulated=_true(status, "SoftwareEmulation") is not None,
        problem=_machine_failure(status) or awaited(raw),
        created=seconds(meta.get("creationTimestamp")),
        phases=phases,
        # KubeVirt copies the time of the pod's Ready, which may lie before the guest runs: take the later one.
        ready_at=max(seconds(ready.get("lastTransitionTime")), dict(phases).get("Running", 0.0)) if ready else 0.0,
    )
