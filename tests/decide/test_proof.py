"""What probes saw from inside of a class, against what it promises. The sights are those of a real node."""

import json
from dataclasses import replace
from typing import Any

import pytest

from berth.api.isolation_class import IsolationProbe, Sight
from berth.api.reasons import Reason
from berth.decide.facts import capable_nodes, catalog, cluster_of, kinds
from berth.decide.model import ClassFacts
from berth.decide.proof import contradictions, proven
from berth.observe.probed import network_enforced, probed
from berth.world.probes import sight
from berth.world.records import ClassRecord, NodeRecord, Software
from decide.builders import a_class, a_node, a_runtime_class

BOOT = "2076b129-cc0c-4102-9415-b71750f4a86c"
KERNEL = "6.18.44-fc-v857"
NODE = a_node("n1", boot_id=BOOT, software=Software("v1.37.2", "containerd://2.4.2", KERNEL))
INSIDE: dict[str, Any] = {"noNewPrivs": "1", "capEff": "0000000000000000", "resolved": True, "reached": []}
BARE: dict[str, Any] = INSIDE | {"kernel": KERNEL, "bootID": BOOT, "uidMap": "0 0 4294967295", "seccomp": "2"}
USERNS: dict[str, Any] = BARE | {"uidMap": "0 2673934336 65536"}
GVISOR: dict[str, Any] = INSIDE | {
    "kernel": "4.19.0-gvisor",
    "bootID": "118c198d-b69e-477c-ba1a-a46af28f66fd",
    "uidMap": "0 0 4294967295",
    "seccomp": "0",
}
GUEST: dict[str, Any] = BARE | {"kernel": "6.12.47", "bootID": "5b1f0a52-5b0e-4c58-8d0a-2f6f2f3a9f10"}
CONTAINER = a_class("container", level="Container", pod={})
APART = a_class("container-userns", level="Container", pod={"userNamespaces": True})
SANDBOX = a_class("gvisor", level="Sandboxed", pod={"runtimeClassName": "gvisor"})
KATA = a_class("kata", level="Virtualized", pod={"runtimeClassName": "gvisor"})
SECRET = a_class("secret", level="Confidential", pod={"runtimeClassName": "gvisor"})
RUNTIMES = (a_runtime_class("gvisor", "runsc"),)


def seen(said: dict[str, Any]) -> Sight:
    """Return a sight from what a probe's container wrote as its termination message."""
    found = sight({"status": {"containerStatuses": [{"state": {"terminated": {"message": json.dumps(said)}}}]}})
    assert found is not None
    return found


def wrong_in(record: ClassRecord, said: dict[str, Any], node: NodeRecord = NODE) -> str:
    assert record.spec is not None
    return "; ".join(contradictions(record.spec, seen(said), node))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        *((CONTAINER, BARE), (CONTAINER, USERNS), (CONTAINER, GVISOR), (APART, USERNS), (APART, GVISOR)),
        *((SANDBOX, GVISOR), (SANDBOX, GUEST), (KATA, GUEST), (SECRET, GUEST)),
    ],
    ids=[
        *("container", "more than promised", "a sandbox unasked", "user namespace", "both"),
        *("gvisor", "a machine unasked", "kata", "memory that may be encrypted"),
    ],
)
def test_what_a_class_promises_contradicts_nothing(record: ClassRecord, said: dict[str, Any]) -> None:
    assert wrong_in(record, said) == ""


@pytest.mark.parametrize(
    ("record", "said", "says"),
    [
        (SANDBOX, BARE, f"it runs on the kernel of the node, {KERNEL} with boot ID {BOOT}"),
        (SANDBOX, BARE | {"bootID": ""}, f"it runs on the kernel of the node, {KERNEL}"),
        (KATA, BARE, f"it runs on the kernel of the node, {KERNEL}"),
        (KATA, GVISOR, "it runs on gVisor's kernel in user space, 4.19.0-gvisor, not in a virtual machine"),
        (SECRET, GVISOR, "it runs on gVisor's kernel in user space, 4.19.0-gvisor, not in a virtual machine"),
        (APART, BARE, "no user namespace keeps it from root: its map of user ids is 0 0 4294967295"),
        (APART, BARE | {"uidMap": "0 0 65536"}, "its map of user ids is 0 0 65536"),
        (APART, BARE | {"uidMap": "0 65536 1 1 0 65535"}, "its map of user ids is 0 65536 1 1 0 65535"),
        (APART, BARE | {"uidMap": ""}, "its map of user ids is unknown"),
        (CONTAINER, BARE | {"seccomp": "0"}, "no seccomp filter is on: Seccomp is 0, not 2"),
        (CONTAINER, BARE | {"noNewPrivs": "0"}, "NoNewPrivs is 0, not 1"),
        (SANDBOX, GVISOR | {"capEff": "00000000a80425fb"}, "CapEff is 00000000a80425fb, not 0"),
        (SANDBOX, GVISOR | {"capEff": ""}, "CapEff is unknown, not 0"),
    ],
    ids=[
        *(
            "runc as gvisor",
            "runc that hides its boot",
            "runc as kata",
            "gvisor as kata",
            "gvisor as encrypted",
            "no user namespace",
            "root is root",
            "root is another user",
        ),
        *("no map", "no seccomp", "privileges", "capabilities", "no word of capabilities"),
    ],
)
def test_less_than_a_class_promises_is_found_out(record: ClassRecord, said: dict[str, Any], says: str) -> None:
    assert says in wrong_in(record, said)


