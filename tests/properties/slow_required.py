"""What is required of a Workload and what forbids it, once more, only to be read: see `slow`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from berth.decide.model import Ask
from decide.worlds import World

LEVELS: Final = ["Container", "Sandboxed", "Virtualized", "Confidential"]
SHARINGS: Final = ["Shared", "Tenant", "Exclusive"]
NETWORKS: Final = ["Open", "Isolated"]


@dataclass(frozen=True)
class Demand:
    """What one source asks for."""

    level: str = "Container"
    sharing: str = "Shared"
    network: str = "Open"
    classes: frozenset[str] | None = None
    disks: frozenset[str] | None = None
    registries: tuple[str, ...] | None = None
    digest: bool = False
    dedicated: bool = False


STRICTEST: Final = Demand("Confidential", "Exclusive", "Isolated")


@dataclass(frozen=True)
class Needed:
    """The join of all demands."""

    level: str
    sharing: str
    network: str
    classes: frozenset[str] | None
    disks: frozenset[str] | None
    dedicated: bool
    images: frozenset[tuple[tuple[str, ...] | None, bool]]
    preferred: str | None
    denied: bool


# --- What is required ---


def needed(world: World) -> Needed:
    """Return what is required of the workload of a world."""
    demands = [_of_tenant(each.spec) for each in world.tenants] + list(_of_policies(world))
    demands += [Demand(level=level) for level in _of_author(world)]
    demands.append(Demand(level=world.defaults.level.value, sharing=world.defaults.node_sharing.value))
    tenants = [each.spec for each in world.tenants]
    default = tenants[0] and tenants[0].classes and tenants[0].classes.default if len(tenants) == 1 else None
    return Needed(
        level=max((each.level for each in demands), key=LEVELS.index),
        sharing=max((each.sharing for each in demands), key=SHARINGS.index),
        network=max((each.network for each in demands), key=NETWORKS.index),
        classes=_common(each.classes for each in demands),
        disks=_common(each.disks for each in demands),
        dedicated=any(each.dedicated for each in demands),
        images=frozenset((each.registries, each.digest) for each in demands if each.registries or each.digest),
        preferred=default or None,
        denied=_denied(world, tenants, demands),
    )


def _common(lists: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: frozenset[str] | None = None
    for each in lists:
        if each is not None:
            found = each if found is None else found & each
    return found


def _of_author(world: World) -> list[str]:
    levels = [world.ask.level.value] if world.ask.level else []
    return levels + [level.value for trust, level in world.defaults.trust_levels if trust == world.ask.trust]


def _of_tenant(spec: Any) -> Demand:
    if spec is None:
        return STRICTEST
    return Demand(
        level=spec.floor.value if spec.floor else "Container",
        sharing=spec.node_sharing.value if spec.node_sharing else "Shared",
        network=spec.network.mode.value if spec.network else "Isolated",
        classes=_set(spec.classes.allowed if spec.classes else None),
        disks=_set(spec.storage_classes.allowed if spec.storage_classes else None),
        registries=_registries(spec.images),
        digest=bool(spec.images and spec.images.digest == "Required"),
    )


def _of_policies(world: World) -> Iterable[Demand]:
    waived = {name for waiver in world.waivers for name in waiver.policies}
    for record in world.policies:
        spec = record.spec
        if spec is None:
            if matches(record.match, world):
                yield STRICTEST
        elif record.name in waived and spec.when != "nope(":
            continue
        elif spec.mode == "Enforce" and matches(spec.match, world) and _true(spec.when, world):
            yield _of_policy(spec.require)


def _of_policy(require: Any) -> Demand:
    return Demand(
        level=require.level.value if require.level else "Container",
        sharing=require.node_sharing.value if require.node_sharing else "Shared",
        network=require.network.value if require.network else "Open",
        classes=_set(require.classes),
        disks=_set(require.storage_classes),
        registries=_registries(require.images),
        digest=bool(require.images and require.images.digest == "Required"),
        dedicated=bool(require.dedicated),
    )


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _registries(images: Any) -> tuple[str, ...] | None:
    return tuple(sorted(images.registries)) if images and images.registries else None


def matches(match: Any, world: World) -> bool:
    if match is None:
        return True
    if world.namespace_labels is not None and not _selects(match.namespace_selector, dict(world.namespace_labels)):
        return False
    if not _selects(match.workload_selector, dict(world.labels)):
        return False
    if match.tenants and not any(tenant.name in match.tenants for tenant in world.tenants):
        return False
    if match.types and world.ask.type not in match.types:
        return False
    return not match.trust or (world.ask.trust or "Restricted") in match.trust


def _selects(selector: Any, labels: dict[str, str]) -> bool:
    if selector is None:
        return True
    for key, value in (selector.match_labels or {}).items():
        if labels.get(key) != value:
            return False
    return all(_compares(each, labels) for each in selector.match_expressions or [])


def _compares(term: Any, labels: dict[str, str]) -> bool:
    return {
        "In": labels.get(term.key) in (term.values or []),
        "NotIn": labels.get(term.key) not in (term.values or []),
        "Exists": term.key in labels,
        "DoesNotExist": term.key not in labels,
    }[term.operator]


def _true(when: str | None, world: World) -> bool:
    """Return whether a condition holds; whatever cannot be told holds."""
    try:
        return _value(when, world)
    except (KeyError, TypeError, ValueError):
        return True


def _value(when: str | None, world: World) -> bool:
    if when in (None, "true", "nope("):
        return True
    if when == "ns.name == 'x'":
        return False  # it is shop
    if when == "has(workload.labels.a)":
        return "a" in dict(world.labels)
    if when == "ns.labels.a == '1'":
        if world.namespace_labels is None:
            raise KeyError
        return dict(world.namespace_labels)["a"] == "1"
    gone = orjson.loads(world.spec)["gone"]
    if type(gone) is not bool:
        raise TypeError
    return gone if when == "workload.spec.gone" else not gone


# --- What forbids it whatever the class ---


def _denied(world: World, tenants: list[Any], demands: list[Demand]) -> bool:
    ask, specs = world.ask, [each for each in tenants if each is not None]
    accounts = set(world.defaults.allowed_service_accounts) | _allowed_by_all([each.service_accounts for each in specs])
    if ask.service_account and ask.service_account not in accounts:
        return True
    if ask.priority_class and ask.priority_class not in _allowed_by_all([each.priority_classes for each in specs]):
        return True
    if any(spec.quota and getattr(spec.quota, resource) is not None for spec in specs for resource, _ in world.unsized):
        return True
    if any(demand.dedicated for demand in demands) and not ask.dedicated:
        return True
    disks = [claim.storage_class for claim in ask.claims if claim.found]
    disks += list(ask.machine.storage_classes) if ask.machine else []
    if any(demand.disks is not None and disk not in demand.disks for demand in demands for disk in disks):
        return True
    lists = [each and each.disks for each in tenants]
    elsewhere = any(_from_elsewhere(origin, lists) for origin in ask.origins) or _joins(ask, tenants, demands)
    return elsewhere or any(not _image_allowed(image, demand) for demand in demands for image in world.images)


def _joins(ask: Ask, tenants: list[Any], demands: list[Demand]) -> bool:
    """Return whether a network is joined that some tenant, isolation, or the lack of any tenant forbids."""
    lists = [set((each and each.network and each.network.attachments) or ()) for each in tenants]
    allowed = set.intersection(*lists) if lists else set()
    isolated = any(demand.network == "Isolated" for demand in demands)
    return bool(ask.attachments) and (isolated or not allowed.issuperset(ask.attachments))


def _from_elsewhere(origin: Any, lists: list[Any]) -> bool:
    """Return whether some tenant, or the lack of any, forbids where a disk is made from."""
    for namespace in origin.namespaces:
        if not lists or any(namespace not in ((each and each.image_namespaces) or ()) for each in lists):
            return True
    urls = set.intersection(*[set((each and each.urls) or ()) for each in lists]) if lists else set()
    return origin.kind == "http" and not any(origin.name[: len(url)] == url for url in urls)


def _allowed_by_all(lists: list[Any]) -> set[str]:
    sets = [set(each.allowed) if each else set() for each in lists]
    return set.intersection(*sets) if sets else set()


def _image_allowed(image: str, demand: Demand) -> bool:
    name, at, _ = image.partition("@sha256:")
    place = name if "/" in name else f"docker.io/library/{name}"
    if demand.registries and not any(place.startswith(registry) for registry in demand.registries):
        return False
    return bool(at) or not demand.digest
