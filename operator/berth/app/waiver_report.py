"""Status of Waivers: whether they hold, and whom they spare."""

from collections.abc import Iterable

import orjson

from berth.api.reasons import ACTIVE, ConditionType, Reason
from berth.app.deps import Deps
from berth.app.metrics.admin import WaiverState
from berth.observe.model import Status
from berth.observe.status import condition, timestamp
from berth.policy.waiving import holds, refusal
from berth.world.records import WaiverRecord


def waiver_status(record: WaiverRecord, deps: Deps) -> Status:
    """Return the status of one waiver."""
    previous: Status = orjson.loads(record.status or b"{}")
    why, now = refusal(record, deps.views.longest_waiver), deps.clock()
    accepted = ("True", Reason.ACCEPTED, "the waiver is understood") if why is None else _refused(why)
    return {
        "observedGeneration": record.generation,
        "conditions": [
            condition(kind, state, reason, message, record.generation, previous, now)
            for kind, (state, reason, message) in (
                (ConditionType.ACCEPTED, accepted),
                (ACTIVE, accepted if why is not None else _active(record, now)),
            )
        ],
        "workloads": sum(any(name == record.name for _, name in outcome.waived) for outcome in deps.outcomes.values()),
    }


def waiver_states(deps: Deps) -> Iterable[WaiverState]:
    """Yield what metrics say of every waiver."""
    longest, now = deps.views.longest_waiver, deps.clock()
    for name, record in sorted(deps.store.waivers.items()):
        yield WaiverState(name, holds(record, longest, now), record.expires or 0.0)


def changes_at(record: WaiverRecord, now: float) -> float | None:
    """Return when the status of a waiver changes by itself; None when it does not any more."""
    return record.expires if record.expires is not None and record.expires > now else None


def _refused(why: str) -> tuple[str, Reason, str]:
    return "False", Reason.MISCONFIGURED, f"it waives nothing: {why}"


def _active(record: WaiverRecord, now: float) -> tuple[str, Reason, str]:
    end = timestamp(record.expires or 0.0)
    if record.expires is None or record.expires <= now:
        return "False", Reason.EXPIRED, f"it ended at {end}: the policies that it named hold again"
    return "True", Reason.ACTIVE, f"it holds until {end}"
