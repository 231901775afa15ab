"""Dry-runs of a Workload: where it would run, why, at what cost, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from berth.api.reasons import Reason
from berth.app.bounds import bounds_of as bounds_of_children
from berth.app.preview.lines import counted, sized
from berth.app.preview.picture import Picture
from berth.app.proposal import plan_for
from berth.app.rationing import bounds_of, wanted
from berth.app.views import Look, Unreadable
from berth.app.warnings import warnings
from berth.decide.cost import overhead, requested
from berth.decide.engine import decide
from berth.decide.model import ClassFacts, Decision
from berth.decide.whatif import would_change
from berth.plan.model import Apply, Grow, Move, Plan, Withheld
from berth.plan.move import next_move, overdue, withhold
from berth.policy.ledger import Limits
from berth.policy.quota import NOTHING, Charge, bare, where, words
from berth.verify.check import verify
from berth.world.records import WorkloadRecord

_FIXES: Final = 3


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What would come of a Workload."""

    look: Look
    decision: Decision
    move: Move
    charge: Charge | None
    """What it would take of quotas; None where it has no place."""
    bounds: tuple[Limits, ...]


def of_workload(record: WorkloadRecord, picture: Picture) -> Iterator[str]:
    """Yield what would come of a Workload if it were written so, most important first."""
    look = picture.views.look_at(record)
    if look is None:
        yield f"nothing would be done about it: namespace {record.key[0]} is being deleted, or is not known yet"
    elif isinstance(look, Unreadable):
        yield f"the spec is not understood: {look.error}; correct it, or upgrade Berth"
    else:
        yield from _outcome(_outlook(look, picture), picture)


def _outlook(look: Look, picture: Picture) -> _Outlook:
    """Decide as `reconcile` does, and ask the quotas without being granted anything."""
    decision = decide(look.ask, look.effective.requirement, look.catalog.classes, look.current)
    move = next_move(decision, look.runs, look.catalog.classes, look.spec)
    move = overdue(move, look.below_since, look.effective.deadline, picture.clock())
    if move.placed is None:
        return _Outlook(look, decision, move, None, ())
    bounds = bounds_of(look.policy_subject.tenants, picture.views.tenancy())
    charge = wanted(look, move, move.placed, picture.ledger.held(look.workload.key), picture.store)
    refusal = picture.ledger.answer(charge, bounds)
    if refusal is not None:
        move = withhold(move, look.catalog.named(look.current), Withheld(refusal.reason, refusal.message))
    return _Outlook(look, decision, move, charge, bounds)


def _outcome(outlook: _Outlook, picture: Picture) -> Iterator[str]:
    look, decision, move = outlook.look, outlook.decision, outlook.move
    plan, problems = plan_for(look, move)
    yield from _place(look, decision, move)
    yield from (f"it could not be made there: {problem.message}" for problem in problems)
    yield from _obstacles(outlook, plan, picture)
    if decision.chosen is None:
        yield from _fixes(look, decision, picture)
    yield from _quota(outlook, picture)
    if decision.chosen is not None:
        yield _cost(look, decision.chosen.facts)
    yield from (note.text for note in warnings(look, decision, picture.clock(), picture.views.waiver_warning))
    yield from _writes(plan)


def _place(look: Look, decision: Decision, move: Move) -> Iterator[str]:
    """Yield where it would run, and what a move of what runs would mean."""
    below = ", below what is required" if move.below else ""
    if move.stopped and move.withheld is not None:
        yield f"would stay stopped: {move.withheld.message}"
    elif decision.chosen is None:
        yield f"would not run: {decision.reason}: {decision.message}"
        if move.stopped:
            yield f"what runs of it in {look.current} would stop, for no replicas are asked for"
        elif look.current is not None:
            yield f"what runs of it in {look.current} would go on as it is{below}, and nothing new of it would start"
    elif look.current is None:
        yield f"would run in {decision.message}"
    elif look.current == decision.chosen.facts.name:
        yield f"would stay in {decision.message}"
    elif move.pending is not None:
        yield f"would have to move from {look.current} to {decision.message}"
        yield f"the move would wait for approval: {move.pending.message}; until then it stays in {look.current}{below}"
    else:
        yield f"would move by itself from {look.current} to {decision.message}"


