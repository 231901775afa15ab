"""What rendering takes and gives."""

from dataclasses import dataclass
from typing import Any

from berth.api.workload import WorkloadSpec
from berth.decide.model import Guest

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON-like data."""


class Unrenderable(ValueError):  # noqa: N818 - it says what the Workload is, not that Berth failed
    """A Workload that cannot be rendered for a class as it is written. The message says what, why and the fix.

    Deciding rules these cases out before; rendering refuses them again, so that a gap there never weakens anything.
    """


@dataclass(frozen=True, slots=True)
class Peers:
    """Whom a Workload that is isolated on the network may talk to, DNS aside."""

    namespaces: tuple[str, ...]
    """Names of the namespaces that it may reach and be reached from; its own is one of them."""
    clients: tuple[str, ...] = ()
    """Names of further namespaces that may reach it."""
    ingress: tuple[str, ...] = ()
    """Blocks of addresses that may reach it."""
    egress: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = ()
    """Blocks of addresses that it may reach, each with ports and protocols; all ports where there are none."""


@dataclass(frozen=True, slots=True)
class Clone:
    """What a disk is cloned from."""

    kind: str
    """pvc or snapshot."""
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Growth:
    """A disk that is to become larger."""

    claim: str
    """Name of its claim."""
    uid: str
    """UID of that claim."""
    storage: int
    """Bytes of the disk that the spec asks for."""
    request: int
    """Bytes that the claim must ask for, what its file system takes included."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The Workload to render: identity, spec, who shares its nodes and whom it may talk to."""

    namespace: str
    name: str
    uid: str
    spec: WorkloadSpec
    tenant: str
    """Value of the tenant label: the tenant's name, or `ns.` and the namespace."""
    peers: Peers | None = None
    """Whom it may talk to; anyone when None."""
    guest: Guest | None = None
    """Its machine as it was decided about, with instancetype and preference; by its spec alone when None."""
    clones: tuple[tuple[str, Clone], ...] = ()
    """By DataSource: the golden image that it leads to now."""
    made: frozenset[str] = frozenset()
    """Names of the DataVolumes that are there already: they are filled once, so they stay as they are."""


@dataclass(frozen=True, slots=True)
class Child:
    """One object that is wanted."""

    kind: str
    name: str
    body: Object
    """The whole apply configuration: apiVersion, kind, metadata, spec."""
