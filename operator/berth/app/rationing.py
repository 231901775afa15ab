"""Whether the quotas of its tenants let a Workload have what it asks for, and whom to look at when room appears."""

from collections.abc import Iterable
from dataclasses import replace

from berth.api.levels import Backend, IsolationLevel
from berth.api.reasons import Reason
from berth.app.deps import Deps
from berth.app.tenancy import Tenancy
from berth.app.views import Look
from berth.decide.charge import as_large_as, charge_of, charge_of_what_runs, rolling
from berth.decide.model import ClassFacts
from berth.plan.model import Move, Withheld
from berth.plan.move import left_alone, put_off, withhold
from berth.policy.ledger import Limits
from berth.policy.quota import Charge, limits_of
from berth.policy.tenancy import CompiledTenant
from berth.policy.turns import Moving, Turn
from berth.world.records import ChildRecord, Key
from berth.world.store import Store


def rationed(look: Look, move: Move, deps: Deps) -> Move | None:
    """Return the move as far as quotas allow it; None while others are still being counted: look again soon."""
    key, ledger = look.workload.key, deps.ledger
    if move.placed is None:
        (ledger.withdraw if _still_there(key, deps) else ledger.release)(key)
        return move
    before = ledger.held(key)
    bounds = bounds_of(look.policy_subject.tenants, deps.views.tenancy())
    refusal = ledger.ask(wanted(look, move, move.placed, before, deps.store), bounds, deps.clock())
    if before is not None and ledger.held(key) != before:
        deps.wake_reports()  # there may be room for somebody who waits
    if refusal is None:
        return move
    if refusal.reason is Reason.NOT_DECIDED:
        return None
    current = look.catalog.named(look.current)
    return withhold(move, current, Withheld(refusal.reason, refusal.message))


def in_turn(look: Look, move: Move, deps: Deps) -> Move:
    """Return the move, put off while as many others are being moved as may be at one time."""
    key = look.workload.key
    current = look.catalog.named(look.current)
    if move.placed is None or move.held or current is None or move.placed.name == current.name:
        if not _half_moved(look, deps):
            _moved(key, look.current, deps)
        return move
    begun = Moving(current.name, move.placed.name, deps.clock())
    why = deps.turns.take(key, _turns(look, deps), begun)
    return move if why is None else put_off(move, current, why)


def _moved(key: Key, now_in: str | None, deps: Deps) -> None:
    """Note that nothing of a Workload is on its way any more, and what came of its move."""
    ended = deps.turns.moving.get(key)
    if ended is not None:
        outcome = "Completed" if now_in == ended.to_class else "Stopped" if now_in is None else "Returned"
        deps.metrics.switches.labels(ended.from_class, ended.to_class, outcome).inc()
        deps.metrics.switch_seconds.observe(deps.clock() - ended.since)
    if deps.turns.end(key):
        deps.wake_reports()


def _turns(look: Look, deps: Deps) -> Iterable[Turn]:
    for tenant in look.policy_subject.tenants:
        if tenant.spec and tenant.spec.switching:
            members = frozenset(deps.views.tenancy().members.get(tenant.name, ()))
            yield Turn(f"Tenant {tenant.name}", tenant.spec.switching.max_concurrent, members)
    yield Turn("all tenants", deps.max_switches)


def _half_moved(look: Look, deps: Deps) -> bool:
    """Return whether something of a Workload still runs in another class than what backs it now."""
    pods = {pod.class_name for pod in deps.store.pods(look.workload.key) if not pod.launcher and not pod.finished}
    return len(look.runs) > 1 or bool(pods - {look.current})


def bounds_of(tenants: Iterable[CompiledTenant], tenancy: Tenancy) -> tuple[Limits, ...]:
    """Return what the tenants of a namespace may have, those without any limit left out."""
    found = (Limits(tenant.name, limits_of(tenant.quota), tenancy.members.get(tenant.name, ())) for tenant in tenants)
    return tuple(each for each in found if each.limits)


def servable(deps: Deps) -> Iterable[Key]:
    """Yield the Workloads that wait for quota and may have it now, and those that have waited longest for a turn."""
    tenancy = deps.views.tenancy()
    for bounds in bounds_of(tenancy.tenants, tenancy):
        yield from deps.ledger.servable(bounds)
    yield from deps.turns.waiting()[: deps.max_switches]


