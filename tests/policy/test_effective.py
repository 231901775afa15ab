"""What is required of a workload, and by whom."""

from itertools import permutations
from typing import Any

import pytest

from berth.api.isolation_policy import Match
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.decide.model import Ask, Requirement, Source
from berth.policy.compiled import CompiledPolicies
from berth.policy.effective import Defaults, Effective, Subject, effective
from berth.world.records import PolicyRecord
from decide.builders import DEFAULTS, a_policy, a_subject, a_tenant, an_ask, an_invalid_policy, policies

PROD = (("env", "prod"), ("team", "a"))


def found(*records: PolicyRecord, ask: Ask | None = None, labels: Any = PROD, **subject: Any) -> Effective:
    """Return what holds for a workload in a prod namespace."""
    return effective(a_subject(ask, **subject), labels, policies(*records), DEFAULTS)


def required(*records: PolicyRecord, ask: Ask | None = None) -> Requirement:
    """Return the requirement only."""
    return found(*records, ask=ask).requirement


def sources(requirement: Requirement, dimension: str) -> list[str]:
    """Return who asked for one dimension."""
    return [source.by for source in requirement.sources if source.dimension == dimension]


def test_unset_is_a_decision_with_a_source() -> None:
    assert required() == Requirement(
        IsolationLevel.CONTAINER,
        sources=(Source("level", "Container", "cluster default"), Source("nodeSharing", "Shared", "cluster default")),
    )


@pytest.mark.parametrize(
    ("ask", "level", "by"),
    [
        (an_ask(), "Container", "cluster default"),
        (an_ask(level=IsolationLevel.VIRTUALIZED), "Virtualized", "spec.isolation.level"),
        (an_ask(trust=Trust.TRUSTED), "Container", "cluster default"),
        (an_ask(trust=Trust.RESTRICTED), "Sandboxed", "spec.trust Restricted"),
        (an_ask(trust=Trust.UNTRUSTED), "Virtualized", "spec.trust Untrusted"),
        (an_ask(trust=Trust.UNTRUSTED, level=IsolationLevel.SANDBOXED), "Virtualized", "spec.trust Untrusted"),
    ],
)
def test_what_the_author_says(ask: Ask, level: str, by: str) -> None:
    requirement = required(ask=ask)
    assert (requirement.level, requirement.by("level")) == (level, by)


def test_the_cluster_default_cannot_be_undercut() -> None:
    strict = Defaults(IsolationLevel.SANDBOXED, node_sharing=NodeSharing.TENANT)
    requirement = effective(
        a_subject(an_ask(level=IsolationLevel.CONTAINER)), PROD, CompiledPolicies(), strict
    ).requirement
    assert (requirement.level, requirement.by("level")) == ("Sandboxed", "cluster default")
    assert (requirement.node_sharing, requirement.by("nodeSharing")) == ("Tenant", "cluster default")


def test_the_join_names_everybody_who_asked_for_what_holds() -> None:
    requirement = required(
        a_policy("b", {"level": "Virtualized", "classes": ["kata", "vm"]}, reason="two"),
        a_policy("a", {"level": "Virtualized", "nodeSharing": "Tenant"}, reason="one"),
        a_policy("c", {"level": "Sandboxed", "classes": ["kata", "gvisor"]}, reason="three"),
    )
    assert (requirement.level, requirement.node_sharing, requirement.classes) == (
        IsolationLevel.VIRTUALIZED,
        NodeSharing.TENANT,
        frozenset({"kata"}),
    )
    assert sources(requirement, "level") == ["IsolationPolicy a (one)", "IsolationPolicy b (two)"]
    assert sources(requirement, "nodeSharing") == ["IsolationPolicy a (one)"]
    assert [(each.value, each.by) for each in requirement.sources if each.dimension == "classes"] == [
        ("kata, vm", "IsolationPolicy b (two)"),
        ("gvisor, kata", "IsolationPolicy c (three)"),
    ]


def test_lists_without_a_common_class_leave_none() -> None:
    requirement = required(a_policy("a", {"classes": ["kata"]}), a_policy("b", {"classes": ["vm"]}))
    assert requirement.classes == frozenset()
    assert len(sources(requirement, "classes")) == 2


