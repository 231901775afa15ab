"""The choice among classes that fit, and the one reason where none does."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.levels import NodeSharing
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.engine import decide
from berth.decide.fingerprint import canonical, hashes
from berth.decide.model import Ask, ClassFacts, Cost, Outcome, Source, Unavailable
from decide import faults
from decide.builders import ANYTHING, GI, LINUX_VM, MI, SHAPE, a_guest, a_machine, an_ask, machines, needing, pods

RUNC, GVISOR = pods("runc"), pods("gvisor", "Sandboxed")
KATA = pods("kata", "Virtualized", runtime_class_name="kata", overhead=Cost(250, 130 * MI))
VM = machines("vm")
ALL = (VM, KATA, GVISOR, RUNC)
BOTH = an_ask(machine=LINUX_VM)
WINDOWS = a_machine(machine=replace(LINUX_VM, os=OperatingSystem.WINDOWS))


def gone(facts: ClassFacts, reason: Reason, message: str) -> ClassFacts:
    """Return a class that this cluster cannot run."""
    return replace(facts, unavailable=Unavailable(reason, message))


NO_KATA = gone(KATA, Reason.RUNTIME_CLASS_MISSING, "RuntimeClass kata does not exist: install it")
NO_VIRT = gone(VM, Reason.KUBEVIRT_NOT_READY, "KubeVirt is not installed: install it")
NO_NODE = gone(KATA, Reason.NO_CAPABLE_NODE, "no node")

CHOICES: list[tuple[str, Ask, dict[str, Any], tuple[ClassFacts, ...], str | None, str]] = [
    ("lowest level", an_ask(), {}, ALL, None, "runc"),
    ("required level", an_ask(), {"level": "Sandboxed"}, ALL, None, "gvisor"),
    ("an image goes to pods before machines", BOTH, {"level": "Virtualized"}, ALL, None, "kata"),
    (
        "also where machines cost less",
        BOTH,
        {"level": "Virtualized"},
        (VM, replace(KATA, overhead=Cost(0, GI))),
        None,
        "kata",
    ),
    ("to a machine when no pods fit", BOTH, {"level": "Virtualized"}, (VM, NO_KATA), None, "vm"),
    ("a machine source goes to a machine", a_machine(), {}, ALL, None, "vm"),
    ("Windows too", WINDOWS, {}, ALL, None, "vm"),
    ("least memory", an_ask(), {}, (replace(RUNC, overhead=Cost(0, 1)), pods("z")), None, "z"),
    ("then least cpu", an_ask(), {}, (replace(RUNC, overhead=Cost(1, 0)), pods("z")), None, "z"),
    ("then preference", an_ask(), {}, (RUNC, pods("z", preference=1)), None, "z"),
    ("then name", an_ask(), {}, (pods("z"), RUNC), None, "runc"),
    ("level before cost", an_ask(), {}, (replace(RUNC, overhead=Cost(9, GI)), GVISOR), None, "runc"),
    ("stays where it runs", an_ask(), {}, ALL, "kata", "kata"),
    ("moves when that no longer fits", an_ask(), {"level": "Virtualized"}, ALL, "gvisor", "kata"),
    ("a class that is gone is no place to stay", an_ask(), {}, ALL, "deleted", "runc"),
    ("stays in a class that is disabled", an_ask(), {}, (RUNC, replace(KATA, enabled=False)), "kata", "kata"),
    ("never enters a class that is disabled", an_ask(), {}, (replace(RUNC, enabled=False), KATA), None, "kata"),
    ("a pin is followed", an_ask(class_name="kata"), {}, ALL, None, "kata"),
    ("a pin moves what runs elsewhere", an_ask(class_name="kata"), {}, ALL, "runc", "kata"),
    (
        "node sharing",
        an_ask(),
        {"node_sharing": NodeSharing.TENANT},
        (RUNC, pods("own", sharing=NodeSharing.EXCLUSIVE)),
        None,
        "own",
    ),
    ("only what is allowed", an_ask(), {"classes": frozenset({"kata", "vm"})}, ALL, None, "kata"),
]


@pytest.mark.parametrize(
    ("ask", "requirement", "catalog", "current", "expected"),
    [case[1:] for case in CHOICES],
    ids=[case[0] for case in CHOICES],
)
def test_choice(
    ask: Ask, requirement: dict[str, Any], catalog: tuple[ClassFacts, ...], current: str | None, expected: str
) -> None:
    decision = decide(ask, needing(**requirement), catalog, current)
    assert decision.chosen is not None, decision.message
    assert decision.chosen.facts.name == expected
    assert decision.reason is Reason.PLACED
    assert len(decision.candidates) == len(catalog)


REFUSALS: list[tuple[str, Ask, dict[str, Any], tuple[ClassFacts, ...], Reason, str]] = [
    ("no class at all", an_ask(), {}, (), Reason.NO_ELIGIBLE_CLASS, "there is no IsolationClass: create one"),
    (
        "a pin that does not exist",
        an_ask(class_name="kota"),
        {},
        ALL,
        Reason.MISCONFIGURED,
        "use one of gvisor, kata, runc, vm",
    ),
    (
        "a pin below policy",
        an_ask(class_name="runc"),
        {"level": "Sandboxed"},
        ALL,
        Reason.NO_ELIGIBLE_CLASS,
        "Sandboxed required by",
    ),
    ("no list allows anything", an_ask(), {"classes": frozenset()}, ALL, Reason.POLICY_DENIED, "have none in common"),
    (
        "too strict for all classes",
        an_ask(),
        {"level": "Confidential"},
        ALL,
        Reason.NO_ELIGIBLE_CLASS,
        "Confidential required by",
    ),
    (
        "all miss a disk to boot",
        an_ask(),
        {"level": "Virtualized"},
        (RUNC, VM),
        Reason.NO_BOOTABLE_IMAGE,
        "add spec.machine",
    ),
    (
        "all miss the RuntimeClass",
        an_ask(),
        {"level": "Virtualized"},
        (RUNC, NO_KATA),
        Reason.RUNTIME_CLASS_MISSING,
        "kata: RuntimeClass kata does not exist",
    ),
    (
        "all miss KubeVirt",
        a_machine(),
        {"level": "Virtualized"},
        (RUNC, NO_VIRT),
        Reason.KUBEVIRT_NOT_READY,
        "vm: KubeVirt is not installed",
    ),
    ("all miss a node", an_ask(), {"level": "Virtualized"}, (NO_NODE,), Reason.NO_CAPABLE_NODE, "kata: no node"),
    (
        "each misses something else",
        BOTH,
        {"level": "Virtualized"},
        (NO_KATA, NO_VIRT),
        Reason.NO_ELIGIBLE_CLASS,
        "vm: KubeVirt is not installed",
    ),
    ("too large", an_ask(memory=999 * GI), {}, (RUNC,), Reason.NO_CAPABLE_NODE, "lower spec.resources"),
]


@pytest.mark.parametrize(
    ("ask", "requirement", "catalog", "reason", "says"),
    [case[1:] for case in REFUSALS],
    ids=[case[0] for case in REFUSALS],
)
def test_refusal(
    ask: Ask, requirement: dict[str, Any], catalog: tuple[ClassFacts, ...], reason: Reason, says: str
) -> None:
    decision = decide(ask, needing(**requirement), catalog, None)
    assert decision.chosen is None
    assert decision.reason is reason, decision.message
    assert says in decision.message


def test_nothing_weaker_runs_and_the_message_says_everything() -> None:
    decision = decide(an_ask(), needing("Virtualized"), (RUNC, GVISOR, NO_KATA), "gvisor")
    assert decision.chosen is None
    assert decision.message == (
        "Virtualized required by IsolationPolicy pci (cardholder data); kata: RuntimeClass kata does not exist: install it"
    )


def test_a_denial_overrules_classes_that_fit() -> None:
    decision = decide(an_ask(), replace(ANYTHING, denials=("no",)), ALL, "runc")
    assert (decision.chosen, decision.reason, decision.message) == (None, Reason.POLICY_DENIED, "no")
    assert [each.outcome for each in decision.candidates].count(Outcome.FIT) == 3


def test_the_message_of_a_placement_explains_it() -> None:
    assert decide(an_ask(), needing("Sandboxed"), ALL, None).message == (
        "gvisor (Sandboxed): lowest level that fits and meets Sandboxed required by IsolationPolicy pci (cardholder data)"
    )
    assert decide(an_ask(), ANYTHING, ALL, "kata").message.startswith(
        "kata (Virtualized): it runs there, though runc would do as well; it still meets"
    )
    assert "named by spec.isolation.className" in decide(an_ask(class_name="kata"), ANYTHING, ALL, None).message


def test_messages_stay_short_however_many_policies_and_classes_there_are() -> None:
    sources = tuple(Source("level", "Virtualized", f"IsolationPolicy p{n:03} (x)") for n in range(50))
    catalog = tuple(gone(pods(f"k{n:02}", "Virtualized"), Reason.NO_CAPABLE_NODE, f"no node {n}") for n in range(30))
    message = decide(an_ask(), needing("Virtualized", sources=sources), catalog, None).message
    assert "and 48 more" in message
    assert message.endswith("and 27 more classes")


@pytest.mark.parametrize("name", faults.NAMES)
def test_a_rule_that_breaks_rules_every_class_out(name: str) -> None:
    with faults.breaking(name, RuntimeError("boom")):
        decision = decide(BOTH, ANYTHING, ALL, "runc")
    assert decision.chosen is None
    assert decision.reason is Reason.MISCONFIGURED
    assert f"rule {name} failed (RuntimeError: boom)" in decision.message
    assert decide(BOTH, ANYTHING, ALL, "runc").chosen is not None


def test_a_rule_that_breaks_on_one_class_rules_out_that_one_alone() -> None:
    odd = replace(KATA, shapes=7)  # type: ignore[arg-type]
    found = {each.facts.name: each.verdicts for each in decide(an_ask(), ANYTHING, (*ALL, odd), None).candidates}
    assert [verdict.reason for verdict in found["kata"]] == [Reason.MISCONFIGURED]
    assert not any(
        verdict.reason is Reason.MISCONFIGURED for name in ("runc", "gvisor", "vm") for verdict in found[name]
    )


def test_a_cost_that_cannot_be_told_rules_the_class_out() -> None:
    odd = a_machine(machine=a_guest(sockets=None))  # type: ignore[arg-type]
    decision = decide(odd, ANYTHING, (VM,), None)
    assert decision.chosen is None
    assert [verdict.rule for verdict in decision.candidates[0].verdicts] == ["capacity", "cost"]


def test_workloads_under_one_requirement_share_what_is_the_same_for_all() -> None:
    one, other = (decide(an_ask(cpu=cpu), needing("Sandboxed"), ALL, None) for cpu in (1, 2))
    assert [a is b for a, b in zip(one.candidates, other.candidates, strict=True)] == [True, True, True, False]


def test_fingerprints_tell_what_has_changed() -> None:
    before = hashes(an_ask(), ANYTHING, ALL, None)
    assert hashes(an_ask(), ANYTHING, tuple(reversed(ALL)), None) == before
    asked = hashes(an_ask(cpu=1), ANYTHING, ALL, None)
    assert (asked["inputsHash"] != before["inputsHash"], asked["policyHash"]) == (True, before["policyHash"])
    for other in (hashes(an_ask(), ANYTHING, ALL[:3], None), hashes(an_ask(), ANYTHING, ALL, "runc")):
        assert other["inputsHash"] not in (before["inputsHash"], asked["inputsHash"])
    required = hashes(an_ask(), needing("Sandboxed"), ALL, None)
    assert (required["inputsHash"], required["policyHash"] != before["policyHash"]) == (before["inputsHash"], True)


def test_the_canonical_form_is_json_with_every_verdict() -> None:
    text = canonical(decide(an_ask(replicas=3), needing("Virtualized"), (RUNC, KATA, NO_VIRT), None))
    assert text == canonical(decide(an_ask(replicas=3), needing("Virtualized"), (RUNC, KATA, NO_VIRT), None))
    assert b'"rule":"source"' in text
    assert b'"_' not in text
    assert canonical(decide(an_ask(), needing(classes=frozenset({"b", "a"})), (replace(RUNC, shapes=(SHAPE,)),), None))


def test_what_rules_out_the_named_class_is_the_reason_whatever_the_others_lack() -> None:
    needed = needing("Container", classes=frozenset({"gvisor"}))
    decision = decide(an_ask(class_name="runc"), needed, (pods(), pods("gvisor", "Sandboxed")), None)
    assert decision.chosen is None
    assert decision.reason is Reason.POLICY_DENIED
    assert "runc: only gvisor allowed" in decision.message
    assert "gvisor: " not in decision.message


def test_lists_of_classes_without_a_common_one_are_said_to_allow_none() -> None:
    decision = decide(an_ask(), needing("Container", classes=frozenset()), (pods(),), None)
    assert ", no class allowed by" in decision.message
