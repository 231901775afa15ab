"""What the cluster offers for a class, and the true reason where it offers nothing."""

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from berth.api.isolation_class import NodePool, Toleration
from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.api.reasons import Reason
from berth.decide.facts import ALL_NODES, capable_nodes, catalog, cluster_of, shapes, unable_nodes
from berth.decide.model import ClassFacts, Cost
from berth.world.records import ClassRecord, KubeVirtRecord, NodeRecord, RuntimeClassRecord
from decide.builders import GI, KUBEVIRT, MI, a_class, a_node, a_runtime_class

RUNC = a_class("runc", level="Container", pod={})
USERNS = a_class("container-userns", level="Container", pod={"userNamespaces": True})
KATA = a_class("kata", level="Virtualized", pod={"runtimeClassName": "kata"})
VM = a_class("vm", level="Virtualized", virtualMachine={})
SNP = a_class("snp", level="Confidential", virtualMachine={"launchSecurity": "snp"})
BROKEN = ClassRecord("broken", "b", 1, None, "spec.level: Field required", b"")
RUNTIMES = (a_runtime_class("kata", "kata", memory=130 * MI, cpu=250),)
VIRT = (("kubernetes.io/arch", "amd64"), ("kubevirt.io/schedulable", "true"))


def facts_of(
    record: ClassRecord,
    *nodes: NodeRecord,
    runtimes: tuple[RuntimeClassRecord, ...] = RUNTIMES,
    kubevirt: KubeVirtRecord | None = KUBEVIRT,
    present: bool = True,
    pool: NodePool = ALL_NODES,
) -> ClassFacts:
    """Return what a cluster offers for one class."""
    return catalog([record], cluster_of(runtimes, nodes or (a_node(),), kubevirt, kubevirt_present=present), pool)[0]


@pytest.mark.parametrize("record", [RUNC, KATA, VM], ids=lambda record: record.name)
def test_available(record: ClassRecord) -> None:
    facts = facts_of(record)
    assert facts.unavailable is None
    assert len(facts.shapes) == 1
    assert capable_nodes(record, cluster_of(RUNTIMES, [a_node()], KUBEVIRT, kubevirt_present=True)) == 1


NO_KVM = a_node(devices=())
MISSING = [
    ("not understood", BROKEN, {}, (), Reason.MISCONFIGURED, "spec.level: Field required"),
    ("no RuntimeClass", KATA, {"runtimes": ()}, (), Reason.RUNTIME_CLASS_MISSING, "RuntimeClass kata does not exist"),
    ("no handler", KATA, {}, (a_node(handlers=frozenset({"runc"})),), Reason.NO_CAPABLE_NODE, "runtime handler kata"),
    ("cordoned", RUNC, {}, (a_node(schedulable=False),), Reason.NO_CAPABLE_NODE, "no schedulable node has any labels"),
    ("tainted", RUNC, {}, (a_node(taints=(("x", "", "NoSchedule"),)),), Reason.NO_CAPABLE_NODE, "tolerated taints"),
    ("no KubeVirt", VM, {"present": False, "kubevirt": None}, (), Reason.KUBEVIRT_NOT_READY, "is not installed"),
    ("KubeVirt not configured", VM, {"kubevirt": None}, (), Reason.KUBEVIRT_NOT_READY, "create its KubeVirt object"),
    (
        "KubeVirt deploying",
        VM,
        {"kubevirt": replace(KUBEVIRT, phase="Deploying")},
        (),
        Reason.KUBEVIRT_NOT_READY,
        "in phase Deploying:",
    ),
    (
        "KubeVirt down",
        VM,
        {"kubevirt": replace(KUBEVIRT, available=False)},
        (),
        Reason.KUBEVIRT_NOT_READY,
        "not Available",
    ),
    ("emulation", VM, {"kubevirt": replace(KUBEVIRT, emulation=True)}, (), Reason.SOFTWARE_EMULATION, "useEmulation"),
    ("no KVM", VM, {}, (NO_KVM,), Reason.NO_CAPABLE_NODE, "no schedulable node has KVM"),
    ("virt-handler dead", VM, {}, (a_node(labels=()),), Reason.NO_CAPABLE_NODE, "no schedulable node has KVM"),
    ("no SNP", SNP, {}, (), Reason.NO_CAPABLE_NODE, "kubevirt.io/sev-snp=true"),
]


@pytest.mark.parametrize(
    ("record", "given", "nodes", "reason", "says"), [case[1:] for case in MISSING], ids=[case[0] for case in MISSING]
)
def test_the_true_reason(
    record: ClassRecord, given: dict[str, Any], nodes: tuple[NodeRecord, ...], reason: Reason, says: str
) -> None:
    missing = facts_of(record, *nodes, **given).unavailable
    assert missing is not None
    assert missing.reason is reason
    assert says in missing.message


