"""Who holds how much of a tenant's quota, and who waits for it.

Everything is kept by namespace, so that a namespace may pass from one tenant to another. It does no I/O and is used
from one thread: asking and being granted is one step, so that what was granted is counted before it runs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from berth.api.reasons import Reason
from berth.policy.quota import NOTHING, Charge, Part, blocked_by, explain_never, explain_short, growing, short
from berth.world.records import Key


@dataclass(frozen=True, slots=True)
class Limits:
    """What the workloads of some namespaces may have together."""

    tenant: str
    limits: Mapping[str, int]
    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a workload may not have what it wants: never, or not now."""

    reason: Reason
    message: str


class Ledger:
    """What is held and what is wanted.

    Whoever wants more is served in the order in which they came: a new workload by its creation, one that runs by when
    it first asked for more. Within `patience` seconds of each other the order does not count, so that one that is too
    large for now does not stop at once all that would fit.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._held: dict[Key, Charge] = {}
        self._by_namespace: dict[str, dict[str, Part]] = {}
        self._waiting: dict[Key, Charge] = {}
        self._unseen: set[Key] = set()

    def start(self, running: Iterable[Charge], workloads: Iterable[Key]) -> None:
        """Begin with what runs. Nothing new is granted before each of these workloads was looked at once.

        So nobody who waited before a restart is passed by somebody who happens to be looked at first.
        """
        self._held.clear()
        self._by_namespace.clear()
        self._waiting.clear()
        self._unseen = set(workloads)
        for charge in running:
            self._hold(charge)

    @property
    def complete(self) -> bool:
        """Return whether every workload was looked at since the start."""
        return not self._unseen

    def seen(self, key: Key) -> bool:
        """Remember that a workload was looked at; return whether it was the last one."""
        if key not in self._unseen:
            return False
        self._unseen.discard(key)
        return not self._unseen

    def held(self, key: Key) -> Charge | None:
        """Return what a workload holds."""
        return self._held.get(key)

    def used(self, namespaces: Iterable[str]) -> dict[str, Part]:
        """Return what the workloads of some namespaces hold together, by resource."""
        total: dict[str, Part] = {}
        for namespace in namespaces:
            for name, part in self._by_namespace.get(namespace, {}).items():
                total[name] = total.get(name, NOTHING).plus(part)
        return total

    def waiting(self, namespaces: Iterable[str]) -> tuple[Charge, ...]:
        """Return who waits in some namespaces, in the order in which they are served."""
        chosen = frozenset(namespaces)
        return tuple(sorted((each for each in self._waiting.values() if each.key[0] in chosen), key=_place))

    def ask(self, charge: Charge, bounds: Iterable[Limits], now: float) -> Refusal | None:
        """Grant a workload what it wants, or say why not; then it keeps what it holds. `now` is in seconds.

        Whatever grows must fit into the limits of every tenant of its namespace. What shrinks is always granted. Until
        every workload was looked at, the answer to those that want more is `NotDecided`.
        """
        waits, before = self._waiting.pop(charge.key, None), self._held.get(charge.key)
        if before is not None:
            charge = replace(charge, since=waits.since if waits else now)
        refusal = self._refusal(charge, before, tuple(bounds))
        if refusal is None:
            self._hold(charge)
        elif refusal.reason is not Reason.EXCEEDS_QUOTA:
            self._waiting[charge.key] = charge
        return refusal

    def answer(self, charge: Charge, bounds: Iterable[Limits]) -> Refusal | None:
        """Return what `ask` would answer a workload now, and change nothing."""
        return self._refusal(charge, self._held.get(charge.key), tuple(bounds))

    def release(self, key: Key) -> None:
        """Take back whatever a workload holds or wants."""
        self._waiting.pop(key, None)
        before = self._held.pop(key, None)
        if before is not None:
            self._count(before, -1)

    def withdraw(self, key: Key) -> None:
        """Forget that a workload wants more than it holds."""
        self._waiting.pop(key, None)

    def servable(self, bounds: Limits) -> tuple[Key, ...]:
        """Return who of those that wait may be granted what they want now, all together, in their order."""
        held = self.used(bounds.namespaces)
        waiting = self.waiting(bounds.namespaces)
        served: list[Key] = []
        for charge in waiting:
            before = self._held.get(charge.key)
            rest = [other for other in waiting if other.key not in served]
            if not short(charge, held, bounds.limits, before) and not blocked_by(
                charge, self._ahead(charge, rest), held, bounds.limits, before
            ):
                served.append(charge.key)
                held = _exchanged(held, before, charge)
        return tuple(served)

    def _refusal(self, charge: Charge, before: Charge | None, bounds: tuple[Limits, ...]) -> Refusal | None:
        for each in bounds:
            never = [name for name in growing(charge, before, each.limits) if charge.total(name) > each.limits[name]]
            if never:
                return Refusal(Reason.EXCEEDS_QUOTA, explain_never(charge, each.tenant, each.limits, sorted(never)))
        limited = [each for each in bounds if growing(charge, before, each.limits)]
        if limited and self._unseen:
            return Refusal(Reason.NOT_DECIDED, "the workloads of its tenant are being counted")
        texts = (self._obstacle(charge, before, each) for each in limited)
        found = next((text for text in texts if text is not None), None)
        return None if found is None else Refusal(Reason.WAITING_FOR_QUOTA, found)

    def _obstacle(self, charge: Charge, before: Charge | None, bounds: Limits) -> str | None:
        """Return what keeps a workload from having what it wants now."""
        held = self.used(bounds.namespaces)
        lacking = short(charge, held, bounds.limits, before)
        if lacking:
            return explain_short(charge, bounds.tenant, held, bounds.limits, lacking, before)
        first = blocked_by(charge, self._ahead(charge, self.waiting(bounds.namespaces)), held, bounds.limits, before)
        if first is None:
            return None
        namespace, name = first.key
        return (
            f"waits behind workloads.berth.dev {namespace}/{name}, which came first and waits for room in the quota of"
            f" Tenant {bounds.tenant}: lower what that one asks for, or ask for more quota"
        )

    def _ahead(self, charge: Charge, waiting: Iterable[Charge]) -> list[tuple[Charge, Charge | None]]:
        """Return those of a queue that a workload may not pass, each with what it holds."""
        return [
            (other, self._held.get(other.key))
            for other in waiting
            if other.place < charge.place and charge.since - other.since > self._patience
        ]

    def _hold(self, charge: Charge) -> None:
        before = self._held.get(charge.key)
        if before is not None:
            self._count(before, -1)
        self._held[charge.key] = charge
        self._count(charge, 1)

    def _count(self, charge: Charge, sign: int) -> None:
        totals = self._by_namespace.setdefault(charge.key[0], {})
        for name, part in charge.parts.items():
            totals[name] = totals.get(name, NOTHING).plus(part, sign)
            if totals[name] == NOTHING:
                del totals[name]
        if not totals:
            del self._by_namespace[charge.key[0]]


def _place(charge: Charge) -> tuple[float, Key]:
    return charge.place


def _exchanged(held: Mapping[str, Part], before: Charge | None, after: Charge) -> dict[str, Part]:
    """Return what is held once a workload has what it wants in place of what it had."""
    total = dict(held)
    for charge, sign in ((before, -1), (after, 1)):
        for name, part in charge.parts.items() if charge else ():
            total[name] = total.get(name, NOTHING).plus(part, sign)
    return total
