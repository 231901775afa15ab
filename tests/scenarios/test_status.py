"""The status is rebuilt from what is there, follows the API conventions, and cannot be forged."""

import json

import pytest

from scenarios import specs
from scenarios.kinds import DEPLOYMENT, WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, kubectl

pytestmark = pytest.mark.ground

TIMES = frozenset({"lastTransitionTime", "since"})


def timeless(value: object) -> object:
    """Return a status without its times."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in TIMES}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def settled(space: Space, name: str, spec: Json) -> Json:
    """Apply a Workload and return its status once nothing is written any more."""
    space.workload(name, spec)
    space.ready(name)
    space.quiet(5.0)
    status: Json = space.get(WORKLOAD, name)["status"]
    return status


@pytest.mark.parametrize("spec", [specs.container(replicas=2), specs.machine()], ids=["pods", "machine"])
def test_a_deleted_status_comes_back_as_it_was(space: Space, spec: Json) -> None:
    before = settled(space, "web", spec)
    space.merge(WORKLOAD, "web", {"status": None}, "/status")
    found = space.until(WORKLOAD, "web", lambda found: timeless(found.get("status")) == timeless(before))
    assert found["status"].keys() == before.keys()
    space.quiet(1.0)
    space.silence(2.0)


FORGERIES: dict[str, Json] = {
    "placement": {"placement": {"className": "vm", "level": "Confidential", "backend": "VirtualMachine"}},
    "pending-switch": {"pendingSwitch": {"from": "vm", "to": "container", "reason": "Placed", "message": "go"}},
    "warnings": {"warnings": ["all is well"]},
    "counts": {"readyReplicas": 7, "ready": "7/7", "selector": "app=evil"},
    "conditions": {"conditions": []},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_status_is_corrected(space: Space, forgery: str) -> None:
    before = settled(space, "web", specs.container())
    space.merge(WORKLOAD, "web", {"status": FORGERIES[forgery]}, "/status")
    space.until(WORKLOAD, "web", lambda found: timeless(found["status"]) == timeless(before))
    space.quiet(1.0)
    space.silence(2.0)
    assert space.get(DEPLOYMENT, "web")["metadata"]["generation"] == 1


def test_a_dry_run_of_the_server_works_and_makes_nothing(space: Space) -> None:
    body = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "metadata": {"name": "web"}, "spec": specs.container()}
    printed = kubectl(space.cluster, "-n", space.name, "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(body))
    assert "created (server dry run)" in printed
    space.silence(1.0)
    assert space.get(WORKLOAD, "web") == {}


def times(found: Json) -> dict[str, tuple[str, str]]:
    conditions = found["status"]["conditions"]
    return {each["type"]: (each["status"], each["lastTransitionTime"]) for each in conditions}


def test_conditions_follow_the_conventions_through_an_edit(space: Space) -> None:
    settled(space, "web", specs.container())
    before = space.get(WORKLOAD, "web")
    space.workload("web", specs.container(replicas=2))
    space.expect("web", "Ready", "True")
    found = space.until(WORKLOAD, "web", lambda found: found["status"]["observedGeneration"] == 2)
    assert {each["observedGeneration"] for each in found["status"]["conditions"]} == {2}
    assert all(each["reason"] and each["message"] for each in found["status"]["conditions"])
    was, now = times(before), times(found)
    for kind in ("Accepted", "Placed", "Stalled"):
        assert now[kind] == was[kind], "the time changes only with the status"
    space.expect("web", "Reconciling", "False")


def test_the_scale_subresource_says_what_runs(space: Space) -> None:
    settled(space, "web", specs.container(replicas=2))
    printed = kubectl(space.cluster, "get", "--raw", f"{WORKLOAD.path(space.name, 'web')}/scale")
    assert '"replicas":2' in printed
    assert "berth.dev/workload=web" in printed