def _obstacles(outlook: _Outlook, plan: Plan, picture: Picture) -> Iterator[str]:
    """Yield what would be in the way of the children: names that are taken, what the verifier would refuse."""
    for taken in plan.taken:
        yield f"{taken.kind} {taken.name} exists and is not its own: it would wait until that is gone"
    placed = outlook.move.placed
    if placed is None:
        return
    allowed = bounds_of_children(outlook.look, placed, picture.store)
    for child in (step.child for step in plan.writes if isinstance(step, Apply)):
        for violation in verify(child.body, allowed)[:1]:
            yield f"{child.kind} {child.name} would not be written, for Berth's own check refuses it: {violation}"


def _fixes(look: Look, decision: Decision, picture: Picture) -> Iterator[str]:
    """Yield the nearest single changes after which it would run."""
    for flip in would_change(look.inputs(picture.views.defaults), decision, _FIXES):
        if flip.placed:
            yield f"it would run in {flip.outcome} if you {flip.change.text}"


def _quota(outlook: _Outlook, picture: Picture) -> Iterator[str]:
    withheld, charge = outlook.move.withheld, outlook.charge
    if charge is None:
        return
    if withheld is not None:
        instead = "it would keep what it has" if outlook.look.runs else "it would not start"
        what = "is larger than the quota" if withheld.reason is Reason.EXCEEDS_QUOTA else "finds no room in the quota"
        yield f"it {what}, and {instead}: {withheld.message}"
        return
    for bounds in outlook.bounds:
        yield _fits(bounds, charge, picture)
        ahead = sum(row.queues and row.key[0] in bounds.namespaces for row in picture.rows.values())
        if ahead and not outlook.look.runs:
            yield f"{counted(ahead, 'Workload')} of Tenant {bounds.tenant} came first and waits for room in the quota"


def _fits(bounds: Limits, charge: Charge, picture: Picture) -> str:
    """Return what would be used of every limit that it counts for."""
    used, before = picture.ledger.used(bounds.namespaces), picture.ledger.held(charge.key)
    texts = [
        f"{bare(name, used.get(name, NOTHING).total - (before.total(name) if before else 0) + charge.total(name))}"
        f" of {words(name, limit)}{where(name)}"
        for name, limit in bounds.limits.items()
        if charge.total(name)
    ]
    return f"fits the quota: Tenant {bounds.tenant} would use {', '.join(texts) or 'nothing more'}"


def _cost(look: Look, facts: ClassFacts) -> str:
    """Return what isolation adds in the chosen class to what is asked for, all replicas together."""
    count = look.ask.replicas
    added, asked = overhead(look.ask, facts).times(count or 1), requested(look.ask, facts).times(count or 1)
    of = "each replica asks" if count == 0 else "it asks" if count == 1 else f"its {count} replicas ask"
    return f"isolation adds {sized(added)} to the {sized(asked)} that {of} for"


def _writes(plan: Plan) -> Iterator[str]:
    """Yield what would be written, by what is done."""
    done: dict[str, list[str]] = {}
    for step in plan.writes:
        if isinstance(step, Apply):
            done.setdefault("create" if step.uid is None else "change", []).append(
                f"{step.child.kind} {step.child.name}"
            )
        elif isinstance(step, Grow):
            done.setdefault("change", []).append(f"{step.child.kind} {step.child.name}")
        else:
            done.setdefault("delete", []).append(f"{step.record.kind} {step.record.key[1]}")
    if done:
        yield "would " + "; ".join(f"{verb} {', '.join(names)}" for verb, names in done.items())
