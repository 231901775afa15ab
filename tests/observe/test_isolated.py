"""Is the isolation that was chosen really there?"""

from dataclasses import replace

import pytest

from berth.api.reasons import Reason
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
    pod = a_pod(runtime_class=runtime_class)
    assert found(pod, nodes_with(n1=WITH)) == ("False", Reason.ISOLATION_MISMATCH)


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
    finding = isolated(at_rest(facts=apart, catalog=(apart,), pods=(a_pod(),), nodes=nodes))
    assert (finding.status, finding.reason) == said


def test_one_wrong_node_outweighs_one_that_does_not_say() -> None:
    pods = (SANDBOXED, a_pod("web-2", runtime_class="gvisor", node="n2"))
    finding = isolated(at_rest(facts=SANDBOX, pods=pods, nodes=nodes_with(n1=None, n2=WITHOUT)))
    assert (finding.status, "node n2" in finding.message) == ("False", True)


@pytest.mark.parametrize("pod", [a_pod(node=""), a_pod(deleting=True), a_pod(launcher=True)])
def test_pods_that_have_not_started_or_go_prove_nothing(pod: PodRecord) -> None:
    assert found(pod, nodes_with(n1=WITH)) == ("Unknown", Reason.PROVISIONING)


def test_a_pod_that_has_ended_is_still_evidence() -> None:
    assert found(a_pod(finished=True), nodes_with(n1=WITH)) == ("False", Reason.ISOLATION_MISMATCH)


def test_pods_of_a_class_without_a_runtime_class_share_the_kernel_and_may() -> None:
    finding = isolated(at_rest(pods=(a_pod(),), nodes={}))
    assert (finding.status, finding.reason) == ("True", Reason.VERIFIED)
    assert "class container" in finding.message


def test_a_runtime_class_that_was_not_chosen_does_not_match() -> None:
    assert isolated(at_rest(pods=(SANDBOXED,))).reason == Reason.ISOLATION_MISMATCH


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
    assert (finding.reason, finding.message.split(",")[0]) == (Reason.BELOW_REQUIRED, "runs in gvisor")


def test_a_new_machine_does_not_hide_the_pods_that_still_serve_below() -> None:
    children = (*served(PAIR, RUNC), served(PAIR, MACHINE, created=2e9)[-1])
    scene = a_scene(PAIR, requirement=requiring("Virtualized"), catalog=(RUNC, MACHINE), children=children)
    assert scene.move.placed == MACHINE
    assert isolated(scene).reason == Reason.BELOW_REQUIRED


def test_pods_that_are_to_move_are_below_where_they_run_not_where_they_go() -> None:
    scene = at_rest(container(), requirement=requiring("Virtualized"), pods=(a_pod(),))
    assert scene.move.placed == MICRO
    assert isolated(scene).message.startswith("runs in container, but Virtualized required by")


def test_every_class_of_the_catalog_can_be_verified() -> None:
    for facts in CATALOG:
        pod = a_pod(runtime_class=facts.runtime_class_name or "")
        assert isolated(at_rest(PAIR, facts, pods=(pod,), machines=(a_machine(),))).reason == Reason.VERIFIED
