"""A class that the cluster cannot run now: the Workload waits with the true reason and starts when it can."""

import pytest

from ground.nodes import PLAIN, Shape
from scenarios import specs
from scenarios.kinds import CLASS, NODE, RUNTIME_CLASS
from scenarios.objects import Json
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground


def assert_waits(space: Space, spec: Json, reason: str, *words: str) -> None:
    """Apply a Workload that has no place, and look at what it says."""
    space.workload("web", spec)
    found = space.expect("web", "Placed", "False", reason, says=words)
    assert condition(found, "Ready")["status"] == "False"
    assert space.children("web") == set()


def test_a_missing_runtime_class(space: Space) -> None:
    name = space.isolation_class("late", {"level": "Sandboxed", "pod": {"runtimeClassName": space.name}})
    assert_waits(space, specs.pinned(name, specs.container()), "RuntimeClassMissing", space.name, "install")
    space.put_body(RUNTIME_CLASS, {"metadata": {"name": space.name}, "handler": "runsc"})
    assert space.ready("web")["status"]["placement"]["runtimeClassName"] == space.name


def test_no_node_with_the_labels_of_the_class(space: Space) -> None:
    name = space.isolation_class("pool", {"level": "Container", "pod": {}, **space.pool})
    assert_waits(space, specs.pinned(name, specs.container()), "NoCapableNode", f"pool={space.name}")
    node = space.node("only")
    space.ready("web")
    assert {pod["spec"]["nodeName"] for pod in space.pods("web")} == {node}


def test_no_node_with_the_handler_of_the_runtime(space: Space) -> None:
    space.put_body(RUNTIME_CLASS, {"metadata": {"name": space.name}, "handler": space.name})
    pod = {"runtimeClassName": space.name}
    name = space.isolation_class("handler", {"level": "Sandboxed", "pod": pod, **space.pool})
    space.node("plain", PLAIN)
    assert_waits(space, specs.pinned(name, specs.container()), "NoCapableNode", "handler", space.name)
    space.until(CLASS, name, lambda found: shows(found, "Available", "False", "NoCapableNode"))
    space.merge(NODE, f"{space.name}-plain", {"spec": {"unschedulable": True}})
    space.node("able", Shape(handlers=(space.name,)))
    space.ready("web")
    space.expect("web", "Isolated", "True")


def test_user_namespaces_that_no_node_has_and_one_that_may_ignore_them(space: Space) -> None:
    name = space.isolation_class("apart", {"level": "Container", "pod": {"userNamespaces": True}, **space.pool})
    space.node("old-runc", Shape(user_namespaces=False))
    root = specs.pinned(name, specs.container(needs={"root": True}))
    assert_waits(space, root, "NoCapableNode", "handler default with user namespaces")
    space.node("able")
    lacks = f"not on 1 nodes that its pods may be sent to, {space.name}-old-runc"
    space.until(CLASS, name, lambda found: shows(found, "Available", "True", says=lacks))
    space.node("old-kubelet", silent=True)
    says = f"{space.name}-old-kubelet among them, do not say"
    space.until(CLASS, name, lambda found: shows(found, "Available", "False", says=says))


def test_all_nodes_of_the_class_are_cordoned(space: Space) -> None:
    name = space.isolation_class("pool", {"level": "Container", "pod": {}, **space.pool})
    node = space.node("only")
    space.until(CLASS, name, lambda found: shows(found, "Available", "True"))  # the node has been seen
    space.merge(NODE, node, {"spec": {"unschedulable": True}})
    space.until(CLASS, name, lambda found: shows(found, "Available", "False"))
    assert_waits(space, specs.pinned(name, specs.container()), "NoCapableNode")
    space.merge(NODE, node, {"spec": {"unschedulable": None}})
    space.ready("web")


def test_no_node_with_kvm(space: Space) -> None:
    name = space.isolation_class("kvm", {"level": "Virtualized", "virtualMachine": {}, **space.pool})
    space.node("plain", PLAIN)
    assert_waits(space, specs.pinned(name, specs.machine()), "NoCapableNode", "KVM")
    space.node("able")
    assert space.ready("web")["status"]["placement"]["className"] == name


def test_a_running_workload_whose_nodes_are_cordoned_keeps_running(space: Space) -> None:
    name = space.isolation_class("pool", {"level": "Container", "pod": {}, **space.pool})
    node = space.node("only")
    space.workload("web", specs.pinned(name, specs.container()))
    space.ready("web")
    pod = space.pods("web")[0]["metadata"]["uid"]
    space.merge(NODE, node, {"spec": {"unschedulable": True}})
    space.expect("web", "Placed", "False", "NoCapableNode")
    space.quiet()
    assert [each["metadata"]["uid"] for each in space.pods("web")] == [pod]
    space.merge(NODE, node, {"spec": {"unschedulable": None}})
    space.expect("web", "Placed", "True")
