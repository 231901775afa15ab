"""What is tried, and what came of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Layer(StrEnum):
    """What refuses an attack, from the outside in."""

    SCHEMA = "schema"
    """The CRD: its structure and CEL rules, strict about unknown fields, which are dropped if the author is not."""
    ADMISSION = "admission"
    """A ValidatingAdmissionPolicy, ResourceQuota or Pod Security."""
    RBAC = "rbac"
    POLICY = "policy"
    """The operator: Accepted or Placed is False, says why, and nothing runs."""
    VERIFIER = "verifier"
    GATEWAY = "gateway"
    HARMLESS = "harmless"
    """Let through, and proven to have no effect."""
    ACCEPTED = "accepted"
    """Let through: a hole."""


@dataclass(frozen=True)
class Vector:
    """One attack. Exactly one of `workload`, `request`, `child` and `check` says what is tried."""

    id: str
    threat: int
    title: str
    layer: Layer
    """What must refuse it."""
    says: str = ""
    """A part of the refusal."""
    precedent: tuple[str, ...] = ()
    """CVEs and reports of the same attack elsewhere."""
    who: str = "developer"
    workload: "Manifest | None" = None
    request: "Request | None" = None
    child: "Child | None" = None
    check: "Check | None" = None

    def __str__(self) -> str:
        """Return a name for the test."""
        return self.id


@dataclass(frozen=True)
class Manifest:
    """A Workload that a tenant writes: a harmless one with some places changed."""

    base: str = "container"
    namespace: str = "evil"
    change: Json = field(default_factory=dict)
    """Values by path."""
    absent: tuple[str, ...] = ()
    """Texts that no child may have, where it is let through."""


@dataclass(frozen=True)
class Request:
    """One request to the API server."""

    method: str
    path: str
    body: Any = None
    """Of a PUT: values by path, changed in what is there."""
    content: str = "merge"
    """Of a PATCH: merge, json or apply."""


@dataclass(frozen=True)
class Child:
    """A child of a running Workload with some places changed, past admission."""

    of: str
    """`web/Deployment`."""
    by: str = "verifier"
    """Who is given it: verifier, gateway, or operator: the API server, by the operator's own account."""
    change: Json = field(default_factory=dict)
    rule: str = ""
    """The rule that must refuse it."""
    bounds: Json = field(default_factory=dict)
    """What is different about the bounds."""


@dataclass(frozen=True)
class Check:
    """A test of its own by name, with what it takes: it fails where the attack has an effect."""

    name: str
    given: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came of one vector."""

    layer: Layer
    says: str
