"""What machines and disks tell, as KubeVirt and CDI write it: a reason of ours, and words that stay the same."""

import pytest

from berth.api.reasons import Reason
from berth.world import children
from berth.world.records import GuestExtras, MachineRecord, Problem
from world.raws import Raw, a_raw, condition, conditions

CONFLICT = 'failed to create virtual machine pod: pods "virt-launcher-web-{}" is forbidden: exceeded quota: q, used: cpu={}, limited: cpu=3'
CLAIM = "PVC shop/web-root does not exist, waiting for it to appear"
STALE = condition("PodScheduled", "False", "Unschedulable", CLAIM)
MIGRATION: Raw = {"startTimestamp": "2026-03-01T10:00:00Z", "sourceNode": "n1", "targetNode": "n2"}
ENDED: Raw = MIGRATION | {"endTimestamp": "2026-03-01T10:01:00Z"}


def instance(*said: Raw, **status: object) -> MachineRecord:
    """Return the record of the instance of shop/web."""
    return children.machine(a_raw("VirtualMachineInstance", status=conditions(*said, **status)))


def machine(*said: Raw, **status: object) -> Problem | None:
    """Return what stands in the way of VirtualMachine shop/web."""
    return children.child(a_raw("VirtualMachine", status=conditions(*said, **status))).problem


def disk(*said: Raw, phase: str = "ImportInProgress", **status: object) -> Problem | None:
    """Return what disk root of shop/web waits for."""
    return children.child(a_raw("DataVolume", "web-root", status=conditions(*said, phase=phase, **status))).problem


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("FailedFindInstancetype", Reason.RETRYING),
        ("FailedFindPreference", Reason.RETRYING),
        ("FailedCreate", Reason.RETRYING),
        ("HotPlugCPUError", Reason.RETRYING),
        ("HotPlugMemoryError", Reason.RETRYING),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED),
        ("BackendStorageNotReady", Reason.VOLUME_MISSING),
        ("FailedCreateValidation", Reason.BACKEND_FAILED),
    ],
)
@pytest.mark.parametrize(("kind", "value"), [("Failure", "True"), ("Synchronized", "False")])
def test_a_failure_that_heals_by_itself_is_told_from_one_that_stays(
    kind: str, value: str, reason: str, ours: Reason
) -> None:
    found = machine(condition(kind, value, reason, "because"))
    assert found == Problem(ours, f"{reason}: because")


def test_a_full_quota_reads_the_same_however_much_of_it_is_used() -> None:
    found = {
        machine(condition("Synchronized", "False", "FailedCreate", CONFLICT.format(*each))) for each in ("a1", "b2")
    }
    text = "FailedCreate: failed to create virtual machine pod: pod is forbidden: exceeded quota: q, limited: cpu=3"
    assert found == {Problem(Reason.WAITING_FOR_QUOTA, text)}


@pytest.mark.parametrize("gone", ["PodNotExists", "VMINotExists"])
@pytest.mark.parametrize("printable", ["ErrorUnschedulable", "Starting", "Stopped"])
def test_what_the_scheduler_said_of_a_pod_that_is_not_there_is_no_news(gone: str, printable: str) -> None:
    assert machine(STALE, condition("Ready", "False", gone), printableStatus=printable) is None
    assert instance(STALE, condition("Ready", "False", gone)).problem is None


def test_a_claim_that_has_come_is_not_told_to_be_missing_before_there_is_a_pod() -> None:
    starting = condition("Ready", "False", "GuestNotRunning")
    assert machine(STALE, starting, printableStatus="ErrorUnschedulable") is None
    assert instance(STALE, starting).problem is None
    missing = machine(STALE, starting, printableStatus="ErrorPvcNotFound")
    assert missing is not None
    assert missing.reason == Reason.VOLUME_MISSING


def test_what_the_scheduler_says_of_a_pod_that_is_there_is_told() -> None:
    said = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available: 3 Insufficient memory.")
    found = machine(said, condition("Ready", "False", "GuestNotRunning"), printableStatus="ErrorUnschedulable")
    assert found == Problem(Reason.UNSCHEDULABLE, "Unschedulable: no node is available: Insufficient memory")


def test_what_an_instance_said_that_is_gone_is_no_news() -> None:
    said = condition("Synchronized", "False", "FailedCreate", "no")
    assert machine(said, condition("Ready", "False", "VMINotExists"), printableStatus="Stopped") is None
    assert machine(said, condition("Ready", "False", "PodNotExists"), printableStatus="Starting") is not None


