"""What a tenant asks for of all its workloads, and what a waiver spares them."""

from itertools import permutations
from typing import Any

import pytest

from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing, PolicyMode
from berth.api.selector import LabelSelector
from berth.decide.model import Ask, Requirement
from berth.policy.effective import Effective, effective
from berth.policy.model import ClaimAsk
from berth.policy.tenancy import CompiledTenant, compile_tenant, compile_tenants, tenants_of
from berth.policy.waiving import in_force, refusal
from berth.world import parse
from berth.world.records import PolicyRecord, TenantRecord, WaiverRecord
from decide.builders import DEFAULTS, a_policy, a_subject, a_tenant, a_waiver, an_ask, an_invalid_policy, policies

PINNED = f"registry.example/acme/api@sha256:{'0' * 64}"
DAY = 86400.0


def found(
    *tenants: CompiledTenant, records: tuple[PolicyRecord, ...] = (), ask: Ask | None = None, **subject: Any
) -> Effective:
    """Return what holds for a workload of these tenants."""
    return effective(a_subject(ask, tenants=tenants, **subject), (), policies(*records), DEFAULTS)


def required(*tenants: CompiledTenant, **given: Any) -> Requirement:
    """Return the requirement only."""
    return found(*tenants, **given).requirement


def test_the_floor_of_a_tenant_is_joined_and_named() -> None:
    requirement = required(a_tenant(floor="Sandboxed", nodeSharing="Tenant"))
    assert (requirement.level, requirement.by("level")) == ("Sandboxed", "Tenant acme")
    assert (requirement.node_sharing, requirement.by("nodeSharing")) == (NodeSharing.TENANT, "Tenant acme")


def test_the_network_of_a_tenant_is_isolated_unless_it_says_open() -> None:
    assert required(a_tenant(network=None)).network is NetworkMode.ISOLATED
    assert required(a_tenant(network={})).by("network") == "Tenant acme"
    assert required(a_tenant(network={"mode": "Open"})).network is NetworkMode.OPEN
    isolated = a_policy("closed", {"network": "Isolated"})
    assert required(a_tenant(network={"mode": "Open"}), records=(isolated,)).network is NetworkMode.ISOLATED


def test_classes_are_those_that_tenant_and_policies_all_allow() -> None:
    tenant = a_tenant(classes={"allowed": ["gvisor", "kata"], "default": "kata"})
    requirement = required(tenant, records=(a_policy("p", {"classes": ["kata", "vm"]}),))
    assert (requirement.classes, requirement.preferred) == (frozenset({"kata"}), "kata")
    assert requirement.by("classes") == "IsolationPolicy p (cardholder data) and Tenant acme"


def test_in_two_tenants_the_strictest_of_both_holds_and_no_class_is_preferred() -> None:
    acme = a_tenant(
        floor="Sandboxed",
        classes={"allowed": ["gvisor", "kata"], "default": "gvisor"},
        serviceAccounts={"allowed": ["a", "b"]},
    )
    evil = a_tenant(
        "evil", floor="Virtualized", classes={"allowed": ["kata", "vm"]}, serviceAccounts={"allowed": ["b"]}, network={}
    )
    for order in permutations((acme, evil)):
        requirement = required(*order, ask=an_ask(service_account="a"))
        assert (requirement.level, requirement.classes, requirement.preferred) == (
            IsolationLevel.VIRTUALIZED,
            frozenset({"kata"}),
            None,
        )
        assert requirement.network is NetworkMode.ISOLATED
        assert "allowed: b" in requirement.denials[0]


