"""What one tenant or one policy asks for, prepared for joining."""

from dataclasses import dataclass
from typing import Any, Final

from berth.api.demands import Digest, ImageRules
from berth.api.isolation_policy import Require
from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing
from berth.api.tenant import Network, TenantSpec
from berth.policy.model import ImageRule, Source

_MAX_VALUE: Final = 1024
"""Longest value of a source that the status takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What is asked for, and by whom. What is None is not asked for. Equal only to itself, to be looked up quickly."""

    by: str
    """Its name as a source: `IsolationPolicy pci (cardholder data)`."""
    level: IsolationLevel | None = None
    sharing: NodeSharing | None = None
    classes: frozenset[str] | None = None
    images: ImageRule | None = None
    dedicated: bool = False
    storage_classes: frozenset[str] | None = None
    network: NetworkMode | None = None
    sources: tuple[Source, ...] = ()
    """One entry for each dimension."""


def demand_of_policy(by: str, require: Require) -> Demand:
    """Return what a policy asks for."""
    return _with_sources(
        Demand(
            by=by,
            level=require.level,
            sharing=require.node_sharing,
            classes=_names(require.classes),
            images=_images(require.images, by),
            dedicated=bool(require.dedicated),
            storage_classes=_names(require.storage_classes),
            network=require.network,
        )
    )


def demand_of_tenant(by: str, spec: TenantSpec) -> Demand:
    """Return what a tenant asks for of every workload in its namespaces."""
    return _with_sources(
        Demand(
            by=by,
            level=spec.floor,
            sharing=spec.node_sharing,
            classes=_names(spec.classes.allowed if spec.classes else None),
            images=_images(spec.images, by),
            storage_classes=_names(spec.storage_classes.allowed if spec.storage_classes else None),
            network=(spec.network or Network()).mode,
        )
    )


def strictest(by: str) -> Demand:
    """Return what is read into something that is not understood: nobody knows how little it asks for."""
    return demand_of_policy(
        by,
        Require(level=IsolationLevel.CONFIDENTIAL, node_sharing=NodeSharing.EXCLUSIVE, network=NetworkMode.ISOLATED),
    )


def _names(given: list[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)


def _images(rules: ImageRules | None, by: str) -> ImageRule | None:
    if rules is None:
        return None
    registries = None if rules.registries is None else tuple(sorted(rules.registries))
    return ImageRule(registries, rules.digest is Digest.REQUIRED, by)


def _with_sources(demand: Demand) -> Demand:
    asked: dict[str, Any] = {
        "classes": _list(demand.classes),
        "dedicated": "true" if demand.dedicated else None,
        "images": demand.images and str(demand.images),
        "level": demand.level and demand.level.value,
        "network": demand.network and demand.network.value,
        "nodeSharing": demand.sharing and demand.sharing.value,
        "storageClasses": _list(demand.storage_classes),
    }
    sources = (Source(name, value[:_MAX_VALUE], demand.by) for name, value in asked.items() if value is not None)
    return Demand(**{name: getattr(demand, name) for name in Demand.__slots__} | {"sources": tuple(sources)})


def _list(names: frozenset[str] | None) -> str | None:
    return None if names is None else ", ".join(sorted(names))
