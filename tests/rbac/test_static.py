"""What the operator must never be given, and what roles for people do not reach."""

import pytest

from ground import chart
from rbac.rights import Right, rights, rules

FORBIDDEN_VERBS = {"*", "escalate", "bind", "impersonate", "deletecollection", "approve", "sign"}
READS = {"get", "list", "watch"}
GROWS = Right("", "persistentvolumeclaims", "patch")
"""Raises the size of a disk's claim; the operator's admission policy refuses all else of a claim."""
FORBIDDEN_RESOURCES = {
    "*",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/ephemeralcontainers",
    "nodes/proxy",
    "nodes/status",
    "configmaps",
    "persistentvolumes",
}
FORBIDDEN_GROUPS = {
    "*",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "certificates.k8s.io",
}
ROLES = {name: each for each in chart.objects("ClusterRole") if (name := each["metadata"]["name"]) != "berth-operator"}


@pytest.mark.parametrize("right", sorted(rights()), ids=str)
def test_no_right_of_the_operator_reaches_further(right: Right) -> None:
    assert right.verb not in FORBIDDEN_VERBS
    assert right.resource not in FORBIDDEN_RESOURCES
    assert right.group not in FORBIDDEN_GROUPS
    if right.resource in {"pods", "nodes", "namespaces", "persistentvolumeclaims", "runtimeclasses"} and right != GROWS:
        assert right.verb in READS


def test_every_rule_says_why() -> None:
    assert all(len(rule.why) > len("because") for rule in rules())


def test_nothing_is_granted_twice() -> None:
    granted = [
        (group, resource, verb, rule.namespace)
        for rule in rules()
        for group in rule.groups
        for resource in rule.resources
        for verb in rule.verbs
    ]
    assert len(granted) == len(set(granted))


@pytest.mark.parametrize("name", ROLES)
def test_roles_for_people_reach_neither_status_nor_finalizers(name: str) -> None:
    reached = {resource for rule in ROLES[name]["rules"] for resource in rule.get("resources", ())}
    assert not {each for each in reached if each.endswith(("/status", "/finalizers")) or each == "*"}
    assert {group for rule in ROLES[name]["rules"] for group in rule.get("apiGroups", ())} <= {"berth.dev"}
    assert {path for rule in ROLES[name]["rules"] for path in rule.get("nonResourceURLs", ())} <= {"/metrics"}


def test_only_platform_admins_write_policy() -> None:
    writers = {
        name
        for name, role in ROLES.items()
        for rule in role["rules"]
        if set(rule["verbs"]) - READS and set(rule.get("resources", ())) - {"workloads", "workloads/scale"}
    }
    assert writers == {"berth-platform-admin"}
    aggregated = {
        name for name, role in ROLES.items() if any("aggregate-to" in key for key in role["metadata"]["labels"])
    }
    assert aggregated == {"berth-workloads-edit", "berth-workloads-view"}