DENIED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "account",
        {},
        {"service_account": "boss"},
        "ServiceAccount boss in spec.serviceAccountName is not allowed (allowed: none)",
    ),
    (
        "account of another",
        {"serviceAccounts": {"allowed": ["web"]}},
        {"service_account": "boss"},
        "(allowed: web): remove it, or ask the platform admins to allow it in Tenant acme",
    ),
    (
        "network",
        {"network": {"mode": "Open", "attachments": ["lan"]}},
        {"attachments": ("lan", "kube-system/node")},
        "network kube-system/node in spec.machine.networks is not allowed (allowed: lan): use one of these, or ask",
    ),
    (
        "priority",
        {},
        {"priority_class": "system-node-critical"},
        "PriorityClass system-node-critical in spec.priorityClassName is not allowed (allowed: none)",
    ),
    (
        "registry",
        {"images": {"registries": ["registry.example/evil/"]}},
        {},
        "is not from registry.example/evil/, as Tenant acme requires: push it there",
    ),
    (
        "path that only begins alike",
        {"images": {"registries": ["registry.example/ac/"]}},
        {},
        "is not from registry.example/ac/",
    ),
    (
        "digest",
        {"images": {"digest": "Required"}},
        {"images": ("registry.example/acme/api:1",)},
        "is not pinned, as Tenant acme requires: name it by digest, as registry.example/acme/api:1@sha256:...",
    ),
    ("no image", {"images": {"digest": "Required"}}, {"images": ("..",)}, "'..' is no image reference"),
    (
        "disk",
        {"storageClasses": {"allowed": ["encrypted"]}},
        {"claims": (ClaimAsk("d", found=True, storage_class="plain"),)},
        "StorageClass plain is not allowed by Tenant acme (allowed: encrypted): use a disk of one of these",
    ),
    (
        "unnamed disk",
        {"storageClasses": {"allowed": ["encrypted"]}},
        {"claims": (ClaimAsk("d", found=True),)},
        "a disk without storageClassName is not allowed",
    ),
]


@pytest.mark.parametrize(("tenant", "asked", "says"), [case[1:] for case in DENIED], ids=[case[0] for case in DENIED])
def test_what_a_tenant_does_not_allow_is_denied_with_what_is_allowed(
    tenant: dict[str, Any], asked: dict[str, Any], says: str
) -> None:
    images = asked.pop("images", (PINNED,))
    denials = required(a_tenant(**tenant), ask=an_ask(**asked), images=images).denials
    assert len(denials) == 1
    assert says in denials[0]
    assert ": " in denials[0]


ALLOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"serviceAccounts": {"allowed": ["web"]}}, {"service_account": "web"}),
    ({"priorityClasses": {"allowed": ["standard"]}}, {"priority_class": "standard"}),
    ({"images": {"registries": ["registry.example/acme/", "docker.io/library/"], "digest": "Required"}}, {}),
    (
        {"storageClasses": {"allowed": ["encrypted"]}},
        {"claims": (ClaimAsk("d", found=True, storage_class="encrypted"),)},
    ),
    ({"storageClasses": {"allowed": ["encrypted"]}}, {"claims": (ClaimAsk("gone", found=False),)}),
    ({"network": {"mode": "Open", "attachments": ["lan"]}}, {"attachments": ("lan",)}),
    ({}, {}),
]


@pytest.mark.parametrize(("tenant", "asked"), ALLOWED)
def test_what_a_tenant_allows_is_not_denied(tenant: dict[str, Any], asked: dict[str, Any]) -> None:
    assert required(a_tenant(**tenant), ask=an_ask(**asked), images=(PINNED,)).denials == ()


def test_what_policies_require_beside_the_class_is_denied_where_it_is_missing() -> None:
    strict = a_policy("p", {"dedicated": True, "images": {"digest": "Required"}, "storageClasses": ["encrypted"]})
    disk = (ClaimAsk("d", found=True, storage_class="plain"),)
    denials = required(records=(strict,), ask=an_ask(claims=disk), images=("nginx",)).denials
    assert [text.partition(" ")[0] for text in denials] == ["image", "StorageClass", "dedicated"]
    assert all("IsolationPolicy p (cardholder data)" in text for text in denials)
    kept = required(records=(strict,), ask=an_ask(dedicated=True), images=(PINNED,))
    assert (kept.denials, kept.dedicated) == ((), True)


