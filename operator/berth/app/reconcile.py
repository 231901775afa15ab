"""The recipe that everybody reads: look once, propose, ask whether a machine is taken, apply, say what happened."""

from collections.abc import Callable
from typing import Final

from berth.api.reasons import Reason
from berth.app.bounds import bounds_of, nothing_allowed
from berth.app.deps import Deps
from berth.app.kept import growing
from berth.app.proposal import propose
from berth.app.rationing import release_when_gone
from berth.app.report import report, report_unreadable
from berth.app.views import Look, Unreadable
from berth.kube import errors
from berth.observe.health import next_change
from berth.observe.model import Scene
from berth.plan.model import Move, Plan
from berth.plan.move import MACHINE_KINDS
from berth.verify.model import Bounds
from berth.world.records import Key

_COUNTING_SECONDS: Final = 1.0
"""Seconds until another look while the workloads of a tenant are being counted."""

_BLOCKED_SECONDS: Final = 15.0
"""Seconds between tries where what is in the way is not watched: an object without our label, a quota of others."""


async def reconcile(key: Key, deps: Deps) -> float | None:
    """Make one Workload what it should be; return the seconds after which to look again, None for the usual.

    Raises ApiError for what another try may cure.
    """
    look = deps.views.look(key)
    if look is None:
        deps.forget(key)
        release_when_gone(key, deps)
        return None
    if isinstance(look, Unreadable):
        await report_unreadable(look, deps)
        return None

    look = deps.preflight.recall(look)
    while (found := propose(look, deps)) is not None:
        allowed = bounds(look, found.move, deps)
        refusal = await deps.preflight.refusal(found.machine, found.move.placed, look, allowed)
        if refusal is None:
            break
        look = look.refused(refusal)  # and so its class is ruled out
    if found is None:
        return _COUNTING_SECONDS

    done = await deps.gateway.execute(found.plan.writes, look.workload, allowed)
    if MACHINE_KINDS & done.missing:
        deps.preflight.doubt(key[0])
    scene = Scene(
        workload=look.workload,
        spec=look.spec,
        ask=look.ask,
        decision=found.decision,
        move=found.move,
        plan=Plan(found.plan.steps, found.plan.taken + done.taken),
        failures=found.unrenderable + done.refused,
        children=deps.store.children(key),
        pods=deps.store.pods(key),
        machines=deps.store.machines(key),
        nodes=deps.store.nodes,
        tenants=tuple(tenant.name for tenant in look.policy_subject.tenants),
        growing=growing(look.disks),
        waivers=look.waivers,
    )
    return soonest(
        await report(scene, look, deps),
        next_change(scene, deps.clock()),
        _patience(scene, deps),
        look.waivers_change,
        remaining(found.move, look, deps.clock()),
        deps.preflight.again(look),
    )


def _patience(scene: Scene, deps: Deps) -> float | None:
    """Return the seconds until another try where a name is taken, a quota is full, or a child was refused."""
    key, reasons = scene.workload.key, {each.reason for each in scene.failures}
    if Reason.CHILD_REJECTED in reasons:
        return deps.rejections.again(key)
    deps.rejections.forget(key)
    return _BLOCKED_SECONDS if scene.plan.taken or Reason.WAITING_FOR_QUOTA in reasons else None


def bounds(look: Look, move: Move, deps: Deps) -> Callable[[], Bounds]:
    """Return what gives the bounds of what may be written, at the moment of writing.

    It raises Conflict once what was decided by has changed: nothing starts by rules that do not hold any more.
    """

    def now() -> Bounds:
        if deps.views.overtaken(look):
            raise errors.Conflict(0, "Overtaken", "policies or tenants have changed since it was decided")
        return bounds_of(look, move.placed, deps.store) if move.placed else nothing_allowed(look)

    return now


def soonest(*seconds: float | None) -> float | None:
    """Return the least of some delays; None where there is none."""
    return min((each for each in seconds if each is not None), default=None)


def remaining(move: Move, look: Look, now: float) -> float | None:
    """Return the seconds until the deadline of a workload that runs below what is required."""
    deadline = look.effective.deadline
    if not move.below or deadline is None:
        return None
    return max(1.0, (look.below_since or now) + deadline[0] - now)
