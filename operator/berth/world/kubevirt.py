"""What KubeVirt's machines and CDI's disks tell: what stands in the way, and what goes on or waits while they serve.

Reference: KubeVirt 1.9, watch/vm/vm.go, watch/vmi/lifecycle.go, virt-handler/vm.go; CDI 1.64, datavolume/conditions.go.
"""

from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import condition, problem, reason_of, words
from berth.world.parse import Raw
from berth.world.records import Problem

_REASONS: Final = {
    # KubeVirt tries again until what is missing is there, or what is in the way has gone.
    "FailedFindInstancetype": Reason.RETRYING,
    "FailedFindPreference": Reason.RETRYING,
    "FailedCreate": Reason.RETRYING,
    "FailedDelete": Reason.RETRYING,
    "FailedDeletePod": Reason.RETRYING,
    "FailedUpdateError": Reason.RETRYING,
    "FailedPodPatch": Reason.RETRYING,
    "FailedHotplugSync": Reason.RETRYING,
    "FailedGatherhingClusterTopologyHints": Reason.RETRYING,
    "Synchronizing with the Domain failed.": Reason.RETRYING,
    # A change of a guest that runs; another one is under way, or it is being migrated.
    "HotPlugCPUError": Reason.RETRYING,
    "HotPlugMemoryError": Reason.RETRYING,
    "HotPlugVolumeError": Reason.RETRYING,
    "VolumesUpdateError": Reason.RETRYING,
    "AffinityChangeError": Reason.RETRYING,
    "TolerationsChangeError": Reason.RETRYING,
    "AnnotationsLabelsChangeError": Reason.RETRYING,
    # Of a pool.
    "FailedScaleOut": Reason.RETRYING,
    "FailedScaleIn": Reason.RETRYING,
    "FailedUpdate": Reason.RETRYING,
    "FailedRevisionPruning": Reason.RETRYING,
    # Disks, those with the state of a TPM or of the firmware too.
    "FailedPvcNotFound": Reason.VOLUME_MISSING,
    "FailedDataVolumeImport": Reason.VOLUME_MISSING,
    "PVCNotReady": Reason.VOLUME_MISSING,
    "BackendStorageNotReady": Reason.VOLUME_MISSING,
    "FailedBackendStorageCreate": Reason.VOLUME_MISSING,
    "FailedBackendStorageProbe": Reason.VOLUME_MISSING,
    # Images of disks.
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
}
"""KubeVirt's reasons and ours. Any other is taken for one that stays until somebody changes something."""

_PRINTABLE: Final = {
    "CrashLoopBackOff": Problem(Reason.CRASH_LOOPING, "the machine keeps failing to start"),
    "ErrorPvcNotFound": Problem(Reason.VOLUME_MISSING, "a disk of the machine does not exist"),
    "DataVolumeError": Problem(Reason.VOLUME_MISSING, "a disk of the machine could not be filled"),
    "ErrorUnschedulable": Problem(Reason.UNSCHEDULABLE, "no node can take the machine now"),
    "ErrImagePull": Problem(Reason.IMAGE_PULL_FAILED, "the image of the machine's disk cannot be pulled"),
    "ImagePullBackOff": Problem(Reason.IMAGE_PULL_FAILED, "the image of the machine's disk cannot be pulled"),
}

_UNCLAIMED: Final = frozenset({"ClaimLost", "CloneWithoutSource", "CloneValidationFailed"})
"""CDI's reasons for which a DataVolume has no claim, beside those that begin with Err."""

_WITHOUT_POD: Final = frozenset({"PodNotExists", "VMINotExists"})
"""Reasons of Ready=False with which PodScheduled is left over: from a pod that is gone, or a claim that has come."""

_NO_CLAIM: Final = "does not exist, waiting for it to appear"
"""End of what KubeVirt, not a scheduler, writes into PodScheduled while a claim is missing. It stays there when the
claim has come, until there is a pod; the claim itself is told by Synchronized and printableStatus."""

_CHANGES: Final = {"HotVCPUChange": "processors", "HotMemoryChange": "memory", "MigrationRequired": "network cards"}


def pool_problem(status: Raw) -> Problem | None:
    """Return what keeps a pool from having the machines that it wants."""
    failure = condition(status, "ReplicaFailure")
    return problem(_reason(failure), failure) if failure else None


def machine_problem(status: Raw) -> Problem | None:
    """Return what stands in the way of a VirtualMachine or an instance of one.

    Conditions come before printableStatus: that often is Starting while the cause stands in a condition.
    """
    failure = condition(status, "Failure")
    if failure is not None:
        return problem(_reason(failure), failure)
    gone = reason_of(status, "Ready") == "VMINotExists"
    unsynchronized = None if gone else condition(status, "Synchronized", "False")
    if unsynchronized is not None:
        return problem(_reason(unsynchronized), unsynchronized)
    unscheduled, printable = condition(status, "PodScheduled", "False"), status.get("printableStatus", "")
    if unscheduled is None:
        return _PRINTABLE.get(printable)
    if reason_of(status, "Ready") not in _WITHOUT_POD and not unscheduled.get("message", "").endswith(_NO_CLAIM):
        return problem(Reason.UNSCHEDULABLE, unscheduled)
    # It is left over, and so is the ErrorUnschedulable that KubeVirt derives from it.
    return None if printable == "ErrorUnschedulable" else _PRINTABLE.get(printable)


