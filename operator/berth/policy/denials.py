"""What forbids a workload whatever the class: ServiceAccount, PriorityClass, images, disks, networks, processors.

Every denial is one message: what, by which rule, what is allowed, and the fix.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from berth.api.levels import NetworkMode
from berth.api.tenant import Allowed
from berth.policy.demand import Demand
from berth.policy.images import parse_image
from berth.policy.model import ImageRule, OriginAsk
from berth.policy.tenancy import CompiledTenant

_SHOWN: Final = 8
"""Names in one message; the object that allows them has them all."""


class Used(NamedTuple):
    """What a workload uses by name."""

    service_account: str | None
    priority_class: str | None
    dedicated: bool
    images: tuple[str, ...]
    storage_classes: tuple[str, ...]
    unsized: tuple[tuple[str, str], ...]
    """Resource and container of every request that is missing."""
    attachments: tuple[str, ...] = ()
    """Further networks of the machine."""
    origins: tuple[OriginAsk, ...] = ()
    """What is made into disks from elsewhere: another namespace, a web server."""


def denials(
    used: Used, accounts: frozenset[str], tenants: Sequence[CompiledTenant], demands: Sequence[Demand]
) -> tuple[str, ...]:
    """Return why no class may be used at all. `accounts` are ServiceAccounts that every workload may ask for."""
    return (
        *_account(used, accounts, tenants),
        *_priority(used, tenants),
        *(text for tenant in tenants for text in _sizes(used, tenant)),
        *(text for demand in demands for text in _images(used.images, demand.images)),
        *(text for demand in demands for text in _disks(used.storage_classes, demand)),
        *_attachments(used.attachments, tenants, demands),
        *_origins(used.origins, tenants),
        *(_shared_processors(demand) for demand in demands if demand.dedicated and not used.dedicated),
    )


def _account(used: Used, accounts: frozenset[str], tenants: Sequence[CompiledTenant]) -> Iterable[str]:
    name = used.service_account
    allowed = accounts | _common([tenant.spec.service_accounts for tenant in tenants if tenant.spec])
    if name is not None and name not in allowed:
        fix = f"remove it, or ask the platform admins to allow it{_where(tenants)}"
        yield f"ServiceAccount {name} in spec.serviceAccountName is not allowed (allowed: {_listed(allowed)}): {fix}"


def _priority(used: Used, tenants: Sequence[CompiledTenant]) -> Iterable[str]:
    name = used.priority_class
    allowed = _common([tenant.spec.priority_classes for tenant in tenants if tenant.spec])
    if name is not None and name not in allowed:
        fix = f"remove it, or ask the platform admins to allow it{_where(tenants)}"
        yield f"PriorityClass {name} in spec.priorityClassName is not allowed (allowed: {_listed(allowed)}): {fix}"


def _common(lists: list[Allowed | None]) -> frozenset[str]:
    """Return the names that every tenant allows; none where there is no tenant or it lists none."""
    names = [frozenset(each.allowed if each else ()) for each in lists]
    return frozenset.intersection(*names) if names else frozenset()


def _where(tenants: Sequence[CompiledTenant]) -> str:
    return f" in Tenant {' and '.join(tenant.name for tenant in tenants)}" if tenants else ""


def _sizes(used: Used, tenant: CompiledTenant) -> Iterable[str]:
    """Yield the requests that are missing: what has no size cannot be counted, and its pods would be refused."""
    limited = tenant.quota.model_dump(exclude_none=True) if tenant.quota else {}
    for resource, container in used.unsized:
        if resource in limited:
            fix = f"set resources.requests.{resource} of {container}"
            yield f"Tenant {tenant.name} has a quota of {resource}, and {container} does not say what it needs: {fix}"


def _images(images: tuple[str, ...], rule: ImageRule | None) -> Iterable[str]:
    if rule is None:
        return
    for text in images:
        image = parse_image(text)
        if image is None:
            yield f"{text!r} is no image reference: write host/path/name:tag or host/path/name@sha256:..."
        elif rule.registries is not None and not image.repository.startswith(rule.registries):
            allowed = " or ".join(rule.registries[:_SHOWN])
            yield f"image {text} is not from {allowed}, as {rule.by} requires: push it there and use that name"
        elif rule.digest and not image.pinned:
            yield f"image {text} is not pinned, as {rule.by} requires: name it by digest, as {text}@sha256:..."


def _disks(used: tuple[str, ...], demand: Demand) -> Iterable[str]:
    allowed = demand.storage_classes
    for name in used if allowed is not None else ():
        if name not in (allowed or ()):
            what = f"StorageClass {name}" if name else "a disk without storageClassName"
            yield f"{what} is not allowed by {demand.by} (allowed: {_listed(allowed)}): use a disk of one of these"


def attachments(tenants: Sequence[CompiledTenant]) -> frozenset[str]:
    """Return the further networks that every tenant allows; none where there is no tenant."""
    return _in_all([tenant.network.attachments for tenant in tenants])


def _attachments(used: tuple[str, ...], tenants: Sequence[CompiledTenant], demands: Sequence[Demand]) -> Iterable[str]:
    allowed = attachments(tenants)
    for name in sorted(set(used) - allowed):
        fix = f"use one of these, or ask the platform admins to add it to network.attachments{_where(tenants)}"
        yield f"network {name} in spec.machine.networks is not allowed (allowed: {_listed(allowed)}): {fix}"
    for demand in demands:
        if used and demand.network is NetworkMode.ISOLATED:
            what = f"spec.machine.networks leave the pod network, and {demand.by} requires network Isolated"
            yield f"{what}, which no NetworkPolicy keeps there: remove spec.machine.networks"


def image_namespaces(tenants: Sequence[CompiledTenant]) -> frozenset[str]:
    """Return the namespaces of golden images that every tenant allows; none where there is no tenant."""
    return _in_all(
        [tenant.spec.disks.image_namespaces if tenant.spec and tenant.spec.disks else None for tenant in tenants]
    )


def _in_all(lists: Sequence[Sequence[str] | None]) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(each or ()) for each in lists)) if lists else frozenset()


def _origins(origins: tuple[OriginAsk, ...], tenants: Sequence[CompiledTenant]) -> Iterable[str]:
    namespaces = image_namespaces(tenants)
    urls = _in_all([tenant.spec.disks.urls if tenant.spec and tenant.spec.disks else None for tenant in tenants])
    for origin in origins:
        for name in sorted(set(origin.namespaces) - namespaces):
            fix = f"name another, or ask the platform admins to add {name} to disks.imageNamespaces{_where(tenants)}"
            yield f"{origin.kind} {origin.name} leads to namespace {name} (allowed: {_listed(namespaces)}): {fix}"
        if origin.kind == "http" and not origin.name.startswith(tuple(urls)):
            fix = f"put the file there, or ask the platform admins to add its place to disks.urls{_where(tenants)}"
            yield f"{origin.name} is below no place that is allowed (allowed: {_listed(urls)}): {fix}"


def _shared_processors(demand: Demand) -> str:
    return f"dedicated processors are required by {demand.by}: set spec.resources.dedicated to true"


def _listed(names: frozenset[str] | None) -> str:
    ordered = sorted(names or ())
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more or "none"