def test_a_class_that_is_not_understood_counts_as_the_weakest_level() -> None:
    assert facts_of(BROKEN).level is IsolationLevel.CONTAINER


@pytest.mark.parametrize(
    "spec",
    [
        {"level": "Container"},
        {"level": "Virtualized", "pod": {}, "virtualMachine": {}},
        {"level": "Sandboxed", "pod": {}},
        {"level": "Confidential", "virtualMachine": {}},
    ],
    ids=["no backend", "two backends", "sandbox without runtime", "confidential without encryption"],
)
def test_what_the_api_server_would_refuse_is_refused_here_as_well(spec: dict[str, Any]) -> None:
    missing = facts_of(a_class("odd", **spec)).unavailable
    assert missing is not None
    assert missing.reason is Reason.MISCONFIGURED


def test_a_class_with_an_unknown_field_takes_nobody_but_is_no_weaker_than_it_says() -> None:
    record = replace(KATA, error="unknown field spec.x")
    facts = facts_of(record)
    assert (facts.level, facts.runtime_class_name) == (IsolationLevel.VIRTUALIZED, "kata")
    assert facts.unavailable is not None
    assert facts.unavailable.reason is Reason.MISCONFIGURED
    assert "IsolationClass kata is not valid: unknown field spec.x" in facts.unavailable.message
    assert capable_nodes(record, cluster_of(RUNTIMES, (a_node(),), KUBEVIRT, kubevirt_present=True)) == 0


def test_a_node_that_does_not_say_its_handlers_is_possible() -> None:
    assert facts_of(KATA, a_node(handlers=None)).unavailable is None


NOT_APART: dict[str, Any] = {"user_namespaces": frozenset({"runc"})}


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ((a_node(**NOT_APART),), "handler default with user namespaces"),
        ((a_node(user_namespaces=None),), "1 of 1 nodes, n1 among them, do not say"),
        ((a_node("n1"), a_node("n2", user_namespaces=None)), "1 of 2 nodes, n2 among them, do not say"),
    ],
    ids=["none has them", "nothing is said", "one may ignore them"],
)
def test_a_class_with_user_namespaces_needs_them_wherever_its_pods_may_go(
    nodes: tuple[NodeRecord, ...], says: str
) -> None:
    missing = facts_of(USERNS, *nodes).unavailable
    assert missing is not None
    assert missing.reason is Reason.NO_CAPABLE_NODE
    assert says in missing.message
    assert facts_of(RUNC, *nodes).unavailable is None


def test_nodes_that_refuse_user_namespaces_are_told_and_not_counted() -> None:
    cluster = cluster_of(RUNTIMES, (a_node("n1"), a_node("n2", **NOT_APART)), KUBEVIRT, kubevirt_present=True)
    assert capable_nodes(USERNS, cluster) == 1
    assert unable_nodes(USERNS, cluster) == ("n2",)
    assert unable_nodes(RUNC, cluster) == unable_nodes(VM, cluster) == ()


def test_the_handler_of_the_runtime_class_is_the_one_that_must_have_user_namespaces() -> None:
    both = a_class("both", level="Sandboxed", pod={"runtimeClassName": "kata", "userNamespaces": True})
    missing = facts_of(both).unavailable
    assert missing is not None
    assert "handler kata with user namespaces" in missing.message
    assert facts_of(both, a_node(user_namespaces=frozenset({"kata"}))).unavailable is None


def test_confidential_machines_need_encrypting_nodes() -> None:
    assert facts_of(SNP, a_node(labels=(*VIRT, ("kubevirt.io/sev-snp", "true")))).unavailable is None


@pytest.mark.parametrize(
    ("taint", "toleration", "accepted"),
    [
        (("pool", "kata", "NoSchedule"), {"key": "pool"}, True),
        (("pool", "kata", "NoSchedule"), {"key": "pool", "value": "kata"}, True),
        (("pool", "kata", "NoSchedule"), {"key": "pool", "value": "vm"}, False),
        (("pool", "kata", "NoExecute"), {"key": "pool", "effect": "NoSchedule"}, False),
        (("pool", "kata", "PreferNoSchedule"), {"key": "other"}, True),
        (("node-role.kubernetes.io/control-plane", "", "NoSchedule"), {"key": "pool"}, False),
    ],
)
def test_taints(taint: tuple[str, str, str], toleration: dict[str, str], accepted: bool) -> None:
    record = a_class("runc", level="Container", pod={}, nodes={"tolerations": [toleration]})
    assert (facts_of(record, a_node(taints=(taint,))).unavailable is None) == accepted


