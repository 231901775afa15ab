"""A Workload with an image and a disk moves from pods to a machine without losing its address or a moment of service."""

import pytest

from ground.api import version
from scenarios import specs
from scenarios.kinds import DEPLOYMENT, QUOTA, SERVICE, VM
from scenarios.objects import Json, history
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground


def test_pods_give_way_to_a_machine_once_it_is_ready(space: Space) -> None:
    space.workload("portal", specs.both())
    assert space.ready("portal")["status"]["placement"]["className"] == "container"
    service, deployment = space.get(SERVICE, "portal"), space.get(DEPLOYMENT, "portal")
    space.policy({"level": "Virtualized", "classes": ["vm"]})
    space.gone(DEPLOYMENT, "portal")
    found = space.expect("portal", "Ready", "True")
    assert found["status"]["placement"]["className"] == "vm"
    assert condition(space.expect("portal", "Isolated", "True"), "Placed")["status"] == "True"
    assert space.children("portal") == {"VirtualMachine portal", "Service portal", "NetworkPolicy portal"}
    assert identity(space.get(SERVICE, "portal")) == identity(service)
    assert_no_gap(space, deployment["metadata"]["resourceVersion"])
    deletes = [write for write in space.audit.writes(space.name) if write.verb == "delete"]
    assert [write.resource for write in deletes] == ["deployments"]


def identity(service: Json) -> tuple[str, Json, int | None]:
    meta = service["metadata"]
    return meta["uid"], service["spec"], meta.get("generation")


def assert_no_gap(space: Space, since: str) -> None:
    """Look at every state of both: the pods served until the machine did."""
    ready = [state for state in history(space.cluster, VM, space.name, since) if state.get("status", {}).get("ready")]
    states = history(space.cluster, DEPLOYMENT, space.name, since)
    last = max(version(state) for state in states if state["status"].get("readyReplicas") == 1)
    assert min(map(version, ready)) < last
    assert all(state["spec"]["replicas"] == 1 for state in states)


def test_a_machine_that_does_not_start_leaves_the_pods_serving(space: Space) -> None:
    spec = specs.both()
    space.workload("portal", spec)
    space.ready("portal")
    pod = space.pods("portal")[0]["metadata"]["uid"]
    space.put(QUOTA, "full", {"hard": {"pods": "1"}})
    space.policy({"level": "Virtualized", "classes": ["vm"]})
    space.until(VM, "portal", lambda found: condition(found, "Synchronized")["status"] == "False")
    space.expect("portal", "Isolated", "False", "Switching")
    space.expect("portal", "Ready", "False")
    space.quiet()
    assert pod in {each["metadata"]["uid"] for each in space.pods("portal")}
    assert space.get(DEPLOYMENT, "portal")["status"]["readyReplicas"] == 1
    space.delete(VM, "portal")
    assert space.get(DEPLOYMENT, "portal")["status"]["readyReplicas"] == 1


def test_a_disabled_class_keeps_whom_it_has_and_takes_nobody_new(space: Space) -> None:
    name = space.isolation_class("pods", {"level": "Container", "pod": {}})
    spec = specs.pinned(name, specs.container())
    space.workload("old", spec)
    space.ready("old")
    space.isolation_class("pods", {"level": "Container", "pod": {}, "enabled": False})
    space.workload("new", spec)
    space.expect("new", "Placed", "False")
    assert condition(space.expect("old", "Placed", "True"), "Ready")["status"] == "True"
    assert space.children("new") == set()
