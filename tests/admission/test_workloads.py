"""What the operator notes on Workloads, and status, is its own; waivers are the word of who gives them."""

from functools import partial

import pytest

from admission.attempts import Attempt, check
from admission.people import APPROVER, AUDIT, DEVELOPER, OPERATOR, OWNER, PLATFORM, REPORTER, ROBOT
from admission.world import TEAM
from ground.api import ApiError, Json
from ground.cluster import Cluster
from scenarios import specs
from scenarios.kinds import CLASS, POLICY, TENANT, WAIVER, WORKLOAD

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ALONE = "is set by the operator alone. Leave it as it is"
KEPT = "are set by the operator alone. Leave them as they are"
SEEN = "is what Berth saw: only the operator writes it. Change spec instead"
workload = partial(Attempt, policy="berth-workloads", kind=WORKLOAD, namespace=TEAM, name="web")
status = partial(Attempt, policy="berth-status", subresource="status")


def noted(**more: object) -> Json:
    """Return a patch of metadata."""
    return {"metadata": more}


HANDLED = "kopf.zalando.org/last-handled-configuration"
FORGERIES = {
    "handled": noted(annotations={HANDLED: "{}"}),
    "progress": noted(annotations={"kopf.zalando.org/create": '{"success":true}'}),
    "postponed": noted(annotations={"kopf.zalando.org/create": '{"delayed":"2199-01-01T00:00:00"}'}),
    "poison": noted(annotations={"kopf.zalando.org/create": "{"}),
    "touch": noted(annotations={"kopf.zalando.org/touch-dummy": "now"}),
    "hash": noted(annotations={"berth.dev/desired-hash": "1"}),
    "tenant": noted(labels={"berth.dev/tenant": "acme"}),
    "class": noted(labels={"berth.dev/class": "container"}),
}
NEW = {"spec": specs.container()}
STATUS = {"status": {"observedGeneration": 1}}
KINDS = ((CLASS, "container"), (POLICY, "pci"), (TENANT, "acme"))
REFUSED = [
    *(workload(DEVELOPER, "merge-patch", body=body, says=ALONE, note=note) for note, body in FORGERIES.items()),
    *(workload(OWNER, "create", name="new", body=NEW | body, says=ALONE, note=note) for note, body in FORGERIES.items()),
    workload(OWNER, "apply", body=NEW | FORGERIES["handled"], says=ALONE),
    workload(OWNER, "update", body=FORGERIES["hash"], says=ALONE),
    workload(OWNER, "json-patch", name="noted", body=[{"op": "remove", "path": "/metadata/annotations"}], says=ALONE, note="strip"),
    workload(OWNER, "merge-patch", name="noted", body=noted(annotations={"berth.dev/note": "b"}), says=ALONE, note="change"),
    workload(OWNER, "merge-patch", body=noted(finalizers=["berth.dev/held"]), says=KEPT, note="finalizer"),
    workload(OWNER, "merge-patch", name="noted", body=noted(finalizers=[]), says=KEPT, note="strip finalizer"),
    status(OWNER, "merge-patch", WORKLOAD, TEAM, "web", STATUS, SEEN),
    status(OWNER, "update", WORKLOAD, TEAM, "web", STATUS, SEEN),
    status(OWNER, "json-patch", WORKLOAD, TEAM, "web", [{"op": "add", "path": "/status", "value": {}}], SEEN),
    status(OWNER, "apply", WORKLOAD, TEAM, "web", STATUS, SEEN),
    *(status(REPORTER, "merge-patch", kind, "", name, STATUS, SEEN) for kind, name in KINDS),
]  # fmt: skip
ALLOWED = [
    workload(DEVELOPER, "create", name="new", body=NEW),
    workload(DEVELOPER, "create", name="new", body=NEW | noted(labels={"team": "a"}, annotations={"note": "b"}), note="own metadata"),
    workload(DEVELOPER, "merge-patch", body=noted(labels={"team": "a"}, annotations={"note": "b"}, finalizers=["team.example/held"])),
    workload(DEVELOPER, "merge-patch", name="noted", body={"spec": {"replicas": 0}}, note="keeps what is noted"),
    workload(DEVELOPER, "delete", name="noted"),
    workload(DEVELOPER, "apply", name="new", body=NEW),
    status(OPERATOR, "merge-patch", WORKLOAD, TEAM, "web", STATUS),
    *(status(OPERATOR, "merge-patch", kind, "", name, STATUS) for kind, name in KINDS[:2]),
]  # fmt: skip


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED], ids=str)
def test_notes_of_the_operator_are_its_own(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


waiver = partial(Attempt, policy="berth-waivers", kind=WAIVER, namespace="")


def waived(approver: str, **more: object) -> Json:
    """Return a Waiver for a Workload of namespace team."""
    spec = {
        "workloads": [{"namespace": TEAM, "name": "web"}],
        "policies": ["pci"],
        "reason": "until the driver is there",
        "requestedBy": DEVELOPER,
        "approver": approver,
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    return {"spec": {**spec, **more}}


WAIVERS = [
    waiver(APPROVER, "create", name="new", body=waived(APPROVER)),
    waiver(APPROVER, "apply", name="new", body=waived(APPROVER)),
    waiver(AUDIT, "create", name="new", body=waived(AUDIT)),
    waiver(PLATFORM, "create", name="new", body=waived(APPROVER), says="as approver. Whoever approves must write it: set spec.approver to paula"),
    waiver(PLATFORM, "apply", name="new", body=waived(APPROVER), says="names axel as approver"),
    waiver(ROBOT, "create", name="new", body=waived(ROBOT), says="Have somebody of another namespace approve it"),
    waiver(PLATFORM, "merge-patch", name="given", body={"spec": {"expiresAt": "2090-01-01T00:00:00Z"}}, note="shorten"),
    waiver(PLATFORM, "delete", name="given"),
]  # fmt: skip


@pytest.mark.parametrize("case", WAIVERS, ids=str)
def test_a_waiver_is_the_word_of_who_gives_it(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


@pytest.mark.parametrize(
    ("verb", "name", "body", "says"),
    [
        ("create", "new", waived(APPROVER, requestedBy=APPROVER), "nobody approves their own request"),
        ("merge-patch", "given", {"spec": {"expiresAt": "2100-01-01T00:00:00Z"}}, "a waiver is not extended"),
        ("merge-patch", "given", {"spec": {"approver": PLATFORM}}, "approver are immutable"),
        ("merge-patch", "given", {"spec": {"policies": ["pci", "more"]}}, "are immutable: write a new waiver"),
    ],
)
def test_the_crd_keeps_a_waiver_as_it_was_given(cluster: Cluster, verb: str, name: str, body: Json, says: str) -> None:
    with pytest.raises(ApiError, match=says):
        check(cluster, waiver(APPROVER, verb, name=name, body=body))