TRUST = {"match": {"trust": ["Restricted"]}}
MATCHES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("no matcher", {}, {}, True),
    ("empty match", {"match": {}}, {}, True),
    ("namespace label", {"match": {"namespaceSelector": {"matchLabels": {"env": "prod"}}}}, {}, True),
    ("other namespace label", {"match": {"namespaceSelector": {"matchLabels": {"env": "dev"}}}}, {}, False),
    ("all labels", {"match": {"namespaceSelector": {"matchLabels": {"env": "prod", "team": "b"}}}}, {}, False),
    ("namespace labels unknown", {"match": {"namespaceSelector": {"matchLabels": {"env": "dev"}}}}, {"namespace_labels": None}, True),
    ("workload label", {"match": {"workloadSelector": {"matchLabels": {"app": "x"}}}}, {"labels": (("app", "x"),)}, True),
    ("no workload label", {"match": {"workloadSelector": {"matchLabels": {"app": "x"}}}}, {}, False),
    ("both selectors must hold", {"match": {"namespaceSelector": {"matchLabels": {"env": "prod"}}, "workloadSelector": {"matchLabels": {"app": "x"}}}}, {}, False),
    ("tenant", {"match": {"tenants": ["acme"]}}, {"tenants": (a_tenant("acme"),)}, True),
    ("other tenant", {"match": {"tenants": ["acme"]}}, {"tenants": (a_tenant("evil"),)}, False),
    ("no tenant is knowledge", {"match": {"tenants": ["acme"]}}, {}, False),
    ("trust unset counts as Restricted", TRUST, {}, True),
    ("trust", TRUST, {"ask": an_ask(trust=Trust.RESTRICTED)}, True),
    ("trusted", TRUST, {"ask": an_ask(trust=Trust.TRUSTED)}, False),
    ("type", {"match": {"types": ["Service"]}}, {}, True),
    ("other type", {"match": {"types": ["Service"]}}, {"ask": an_ask(type=WorkloadType.TASK)}, False),
    ("condition", {"when": "workload.spec.replicas > 1"}, {"spec": b'{"replicas":2}'}, True),
    ("condition does not hold", {"when": "workload.spec.replicas > 1"}, {"spec": b'{"replicas":1}'}, False),
    ("condition fails", {"when": "workload.spec.replicas > 1"}, {}, True),
    ("condition on an unreadable spec", {"when": "workload.spec.replicas > 1"}, {"spec": b"{"}, True),
    ("condition on unknown labels", {"when": "ns.labels.env == 'dev'"}, {"namespace_labels": None}, True),
    ("condition on known labels", {"when": "ns.labels.env == 'dev'"}, {}, False),
    ("condition that does not compile", {"when": "nope("}, {}, True),
    ("condition that does not compile, elsewhere", {"when": "nope(", "match": {"types": ["Task"]}}, {}, False),
    ("condition with labels and names", {"when": "workload.name + ns.name == 'checkoutshop' && workload.labels == {}"}, {}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "given", "matches"), [case[1:] for case in MATCHES], ids=[case[0] for case in MATCHES]
)
def test_matching(policy: dict[str, Any], given: dict[str, Any], matches: bool) -> None:
    subject = {name: value for name, value in given.items() if name != "namespace_labels"}
    result = effective(
        a_subject(**subject), given.get("namespace_labels", PROD), policies(a_policy(**policy)), DEFAULTS
    )
    assert result.requirement.level == ("Virtualized" if matches else "Container")
    assert result.matched == ((("pci", PolicyMode.ENFORCE),) if matches else ())


@pytest.mark.parametrize(
    ("operator", "values", "labels", "matches"),
    [
        ("In", ["a", "b"], {"k": "b"}, True),
        ("In", ["a", "b"], {"k": "c"}, False),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {"k": "b"}, True),
        ("NotIn", ["a"], {"k": "a"}, False),
        ("NotIn", ["a"], {}, True),
        ("Exists", None, {"k": ""}, True),
        ("Exists", None, {}, False),
        ("DoesNotExist", None, {}, True),
        ("DoesNotExist", None, {"k": "x"}, False),
        ("In", [], {}, True),
        ("NotIn", [], {"k": "x"}, True),
    ],
)
def test_selectors_as_in_meta_v1(
    operator: str,
    values: list[str] | None,
    labels: dict[str, str],
    matches: bool,
) -> None:
    expression = {"key": "k", "operator": operator} | ({"values": values} if values is not None else {})
    policy = a_policy(match={"namespaceSelector": {"matchExpressions": [expression]}})
    assert bool(found(policy, labels=tuple(labels.items())).matched) == matches


