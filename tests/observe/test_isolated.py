"""Is the isolation that was chosen really there?"""

from dataclasses import replace

import pytest

from berth.api.levels import IsolationLevel
from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Unavailable
from berth.observe.isolation import isolated
from berth.world.records import NodeRecord, PodRecord
from decide.builders import a_node
from observe.scenes import (
    CATALOG,
    MACHINE,
    MICRO,
    POLICY,
    RUNC,
    SANDBOX,
    a_machine,
    a_pod,
    a_scene,
    at_rest,
    nodes_with,
    requiring,
    served,
)
from plan.records import PAIR
from render.specs import container

SANDBOXED = a_pod(runtime_class="gvisor", class_name="gvisor")
WITH, WITHOUT = frozenset({"", "gvisor"}), frozenset({"", "kata"})


def found(pod: PodRecord, nodes: dict[str, NodeRecord]) -> tuple[str, str]:
    """Return what is said of a workload in class gvisor with this pod."""
    finding = isolated(at_rest(facts=SANDBOX, pods=(pod,), nodes=nodes))
    return finding.status, finding.reason


def test_pods_with_their_runtime_class_on_nodes_with_its_handler_are_verified() -> None:
    assert found(SANDBOXED, nodes_with(n1=WITH)) == ("True", Reason.VERIFIED)


@pytest.mark.parametrize("runtime_class", ["", "kata"])
def test_pods_with_another_runtime_class_do_not_match(runtime_class: str) -> None:
    pod = replace(SANDBOXED, runtime_class=runtime_class)
    assert found(pod, nodes_with(n1=WITH)) == ("False", Reason.ISOLATION_MISMATCH)


@pytest.mark.parametrize(
    ("level", "schedulable", "says"),
    [
        ("Sandboxed", True, "; a probe saw from inside all that the class promises"),
        ("Virtualized", True, "; a probe saw from inside a kernel that is not the node's"),
        ("Sandboxed", False, "its handler gvisor"),
    ],
    ids=["sandboxed", "virtualized", "cordoned"],
)
def test_no_more_is_said_of_pods_than_a_probe_saw_on_such_nodes(level: str, schedulable: bool, says: str) -> None:
    facts = replace(SANDBOX, level=IsolationLevel(level), proven=True)
    nodes = {"n1": replace(a_node("n1", handlers=WITH), schedulable=schedulable)}
    finding = isolated(at_rest(facts=facts, catalog=(facts,), pods=(SANDBOXED,), nodes=nodes))
    assert (finding.status, finding.message.endswith(says)) == ("True", True)


def test_a_node_without_the_handler_does_not_match() -> None:
    assert found(SANDBOXED, nodes_with(n1=WITHOUT)) == ("False", Reason.ISOLATION_MISMATCH)


@pytest.mark.parametrize("nodes", [nodes_with(n1=None), {}], ids=["does not say", "not seen"])
def test_a_node_that_does_not_say_leaves_it_unknown(nodes: dict[str, NodeRecord]) -> None:
    assert found(SANDBOXED, nodes) == ("Unknown", Reason.ISOLATION_UNKNOWN)


@pytest.mark.parametrize(
    ("user_namespaces", "said"),
    [
        (frozenset({"", "runc"}), ("True", Reason.VERIFIED)),
        (frozenset({"runc"}), ("False", Reason.ISOLATION_MISMATCH)),
        (None, ("Unknown", Reason.ISOLATION_UNKNOWN)),
    ],
    ids=["has them", "has none", "does not say"],
)
def test_user_namespaces_are_verified_where_the_node_has_them(
    user_namespaces: frozenset[str] | None, said: tuple[str, str]
) -> None:
    apart = replace(RUNC, user_namespaces=True)
    nodes = {"n1": a_node(user_namespaces=user_namespaces)}
    finding = isolated(at_rest(facts=apart, catalog=(apart,), pods=(a_pod(host_users=False),), nodes=nodes))
    assert (finding.status, finding.reason) == said


def test_one_wrong_node_outweighs_one_that_does_not_say() -> None:
    pods = (SANDBOXED, a_pod("web-2", runtime_class="gvisor", node="n2"))
    finding = isolated(at_rest(facts=SANDBOX, pods=pods, nodes=nodes_with(n1=None, n2=WITHOUT)))
    assert (finding.status, "node n2" in finding.message) == ("False", True)


@pytest.mark.parametrize("fields", [{"node": ""}, {"deleting": True}, {"launcher": True}, {"has_run": False}])
def test_pods_that_have_not_run_or_go_prove_nothing(fields: dict[str, object]) -> None:
    pod = replace(SANDBOXED, **fields)
    assert found(pod, nodes_with(n1=WITH)) == ("Unknown", Reason.PROVISIONING)


