"""What a workload takes of a quota in a class: what it asks for, what isolation adds, and what a move sets aside."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from berth.api.levels import Backend
from berth.api.machine import OperatingSystem
from berth.decide.cost import huge_pages, overhead, requested
from berth.decide.model import Ask, ClassFacts, Cost, Guest, MachineAsk
from berth.policy.quota import CPU, MACHINES, MEMORY, NOTHING, STORAGE, WORKLOADS, Charge, Part, in_class
from berth.world.records import ChildRecord, GuestExtras, InstancetypeRecord, Key, MachineRecord
from berth.world.sizes import seen_size

_SURGE: Final = 4
"""A Deployment adds one new pod for every so many old ones before it removes those (maxSurge 25%)."""


def charge_of(key: Key, since: float, ask: Ask, facts: ClassFacts, aside: Iterable[Charge] = ()) -> Charge:
    """Return what a workload takes in a class. `aside` is what it takes elsewhere until a move is done."""
    own, aside = _parts(ask, facts), tuple(aside)
    if not aside:
        return Charge(key, since, own)  # shared by all that ask for the same
    parts = dict(own)
    for other in aside:
        for name, part in other.parts.items():
            if name not in (WORKLOADS, in_class(facts.name, WORKLOADS)):
                parts[name] = parts.get(name, NOTHING).plus(Part(reserved=part.total))
    return Charge(key, since, parts)


def charge_of_what_runs(
    key: Key,
    since: float,
    ask: Ask,
    facts: ClassFacts,
    record: ChildRecord,
    aside: Iterable[Charge] = (),
    guests: Iterable[MachineRecord] = (),
) -> Charge:
    """Return what a workload takes by the object and the guests that run it, whatever its spec asks for by now."""
    return charge_of(key, since, as_large_as(_as_seen(ask, record), guests), facts, aside)


def as_large_as(ask: Ask, guests: Iterable[MachineRecord]) -> Ask:
    """Return what is asked for, each guest taking at least as much as the largest that runs: until a restart it does.

    A guest runs on, too, where the Workload has no machine any more.
    """
    running = [each for each in guests if each.memory]
    if not running:
        return ask
    sizes = [(each.vcpus, each.memory) for each in running]
    sizes += [(ask.machine.guest.vcpus, ask.machine.guest.memory)] if ask.machine else []
    larger = with_guest(ask, max(vcpus for vcpus, _ in sizes), max(memory for _, memory in sizes))
    return _with_extras(larger, [each.extras for each in running])


def with_guest(ask: Ask, vcpus: int, memory: int) -> Ask:
    """Return the same with guests of another size: virtual processors, and memory in bytes."""
    machine = ask.machine or MachineAsk(OperatingSystem.LINUX, Guest(0))
    if (vcpus, memory) == (machine.guest.vcpus, machine.guest.memory):
        return ask
    guest = replace(machine.guest, sockets=vcpus, cores=1, threads=1, memory=memory)
    return replace(ask, machine=replace(machine, guest=guest))


def _with_extras(ask: Ask, running: list[GuestExtras]) -> Ask:
    """Return the same with guests that take what those take that run, beside their size."""
    if ask.machine is None:
        return ask
    guest = ask.machine.guest
    changed = replace(
        guest,
        dedicated=guest.dedicated or any(each.pinned for each in running),
        virtual_functions=guest.virtual_functions or any(each.passthrough for each in running),
        instancetype=_instancetype(guest, running),
    )
    return ask if changed == guest else replace(ask, machine=replace(ask.machine, guest=changed))


def _instancetype(guest: Guest, running: list[GuestExtras]) -> InstancetypeRecord | None:
    """Return the instancetype, without overcommitment and with an isolated emulator where what runs has it so."""
    isolated, full = any(each.isolated for each in running), not all(each.overcommitted for each in running)
    kind = guest.instancetype or (InstancetypeRecord("", guest.vcpus, guest.memory) if isolated else None)
    if kind is None:
        return None
    return replace(kind, isolated=kind.isolated or isolated, overcommit=0 if full else kind.overcommit)


def rolling(charge: Charge) -> Charge:
    """Return what pods of the former class take at most while a Deployment rolls over: a quarter stands beside them."""
    return replace(charge, parts={name: _quarter(part) for name, part in charge.parts.items()})


def _quarter(part: Part) -> Part:
    return Part(*(-(-each // _SURGE) for each in part))


def _as_seen(ask: Ask, record: ChildRecord) -> Ask:
    if ask.machine is not None:  # what its disks are to grow to was not granted yet
        ask = replace(ask, machine=replace(ask.machine, storage=ask.machine.stored))
    seen = seen_size(record)
    if not seen.sized:
        return replace(ask, replicas=seen.replicas)
    if record.kind in ("Deployment", "Job"):
        return replace(ask, replicas=seen.replicas, cpu=seen.cpu, memory=seen.memory)
    return replace(with_guest(ask, seen.cpu // 1000, seen.memory), replicas=seen.replicas)


@lru_cache(maxsize=4096)
def _parts(ask: Ask, facts: ClassFacts) -> Mapping[str, Part]:
    count, is_machine = ask.replicas, facts.backend is Backend.VIRTUAL_MACHINE
    pages = Cost(0, sum(size for _, size in huge_pages(ask, facts)))  # memory of a guest counts, wherever it is from
    asked, added = (requested(ask, facts) + pages).times(count), overhead(ask, facts).times(count)
    sizes = {CPU: Part(asked.cpu, added.cpu), MEMORY: Part(asked.memory, added.memory)}
    parts: dict[str, Part] = sizes | {WORKLOADS: Part(1)}
    if is_machine:
        parts[MACHINES] = Part(count)
        parts[STORAGE] = Part(ask.machine.storage if ask.machine else 0)
    for name, part in (*sizes.items(), (WORKLOADS, Part(1))):
        parts[in_class(facts.name, name)] = part
    return {name: part for name, part in parts.items() if part != NOTHING}
