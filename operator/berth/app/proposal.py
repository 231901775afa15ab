"""What a pass would do about a Workload: where it goes, whether it moves now, and the steps."""

from dataclasses import dataclass, replace

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.app.deps import Deps
from berth.app.kept import growths
from berth.app.rationing import in_turn, rationed
from berth.app.views import Look
from berth.decide.engine import decide
from berth.decide.model import Decision
from berth.plan.make import make_plan
from berth.plan.model import Apply, Delete, Grow, Move, Plan
from berth.plan.move import MACHINE_KINDS, left_alone, next_move, overdue
from berth.render.children import render
from berth.render.claim import grown_claim
from berth.render.model import Unrenderable
from berth.world.records import Problem


@dataclass(frozen=True, slots=True)
class Proposal:
    """Decision, move and steps, and why there are none, if so."""

    decision: Decision
    move: Move
    plan: Plan
    unrenderable: tuple[Problem, ...]

    @property
    def machine(self) -> Apply | None:
        """Return the step that would make or change a machine; None where there is none."""
        writes = (each for each in self.plan.writes if isinstance(each, Apply))
        return next((each for each in writes if each.child.kind in MACHINE_KINDS), None)


def propose(look: Look, deps: Deps) -> Proposal | None:
    """Return what would be done; None while the workloads of a tenant are being counted: look again soon."""
    with deps.metrics.decision_seconds.time():
        decision = decide(look.ask, look.effective.requirement, look.catalog.classes, look.current)
    wanted = next_move(decision, look.runs, look.catalog.classes, look.spec)
    due = overdue(wanted, look.below_since, look.effective.deadline, deps.clock())
    move = rationed(look, in_turn(look, due, deps), deps)
    return None if move is None else Proposal(decision, move, *plan_for(look, move))


def plan_for(look: Look, move: Move) -> tuple[Plan, tuple[Problem, ...]]:
    """Return the steps towards the class that the workload is kept in, and why it cannot be made there, if so.

    There are no steps where it has no place, or is held in a class that cannot take its new spec: what runs goes on.
    """
    if move.stopped:
        return Plan(tuple(Delete(run, "stopped") for run in look.runs)), ()
    if move.placed is None:
        return Plan(), ()
    try:
        desired = render(look.rendered, move.placed)
    except Unrenderable as error:
        return Plan(), () if move.held else (Problem(Reason.MISCONFIGURED, str(error)),)
    frozen = left_alone(look.ask, move)
    plan = make_plan(desired, look.children, look.workload.uid, frozen=frozen, replicas=look.spec.replicas)
    if frozen or move.placed.backend is not Backend.VIRTUAL_MACHINE:
        return plan, ()
    larger = tuple(Grow(grown_claim(look.rendered.namespace, each), each.uid) for each in growths(look.disks))
    return replace(plan, steps=(*plan.steps, *larger)), ()
