"""Whoever gets past admission and tampers with what Berth keeps changes no decision, and nothing weaker runs.

All of it is done as the administrator, whom admission lets through.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ground.api import call, eventually
from scenarios import objects
from scenarios.kinds import DEPLOYMENT, POD, SERVICE, VM, WORKLOAD, Kind
from scenarios.objects import Json
from scenarios.site import condition
from threats.site import EVIL, Site, place
from threats.specs import CONTAINER, DISK, GUEST, IMAGE

pytestmark = pytest.mark.ground

KOPF = "kopf.zalando.org"
FORGED: Json = {
    "observedGeneration": 99,
    "reason": "Running",
    "ready": "1/1",
    "readyReplicas": 1,
    "placement": {
        "className": "container",
        "level": "Container",
        "backend": "Pod",
        "since": "2026-01-01T00:00:00Z",
        "decidedBy": [],
    },
}


@pytest.fixture
def name(shared: Site) -> Iterator[str]:
    """The name of a Workload of this test alone, which goes with it."""
    found = f"t-{uuid4().hex[:8]}"
    yield found
    objects.delete(shared.cluster, WORKLOAD, EVIL, found)


def run(site: Site, name: str, spec: Json = CONTAINER, **meta: Any) -> Json:
    """Write a Workload and wait until it runs."""
    objects.put(site.cluster, WORKLOAD, EVIL, {"metadata": {"name": name, **meta}, "spec": spec})
    return until(site, name, lambda found: condition(found, "Ready")["status"] == "True")


def until(site: Site, name: str, wish: Any) -> Json:
    return objects.until(site.cluster, WORKLOAD, EVIL, name, wish)


def runtime(site: Site, name: str) -> str | None:
    found: str | None = objects.get(site.cluster, DEPLOYMENT, EVIL, name)["spec"]["template"]["spec"].get(
        "runtimeClassName"
    )
    return found


def pods(site: Site, name: str) -> list[Json]:
    return objects.items(site.cluster, POD, EVIL, f"berth.dev/workload={name}")


def test_a_forged_status_changes_no_decision_and_is_put_right(shared: Site, name: str) -> None:
    before = run(shared, name)["status"]
    uid = objects.get(shared.cluster, DEPLOYMENT, EVIL, name)["metadata"]["uid"]
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"status": FORGED}, "/status")
    after = until(shared, name, lambda found: place(found) == "gvisor")["status"]
    assert after["placement"]["level"] == before["placement"]["level"]
    assert after["observedGeneration"] == before["observedGeneration"]
    assert objects.get(shared.cluster, DEPLOYMENT, EVIL, name)["metadata"]["uid"] == uid
    assert runtime(shared, name) == "gvisor"


def test_a_removed_status_comes_back(shared: Site, name: str) -> None:
    run(shared, name)
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"status": None}, "/status")
    assert place(until(shared, name, place)) == "gvisor"


def test_a_denied_workload_with_a_forged_status_runs_nowhere(shared: Site, name: str) -> None:
    denied = {**CONTAINER, "isolation": {"className": "container"}}
    objects.put(shared.cluster, WORKLOAD, EVIL, {"metadata": {"name": name}, "spec": denied})
    until(shared, name, lambda found: condition(found, "Placed")["status"] == "False")
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"status": FORGED}, "/status")
    until(shared, name, lambda found: not place(found) and condition(found, "Placed")["status"] == "False")
    assert objects.get(shared.cluster, DEPLOYMENT, EVIL, name) == {}


WANTED = json.dumps({"spec": {**CONTAINER, "isolation": {"level": "Virtualized"}}})
FOREVER = json.dumps(
    {"started": "2026-01-01T00:00:00", "delayed": "2199-01-01T00:00:00", "retries": 1, "success": False}
)
DONE = json.dumps(
    {"started": "2026-01-01T00:00:00", "stopped": "2026-01-01T00:00:00", "success": True, "failure": False}
)
RECIPES = {
    "the new spec was handled already": {f"{KOPF}/last-handled-configuration": WANTED},
    "what was handled cannot be read": {f"{KOPF}/last-handled-configuration": "{"},
    "the handler succeeded": {f"{KOPF}/own": DONE, f"{KOPF}/reconcile": DONE},
    "the handler waits for ever": {f"{KOPF}/own": FOREVER, f"{KOPF}/reconcile": FOREVER},
    "its progress cannot be read": {f"{KOPF}/own": "{", f"{KOPF}/reconcile": "{"},
    "it was touched": {f"{KOPF}/touch-dummy": "2199-01-01T00:00:00"},
    "everything at once": {
        f"{KOPF}/last-handled-configuration": WANTED,
        f"{KOPF}/own": FOREVER,
        f"{KOPF}/own.create": DONE,
        f"{KOPF}/own.update": DONE,
    },
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_forged_annotations_of_the_framework_change_nothing(shared: Site, name: str, recipe: str) -> None:
    """They are there from the start, so neither the creation nor the move that policy could ask for is skipped."""
    run(shared, name, annotations=RECIPES[recipe])
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"spec": {"isolation": {"level": "Virtualized"}}})
    until(shared, name, lambda found: place(found) == "kata")
    assert runtime(shared, name) == "kata"


def test_a_forged_annotation_that_comes_later_keeps_nothing_from_moving(shared: Site, name: str) -> None:
    run(shared, name)
    poison = {"metadata": {"annotations": RECIPES["everything at once"], "finalizers": [f"{KOPF}/KopfFinalizerMarker"]}}
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, poison)
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"spec": {"isolation": {"level": "Virtualized"}}})
    until(shared, name, lambda found: place(found) == "kata")
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"metadata": {"finalizers": None}})


def test_pods_without_their_labels_are_replaced_and_none_is_weaker(shared: Site, name: str) -> None:
    run(shared, name)
    [before] = pods(shared, name)
    objects.merge(shared.cluster, POD, EVIL, before["metadata"]["name"], {"metadata": {"labels": None}})
    eventually(
        lambda: [pod for pod in pods(shared, name) if pod["metadata"]["uid"] != before["metadata"]["uid"]],
        30.0,
        "a new pod",
    )
    stripped = objects.get(shared.cluster, POD, EVIL, before["metadata"]["name"])
    assert not stripped or stripped["spec"]["runtimeClassName"] == "gvisor"
    assert {pod["spec"]["runtimeClassName"] for pod in pods(shared, name)} == {"gvisor"}
    objects.delete(shared.cluster, POD, EVIL, before["metadata"]["name"])


def test_a_child_without_owner_and_labels_is_not_written_over(shared: Site, name: str) -> None:
    """It could be anybody's by now: its name is taken, and that is said."""
    run(shared, name)
    stripped = {"metadata": {"ownerReferences": None, "labels": None, "annotations": None}}
    objects.merge(shared.cluster, SERVICE, EVIL, name, stripped)
    until(shared, name, lambda found: condition(found, "Stalled")["reason"] == "NameTaken")
    assert "labels" not in objects.get(shared.cluster, SERVICE, EVIL, name)["metadata"]
    objects.delete(shared.cluster, SERVICE, EVIL, name)
    until(shared, name, lambda found: condition(found, "Stalled")["status"] == "False")