@pytest.mark.parametrize(
    ("taint", "toleration", "accepted"),
    [
        (("sandbox", "kata", "NoSchedule"), ("sandbox", "kata", "NoSchedule"), True),
        (("sandbox", "kata", "NoSchedule"), ("sandbox", "", None), False),
        (("sandbox", "kata", "NoExecute"), ("sandbox", None, "NoSchedule"), False),
        (("sandbox", "kata", "NoExecute"), (None, None, None), True),
    ],
)
def test_a_runtime_class_tolerates_taints_as_well(
    taint: tuple[str, str, str], toleration: tuple[str | None, str | None, str | None], accepted: bool
) -> None:
    runtime, node = replace(RUNTIMES[0], tolerations=(toleration,)), a_node(taints=(taint,))
    facts = facts_of(KATA, node, runtimes=(runtime,))
    assert (facts.unavailable is None) == accepted
    assert facts.tolerations == ()
    assert facts_of(RUNC, node, runtimes=(runtime,)).unavailable is not None


def test_both_tolerations_together_open_a_node() -> None:
    record = a_class(
        "kata", level="Virtualized", pod={"runtimeClassName": "kata"}, nodes={"tolerations": [{"key": "pool"}]}
    )
    runtime = replace(RUNTIMES[0], tolerations=(("sandbox", None, None),))
    node = a_node(taints=(("pool", "a", "NoSchedule"), ("sandbox", "", "NoSchedule")))
    assert facts_of(record, node, runtimes=(runtime,)).unavailable is None


def test_nodes_are_chosen_by_the_labels_of_the_class_and_of_its_runtime_class() -> None:
    runtime = replace(RUNTIMES[0], node_selector=(("kata", "yes"),))
    record = a_class("kata", level="Virtualized", pod={"runtimeClassName": "kata"}, nodes={"selector": {"pool": "a"}})
    right = a_node("right", labels=(("kata", "yes"), ("pool", "a")))
    nodes = [a_node("one", labels=(("kata", "yes"),)), a_node("two", labels=(("pool", "a"),))]
    assert capable_nodes(record, cluster_of([runtime], [*nodes, right], None, kubevirt_present=False)) == 1
    missing = facts_of(record, *nodes, runtimes=(runtime,)).unavailable
    assert missing is not None
    assert "kata=yes, pool=a" in missing.message


def test_what_the_class_says_is_passed_on() -> None:
    record = a_class(
        "kata",
        level="Virtualized",
        enabled=False,
        preference=3,
        pod={"runtimeClassName": "kata", "userNamespaces": True},
        nodes={
            "selector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [{"key": "b"}, {"key": "a"}],
            "sharing": "Tenant",
        },
    )
    facts = facts_of(record)
    assert (facts.level, facts.backend, facts.enabled) == (IsolationLevel.VIRTUALIZED, Backend.POD, False)
    assert (facts.preference, facts.runtime_class_name, facts.handler) == (3, "kata", "kata")
    assert (facts.user_namespaces, facts.sharing) == (True, NodeSharing.TENANT)
    assert facts.node_selector == (("kubernetes.io/arch", "amd64"),)
    assert facts.tolerations == (("a", None, None), ("b", None, None))


@pytest.mark.parametrize(
    ("runtimes", "own", "cost", "source", "within"),
    [
        (RUNTIMES, {"memory": "1Gi"}, Cost(250, 130 * MI), "RuntimeClass kata", False),
        (
            (a_runtime_class("kata", "kata"),),
            {"cpu": "100m", "memory": "1Gi"},
            Cost(100, GI),
            "IsolationClass kata",
            True,
        ),
        ((a_runtime_class("kata", "kata"),), None, Cost(), "none", False),
    ],
    ids=["RuntimeClass first", "else the class", "else nothing"],
)
def test_overhead(
    runtimes: tuple[RuntimeClassRecord, ...], own: dict[str, str] | None, cost: Cost, source: str, within: bool
) -> None:
    """What no RuntimeClass says, nobody adds to a pod's limits: the pod takes it out of these."""
    spec = {"overhead": own} if own else {}
    facts = facts_of(a_class("kata", level="Virtualized", pod={"runtimeClassName": "kata"}, **spec), runtimes=runtimes)
    assert (facts.overhead, facts.overhead_source, facts.overhead_within) == (cost, source, within)


