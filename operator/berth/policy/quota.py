"""Quotas over pods and machines: what a workload takes, what a tenant may have, and who may start now.

CPU in millicores, memory and storage in bytes. All values are frozen; `policy/ledger.py` keeps count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from berth.api.quantity import amount, format_cpu, format_memory, millicores
from berth.api.tenant import Quota
from berth.world.records import Key

CPU: Final = "cpu"
MEMORY: Final = "memory"
STORAGE: Final = "storage"
WORKLOADS: Final = "workloads"
MACHINES: Final = "virtualMachines"


class Part(NamedTuple):
    """How much of one resource, by what it is for."""

    requested: int = 0
    overhead: int = 0
    reserved: int = 0

    @property
    def total(self) -> int:
        """Return all of it."""
        return self.requested + self.overhead + self.reserved

    def plus(self, other: "Part", sign: int = 1) -> "Part":
        """Return the sum, or with sign -1 the difference."""
        return Part(
            self.requested + sign * other.requested,
            self.overhead + sign * other.overhead,
            self.reserved + sign * other.reserved,
        )


NOTHING: Final = Part()


@dataclass(frozen=True, slots=True)
class Charge:
    """What one workload takes, by resource: `memory`, and `class/kata/memory` for the limits of a class."""

    key: Key
    since: float
    """Since when it wants this, in seconds since the epoch: its place among those that wait."""
    parts: Mapping[str, Part] = field(default_factory=dict)

    def total(self, resource: str) -> int:
        """Return how much of a resource it takes."""
        return self.parts.get(resource, NOTHING).total

    def at_least(self, other: "Charge") -> "Charge":
        """Return the same, with as much of each resource as another charge has, where that is more."""
        more = {name: part for name, part in other.parts.items() if part.total > self.total(name)}
        return replace(self, parts={**self.parts, **more}) if more else self

    @property
    def place(self) -> tuple[float, Key]:
        """Return what orders those that wait: the oldest first."""
        return self.since, self.key


def in_class(class_name: str, resource: str) -> str:
    """Return the name of a resource within one class."""
    return f"class/{class_name}/{resource}"


def limits_of(quota: Quota | None) -> dict[str, int]:
    """Return the limits of a quota by resource; what is unset has none."""
    if quota is None:
        return {}
    given: dict[str, int | None] = {
        CPU: None if quota.cpu is None else millicores(quota.cpu),
        MEMORY: None if quota.memory is None else amount(quota.memory),
        STORAGE: None if quota.storage is None else amount(quota.storage),
        WORKLOADS: quota.workloads,
        MACHINES: quota.virtual_machines,
    }
    for each in quota.classes or ():
        given[in_class(each.class_name, CPU)] = None if each.cpu is None else millicores(each.cpu)
        given[in_class(each.class_name, MEMORY)] = None if each.memory is None else amount(each.memory)
        given[in_class(each.class_name, WORKLOADS)] = each.workloads
    return {name: limit for name, limit in given.items() if limit is not None}


def short(
    charge: Charge, held: Mapping[str, Part], limits: Mapping[str, int], before: Charge | None = None
) -> tuple[str, ...]:
    """Return the resources of which there is too little now, beside what is held. `before` is what it holds itself.

    What it already holds it may keep, even above a limit that was lowered: only what grows must fit.
    """
    return tuple(
        sorted(
            name
            for name in growing(charge, before, limits)
            if _others(name, held, before) + charge.total(name) > limits[name]
        )
    )


def _others(resource: str, held: Mapping[str, Part], before: Charge | None) -> int:
    return held.get(resource, NOTHING).total - (before.total(resource) if before else 0)


def blocked_by(
    charge: Charge,
    ahead: Sequence[tuple[Charge, Charge | None]],
    held: Mapping[str, Part],
    limits: Mapping[str, int],
    before: Charge | None = None,
) -> Charge | None:
    """Return whom a workload must wait for though there is room, None if it may go first.

    `ahead` are those that came first, each with what it holds. A workload may pass them if it fits beside all that
    they want: then nothing that they wait for is taken from them, and nobody starves.
    """
    for name in growing(charge, before, limits):
        own = charge.total(name) - (before.total(name) if before else 0)
        room = limits[name] - held.get(name, NOTHING).total - own
        for other, has in ahead:
            room -= max(0, other.total(name) - (has.total(name) if has else 0))
            if room < 0:
                return other
    return None


def growing(charge: Charge, before: Charge | None, limits: Mapping[str, int]) -> tuple[str, ...]:
    """Return the limited resources of which a workload wants more than it holds."""
    return tuple(name for name in limits if charge.total(name) > (before.total(name) if before else 0))


def words(resource: str, size: int) -> str:
    """Return an amount of a resource for people: `4Gi memory`, `1500m cpu`, `3 virtualMachines`."""
    return f"{bare(resource, size)} {kind_of(resource)}"


def explain_never(charge: Charge, tenant: str, limits: Mapping[str, int], lacking: Iterable[str]) -> str:
    """Return why a workload never fits: what it takes, the limit, and by how much to lower it."""
    texts = []
    for name in lacking:
        part, limit = charge.parts.get(name, NOTHING), limits[name]
        texts.append(
            f"needs {words(name, part.total)}{_split(name, part)}, but Tenant {tenant} may have {bare(name, limit)}"
            f"{where(name)}: {_lower(name, part.total - limit)}, or ask for more quota"
        )
    return "; ".join(texts)


def explain_short(
    charge: Charge,
    tenant: str,
    held: Mapping[str, Part],
    limits: Mapping[str, int],
    lacking: Iterable[str],
    before: Charge | None = None,
) -> str:
    """Return why a workload does not fit now: what is held, what it takes, the limit, and by how much to lower it."""
    texts = []
    for name in lacking:
        part, limit = charge.parts.get(name, NOTHING), limits[name]
        others = _others(name, held, before)
        texts.append(
            f"Tenant {tenant} uses {bare(name, others)} of {words(name, limit)}{where(name)}, and this needs"
            f" {bare(name, part.total)}{_split(name, part)}: {_lower(name, others + part.total - limit)}, wait until"
            " something goes, or ask for more quota"
        )
    return "; ".join(texts)


def kind_of(resource: str) -> str:
    """Return what a limit counts, whatever class it holds within: `cpu`, `memory`, `workloads`."""
    return resource.rsplit("/", 1)[-1]


def bare(resource: str, size: int) -> str:
    """Return an amount without saying of what: `4Gi`, `1500m`, `3`."""
    kind = kind_of(resource)
    if kind == CPU:
        return format_cpu(size)
    return format_memory(size) if kind in (MEMORY, STORAGE) else str(size)


def _split(resource: str, part: Part) -> str:
    """Return what else than the request there is in an amount, if anything."""
    more = [f"overhead {bare(resource, part.overhead)}"] if part.overhead else []
    more += [f"{bare(resource, part.reserved)} reserved for a move"] if part.reserved else []
    return f" ({', '.join(more)})" if more else ""


def where(resource: str) -> str:
    """Return for people within which class a limit holds, if within one: ` in class kata`."""
    return f" in class {resource.split('/')[1]}" if resource.startswith("class/") else ""


def _lower(resource: str, size: int) -> str:
    kind = kind_of(resource)
    if kind == WORKLOADS:
        return "delete another Workload"
    return f"lower {'replicas' if kind == MACHINES else kind} by {bare(resource, size)}"