LABELS = {"app.kubernetes.io/managed-by": "berth", "berth.dev/class": "container"}


def lookalike(kind: Kind, name: str, spec: Json, uid: str = "") -> Json:
    """Return an object with all labels of a child of a Workload, and with its owner where that is given."""
    meta: Json = {"name": f"{name}-too", "labels": {**LABELS, "berth.dev/workload": name}}
    if uid:
        owner = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, "name": name, "uid": uid}
        meta["ownerReferences"] = [owner]
    return {"apiVersion": kind.api, "kind": kind.name, "metadata": meta, "spec": spec}


PLAIN: Json = {"containers": [{"name": "main", "image": IMAGE}]}
THEIRS: Json = {
    "selector": {"matchLabels": {"app": "x"}},
    "template": {"metadata": {"labels": {"app": "x"}}, "spec": PLAIN},
}


@pytest.mark.parametrize("owned", [False, True], ids=["by its labels", "by its owner, who is no controller"])
def test_a_deployment_that_looks_like_a_child_is_neither_adopted_nor_counted(
    shared: Site, name: str, owned: bool
) -> None:
    uid = run(shared, name)["metadata"]["uid"] if owned else run(shared, name) and ""
    made = objects.put(shared.cluster, DEPLOYMENT, EVIL, lookalike(DEPLOYMENT, name, {**THEIRS, "replicas": 0}, uid))
    objects.merge(shared.cluster, WORKLOAD, EVIL, name, {"spec": {"replicas": 2}})
    found = until(shared, name, lambda found: found["status"].get("readyReplicas") == 2)
    assert place(found) == "gvisor"
    until(shared, name, lambda found: condition(found, "Isolated")["status"] == "True")
    after = objects.get(shared.cluster, DEPLOYMENT, EVIL, f"{name}-too")
    assert (after["spec"], after["metadata"]["labels"]) == (made["spec"], made["metadata"]["labels"])
    objects.delete(shared.cluster, DEPLOYMENT, EVIL, f"{name}-too")


