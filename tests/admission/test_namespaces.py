"""Whoever may label namespaces does not thereby choose their tenant, their policies or their Pod Security."""

from functools import partial
from typing import Any

import pytest

from admission.attempts import Attempt, check
from admission.people import LEAD, NAMESPACES, PATCHER, PLATFORM
from admission.world import BANK, LAB, NEAR, RATED, SHOP, TEAM
from ground.api import Json
from ground.cluster import Cluster
from scenarios.kinds import NAMESPACE

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ENFORCE = "pod-security.kubernetes.io/enforce"
WHOSE = "its labels decide whose it is"
OWN = "decides how its workloads are kept apart: only platform admins"
SECURITY = "Pod Security of a tenant is set by platform admins"
HOLDS = "its labels decide whether the policy holds there"
member = partial(Attempt, policy="berth-membership", kind=NAMESPACE, namespace="")
labels = partial(Attempt, policy="berth-namespaces", kind=NAMESPACE, namespace="")
scope = partial(Attempt, policy="berth-policy-scope", kind=NAMESPACE, namespace="")


def labelled(**more: str | None) -> Json:
    """Return a patch of labels; None takes one away."""
    return {"metadata": {"labels": more}}


def key(name: str, value: str | None = None) -> Json:
    """Return a patch of one label whose key is no Python name."""
    return {"metadata": {"labels": {name: value}}}


JOIN = labelled(tenant="acme")
LEAVE = labelled(tenant=None)
MOVE = labelled(tenant="other")
STRIP = [{"op": "remove", "path": "/metadata/labels/tenant"}]
STRIP_ALL = [{"op": "remove", "path": "/metadata/labels"}]
INJECT = [{"op": "add", "path": "/metadata/labels/tenant", "value": "acme"}]
SYSTEM = ("kube-system", "default", "berth-system")
VERBS: dict[str, tuple[str, str]] = {
    "merge-patch": ("merge-patch", ""),
    "update": ("update", ""),
    "apply": ("apply", ""),
    "finalize": ("update", "finalize"),
    "status": ("update", "status"),
    "patch of status": ("merge-patch", "status"),
}


def every_verb(who: str, name: str, body: Json, says: str) -> list[Attempt]:
    """Return the same change by every way that leads to a namespace."""
    return [
        member(who, verb, name=name, body=body, says=says, subresource=subresource)
        for verb, subresource in VERBS.values()
    ]


@pytest.mark.parametrize(
    "case",
    [
        *(a for a in every_verb(PATCHER, SHOP, LEAVE, WHOSE) if a.verb != "apply"),
        member(PATCHER, "json-patch", name=SHOP, body=STRIP, says=WHOSE),
        member(PATCHER, "json-patch", name=LAB, body=STRIP_ALL, says=WHOSE, note="all"),
        member(PATCHER, "merge-patch", name=SHOP, body=key(ENFORCE), says=SECURITY),
        member(PATCHER, "merge-patch", name=SHOP, body=key(ENFORCE, "privileged"), says=SECURITY, note="weaken"),
    ],
    ids=str,
)
def test_cve_2022_46167_a_tenants_account_cannot_cut_its_namespace_loose(cluster: Cluster, case: Attempt) -> None:
    """Capsule: a ServiceAccount with the right to patch its own namespace took it out of the tenant's enforcement."""
    check(cluster, case)


@pytest.mark.parametrize(
    "case", [a for name in ("kube-system", TEAM) for a in every_verb(LEAD, name, JOIN, WHOSE)], ids=str
)
def test_cve_2024_39690_a_namespace_of_nobody_cannot_be_taken_over(cluster: Cluster, case: Attempt) -> None:
    """Capsule: who could patch namespaces made system namespaces and others without an owner part of the tenant."""
    check(cluster, case)


