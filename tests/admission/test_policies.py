"""The policies themselves: well typed, closed when they fail, and each of them needed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from admission import (
    test_additions,
    test_children,
    test_floor,
    test_machine_actions,
    test_namespaces,
    test_operator,
    test_restricted,
    test_workloads,
)
from admission.attempts import ALLOWED, Attempt, answer
from ground import chart
from ground.api import apply, call, eventually
from ground.cluster import Cluster

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"
POLICIES = f"{ADMISSION}/validatingadmissionpolicies"
SECONDS = 60.0
DOCUMENTS = chart.objects(*chart.ADMISSION)
EVERY = {each["metadata"]["name"]: each for each in DOCUMENTS if each["kind"] == "ValidatingAdmissionPolicy"}
BOUND = {each["spec"]["policyName"]: each for each in DOCUMENTS if each["kind"] == "ValidatingAdmissionPolicyBinding"}
WARNS = "berth-edits"
FOUND = {name: policy for name, policy in EVERY.items() if name != WARNS}
CASES: list[Attempt] = [
    *(*test_children.REFUSED, *test_children.MORE_REFUSED, *test_children.LOOKALIKES, *test_children.FORGERIES),
    *(*test_additions.ADDED, *test_additions.BESIDE, *test_additions.BY_OTHERS),
    *(*test_machine_actions.REFUSED, *test_machine_actions.ALLOWED),
    *(*test_machine_actions.COPIES_REFUSED, *test_machine_actions.COPIES_ALLOWED),
    *(*test_children.ALLOWED, *test_floor.REFUSED, *test_floor.ALLOWED, *test_floor.RUNTIMES),
    *(*test_namespaces.REFUSED, *test_namespaces.ALLOWED, *test_operator.REFUSED, *test_operator.ALLOWED),
    *(*test_restricted.REFUSED, *test_restricted.ALLOWED, *test_restricted.MACHINES_REFUSED),
    *(*test_restricted.MACHINES_ALLOWED, *test_workloads.REFUSED, *test_workloads.ALLOWED, *test_workloads.WAIVERS),
]


def first_refused(policy: str) -> Attempt:
    return next(case for case in CASES if case.policy == policy and case.says)


@pytest.mark.parametrize("name", FOUND)
def test_a_policy_that_cannot_be_asked_refuses(name: str) -> None:
    assert FOUND[name]["spec"]["failurePolicy"] == "Fail"
    assert BOUND[name]["spec"]["validationActions"] == ["Deny"]
    assert BOUND[name]["metadata"]["name"] == name


def test_one_policy_warns_alone() -> None:
    assert {name for name, each in BOUND.items() if each["spec"]["validationActions"] == ["Warn"]} == {WARNS}


def test_what_policies_share_is_spelled_the_same_in_all_of_them() -> None:
    texts: dict[str, set[str]] = {}
    for policy in EVERY.values():
        for variable in policy["spec"].get("variables", []):
            texts.setdefault(variable["name"], set()).add(" ".join(variable["expression"].split()))
    [controllers] = texts["isController"]
    [condition] = FOUND["berth-floor"]["spec"]["matchConditions"]
    assert f"!({controllers}) &&" in " ".join(condition["expression"].split())
    shared = {"operator", "isAdmin", "before", "after", "changed", "keys"}
    assert {name: len(texts[name]) for name in shared} == dict.fromkeys(shared, 1)
    operator = "system:serviceaccount:berth-system:berth"
    spelled = [text.count(operator) for text in chart.texts(*chart.ADMISSION)]
    assert sum(spelled) == sum(operator in yaml.safe_dump(policy, width=10**6) for policy in EVERY.values())


@pytest.mark.parametrize("name", FOUND)
def test_every_policy_lets_somebody_through(name: str) -> None:
    assert any(case.policy == name and not case.says for case in CASES)


@pytest.mark.parametrize(
    ("policy", "message"),
    [(name, rule["messageExpression"]) for name, policy in FOUND.items() for rule in policy["spec"]["validations"]],
)
def test_every_rule_refuses_something(policy: str, message: str) -> None:
    texts = [text.strip() for text in message.split("'")[1::2] if len(text) > len(", ")]
    refusals = [case.says for case in CASES if case.policy == policy and case.says]
    assert any(says in text or text in says for says in refusals for text in texts)


def test_the_policies_are_well_typed(cluster: Cluster) -> None:
    eventually(lambda: checked(cluster) >= set(EVERY), SECONDS, "all policies are type-checked")
    for policy in call(cluster.kubeconfig, "GET", POLICIES)["items"]:
        assert not policy["status"].get("typeChecking", {}).get("expressionWarnings"), policy["metadata"]["name"]


def test_a_mistake_in_a_policy_would_be_told(cluster: Cluster) -> None:
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}]
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "mistaken"},
        "spec": {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "object.spec.replicaz > 0"}],
        },
    }
    apply(cluster.kubeconfig, f"{POLICIES}/mistaken", body)
    try:
        eventually(lambda: "mistaken" in checked(cluster), SECONDS, "the policy is type-checked")
        status = call(cluster.kubeconfig, "GET", f"{POLICIES}/mistaken")["status"]
        assert "undefined field 'replicaz'" in status["typeChecking"]["expressionWarnings"][0]["warning"]
    finally:
        call(cluster.kubeconfig, "DELETE", f"{POLICIES}/mistaken")


def checked(cluster: Cluster) -> set[str]:
    """Return the policies whose types were checked as they are."""
    found = call(cluster.kubeconfig, "GET", POLICIES)["items"]
    return {
        policy["metadata"]["name"]
        for policy in found
        if policy.get("status", {}).get("observedGeneration") == policy["metadata"]["generation"]
    }


@contextmanager
def unbound(cluster: Cluster, policy: str) -> Iterator[None]:
    """Take a policy away for the length of a block."""
    call(cluster.kubeconfig, "DELETE", f"{BINDINGS}/{policy}")
    try:
        yield
    finally:
        apply(cluster.kubeconfig, f"{BINDINGS}/{policy}", BOUND[policy])


@pytest.mark.parametrize("policy", FOUND)
def test_without_a_policy_what_it_refuses_is_done(cluster: Cluster, policy: str) -> None:
    attack = first_refused(policy)
    assert answer(cluster, attack) != ALLOWED
    with unbound(cluster, policy):
        eventually(lambda: answer(cluster, attack) == ALLOWED, SECONDS, f"without {policy}: {attack}")
    eventually(lambda: answer(cluster, attack) != ALLOWED, SECONDS, f"with {policy}: {attack}")