def test_a_policy_in_mode_warn_says_what_it_would_deny() -> None:
    warn = a_policy("p", {"images": {"digest": "Required"}}, mode="Warn")
    result = found(records=(warn,), images=("nginx",))
    assert result.requirement.denials == ()
    assert result.with_warn is not None
    assert "nginx is not pinned" in result.with_warn.denials[0]


def raw(name: str, kind: str, spec: Any) -> dict[str, Any]:
    """Return an object as the API server gives it."""
    meta = {
        "name": name,
        "uid": name,
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2026-11-01T00:00:00Z",
    }
    return {"kind": kind, "metadata": meta, "spec": spec}


SELECTOR = {"matchLabels": {"tenant": "acme"}}


def test_namespaces_belong_to_the_tenants_that_select_them() -> None:
    both = compile_tenants(
        (
            parse.tenant(raw("b", "Tenant", {"namespaceSelector": SELECTOR})),
            parse.tenant(
                raw(
                    "a",
                    "Tenant",
                    {"namespaceSelector": {"matchExpressions": [{"key": "tenant", "operator": "Exists"}]}},
                )
            ),
        )
    )
    assert [tenant.name for tenant in tenants_of((("tenant", "acme"),), both)] == ["a", "b"]
    assert [tenant.name for tenant in tenants_of((("tenant", "evil"),), both)] == ["a"]
    assert tenants_of((("team", "acme"),), both) == ()


def test_a_tenant_that_is_not_understood_is_the_strictest_in_its_own_namespaces_only() -> None:
    tenant = compile_tenant(
        parse.tenant(raw("acme", "Tenant", {"namespaceSelector": SELECTOR, "floor": "Sandboxed", "newer": 1}))
    )
    assert tenant.error == "unknown field spec.newer"
    assert tenants_of((("tenant", "acme"),), (tenant,)) == (tenant,)
    assert tenants_of((("tenant", "evil"),), (tenant,)) == ()
    requirement = required(tenant)
    assert (requirement.level, requirement.node_sharing, requirement.network) == (
        "Confidential",
        "Exclusive",
        "Isolated",
    )
    assert requirement.by("level") == "Tenant acme (invalid: unknown field spec.newer)"


@pytest.mark.parametrize(
    "spec", [{}, {"namespaceSelector": {}}, {"namespaceSelector": {"newer": 1}}, {"namespaceSelector": 7}]
)
def test_a_tenant_whose_namespaces_are_not_understood_may_have_every_namespace(spec: Any) -> None:
    tenant = compile_tenant(parse.tenant(raw("acme", "Tenant", spec)))
    assert tenant.error
    assert tenants_of((), (tenant,)) == (tenant,)
    assert required(tenant).level is IsolationLevel.CONFIDENTIAL


def test_an_unselective_selector_that_slipped_past_the_api_is_an_error() -> None:
    tenant = compile_tenant(TenantRecord("acme", "u", 1, None, None, b"", LabelSelector()))
    assert tenant.error is not None
    assert "would take every namespace" in tenant.error


def test_an_invalid_policy_holds_only_for_what_it_may_match() -> None:
    spec = {
        "mode": "Enforce",
        "reason": "r",
        "match": {"namespaceSelector": SELECTOR},
        "require": {"level": "Sandboxed", "newer": 1},
    }
    broken = parse.isolation_policy(raw("pci", "IsolationPolicy", spec))
    assert broken.error == "unknown field spec.require.newer"
    for labels, level in (((("tenant", "acme"),), "Confidential"), ((("tenant", "evil"),), "Container")):
        assert effective(a_subject(), labels, policies(broken), DEFAULTS).requirement.level == level
    newer = {**spec, "match": {"namespaceSelector": SELECTOR, "newer": 1}}
    blind = parse.isolation_policy(raw("pci", "IsolationPolicy", newer))
    assert effective(a_subject(), (), policies(blind), DEFAULTS).requirement.level is IsolationLevel.CONFIDENTIAL


