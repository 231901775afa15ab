"""Random policies and tenants."""

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

from berth.api.isolation_policy import IsolationPolicySpec, Match, OnDeadline, Require
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode
from berth.api.tenant import TenantSpec
from berth.world.records import PolicyRecord, TenantRecord
from decide.drawing import NAMES, often, pick

# --- What policies say ---

SELECTORS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"matchLabels": {"a": "1"}},
    {"matchLabels": {"a": "2", "b": "1"}},
    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]},
    {"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]},
    {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]},
)
MATCHES = tuple(
    Match.model_validate({name: value for name, value in match.items() if value}, strict=False)
    for match in (
        {"namespaceSelector": where, "workloadSelector": what, "tenants": tenants, "trust": trust, "types": types}
        for where, what, tenants, trust, types in product(
            SELECTORS,
            (None, *SELECTORS[:4]),
            (None, None, ["acme"]),
            (None, None, ["Restricted"], ["Trusted", "Untrusted"]),
            (None, None, ["Service"]),
        )
    )
)
OTHERWISE: tuple[dict[str, Any], ...] = (
    {"images": {"registries": ["registry.example/"]}},
    {"images": {"digest": "Required"}},
    {"dedicated": True},
    {"storageClasses": ["fast", "slow"]},
    {"network": "Isolated"},
)
REQUIRES = tuple(
    Require.model_validate({name: value for name, value in require.items() if value}, strict=False)
    for require in (
        {"level": level, "nodeSharing": sharing, "classes": classes, **more}
        for level, sharing, classes, more in product(
            (None, *IsolationLevel, *list(IsolationLevel)[:3], None, None),
            (*[None] * 15, *NodeSharing),
            (*[None] * 5, list(NAMES), ["c0", "c1"], ["c1"]),
            (*[{}] * 6, *OTHERWISE),
        )
    )
    if any(require.values())
)
MODES = (*[PolicyMode.ENFORCE] * 7, *[PolicyMode.WARN] * 2, *[PolicyMode.AUDIT] * 2)
WHENS = (
    "true",
    "workload.spec.gone",
    "workload.spec.gone == false",
    "ns.name == 'x'",
    "ns.labels.a == '1'",
    "has(workload.labels.a)",
    "nope(",
)
"""Conditions; the slow reference knows what each of them means."""


def a_policy(random: Random, name: str = "extra") -> PolicyRecord:
    """Draw a policy by this name; some were not understood, whom they match perhaps."""
    match = often(random, None, lambda random: pick(random, MATCHES))
    if random.random() < 0.06:
        return PolicyRecord(name, name, 1, None, "spec.require: Field required", b"", match)
    spec = IsolationPolicySpec(
        mode=pick(random, MODES),
        reason="because",
        match=match,
        when=often(random, None, lambda random: pick(random, WHENS)),
        require=pick(random, REQUIRES),
        deadline_seconds=pick(random, (None, None, 60, 3600)),
        on_deadline=pick(random, (OnDeadline.HOLD, OnDeadline.STOP)),
    )
    return PolicyRecord(name, name, 1, spec, None, b"")


def policies(random: Random, most: int = 3) -> tuple[PolicyRecord, ...]:
    """Draw a few policies with names of their own."""
    return tuple(a_policy(random, f"p{number}") for number in range(int(random.random() * (most + 1))))


# --- What tenants say ---

TENANT_PARTS: dict[str, tuple[Any, ...]] = {
    "floor": (None, None, "Container", "Sandboxed", "Virtualized"),
    "nodeSharing": (*[None] * 9, "Tenant"),
    "classes": (
        None,
        None,
        {"allowed": ["c0", "c1", "c2"]},
        {"allowed": ["c0", "c1"], "default": "c1"},
        {"default": "c2"},
    ),
    "images": (None, None, None, {"registries": ["registry.example/a/"]}, {"digest": "Required"}),
    "serviceAccounts": (None, None, {"allowed": ["other"]}),
    "priorityClasses": (None, None, {"allowed": ["high"]}),
    "storageClasses": (None, None, None, {"allowed": ["fast"]}),
    "disks": (
        None,
        {"imageNamespaces": ["images"]},
        {"imageNamespaces": ["images"], "urls": ["https://images.example/a/"]},
    ),
    "network": ({"mode": "Open"}, {"mode": "Open", "attachments": ["lan"]}, None, {}),
    "quota": (None, None, None, {"cpu": "8"}),
}


def a_tenant(random: Random, name: str) -> TenantRecord:
    """Draw a tenant by this name; a few were not understood."""
    selector = {"matchLabels": {"tenant": name}}
    if random.random() < 0.04:
        return TenantRecord(name, name, 1, None, "spec.floor: Input should be ...", b"")
    parts = {field: pick(random, values) for field, values in TENANT_PARTS.items()}
    given = {field: value for field, value in parts.items() if value is not None}
    spec = TenantSpec.model_validate({"namespaceSelector": selector} | given, strict=False)
    return TenantRecord(name, name, 1, spec, None, b"")


def tenants(random: Random) -> tuple[TenantRecord, ...]:
    """Draw the tenants of a namespace: none, one, or two in conflict."""
    return tuple(a_tenant(random, name) for name in ("acme", "evil")[: pick(random, (0, 0, 1, 1, 1, 2))])


def enforced(record: PolicyRecord) -> PolicyRecord:
    """Return a policy as if it were enforced."""
    if record.spec is None:
        return record
    return replace(record, spec=record.spec.model_copy(update={"mode": PolicyMode.ENFORCE}))
