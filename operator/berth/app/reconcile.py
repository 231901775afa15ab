"""The recipe that everybody reads: look once, decide, render, plan, apply, say what happened."""

from berth.app.deps import Deps
from berth.app.report import report, report_unreadable
from berth.app.views import Look, Unreadable
from berth.decide.engine import decide
from berth.observe.model import Scene
from berth.plan.make import make_plan
from berth.plan.model import Move, Plan
from berth.plan.move import next_move
from berth.render.children import render
from berth.world.records import Key


async def reconcile(key: Key, deps: Deps) -> float | None:
    """Make one Workload what it should be; return the seconds after which to look again, None for the usual.

    Raises ApiError for what another try may cure.
    """
    look = deps.views.look(key)
    if look is None:
        deps.forget(key)
        return None
    if isinstance(look, Unreadable):
        await report_unreadable(look, deps)
        return None

    with deps.metrics.decision_seconds.time():
        decision = decide(look.ask, look.effective.requirement, look.catalog.classes, look.current)
    move = next_move(decision, look.runs, look.catalog.classes, look.spec)
    plan = plan_for(look, move)
    done = await deps.gateway.execute(plan.writes, look.workload)
    scene = Scene(
        workload=look.workload,
        spec=look.spec,
        ask=look.ask,
        decision=decision,
        move=move,
        plan=Plan(plan.steps, plan.taken + done.taken),
        failures=done.refused,
        children=deps.store.children(key),
        pods=deps.store.pods(key),
        machines=deps.store.machines(key),
        nodes=deps.store.nodes,
    )
    return await report(scene, look, deps)


def plan_for(look: Look, move: Move) -> Plan:
    """Return the steps towards the class that the workload is kept in; none where it has no place."""
    if move.placed is None:
        return Plan()
    desired = render(look.rendered, move.placed)
    return make_plan(desired, look.children, look.workload.uid, frozen=move.frozen, replicas=look.spec.replicas)
