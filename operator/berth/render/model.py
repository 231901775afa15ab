"""What rendering takes and gives."""

from dataclasses import dataclass
from typing import Any

from berth.api.workload import WorkloadSpec

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON-like data."""


class Unrenderable(ValueError):  # noqa: N818 - it says what the Workload is, not that Berth failed
    """A Workload that cannot be rendered for a class as it is written. The message says what, why and the fix.

    Deciding rules these cases out before; rendering refuses them again, so that a gap there never weakens anything.
    """


@dataclass(frozen=True, slots=True)
class Subject:
    """The Workload to render: identity, spec, and who shares its nodes."""

    namespace: str
    name: str
    uid: str
    spec: WorkloadSpec
    tenant: str
    """Value of the tenant label: the tenant's name, or `ns.` and the namespace."""


@dataclass(frozen=True, slots=True)
class Child:
    """One object that is wanted."""

    kind: str
    name: str
    body: Object
    """The whole apply configuration: apiVersion, kind, metadata, spec."""