@pytest.mark.parametrize("field", ["tenants", "trust", "types"])
def test_an_empty_list_asks_for_nothing_and_so_spares_nobody(field: str) -> None:
    policy = a_policy()
    assert policy.spec is not None
    spec = policy.spec.model_copy(update={"match": Match().model_copy(update={field: []})})
    record = PolicyRecord("pci", "1", 1, spec, None, b"")
    assert found(record).matched == (("pci", PolicyMode.ENFORCE),)


def test_warn_and_audit_do_not_hold_but_are_listed() -> None:
    result = found(a_policy("w", mode="Warn"), a_policy("a", {"level": "Confidential"}, mode="Audit"))
    assert result.requirement.level == "Container"
    assert result.matched == (("a", PolicyMode.AUDIT), ("w", PolicyMode.WARN))
    assert result.with_warn is not None
    assert (result.with_warn.level, result.with_warn.by("level")) == (
        "Virtualized",
        "IsolationPolicy w (cardholder data)",
    )


@pytest.mark.parametrize(
    ("warn", "more"),
    [
        ({"level": "Sandboxed"}, False),
        ({"level": "Virtualized"}, False),
        ({"level": "Confidential"}, True),
        ({"nodeSharing": "Tenant"}, True),
        ({"classes": ["kata", "vm"]}, False),
        ({"classes": ["kata"]}, False),
        ({"classes": ["vm"]}, True),
    ],
)
def test_a_warning_is_given_only_for_more_than_what_holds(warn: dict[str, Any], more: bool) -> None:
    enforced = a_policy("e", {"level": "Virtualized", "classes": ["kata"]})
    assert (found(enforced, a_policy("w", warn, mode="Warn")).with_warn is not None) == more


def test_an_invalid_policy_is_the_strictest_and_says_so() -> None:
    result = found(an_invalid_policy(error="spec.require: Field required"))
    by = "IsolationPolicy broken (invalid: spec.require: Field required)"
    assert (result.requirement.level, result.requirement.node_sharing) == ("Confidential", "Exclusive")
    assert (result.requirement.by("level"), result.requirement.by("nodeSharing")) == (by, by)
    assert policies(an_invalid_policy()).errors == (("broken", "spec.require: Field required"),)


def test_a_policy_that_breaks_the_compiler_is_invalid_and_does_not_spare_the_others() -> None:
    policy = a_policy("odd")
    assert policy.spec is not None
    odd = PolicyRecord("odd", "1", 1, policy.spec.model_copy(update={"mode": "Shadow"}), None, b"")
    compiled = policies(odd, a_policy("pci"))
    assert [name for name, _ in compiled.errors] == ["odd"]
    assert effective(a_subject(), PROD, compiled, DEFAULTS).requirement.level is IsolationLevel.CONFIDENTIAL


def test_a_failing_condition_is_reported() -> None:
    bad = a_policy("bad", when="nope(")
    result = found(bad, a_policy("odd", when="workload.spec.x == 1"), a_policy("fine", when="true"))
    assert [name for name, _ in result.errors] == ["bad", "odd"]
    assert [name for name, _ in policies(bad).errors] == ["bad"]


@pytest.mark.parametrize(
    ("account", "allowed", "denied"),
    [(None, (), False), ("builder", ("builder",), False), ("builder", (), True), ("default", ("builder",), True)],
)
def test_service_accounts(account: str | None, allowed: tuple[str, ...], denied: bool) -> None:
    defaults = Defaults(IsolationLevel.CONTAINER, allowed_service_accounts=frozenset(allowed))
    subject: Subject = a_subject(an_ask(service_account=account))
    denials = effective(subject, PROD, CompiledPolicies(), defaults).requirement.denials
    assert bool(denials) == denied
    assert all("is not allowed" in text and "remove it, or ask" in text for text in denials)


def test_order_of_policies_does_not_matter() -> None:
    records = [a_policy("b"), a_policy("a", {"classes": ["x"]}), an_invalid_policy(), a_policy("w", mode="Warn")]
    results = {found(*order) for order in permutations(records)}
    assert len(results) == 1


def test_names_of_sources_are_bounded() -> None:
    requirement = required(a_policy("p" * 253, reason="r" * 256))
    assert max(len(source.by) for source in requirement.sources) == 512