@pytest.mark.parametrize(
    ("said", "reason", "text"),
    [
        ((), Reason.PROVISIONING, "disk root is being filled: ImportInProgress"),
        (
            (
                condition("Bound", "True", "Bound"),
                condition("Running", "False", "Error", "Unable to process data: 404"),
            ),
            Reason.VOLUME_MISSING,
            "disk root cannot be filled: Error: Unable to process data: 404",
        ),
        (
            (condition("Running", "False", "ImagePullFailed", "Unable to pull: registry.example/x"),),
            Reason.VOLUME_MISSING,
            "disk root cannot be filled: ImagePullFailed: Unable to pull: registry.example/x",
        ),
        (
            (
                condition(
                    "Bound", "Unknown", "ErrExceededQuota", "exceeded quota: q, requested: a=2, used: a=1, limited: a=2"
                ),
            ),
            Reason.WAITING_FOR_QUOTA,
            "disk root has no claim: ErrExceededQuota: exceeded quota: q, requested: a=2, limited: a=2",
        ),
        (
            (condition("Bound", "False", "ErrClaimNotValid", "PVC spec is missing accessMode and no storageClass"),),
            Reason.VOLUME_MISSING,
            "disk root has no claim: ErrClaimNotValid: PVC spec is missing accessMode and no storageClass",
        ),
        (
            (condition("Bound", "False", "CloneWithoutSource", "The source pvc golden doesn't exist"),),
            Reason.VOLUME_MISSING,
            "disk root has no claim: CloneWithoutSource: The source pvc golden doesn't exist",
        ),
        (
            (
                condition(
                    "Bound", "False", "CloneValidationFailed", "The clone doesn't meet the validation requirements"
                ),
            ),
            Reason.VOLUME_MISSING,
            "disk root has no claim: CloneValidationFailed: The clone doesn't meet the validation requirements",
        ),
        (
            (condition("Bound", "False", "Pending", "PVC web-root Pending"), condition("Running", "False")),
            Reason.PROVISIONING,
            "disk root is being filled: ImportInProgress",
        ),
        (
            (condition("Running", "False", "Unschedulable", "Importer pod cannot be scheduled"),),
            Reason.PROVISIONING,
            "disk root is being filled: Unschedulable: Importer pod cannot be scheduled",
        ),
        (
            (condition("Running", "False", "ContainerCreating"),),
            Reason.PROVISIONING,
            "disk root is being filled: ImportInProgress",
        ),
    ],
)
def test_a_disk_tells_what_it_waits_for_or_fails_at_in_every_phase(
    said: tuple[Raw, ...], reason: Reason, text: str
) -> None:
    assert disk(*said) == Problem(reason, text)
    assert disk(*said, phase="Succeeded") is None


def test_how_far_a_disk_is_and_how_often_it_was_tried_changes_no_text() -> None:
    assert disk(progress="1.0%", restartCount=1) == disk(progress="99.0%", restartCount=7)


def test_a_disk_that_cdi_has_not_looked_at_is_on_its_way() -> None:
    assert disk(phase="") == Problem(Reason.PROVISIONING, "disk root is being filled: CDI has not begun")


def test_a_paused_machine_serves_nothing_and_names_the_command() -> None:
    record = instance(condition("Ready"), condition("Paused", "True", "PausedByUser", "VMI was paused by user"))
    assert not record.ready
    assert record.problem is not None
    assert record.problem.reason == Reason.PAUSED
    assert "`virtctl unpause vm web -n shop`" in record.problem.message
    assert "PausedByUser: VMI was paused by user" in record.problem.message


@pytest.mark.parametrize(("reason", "word"), [("PausedIOError", "full"), ("PausedByMigrationMonitor", "migration")])
def test_a_machine_that_nobody_paused_tells_why_it_stands_still(reason: str, word: str) -> None:
    record = instance(condition("Ready"), condition("Paused", "True", reason))
    assert (record.ready, record.problem and word in record.problem.message) == (False, True)


def test_a_change_that_waits_for_a_restart_comes_with_kubevirts_words_and_the_commands() -> None:
    why = "Reduction of CPU socket count requires a restart"
    found = children.child(
        a_raw("VirtualMachine", status=conditions(condition("RestartRequired", message=why)))
    ).restart
    assert found is not None
    assert found.reason == Reason.RESTART_REQUIRED
    for each in (why, "`virtctl restart web -n shop`", "`kubectl scale workloads.berth.dev -n shop web --replicas=0`"):
        assert each in found.message