def test_a_pod_that_has_ended_is_still_evidence() -> None:
    assert found(a_pod(class_name="gvisor", finished=True), nodes_with(n1=WITH)) == ("False", Reason.ISOLATION_MISMATCH)


def test_pods_of_a_class_without_a_runtime_class_share_the_kernel_and_may() -> None:
    finding = isolated(at_rest(pods=(a_pod(),), nodes={}))
    assert (finding.status, finding.reason) == ("True", Reason.VERIFIED)
    assert "class container" in finding.message


def test_a_class_without_a_runtime_class_promises_nothing_of_what_has_not_run() -> None:
    finding = isolated(at_rest(pods=(a_pod(has_run=False),)))
    assert (finding.status, finding.reason) == ("Unknown", Reason.PROVISIONING)
    assert finding.message == "no container has run in class container yet"


def moving(
    *pods: PodRecord, facts: ClassFacts = SANDBOX, level: str = "Container", **fields: object
) -> tuple[str, str]:
    """Return what is said of a workload whose Deployment is in one class already, and its pods are as given."""
    finding = isolated(at_rest(facts=facts, requirement=requiring(level), pods=pods, **fields))
    return finding.status, finding.reason


OLD_STRONG = replace(SANDBOXED, key=("shop", "web-0"))


@pytest.mark.parametrize("level", ["Container", "Sandboxed"])
@pytest.mark.parametrize("old", [a_pod("web-0"), a_pod("web-0", deleting=True), a_pod("web-0", node="gone")])
@pytest.mark.parametrize(
    "new", [(), (SANDBOXED,), (replace(SANDBOXED, has_run=False),)], ids=["none", "runs", "starts"]
)
def test_a_move_up_is_switching_until_the_last_weaker_pod_has_ended(
    level: str, old: PodRecord, new: tuple[PodRecord, ...]
) -> None:
    assert moving(old, *new, level=level) == ("False", Reason.SWITCHING)
    assert moving(replace(old, finished=True), SANDBOXED, level=level) == ("True", Reason.VERIFIED)


def test_what_is_said_of_a_move_does_not_move_by_itself() -> None:
    finding = isolated(at_rest(facts=SANDBOX, requirement=requiring("Sandboxed"), pods=(a_pod("web-0"), SANDBOXED)))
    assert finding.message == "still runs in class container until gvisor has taken over"


def test_old_pods_that_are_stronger_are_no_fault() -> None:
    assert moving(OLD_STRONG, a_pod(), facts=RUNC) == ("True", Reason.VERIFIED)
    assert moving(OLD_STRONG, a_pod(has_run=False), facts=RUNC) == ("Unknown", Reason.PROVISIONING)


def test_a_user_namespace_that_is_left_is_weaker_than_none() -> None:
    apart = replace(RUNC, name="userns", user_namespaces=True)
    nodes, new = {"n1": a_node(user_namespaces=frozenset({"", "runc"}))}, a_pod(class_name="userns", host_users=False)
    catalog = (RUNC, apart)
    assert moving(a_pod("web-0"), new, facts=apart, catalog=catalog, nodes=nodes) == ("False", Reason.SWITCHING)
    old = replace(new, key=("shop", "web-0"))
    assert moving(old, a_pod(), facts=RUNC, catalog=catalog, nodes=nodes) == ("True", Reason.VERIFIED)


def test_a_pod_that_was_made_before_its_class_promised_user_namespaces_does_not_match() -> None:
    apart = replace(RUNC, user_namespaces=True)
    nodes = {"n1": a_node(user_namespaces=frozenset({"", "runc"}))}
    pods = (a_pod(host_users=False), a_pod("web-0"))
    assert moving(*pods, facts=apart, catalog=(apart,), nodes=nodes) == ("False", Reason.ISOLATION_MISMATCH)


def test_a_plain_pod_that_bears_a_class_of_machines_does_not_match() -> None:
    assert moving(a_pod("web-0", class_name=MACHINE.name), SANDBOXED) == ("False", Reason.ISOLATION_MISMATCH)


@pytest.mark.parametrize("missing", [None, Reason.NO_CAPABLE_NODE, Reason.RUNTIME_CLASS_MISSING])
def test_a_class_that_a_probe_has_found_out_isolates_nobody_whatever_else_it_lacks(missing: Reason | None) -> None:
    out = replace(SANDBOX, contradicted="a probe saw", unavailable=Unavailable(missing, "no") if missing else None)
    assert moving(SANDBOXED, facts=out, catalog=(out,)) == ("False", Reason.ISOLATION_MISMATCH)


def test_a_move_out_of_a_class_that_a_probe_has_found_out_is_switching_until_its_last_pod_has_ended() -> None:
    out, good = replace(SANDBOX, name="out", contradicted="a probe saw"), SANDBOX
    old = replace(SANDBOXED, key=("shop", "web-0"), class_name="out")
    assert moving(old, SANDBOXED, facts=good, catalog=(out, good)) == ("False", Reason.SWITCHING)
    assert moving(replace(old, finished=True), SANDBOXED, facts=good, catalog=(out, good))[0] == "True"


