"""What a person reads of a machine, stage by stage, where its objects are as KubeVirt's own controllers left them."""

from itertools import groupby

import pytest

from berth.api.reasons import ConditionType
from berth.observe.model import Status
from observe.recorded import TIMELINES, Played, namespaces
from render.specs import Json

pytestmark = pytest.mark.skipif(
    not TIMELINES.exists(), reason=f"{TIMELINES} is not there: what KubeVirt was seen to write is recorded in it"
)

MACHINE: Json = {
    "machine": {"bootDisk": {"containerDisk": {"image": "d:1"}}},
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
}
CLONED = MACHINE | {"machine": {"bootDisk": {"dataSource": {"name": "fedora", "storage": "10Gi"}}}}
STARTING, SERVING = "False Provisioning", "True Running"
CHANGING, STOPPING = "True Updating", "False Updating"
"""KubeVirt has yet to look at an edit: the guest serves meanwhile, unless it is to stop or be renewed."""
RESTART, LIVE = "True RestartRequired", "True LiveUpdating"
AFTERWARDS = (CHANGING, SERVING, CHANGING, SERVING)
"""An edit of its class and one back, each told until KubeVirt has seen it."""


def ready(status: Status) -> Status:
    """Return the condition Ready."""
    return next(each for each in status["conditions"] if each["type"] == ConditionType.READY)


def told(recorded: Played, namespace: str) -> list[Status]:
    """Return what the Workload told after each observation."""
    found = list(recorded.statuses(namespace))
    if not found:
        pytest.skip(f"{namespace} is not in this recording")
    return found


def stages(statuses: list[Status]) -> list[str]:
    """Return status and reason of Ready, each as often as it changed."""
    read = [f"{ready(each)['status']} {ready(each)['reason']}" for each in statuses]
    return [stage for stage, _ in groupby(read)]


@pytest.mark.parametrize(
    ("namespace", "recorded", "expected"),
    [
        ("t-plain", Played(MACHINE), (STARTING, SERVING, CHANGING, SERVING, LIVE, SERVING, *AFTERWARDS)),
        ("t-memup", Played(MACHINE), (STARTING, SERVING, CHANGING, SERVING, LIVE, CHANGING, LIVE, CHANGING, LIVE)),
        (
            "t-restart",
            Played(MACHINE, halts=True),
            (
                *(STARTING, SERVING, CHANGING, RESTART, STOPPING, "True ScaledToZero", STARTING, SERVING),
                *(CHANGING, SERVING),
            ),
        ),
        ("t-stop", Played(MACHINE), (STARTING, SERVING, CHANGING, STARTING, SERVING, *(CHANGING, RESTART) * 3)),
        ("t-probe", Played(MACHINE), (STARTING, SERVING, *(CHANGING, RESTART) * 3)),
        ("t-pref", Played(MACHINE), (STARTING, "False Retrying", STARTING, SERVING, *AFTERWARDS)),
        ("t-prefreq", Played(MACHINE), (STARTING, SERVING)),
        ("t-pause", Played(MACHINE), (STARTING, SERVING, "False Paused")),
        ("t-tpm", Played(MACHINE), (STARTING, "False VolumeMissing", STARTING, SERVING, *AFTERWARDS)),
        ("t-dv", Played(CLONED), (STARTING, "False VolumeMissing")),
        ("t-quota", Played(MACHINE), (STARTING, "False WaitingForQuota")),
        ("t-longdisk", Played(MACHINE), (STARTING, "False Retrying")),
        (
            "t-limits",
            Played(MACHINE, halts=True),
            (STARTING, "False Retrying", STOPPING, "True ScaledToZero"),
        ),
        (
            "t-unsched",
            Played(MACHINE, names="w3", halts=True),
            (STARTING, "False Unschedulable", STOPPING, "True ScaledToZero"),
        ),
        ("t-hp", Played(MACHINE), (STARTING, "False Unschedulable")),
        ("t-crash", Played(MACHINE), (STARTING, SERVING, STARTING)),
        ("t-task", Played(MACHINE | {"type": "Task"}), (STARTING, "True Completed")),
        ("t-migrate", Played(MACHINE), (STARTING, SERVING, *AFTERWARDS)),
        ("t-mig2", Played(MACHINE), (STARTING, SERVING, *AFTERWARDS)),
        (
            "t-pool",
            Played(MACHINE | {"replicas": 2}),
            (
                *(STARTING, SERVING, STOPPING, SERVING, "True Retrying", "False Retrying", STOPPING, SERVING),
                *(STOPPING, STARTING, SERVING),
            ),
        ),
    ],
)
def test_each_stage_reads_as_what_the_machine_does(namespace: str, recorded: Played, expected: tuple[str, ...]) -> None:
    assert stages(told(recorded, namespace)) == list(expected)


@pytest.mark.parametrize(
    ("namespace", "recorded", "texts"),
    [
        ("t-plain", Played(MACHINE), ("HotVCPUChange: ",)),
        (
            "t-restart",
            Played(MACHINE),
            ("a non-live-updatable field was changed in the template spec", "virtctl restart"),
        ),
        ("t-probe", Played(MACHINE), ("CPU sockets updated in template spec to a value higher than what's available",)),
        ("t-stop", Played(MACHINE), ("at least 1Gi of guest memory",)),
        (
            "t-pref",
            Played(MACHINE),
            ('FailedFindPreference: virtualmachineclusterpreferences.instancetype.kubevirt.io "nope"',),
        ),
        ("t-pause", Played(MACHINE), ("virtctl unpause",)),
        (
            "t-dv",
            Played(CLONED),
            ("disk root is being filled: ", "disk root cannot be filled: Error: Unable to process data: 404"),
        ),
        (
            "t-quota",
            Played(MACHINE),
            ("exceeded quota: q, requested: requests.memory=1280Mi, limited: requests.memory=1Gi",),
        ),
        ("t-limits", Played(MACHINE), ("must be less than or equal to memory limit of 512Mi",)),
    ],
)
def test_what_is_wrong_or_waits_is_told_in_kubevirts_words(
    namespace: str, recorded: Played, texts: tuple[str, ...]
) -> None:
    messages = {ready(each)["message"] for each in told(recorded, namespace)}
    assert [text for text in texts if not any(text in message for message in messages)] == []


def test_a_claim_that_cdi_has_not_made_yet_does_not_look_like_an_error() -> None:
    assert not any("does not exist" in ready(each)["message"] for each in told(Played(CLONED), "t-dv"))


@pytest.mark.parametrize("namespace", namespaces())
def test_nothing_that_heals_by_itself_is_stalled(namespace: str) -> None:
    stalled = [each for status in told(Played(MACHINE), namespace) for each in status["conditions"]][5::6]
    assert {(each["type"], each["status"]) for each in stalled} == {(ConditionType.STALLED, "False")}
