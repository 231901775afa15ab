"""What would change a decision: each flip names the change and where it leads, nearest first."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.levels import IsolationLevel, NodeSharing, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClaimAsk, ClassFacts, Cost, PodSecurity, Unavailable
from berth.decide.whatif import Inputs, apply, outcome, would_change
from berth.policy.effective import Defaults
from decide.builders import (
    GI,
    LINUX_VM,
    MI,
    SHAPE,
    a_guest,
    a_machine,
    a_policy,
    an_ask,
    inputs,
    machines,
    pods,
    policies,
)

RUNC, GVISOR, KATA, VM = pods("runc"), pods("gvisor", "Sandboxed"), pods("kata", "Virtualized"), machines("vm")
ALL = (RUNC, GVISOR, KATA, VM)
GPU = ("nvidia.com/A100", 1)
GPU_SHAPE = replace(SHAPE, devices=(GPU,))


def flips(given: Inputs) -> dict[str, str]:
    """Return text and outcome of what would change a decision, in order."""
    return {flip.change.text: flip.outcome for flip in would_change(given, outcome(given))}


def broken(facts: ClassFacts, reason: Reason) -> ClassFacts:
    """Return a class that this cluster cannot run."""
    return replace(facts, unavailable=Unavailable(reason, "why"))


PCI = {"policies": policies(a_policy("pci"))}
LISTED = {"policies": policies(a_policy("list", {"classes": ["kata"]}))}
SET_APART = {"policies": policies(a_policy("own", {"nodeSharing": "Tenant"}))}
RESTRICTED = PodSecurity("shop", "restricted")
TIGHT = replace(GVISOR, runtime_class_name="gvisor", overhead=Cost(0, 28 * MI), overhead_within=True)
NO_KATA = broken(replace(KATA, runtime_class_name="kata"), Reason.RUNTIME_CLASS_MISSING)
NO_VIRT = broken(VM, Reason.KUBEVIRT_NOT_READY)
NO_TYPE = replace(LINUX_VM, missing=("VirtualMachineClusterInstancetype u1.large",))
GONE = ClaimAsk("data", found=False)

CASES: list[tuple[str, Ask, tuple[ClassFacts, ...], dict[str, Any], str, str]] = [
    ("policy on the level", an_ask(), ALL, PCI, "remove IsolationPolicy pci, or set its mode to Audit", "runc"),
    ("policy on classes", an_ask(), ALL, LISTED, "remove IsolationPolicy list, or set its mode to Audit", "runc"),
    ("policy on nodes", an_ask(), ALL, SET_APART, "remove IsolationPolicy own, or set its mode to Audit", "runc"),
    ("own level", an_ask(level=IsolationLevel.SANDBOXED), ALL, {}, "remove spec.isolation.level", "runc"),
    ("trust", an_ask(trust=Trust.UNTRUSTED), ALL, {}, "set spec.trust to Trusted", "runc"),
    ("default level", an_ask(), ALL, {"defaults": Defaults(IsolationLevel.SANDBOXED)}, "lower the cluster's default level to Container", "runc"),
    ("default sharing", an_ask(), ALL, {"defaults": Defaults(IsolationLevel.CONTAINER, node_sharing=NodeSharing.TENANT)}, "lower the cluster's default node sharing to Shared", "runc"),
    ("more isolation", an_ask(), ALL, {}, "set spec.isolation.level to Virtualized", "kata"),
    ("pin", an_ask(class_name="kata"), ALL, {}, "remove spec.isolation.className", "runc"),
    ("pin that does not exist", an_ask(class_name="kota"), ALL, {}, "remove spec.isolation.className", "runc"),
    ("disabled", an_ask(), (replace(RUNC, enabled=False),), {}, "enable IsolationClass runc", "runc"),
    ("RuntimeClass", an_ask(), (NO_KATA,), {}, "install RuntimeClass kata", "kata"),
    ("KubeVirt", a_machine(), (NO_VIRT,), {}, "get KubeVirt deployed, on nodes with KVM", "vm"),
    ("emulation", a_machine(), (broken(VM, Reason.SOFTWARE_EMULATION),), {}, "turn off useEmulation in KubeVirt", "vm"),
    ("node", an_ask(), (broken(replace(KATA, shapes=()), Reason.NO_CAPABLE_NODE),), {}, "add a node that can run kata", "kata"),
    ("machine source", an_ask(), (VM,), {}, "add spec.machine with a bootDisk", "vm"),
    ("container source", a_machine(), (RUNC,), {}, "add spec.container", "runc"),
    ("Windows", a_machine(machine=replace(LINUX_VM, os=OperatingSystem.WINDOWS)), (RUNC,), {}, "add spec.container", "runc"),
    ("privileged", an_ask(privileged=True), (RUNC,), {}, "drop needs.privileged", "runc"),
    ("modules", an_ask(kernel_modules=("a",)), (RUNC,), {}, "drop needs.kernelModules", "runc"),
    ("nested", an_ask(nested_virtualization=True), (RUNC,), {}, "drop needs.nestedVirtualization", "runc"),
    ("root", an_ask(root=True), (RUNC,), {}, "drop needs.root", "runc"),
    ("Pod Security", an_ask(root=True, pod_security=RESTRICTED), (GVISOR,), {}, "label namespace shop pod-security.kubernetes.io/enforce=baseline", "gvisor"),
    ("Pod Security of root", an_ask(root=True, pod_security=RESTRICTED), (GVISOR,), {}, "drop needs.root", "gvisor"),
    ("Pod Security of machines", a_machine(pod_security=RESTRICTED), (VM,), {}, "give launcher pods a seccomp profile in KubeVirt", "vm"),
    ("limit", an_ask(memory_limit=16 * MI), (TIGHT,), {}, "raise limits.memory to 29Mi", "gvisor"),
    ("limit in the RuntimeClass", an_ask(memory_limit=16 * MI), (TIGHT,), {}, "set overhead.podFixed of RuntimeClass gvisor", "gvisor"),
    ("gpu", an_ask(gpu=GPU), (GVISOR,), {}, "drop needs.gpu", "gvisor"),
    ("host device", an_ask(host_devices=(GPU,)), (GVISOR,), {}, "drop nvidia.com/A100 from needs.hostDevices", "gvisor"),
    ("not permitted", a_machine(gpu=GPU), (replace(VM, shapes=(GPU_SHAPE,)),), {}, "permit nvidia.com/A100 in KubeVirt", "vm"),
    ("dedicated", a_machine(dedicated=True), (VM,), {}, "drop spec.resources.dedicated", "vm"),
    ("memory", an_ask(memory=64 * GI), (replace(RUNC, overhead=Cost(0, GI)),), {}, "lower memory to 31Gi per replica", "runc"),
    ("cpu", an_ask(cpu=64000), (replace(RUNC, overhead=Cost(500, 0)),), {}, "lower cpu to 7500m per replica", "runc"),
    ("guest memory", a_machine(machine=a_guest(memory=64 * GI)), (VM,), {}, "lower guest memory to 32512Mi per replica", "vm"),
    ("guest cpu", a_machine(machine=a_guest(sockets=100)), (VM,), {}, "lower guest cpu to 80 per replica", "vm"),
    ("larger node", an_ask(memory=64 * GI), (RUNC,), {}, "add a larger node for runc", "runc"),
    ("another node", an_ask(architecture="arm64"), (RUNC,), {}, "add a node for runc that has all that is asked for", "runc"),
    ("architecture", an_ask(architecture="arm64"), (RUNC,), {}, "drop needs.architecture", "runc"),
    ("instancetype", a_machine(machine=NO_TYPE), (VM,), {}, "create VirtualMachineClusterInstancetype u1.large", "vm"),
    ("claim", an_ask(claims=(GONE,)), (RUNC,), {}, "create PersistentVolumeClaim data", "runc"),
    ("replicas", a_machine(replicas=2, machine=replace(LINUX_VM, boots_from="dataSource")), (VM,), {}, "set spec.replicas to 1, without autoscaling", "vm"),
    ("task", a_machine(replicas=2, type=WorkloadType.TASK), (VM,), {}, "set spec.replicas to 1, without autoscaling", "vm"),
    ("service account", an_ask(service_account="x"), ALL, {}, "remove spec.serviceAccountName", "runc"),
    ("service account allowed", an_ask(service_account="x"), ALL, {}, "allow ServiceAccount x in Berth's settings", "runc"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "catalog", "given", "change", "leads_to"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_flip(ask: Ask, catalog: tuple[ClassFacts, ...], given: dict[str, Any], change: str, leads_to: str) -> None:
    found = flips(inputs(ask, *catalog, **given))
    assert found.get(change) == leads_to, found


def test_every_flip_really_flips() -> None:
    for _, ask, catalog, given, *_ in CASES:
        before = inputs(ask, *catalog, **given)
        decision = outcome(before)
        for flip in would_change(before, decision):
            after = outcome(apply(before, flip.change))
            assert (after.chosen is None) != flip.placed
            assert flip.outcome == (after.chosen.facts.name if after.chosen else after.reason)
            assert (after.chosen and after.chosen.facts.name, after.reason) != (
                decision.chosen and decision.chosen.facts.name,
                decision.reason,
            )


def test_a_policy_that_is_not_alone_is_not_offered() -> None:
    both = policies(a_policy("one"), a_policy("two"))
    assert not any("IsolationPolicy" in text for text in flips(inputs(an_ask(), *ALL, policies=both)))


def test_what_runs_stays_so_removing_the_policy_flips_nothing() -> None:
    assert "remove IsolationPolicy pci, or set its mode to Audit" not in flips(
        inputs(an_ask(), *ALL, **PCI, current="kata")
    )


def test_one_repair_makes_all_classes_available_that_miss_the_same() -> None:
    small = replace(broken(VM, Reason.KUBEVIRT_NOT_READY), name="big", overhead=Cost(), preference=1)
    given = inputs(a_machine(), NO_VIRT, small)
    assert flips(given)["get KubeVirt deployed, on nodes with KVM"] == "big"


def test_changes_that_lead_to_a_class_come_first_and_are_limited() -> None:
    given = inputs(an_ask(privileged=True, root=True, gpu=GPU, memory=64 * GI), *ALL, **PCI)
    found = would_change(given, outcome(given), limit=2)
    assert len(found) <= 2
    given = inputs(an_ask(memory=64 * GI), RUNC, NO_KATA)
    placed = [flip.placed for flip in would_change(given, outcome(given))]
    assert placed == sorted(placed, reverse=True)
    assert placed[0]


def test_conditions_see_the_changed_spec() -> None:
    strict = policies(a_policy("gpu", when="has(workload.spec.needs) && has(workload.spec.needs.gpu)"))
    given = inputs(an_ask(gpu=GPU), replace(RUNC, shapes=(GPU_SHAPE,)), GVISOR, policies=strict)
    given = replace(given, subject=replace(given.subject, spec=b'{"needs":{"gpu":{"deviceName":"nvidia.com/A100"}}}'))
    assert outcome(given).reason is Reason.NO_ELIGIBLE_CLASS
    assert flips(given)["drop needs.gpu"] == "runc"


@pytest.mark.parametrize("spec", [b"{", b"[]", b"null", b'{"isolation":"x"}'])
def test_a_spec_that_cannot_be_read_is_left_alone(spec: bytes) -> None:
    given = inputs(an_ask(level=IsolationLevel.SANDBOXED), *ALL)
    given = replace(given, subject=replace(given.subject, spec=spec))
    assert flips(given)["remove spec.isolation.level"] == "runc"


def test_the_same_question_gets_the_same_answer() -> None:
    given = inputs(an_ask(memory=64 * GI, root=True), *ALL, **PCI)
    again = inputs(an_ask(memory=64 * GI, root=True), *reversed(ALL), policies=policies(a_policy("pci")))
    assert would_change(given, outcome(given)) == would_change(again, outcome(again))


def test_memory_is_lowered_exactly_as_far_as_needed() -> None:
    given = inputs(an_ask(memory=64 * GI), replace(RUNC, overhead=Cost(0, 100 * MI)))
    change = next(f.change for f in would_change(given, outcome(given)) if "memory" in f.change.text)
    fitting = apply(given, change)
    assert outcome(fitting).chosen is not None
    more = replace(fitting.subject, ask=replace(fitting.subject.ask, memory=fitting.subject.ask.memory + MI))
    assert outcome(replace(fitting, subject=more)).chosen is None