def _reason(said: Raw) -> Reason:
    text = said.get("message", "")
    if "exceeded quota" in text:
        return Reason.WAITING_FOR_QUOTA
    if "forbidden" in text or "denied the request" in text:
        return Reason.CHILD_REJECTED
    return _REASONS.get(said.get("reason", ""), Reason.BACKEND_FAILED)


def paused(status: Raw, namespace: str, name: str) -> Problem | None:
    """Return why an instance stands still, and how it goes on."""
    found = condition(status, "Paused")
    if found is None:
        return None
    if found.get("reason") == "PausedByMigrationMonitor":
        return Problem(Reason.PAUSED, f"the guest stands still until its live migration is done: {words(found)}")
    fix = f"`virtctl unpause vm {name} -n {namespace}`"
    if found.get("reason") == "PausedIOError":
        text = "the guest stands still, for a disk is full or fails: make room on it, or mend its storage, then run"
        return Problem(Reason.PAUSED, f"{text} {fix} ({words(found)})")
    may = "as an account that may update virtualmachineinstances/unpause, such as one with ClusterRole kubevirt.io:edit"
    return Problem(Reason.PAUSED, f"the guest was paused and serves nothing: run {fix} {may} ({words(found)})")


def restart_required(status: Raw, namespace: str, name: str) -> Problem | None:
    """Return which change a machine takes over with its next start only."""
    found = condition(status, "RestartRequired")
    return None if found is None else _restart(found.get("message", ""), namespace, name)


def _restart(why: str, namespace: str, name: str) -> Problem:
    text = (
        f"RestartRequired: {why}: the guest goes on as before and takes the change over when it starts anew: run"
        f" `virtctl restart {name} -n {namespace}`, or `kubectl scale workloads.berth.dev -n {namespace} {name}"
        " --replicas=0` and then --replicas=1"
    )
    return Problem(Reason.RESTART_REQUIRED, text)


def goings_on(status: Raw, namespace: str, name: str) -> tuple[Problem, ...]:
    """Return what KubeVirt does to an instance that runs: changes of its size, and moves to another node."""
    found = (_live_update(status, namespace, name), _migration(status))
    return tuple(each for each in found if each is not None)


def _live_update(status: Raw, namespace: str, name: str) -> Problem | None:
    under_way = [kind for kind in _CHANGES if condition(status, kind)]
    if not under_way:
        return None
    fixed = condition(status, "LiveMigratable", "False")
    if fixed is not None:
        return _restart(f"{under_way[0]} needs a live migration ({words(fixed)})", namespace, name)
    what = " and ".join(_CHANGES[kind] for kind in under_way)
    text = f"{', '.join(under_way)}: the guest gets its new {what} by a live migration and serves meanwhile"
    begin = f"run `virtctl migrate {name} -n {namespace}`"
    return Problem(Reason.LIVE_UPDATING, f"{text}: where workloadUpdateMethods of KubeVirt lacks LiveMigrate, {begin}")


def _migration(status: Raw) -> Problem | None:
    """Return a live migration that runs, failed or is waited for, by `migrationState` and `evacuationNodeName`."""
    state, drained = status.get("migrationState") or {}, status.get("evacuationNodeName", "")
    away = f"node {drained} is being drained" if drained else ""
    if state.get("startTimestamp") and not state.get("endTimestamp"):
        to = f"node {state['targetNode']}" if state.get("targetNode") else "another node"
        text = f"the guest moves to {to} by a live migration and serves meanwhile"
        return Problem(Reason.MIGRATING, f"{away}: {text}".removeprefix(": "))
    if state.get("failed") and not state.get("abortRequested"):
        text = f"a live migration failed, and the guest serves where it was: {state.get('failureReason', '')}"
        return Problem(Reason.MIGRATION_FAILED, f"{away}: {text}".removeprefix(": ").removesuffix(": "))
    if not away:
        return None
    see = "`kubectl describe virtualmachineinstancemigrations` tells why"
    return Problem(Reason.MIGRATING, f"{away}, and no live migration has begun: if it stays so, {see}")


def disk_problem(status: Raw, name: str) -> Problem | None:
    """Return what a DataVolume waits for or fails at, whatever its phase; None once it is filled.

    CDI tries again by itself and hardly ever reaches phase Failed. How far it is and how often it tried is left out.
    """
    phase = status.get("phase", "")
    if phase == "Succeeded":
        return None
    bound, running = _unless_true(status, "Bound"), _unless_true(status, "Running")
    if bound.get("reason", "").startswith("Err") or bound.get("reason") in _UNCLAIMED:
        quota = "Quota" in bound["reason"]
        return _disk(Reason.WAITING_FOR_QUOTA if quota else Reason.VOLUME_MISSING, name, "has no claim", bound)
    if running.get("reason") == "Unschedulable":
        # So at every start, until the pod that fills the disk has a node.
        return _disk(Reason.PROVISIONING, name, "is being filled", running)
    if any(each in running.get("reason", "") for each in ("Err", "Fail")):
        quota = "Quota" in running["reason"]
        return _disk(Reason.WAITING_FOR_QUOTA if quota else Reason.VOLUME_MISSING, name, "cannot be filled", running)
    if phase == "Failed":
        return Problem(Reason.VOLUME_MISSING, f"disk {name} could not be filled: delete its DataVolume to try anew")
    return Problem(Reason.PROVISIONING, f"disk {name} is being filled: {phase or 'CDI has not begun'}")


def _unless_true(status: Raw, kind: str) -> Raw:
    return condition(status, kind, "False") or condition(status, kind, "Unknown") or {}


def _disk(reason: Reason, name: str, what: str, said: Raw) -> Problem:
    return Problem(reason, f"disk {name} {what}: {words(said)}")