@pytest.mark.parametrize(
    ("reason", "handler"), [(Reason.RUNTIME_CLASS_MISSING, None), (Reason.RUNTIME_CHANGED, "kata")]
)
def test_nothing_tells_the_handler_of_a_runtime_class_that_is_gone_or_was_made_anew(
    reason: Reason, handler: str | None
) -> None:
    lacking = replace(SANDBOX, handler=handler, unavailable=Unavailable(reason, "restore it"))
    nodes = nodes_with(n1=frozenset({"", "gvisor", "kata"}))
    finding = isolated(at_rest(facts=lacking, catalog=(lacking,), pods=(SANDBOXED,), nodes=nodes))
    assert (finding.status, finding.reason, finding.message) == ("Unknown", Reason.ISOLATION_UNKNOWN, "restore it")


@pytest.mark.parametrize("fields", [{"controlled": False}, {"runtime_class": "kata"}], ids=["nobody's", "changed"])
def test_a_pod_that_no_roll_out_replaces_does_not_match(fields: dict[str, object]) -> None:
    assert moving(replace(a_pod("web-0"), **fields), SANDBOXED) == ("False", Reason.ISOLATION_MISMATCH)


def test_a_runtime_class_that_was_not_chosen_does_not_match() -> None:
    assert isolated(at_rest(pods=(a_pod(runtime_class="gvisor"),))).reason == Reason.ISOLATION_MISMATCH


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({}, "True", Reason.VERIFIED),
        ({"emulated": True}, "False", Reason.SOFTWARE_EMULATION),
        ({"phase": "Scheduling"}, "Unknown", Reason.PROVISIONING),
        ({"deleting": True}, "Unknown", Reason.PROVISIONING),
        ({"phase": "Scheduling", "emulated": True}, "Unknown", Reason.PROVISIONING),
    ],
)
def test_machines_need_hardware_virtualization(fields: dict[str, object], status: str, reason: Reason) -> None:
    finding = isolated(at_rest(PAIR, MACHINE, machines=(a_machine(**fields),)))
    assert (finding.status, finding.reason) == (status, reason)


def test_one_emulated_machine_outweighs_the_others() -> None:
    machines = (a_machine(), a_machine(emulated=True))
    assert isolated(at_rest(PAIR, MACHINE, machines=machines)).reason == Reason.SOFTWARE_EMULATION


def test_what_runs_nowhere_is_not_decided() -> None:
    finding = isolated(a_scene(requirement=requiring("Confidential")))
    assert (finding.status, finding.reason) == ("Unknown", Reason.NOT_DECIDED)


def test_what_runs_below_the_requirement_says_where_and_who_requires_more() -> None:
    finding = isolated(at_rest(requirement=requiring("Confidential"), pods=(a_pod(),)))
    assert (finding.status, finding.reason) == ("False", Reason.BELOW_REQUIRED)
    assert finding.message == f"runs in container, but Confidential required by {POLICY}"


def test_a_class_that_is_gone_isolates_nobody() -> None:
    finding = isolated(at_rest(facts=SANDBOX, catalog=(RUNC,), pods=(SANDBOXED,)))
    assert (finding.status, finding.message) == ("False", "still runs in class gvisor until container has taken over")


def test_a_new_machine_does_not_hide_the_pods_that_still_serve_below() -> None:
    children = (*served(PAIR, RUNC), served(PAIR, MACHINE, created=2e9)[-1])
    scene = a_scene(PAIR, requirement=requiring("Virtualized"), catalog=(RUNC, MACHINE), children=children)
    assert scene.move.placed == MACHINE
    finding = isolated(scene)
    assert (finding.status, finding.reason) == ("False", Reason.SWITCHING)


def test_pods_that_begin_to_move_still_run_where_they_were() -> None:
    scene = at_rest(container(), requirement=requiring("Virtualized"), pods=(a_pod(),))
    assert scene.move.placed == MICRO
    assert isolated(scene).message == "still runs in class container until kata has taken over"


def test_pods_that_may_not_move_are_below_where_they_run() -> None:
    held = container(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}])
    scene = at_rest(held, requirement=requiring("Virtualized"), pods=(a_pod(),))
    assert scene.move.held
    assert isolated(scene).message.startswith("runs in container, but Virtualized required by")


def test_every_class_of_the_catalog_can_be_verified() -> None:
    for facts in CATALOG:
        pod = a_pod(class_name=facts.name, runtime_class=facts.runtime_class_name or "")
        assert isolated(at_rest(PAIR, facts, pods=(pod,), machines=(a_machine(),))).reason == Reason.VERIFIED