def test_a_node_that_says_neither_boot_nor_kernel_proves_nothing() -> None:
    silent = replace(NODE, boot_id="", software=Software())
    assert wrong_in(SANDBOX, BARE, silent) == ""
    probes = _probes(SANDBOX, BARE, silent)
    assert not proven(replace(SANDBOX, probes=probes), _kinds(SANDBOX, silent))


@pytest.mark.parametrize("message", ["", "no JSON", "[]", '{"kernel": 1}', '{"reached": "all"}'])
def test_what_is_garbled_was_not_seen(message: str) -> None:
    assert sight({"status": {"containerStatuses": [{"state": {"terminated": {"message": message}}}]}}) is None


def _kinds(record: ClassRecord, *nodes: NodeRecord) -> dict[str, tuple[NodeRecord, ...]]:
    return kinds(record, cluster_of(RUNTIMES, nodes, None, kubevirt_present=False))


def _probes(record: ClassRecord, said: dict[str, Any], *nodes: NodeRecord) -> tuple[IsolationProbe, ...]:
    assert record.spec is not None
    return tuple(
        IsolationProbe(
            key=key,
            node=found[0].name,
            kernel=KERNEL,
            time="2026-03-01T12:00:00Z",
            seen=seen(said),
            contradictions=list(contradictions(record.spec, seen(said), found[0])) or None,
        )
        for key, found in _kinds(record, *nodes).items()
    )


def _facts(record: ClassRecord, *nodes: NodeRecord) -> ClassFacts:
    return catalog([record], cluster_of(RUNTIMES, nodes, None, kubevirt_present=False))[0]


def test_a_class_that_was_found_out_takes_nobody_until_it_is_seen_otherwise() -> None:
    out = replace(SANDBOX, probes=_probes(SANDBOX, BARE, NODE))
    missing = _facts(out, NODE).unavailable
    assert missing is not None
    assert missing.reason is Reason.ISOLATION_CONTRADICTED
    assert all(word in missing.message for word in ("class gvisor", "node n1", KERNEL, BOOT, "nodes.selector"))
    assert (
        _facts(out, NODE).contradicted == _facts(out, replace(NODE, schedulable=False)).contradicted == missing.message
    )
    assert capable_nodes(out, cluster_of(RUNTIMES, (NODE,), None, kubevirt_present=False)) == 0
    assert _kinds(out, NODE)  # it is still probed
    assert _facts(replace(SANDBOX, probes=_probes(SANDBOX, GVISOR, NODE)), NODE).unavailable is None


def test_a_class_without_a_result_is_as_available_as_it_was() -> None:
    failed = IsolationProbe(key="k", node="n1", time="2026-03-01T12:00:00Z", problem="no image")
    facts = _facts(replace(SANDBOX, probes=(failed,)), NODE)
    assert (facts.unavailable, facts.proven) == (None, False)


def test_a_class_is_proven_once_every_kind_of_its_nodes_was_seen() -> None:
    newer = replace(NODE, name="n2", software=replace(NODE.software, runtime="containerd://2.5.0"))
    probes = _probes(SANDBOX, GVISOR, NODE)
    assert _facts(replace(SANDBOX, probes=probes), NODE, replace(NODE, name="n9")).proven
    assert not _facts(replace(SANDBOX, probes=probes), NODE, newer).proven


@pytest.mark.parametrize(
    ("record", "said", "status", "says"),
    [
        (CONTAINER, BARE, "True", "all that the class promises"),
        (SANDBOX, GVISOR, "True", "all that the class promises"),
        (KATA, GUEST, "True", "a kernel that is not the node's, on 1 of 1"),
        (SECRET, GUEST, "Unknown", "no probe sees from inside whether memory is encrypted"),
    ],
    ids=["container", "gvisor", "kata", "encrypted"],
)
def test_no_more_is_said_to_be_seen_than_was_seen(
    record: ClassRecord, said: dict[str, Any], status: str, says: str
) -> None:
    found = replace(record, probes=_probes(record, said, NODE))
    told, _, message = probed(found, _kinds(record, NODE))
    assert (told, _facts(found, NODE).proven, says in message) == (status, status == "True", True)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: (replace(record, asked="again"), RUNTIMES),
        lambda record: (record, (replace(RUNTIMES[0], uid="made anew"),)),
        lambda record: (replace(record, uid="made anew"), RUNTIMES),
    ],
    ids=["asked for", "another RuntimeClass", "another class"],
)
def test_another_probe_is_due_when_what_may_isolate_otherwise_changes(change: Any) -> None:
    record, runtimes = change(SANDBOX)
    assert kinds(record, cluster_of(runtimes, (NODE,), None, kubevirt_present=False)).keys() != _kinds(SANDBOX, NODE)


def test_what_probes_saw_is_said_in_conditions() -> None:
    known = _kinds(SANDBOX, NODE)
    right = replace(SANDBOX, probes=_probes(SANDBOX, GVISOR, NODE))
    assert probed(right, known)[:2] == ("True", Reason.VERIFIED)
    assert network_enforced(right, known)[:2] == ("True", Reason.VERIFIED)
    out = replace(SANDBOX, probes=_probes(SANDBOX, BARE | {"reached": ["10.96.0.1:443"]}, NODE))
    assert probed(out, known)[:2] == ("False", Reason.ISOLATION_CONTRADICTED)
    status, reason, message = network_enforced(out, known)
    assert (status, reason, "10.96.0.1:443" in message) == ("False", Reason.NETWORK_NOT_ENFORCED, True)
    deaf = replace(SANDBOX, probes=_probes(SANDBOX, GVISOR | {"resolved": False}, NODE))
    assert network_enforced(deaf, known)[0] == "Unknown"
    assert probed(SANDBOX, known)[:2] == ("Unknown", Reason.ISOLATION_UNKNOWN)