@pytest.mark.parametrize(
    "case",
    [
        *(member(LEAD, "json-patch", name=name, body=INJECT, says=WHOSE) for name in SYSTEM),
        *(member(LEAD, "merge-patch", name=name, body=labelled(line="retail", tier="gold"), says=WHOSE) for name in SYSTEM),
        *(labels(LEAD, "merge-patch", name=name, body=key("berth.dev/tenant", "acme"), says=OWN) for name in SYSTEM),
        *(labels(LEAD, "apply", name=name, body=key("berth.dev/zone", "sandboxed"), says=OWN) for name in SYSTEM),
    ],
    ids=str,
)  # fmt: skip
def test_cve_2025_55205_labels_cannot_be_injected_into_system_namespaces(cluster: Cluster, case: Attempt) -> None:
    """Capsule: namespaces without the tenant's label were not checked, so any label could be put on them."""
    check(cluster, case)


REFUSED = [
    member(LEAD, "create", name="new", body=JOIN, says="so only platform admins"),
    member(LEAD, "create", name="new", body=labelled(line="private", tier="silver"), says=WHOSE, note="by expressions"),
    member(LEAD, "merge-patch", name=SHOP, body=MOVE, says=WHOSE, note="move"),
    member(LEAD, "merge-patch", name=BANK, body=labelled(legacy="yes"), says=WHOSE, note="add"),
    member(LEAD, "merge-patch", name=NEAR, body=labelled(tier="gold"), says=WHOSE, note="join"),
    member(LEAD, "merge-patch", name=LAB, body=key("pod-security.kubernetes.io/warn", "baseline"), says=SECURITY),
    labels(LEAD, "create", name="new", body=key("berth.dev/zone", "virtualized"), says=OWN),
    labels(LEAD, "merge-patch", name=SHOP, body=key("berth.dev/zone"), says=OWN, note="strip"),
    labels(LEAD, "merge-patch", name=SHOP, body=key("berth.dev/zone", "no"), says=OWN, note="weaken"),
    labels(LEAD, "update", name=SHOP, body=key("berth.dev/zone"), says=OWN, subresource="finalize"),
    labels(LEAD, "create", name="cdi", body={}, says="are trusted as controllers of machines"),
    scope(LEAD, "merge-patch", name=RATED, body=labelled(data=None), says=HOLDS, note="strip"),
    scope(LEAD, "json-patch", name=RATED, body=[{"op": "replace", "path": "/metadata/labels/data", "value": "none"}], says=HOLDS),
    scope(LEAD, "merge-patch", name=TEAM, body=labelled(vouched="yes"), says=HOLDS, note="vouch"),
    scope(LEAD, "create", name="new", body=labelled(vouched="yes"), says="IsolationPolicy unless-vouched", note="vouch"),
]  # fmt: skip
ALLOWED: list[Attempt] = [
    member(LEAD, "create", name="new", body=labelled(team="a")),
    member(LEAD, "create", name="new", body=key(ENFORCE, "baseline"), note="own Pod Security"),
    scope(LEAD, "create", name="new", body=labelled(data="cardholder"), note="more policies"),
    member(LEAD, "create", name="new", body=labelled(line="retail", tier="free"), note="no member"),
    *(member(LEAD, verb, name=name, body=labelled(team="a"), subresource=subresource)
      for name in (TEAM, SHOP, "kube-system") for verb, subresource in VERBS.values()),
    member(LEAD, "merge-patch", name=TEAM, body=key(ENFORCE, "baseline"), note="own Pod Security"),
    member(LEAD, "delete", name=SHOP),
    member(PLATFORM, "create", name="new", body=JOIN),
    labels(PLATFORM, "create", name="cdi", body={}),
    member(PLATFORM, "merge-patch", name=SHOP, body=LEAVE),
    labels(PLATFORM, "merge-patch", name=SHOP, body=key("berth.dev/zone", "virtualized")),
    member(PLATFORM, "merge-patch", name=RATED, body=labelled(data=None)),
    member(NAMESPACES, "update", name=SHOP, body={"spec": {"finalizers": []}}, subresource="finalize"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED], ids=str)
def test_labels_that_decide_are_set_by_platform_admins(cluster: Cluster, case: Any) -> None:
    check(cluster, case)