@pytest.mark.parametrize("kind", ["HotVCPUChange", "HotMemoryChange", "MigrationRequired"])
def test_a_live_update_is_told_while_it_lasts(kind: str) -> None:
    (told,) = instance(condition("Ready"), condition(kind)).goings_on
    assert (told.reason, kind in told.message) == (Reason.LIVE_UPDATING, True)
    assert told.message.endswith("run `virtctl migrate web -n shop`")
    assert instance(condition("Ready"), condition(kind, "False")).goings_on == ()


def test_a_live_update_of_a_machine_that_cannot_migrate_waits_for_a_restart() -> None:
    fixed = condition("LiveMigratable", "False", "DisksNotLiveMigratable", "root is not shared")
    (told,) = instance(condition("HotVCPUChange"), fixed).goings_on
    assert told.reason == Reason.RESTART_REQUIRED
    assert "DisksNotLiveMigratable: root is not shared" in told.message


@pytest.mark.parametrize(
    ("status", "reason", "texts"),
    [
        ({"migrationState": MIGRATION}, Reason.MIGRATING, ("node n2",)),
        ({"migrationState": MIGRATION, "evacuationNodeName": "n1"}, Reason.MIGRATING, ("n1 is being drained", "n2")),
        ({"evacuationNodeName": "n1"}, Reason.MIGRATING, ("n1 is being drained", "no live migration has begun")),
        ({"migrationState": ENDED, "evacuationNodeName": "n1"}, Reason.MIGRATING, ("no live migration has begun",)),
        (
            {"migrationState": ENDED | {"failed": True, "failureReason": "timeout"}},
            Reason.MIGRATION_FAILED,
            ("failed", "timeout"),
        ),
        (
            {"migrationState": ENDED | {"failed": True}, "evacuationNodeName": "n1"},
            Reason.MIGRATION_FAILED,
            ("n1 is being drained: ", "failed"),
        ),
    ],
)
def test_a_migration_is_told_while_it_lasts_and_when_it_fails(
    status: Raw, reason: Reason, texts: tuple[str, ...]
) -> None:
    (told,) = instance(condition("Ready"), **status).goings_on
    assert told.reason == reason
    assert [each for each in texts if each not in told.message] == []


@pytest.mark.parametrize("state", [ENDED | {"completed": True}, ENDED | {"failed": True, "abortRequested": True}])
def test_a_migration_that_is_over_is_not_told(state: Raw) -> None:
    assert instance(condition("Ready"), migrationState=state).goings_on == ()


def test_the_size_of_a_guest_is_read_from_its_instance() -> None:
    domain = {"cpu": {"sockets": 2, "cores": 3, "threads": 1}, "memory": {"guest": "2Gi"}}
    record = children.machine(a_raw("VirtualMachineInstance", spec={"domain": domain}))
    assert (record.vcpus, record.memory) == (6, 2 << 30)


@pytest.mark.parametrize(
    ("domain", "extras"),
    [
        ({}, GuestExtras()),
        ({"cpu": {"dedicatedCpuPlacement": True}}, GuestExtras(pinned=True)),
        ({"cpu": {"isolateEmulatorThread": True}}, GuestExtras(isolated=True)),
        ({"devices": {"gpus": [{"name": "gpu"}]}}, GuestExtras(passthrough=True)),
        ({"devices": {"hostDevices": [{"name": "device"}]}}, GuestExtras(passthrough=True)),
        ({"devices": {"interfaces": [{"name": "a", "masquerade": {}}]}}, GuestExtras()),
        ({"devices": {"interfaces": [{"name": "a", "sriov": {}}]}}, GuestExtras(passthrough=True)),
        ({"resources": {"requests": {"memory": "1Gi"}}}, GuestExtras(overcommitted=True)),
        ({"resources": {"requests": {"memory": "2Gi"}}}, GuestExtras()),
    ],
)
def test_what_a_guest_takes_beside_its_size_is_read_from_its_instance(domain: Raw, extras: GuestExtras) -> None:
    given = {"domain": {"memory": {"guest": "2Gi"}} | domain}
    assert children.machine(a_raw("VirtualMachineInstance", spec=given)).extras == extras