def count_what_runs(deps: Deps) -> None:
    """Begin the ledger with what runs, as the objects that run it say."""
    looks = (deps.views.look(key) for key in deps.store.workloads)
    running = (what_runs(look, deps.store) for look in looks if isinstance(look, Look))
    deps.ledger.start((charge for charge in running if charge is not None), deps.store.workloads)


def release_when_gone(key: Key, deps: Deps) -> None:
    """Take back what a Workload held that is gone, as soon as nothing of it runs any more."""
    if deps.turns.end(key):
        deps.wake_reports()
    if not _still_there(key, deps):
        if deps.ledger.held(key) is not None:
            deps.wake_reports()
        deps.ledger.release(key)


def _still_there(key: Key, deps: Deps) -> bool:
    store = deps.store
    return bool(store.machines(key)) or any(not pod.finished for pod in store.pods(key))


def wanted(look: Look, move: Move, facts: ClassFacts, before: Charge | None, store: Store) -> Charge:
    """Return what a Workload asks for in a class: of a task that has ended nothing.

    While it shrinks it takes what is still there, and what is left as it runs what it had: its edit takes no effect.
    """
    key, since, ask = look.workload.key, look.workload.created, look.ask
    if look.runs and (look.runs[-1].complete or look.runs[-1].failed is not None):
        ask = replace(ask, replicas=0)
    elif before is not None and left_alone(ask, move):
        return before
    if facts.backend is Backend.VIRTUAL_MACHINE:
        ask = as_large_as(ask, store.machines(key))
    aside = tuple(_aside(look, facts, store))
    charge = charge_of(key, since, ask, facts, aside)
    alive = sum(not pod.finished and not pod.launcher for pod in store.pods(key)) + len(store.machines(key))
    if before is not None and alive > ask.replicas:
        leaving = charge_of(key, since, replace(ask, replicas=alive), facts, aside)
        if all(part.total <= before.total(name) for name, part in leaving.parts.items()):
            charge = leaving
    return charge if before is None or look.current != facts.name else _not_yet_less(charge, before, look)


def _not_yet_less(charge: Charge, before: Charge, look: Look) -> Charge:
    """Return a charge, at least as large as before until pods of that size are replaced by smaller ones."""
    newest = look.runs[-1]
    if newest.kind != "Deployment" or all(charge.total(name) >= part.total for name, part in before.parts.items()):
        return charge
    key, facts = look.workload.key, look.catalog.named(newest.class_name)
    unseen = newest.observed_generation < newest.generation
    if unseen or newest.updated != newest.replicas or facts is None:
        return charge.at_least(before)
    return charge.at_least(charge_of_what_runs(key, charge.since, look.ask, facts, newest))


def _aside(look: Look, placed: ClassFacts, store: Store) -> Iterable[Charge]:
    """Yield what a Workload takes in the classes that it is leaving."""
    key, since = look.workload.key, look.workload.created
    replaced = [run for run in look.runs if run.class_name != placed.name and not _same_kind(run, placed)]
    for run in replaced:
        yield charge_of_what_runs(key, since, look.ask, _facts(run.class_name, look, run), run)
    rolled = {run.class_name for run in look.runs} | {pod.class_name for pod in store.pods(key) if not pod.launcher}
    for name in sorted(rolled - {placed.name} - {run.class_name for run in replaced}):
        former = look.catalog.named(name)
        if former is not None and placed.backend is Backend.POD:
            yield rolling(charge_of(key, since, look.ask, former))


def _same_kind(run: ChildRecord, placed: ClassFacts) -> bool:
    return (run.kind in ("Deployment", "Job")) == (placed.backend is Backend.POD)


def _facts(name: str, look: Look, run: ChildRecord) -> ClassFacts:
    """Return what is known of a class; one that is gone added nothing that anybody could tell."""
    known = look.catalog.named(name)
    backend = Backend.POD if run.kind in ("Deployment", "Job") else Backend.VIRTUAL_MACHINE
    return known or ClassFacts(name, IsolationLevel.CONTAINER, backend)


def what_runs(look: Look, store: Store) -> Charge | None:
    """Return what a Workload takes by what runs of it; None when nothing does."""
    if not look.runs:
        return None
    key, since, newest = look.workload.key, look.workload.created, look.runs[-1]
    older = [
        charge_of_what_runs(key, since, look.ask, _facts(run.class_name, look, run), run) for run in look.runs[:-1]
    ]
    facts, guests = _facts(newest.class_name, look, newest), store.machines(key)
    return charge_of_what_runs(key, since, look.ask, facts, newest, older, guests)