def test_a_plain_pod_with_ones_own_labels_is_told_and_its_troubles_are_not_ones_own(shared: Site, name: str) -> None:
    """It would serve at the Workload's address without a sandbox: that is said for as long as it is there."""
    run(shared, name)
    call(shared.cluster.kubeconfig, "POST", POD.path(EVIL), lookalike(POD, name, {**PLAIN, "nodeName": "nowhere"}))
    container = {"name": "main", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 9}
    stuck = {**container, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    status = {"status": {"phase": "Pending", "containerStatuses": [stuck]}}
    objects.merge(shared.cluster, POD, EVIL, f"{name}-too", status, "/status")
    found = until(shared, name, lambda found: condition(found, "Isolated")["reason"] == "IsolationMismatch")
    assert condition(found, "Ready")["status"] == "True"
    assert place(found) == "gvisor"
    call(shared.cluster.kubeconfig, "DELETE", POD.path(EVIL, f"{name}-too"), {"gracePeriodSeconds": 0})
    until(shared, name, lambda found: condition(found, "Isolated")["status"] == "True")


def test_a_forged_launcher_troubles_no_machine(shared: Site, name: str) -> None:
    run(shared, name, GUEST)
    labels = {
        "kubevirt.io": "virt-launcher",
        "kubevirt.io/domain": name,
        "vm.kubevirt.io/name": name,
        "berth.dev/workload": name,
    }
    forged = {**lookalike(POD, name, {**PLAIN, "nodeName": "nowhere"})}
    forged["metadata"] = {**forged["metadata"], "labels": labels}
    call(shared.cluster.kubeconfig, "POST", POD.path(EVIL), forged)
    objects.merge(shared.cluster, POD, EVIL, f"{name}-too", {"status": {"phase": "Failed"}}, "/status")
    machine = {"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {}}}}}
    call(shared.cluster.kubeconfig, "POST", VM.path(EVIL), lookalike(VM, name, machine))
    objects.merge(
        shared.cluster,
        WORKLOAD,
        EVIL,
        name,
        {"spec": {"machine": {"bootDisk": {"containerDisk": {"image": f"{DISK}-2"}}}}},
    )
    found = objects.observed(shared.cluster, WORKLOAD, EVIL, name)
    assert (place(found), found["status"].get("ready")) == ("vm", "1/1")
    for kind in (POD, VM):
        objects.delete(shared.cluster, kind, EVIL, f"{name}-too")