def test_a_waived_policy_matches_but_does_not_hold() -> None:
    records = (a_policy("pci"), a_policy("other", {"level": "Sandboxed"}))
    result = found(records=records, waivers=(a_waiver("w", "pci", "absent"),))
    assert result.requirement.level is IsolationLevel.SANDBOXED
    assert result.waived == (("pci", "w"),)
    assert result.matched == (("other", PolicyMode.ENFORCE), ("pci", PolicyMode.ENFORCE))


def test_of_two_waivers_the_one_that_ends_last_is_named() -> None:
    early, late = a_waiver("a", "pci", expires=1.0), a_waiver("b", "pci", expires=2.0)
    for order in ((early, late), (late, early)):
        assert found(records=(a_policy("pci"),), waivers=order).waived == (("pci", "b"),)


def test_neither_tenants_nor_policies_that_are_not_understood_can_be_waived() -> None:
    waivers = (a_waiver("w", "broken", "acme"),)
    assert required(a_tenant(floor="Virtualized"), waivers=waivers).level is IsolationLevel.VIRTUALIZED
    assert required(records=(an_invalid_policy(),), waivers=waivers).level is IsolationLevel.CONFIDENTIAL


def waiver(expires: str = "2026-11-10T00:00:00Z", **more: Any) -> WaiverRecord:
    """Return a waiver of 1 November."""
    spec = {
        "workloads": [{"namespace": "shop", "name": "checkout"}],
        "policies": ["pci"],
        "reason": "r",
        "approver": "ada",
        "expiresAt": expires,
    }
    return parse.waiver(raw("w", "Waiver", spec | more))


CREATED = waiver().created


@pytest.mark.parametrize(
    ("record", "key", "now", "holds"),
    [
        (waiver(), ("shop", "checkout"), CREATED, True),
        (waiver(), ("shop", "checkout"), CREATED + 8.99 * DAY, True),
        (waiver(), ("shop", "checkout"), CREATED + 9 * DAY, False),
        (waiver(), ("shop", "other"), CREATED, False),
        (waiver(), ("other", "checkout"), CREATED, False),
        (waiver("2026-11-30T00:00:00Z"), ("shop", "checkout"), CREATED, False),
        (waiver("for ever"), ("shop", "checkout"), CREATED, False),
        (waiver(newer=1), ("shop", "checkout"), CREATED, False),
    ],
)
def test_a_waiver_holds_for_whom_it_names_until_it_ends(
    record: WaiverRecord, key: tuple[str, str], now: float, holds: bool
) -> None:
    assert bool(in_force([record], key, 10 * DAY, now)) == holds


def test_a_waiver_that_never_holds_says_why() -> None:
    assert refusal(waiver(), 10 * DAY) is None
    assert (
        refusal(waiver("2026-11-30T00:00:00Z"), 10 * DAY)
        == "it ends 29.0 days after its creation, more than the 10.0 days that the operator's settings allow: write one that ends sooner"
    )
    assert "unknown field spec.newer" in (refusal(waiver(newer=1), 10 * DAY) or "")
    assert "is no time" in (refusal(waiver("for ever"), 10 * DAY) or "")


def test_an_isolated_workload_joins_no_network_where_no_policy_holds() -> None:
    open_tenant = a_tenant(network={"mode": "Open", "attachments": ["lan"]})
    isolated = a_policy("p", {"network": "Isolated"})
    denials = required(open_tenant, records=(isolated,), ask=an_ask(attachments=("lan",))).denials
    text = (
        "spec.machine.networks leave the pod network, and IsolationPolicy p (cardholder data) requires network Isolated"
    )
    assert denials == (f"{text}, which no NetworkPolicy keeps there: remove spec.machine.networks",)


def test_without_a_tenant_no_further_network_is_allowed() -> None:
    assert "is not allowed (allowed: none)" in required(ask=an_ask(attachments=("lan",))).denials[0]
