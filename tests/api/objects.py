"""Objects of the API for tests, the cases of `rules.yaml`, and where the API server keeps each kind."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import yaml

from berth.api.crd import KINDS, Kind, schema
from berth.api.meta import GROUP, VERSION
from berth.api.schema import nodes

Json = dict[str, Any]

CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OPENAPI: Final = f"/openapi/v3/apis/{GROUP}/{VERSION}"
"""What the API server publishes of the group, which `kubectl explain` reads."""

SECONDS: Final = 30.0
"""How long the API server may take to serve a new or changed CRD."""

BY_NAME: Final = {kind.model.__name__: kind for kind in KINDS}
SMALLEST: Final[dict[str, Json]] = {
    "Workload": {"container": {"image": "registry.example/app"}},
    "IsolationClass": {"level": "Container", "pod": {}},
    "IsolationPolicy": {"mode": "Enforce", "reason": "example", "require": {"level": "Sandboxed"}},
    "Tenant": {"namespaceSelector": {"matchLabels": {"tenant": "acme"}}},
    "Waiver": {
        "workloads": [{"namespace": "shop", "name": "checkout"}],
        "policies": ["pci"],
        "reason": "example",
        "approver": "ada",
        "expiresAt": "2026-11-30T00:00:00Z",
    },
}
"""A spec of each kind with nothing that can be left out."""


@dataclass(frozen=True, eq=False)
class Case:
    """One rule, a spec that it refuses and one that it accepts; a rule about change looks back on `stored`."""

    kind: str
    says: str
    given: Json = field(default_factory=dict)
    refused: Json = field(default_factory=dict)
    accepted: Json = field(default_factory=dict)
    stored: Json | None = None
    name: dict[str, str] = field(default_factory=dict)

    def object(self, which: str, group: str = GROUP) -> Json:
        """Return the object that is refused, accepted or stored."""
        base = merged(SMALLEST[self.kind], self.given if self.stored is None else self.stored)
        spec = base if which == "stored" else merged(base, getattr(self, which))
        return made(self.kind, spec, self.name.get(which), group)


class _Loader(yaml.SafeLoader):
    """Reads `!letters 9` as a text of nine letters."""


def _letters(_: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return "x" * int(node.value)


_Loader.add_constructor("!letters", _letters)


@cache
def cases() -> tuple[Case, ...]:
    """Return the cases of `rules.yaml`."""
    content = yaml.load((Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8"), _Loader)
    return tuple(Case(**entry) for entry in content)


def merged(base: Json, patch: Json) -> Json:
    """Return the result of a JSON merge patch."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key) or {}, value) if isinstance(value, dict) else value
    return result


def made(kind: str, spec: Json, name: str | None = None, group: str = GROUP) -> Json:
    """Return an object of this spec under a name of its own, unless one is given."""
    metadata = {"name": name or f"t-{uuid4().hex[:12]}"}
    return {"apiVersion": f"{group}/{VERSION}", "kind": kind, "metadata": metadata, "spec": spec}


def path(kind: str, namespace: str, name: str = "", group: str = GROUP) -> str:
    """Return the path of a kind's collection, or of one object."""
    found = BY_NAME[kind]
    scope = f"namespaces/{namespace}/" if found.namespaced else ""
    return f"/apis/{group}/{VERSION}/{scope}{found.plural}" + (f"/{name}" if name else "")


def rules(kind: Kind) -> set[tuple[str, str]]:
    """Return message and expression of every rule of a kind, once however often it is used."""
    found = [rule for _, node in nodes(schema(kind)) for rule in node.get("x-kubernetes-validations", [])]
    return {(rule["message"], rule["rule"]) for rule in found}