def test_shapes_leave_out_what_another_node_covers() -> None:
    large, wide = a_node("large"), a_node("wide", cpu=64000, memory=GI)
    gpu = a_node("gpu", memory=2 * GI, devices=(("devices.kubevirt.io/kvm", 1), ("nvidia.com/A100", 1)))
    small = [a_node(f"small{n}", memory=31 * GI - n) for n in range(5)]
    found = shapes([*small, wide, gpu, large])
    assert [(each.cpu, each.memory, each.devices) for each in found] == [
        (8000, 32 * GI, ()),
        (8000, 2 * GI, (("nvidia.com/A100", 1),)),
        (64000, GI, ()),
    ]


def test_a_node_with_other_hardware_is_a_shape_of_its_own() -> None:
    new, old = a_node("n1", cpu_models=("Haswell", "Penryn")), a_node("n2", cpu=1000, cpu_models=("Penryn",))
    assert [each.cpu_models for each in shapes([new, old])] == [("Haswell", "Penryn")]
    odd = a_node("n3", cpu=1000, machine_types=("pc-q35-9.2",))
    assert [each.machine_types for each in shapes([new, odd])] == [(), ("pc-q35-9.2",)]


def test_shapes_of_several_architectures_are_kept_apart() -> None:
    arm = a_node("arm", labels=(("kubernetes.io/arch", "arm64"),), memory=GI)
    assert {each.architecture for each in shapes([a_node(), arm])} == {"amd64", "arm64"}


def test_order_of_records_does_not_matter() -> None:
    nodes = [a_node("a"), a_node("b", cpu=16000, memory=GI), a_node("c", labels=VIRT[:1])]
    results = {
        catalog(classes, cluster_of(RUNTIMES, seen, KUBEVIRT, kubevirt_present=True))
        for classes in permutations([RUNC, KATA, VM])
        for seen in permutations(nodes)
    }
    assert len(results) == 1


POOL = NodePool(selector={"pool": "acme"}, tolerations=[Toleration(key="acme")], sharing=NodeSharing.TENANT)


def test_on_the_nodes_of_a_tenant_both_the_class_and_the_tenant_rule() -> None:
    own = a_node("own", labels=(*VIRT, ("pool", "acme"), ("fast", "true")), taints=(("acme", "", "NoSchedule"),))
    slow = a_node("slow", labels=(*VIRT, ("pool", "acme")), taints=(("acme", "", "NoSchedule"),), cpu=64000)
    record = a_class("runc", level="Container", pod={}, nodes={"selector": {"fast": "true"}})
    facts = facts_of(record, own, slow, a_node("other", labels=(("fast", "true"),), cpu=64000), pool=POOL)
    assert facts.unavailable is None
    assert [shape.cpu for shape in facts.shapes] == [8000]
    assert (facts.sharing, facts.node_selector) == (NodeSharing.TENANT, (("fast", "true"), ("pool", "acme")))
    assert facts.tolerations == (("acme", None, None),)


def test_a_tenant_without_a_capable_node_is_told_whose_nodes_to_change() -> None:
    facts = facts_of(RUNC, pool=POOL)
    assert facts.unavailable is not None
    assert "pool=acme" in facts.unavailable.message
    assert "change nodes of class runc or of the tenant" in facts.unavailable.message


def test_the_nodes_of_a_class_and_a_tenant_that_contradict_each_other_are_no_nodes() -> None:
    record = a_class("runc", level="Container", pod={}, nodes={"selector": {"pool": "evil"}})
    nodes = (a_node("a", labels=(("pool", "acme"),)), a_node("b", labels=(("pool", "evil"),)))
    assert facts_of(record, *nodes, pool=NodePool(selector={"pool": "acme"})).unavailable is not None


@pytest.mark.parametrize(
    ("named", "remembered", "now", "available"),
    [
        ("kata", None, "kata", True),
        ("kata", None, "runc", False),
        (None, "kata", "kata", True),
        (None, "kata", "runc", False),
        (None, None, "runc", True),
        ("runc", "kata", "runc", True),
    ],
)
def test_a_runtime_class_with_another_handler_makes_the_class_unavailable(
    named: str | None, remembered: str | None, now: str, available: bool
) -> None:
    pod = {"runtimeClassName": "kata"} | ({"handler": named} if named else {})
    record = replace(a_class("kata", level="Virtualized", pod=pod), status=json.dumps({"handler": remembered}).encode())
    facts = facts_of(record, runtimes=(a_runtime_class("kata", now),))
    assert (facts.unavailable is None) == available
    if facts.unavailable is not None:
        assert facts.unavailable.reason is Reason.RUNTIME_CHANGED
        assert "vouches for kata: restore the RuntimeClass, or set pod.handler" in facts.unavailable.message
