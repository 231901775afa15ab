"""Events (events.k8s.io/v1) for what a person should notice: moves, refusals, isolation that fails, machines that wait.

Ordinary placement writes none: the conditions say it. The same reason and text on one Workload is one Event, whose
series counts how often that was said; it is written once in ten minutes at most.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from berth.api.meta import API_VERSION
from berth.api.reasons import Reason
from berth.kube import errors
from berth.kube.gateway import Gateway
from berth.kube.resources import EVENTS
from berth.observe.model import Status
from berth.observe.status import timestamp
from berth.world.records import ClassRecord, WorkloadRecord

log: Final = logging.getLogger(__name__)

About = WorkloadRecord | ClassRecord
"""What an Event may be about."""

_QUIET_SECONDS: Final = 600.0
_MAX_NOTE: Final = 1024
"""Bytes of UTF-8 that the API server takes."""
_REMEMBERED: Final = 10000
_BAD: Final = frozenset(
    {
        Reason.MISCONFIGURED,
        Reason.POLICY_DENIED,
        Reason.NO_ELIGIBLE_CLASS,
        Reason.NO_BOOTABLE_IMAGE,
        Reason.RUNTIME_CLASS_MISSING,
        Reason.NO_CAPABLE_NODE,
        Reason.KUBEVIRT_NOT_READY,
        Reason.BELOW_REQUIRED,
        Reason.NAME_TAKEN,
        Reason.CHILD_UNSAFE,
        Reason.CHILD_REJECTED,
        Reason.ISOLATION_MISMATCH,
        Reason.SOFTWARE_EMULATION,
        Reason.TASK_FAILED,
        Reason.RUNTIME_CHANGED,
        Reason.EXCEEDS_QUOTA,
        Reason.DEADLINE_PASSED,
    }
)
"""Reasons that deserve a Warning when they appear."""

_WAITS: Final = {
    Reason.PAUSED: "Warning",
    Reason.MIGRATION_FAILED: "Warning",
    Reason.RESTART_REQUIRED: "Normal",
}
"""Reasons of Ready with which a machine waits for somebody, and the type of their Event."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to tell."""

    type: str
    """Normal or Warning."""
    reason: str
    text: str


def notes(previous: Status, status: Status, warned: tuple[Note, ...] = ()) -> tuple[Note, ...]:
    """Return what a person should notice in the change from one status to the next; of the warnings, the new ones."""
    told = previous.get("warnings", ())
    found: list[Note] = [each for each in warned if each.text not in told]
    was, now = _class(previous), _class(status)
    if was and now and was != now:
        found.append(Note("Normal", str(Reason.SWITCHING), f"moves from {was} to {now}: {_message(status, 'Placed')}"))
    pending = status.get("pendingSwitch")
    waits_for_turn = pending and pending.get("reason") == Reason.WAITING_FOR_TURN
    if pending and not waits_for_turn and pending != previous.get("pendingSwitch"):
        text = f"should move from {pending['from']} to {pending['to']}: {pending['message']}"
        found.append(Note("Warning", str(Reason.AWAITING_APPROVAL), text))
    for kind, bad in (("Accepted", "False"), ("Placed", "False"), ("Isolated", "False"), ("Stalled", "True")):
        before, after = _condition(previous, kind), _condition(status, kind)
        if after and after["status"] == bad and after["reason"] in _BAD and not _same(before, after):
            note = Note("Warning", after["reason"], after["message"])
            if note not in found:
                found.append(note)
    return (*found, *_waits(previous, status))


def _waits(previous: Status, status: Status) -> tuple[Note, ...]:
    before, after = _condition(previous, "Ready"), _condition(status, "Ready")
    if after is None or after["reason"] not in _WAITS or _same(before, after):
        return ()
    return (Note(_WAITS[Reason(after["reason"])], after["reason"], after["message"]),)


def _class(status: Status) -> str:
    return str((status.get("placement") or {}).get("className", ""))


def _condition(status: Status, kind: str) -> Status | None:
    return next((each for each in status.get("conditions", ()) if each["type"] == kind), None)


def _message(status: Status, kind: str) -> str:
    return str((_condition(status, kind) or {}).get("message", ""))


def _same(before: Status | None, after: Status) -> bool:
    return before is not None and all(before[name] == after[name] for name in ("status", "reason"))


def logged(about: About) -> dict[str, object]:
    """Return what a log line says of a Workload, or of a class, beside its text."""
    if isinstance(about, ClassRecord):
        return {"class": about.name, "uid": about.uid, "generation": about.generation}
    namespace, name = about.key
    return {"namespace": namespace, "workload": name, "uid": about.uid, "generation": about.generation}


def _place(about: About) -> tuple[str, str]:
    """Return the namespace of Events, and the name; those about what has no namespace are in `default`."""
    return ("default", about.name) if isinstance(about, ClassRecord) else about.key


def _regarding(about: About) -> dict[str, object]:
    if isinstance(about, ClassRecord):
        return {"apiVersion": API_VERSION, "kind": "IsolationClass", "name": about.name, "uid": about.uid}
    namespace, name = about.key
    return {"apiVersion": API_VERSION, "kind": "Workload", "namespace": namespace, "name": name, "uid": about.uid}


@dataclass(slots=True)
class _Told:
    """An Event that was written."""

    name: str
    when: float
    """When it was last written, in seconds since the epoch."""
    count: int = 1
    """How often it was said."""


class Recorder:
    """Writes notes as Events of a Workload or a class; a failure to write is counted, never retried."""

    def __init__(
        self, gateway: Gateway, instance: str, clock: Callable[[], float], dropped: Callable[[], None]
    ) -> None:
        self._gateway = gateway
        self._instance = instance
        self._clock = clock
        self._dropped = dropped
        self._told: dict[tuple[str, Note], _Told] = {}

    async def tell(self, about: About, told: tuple[Note, ...]) -> None:
        """Write those notes that were not written lately."""
        for note in told:
            try:
                await self._tell(about, note)
            except errors.ApiError as error:
                self._dropped()
                log.warning("an Event was not written: %s", error, extra=logged(about))

    async def _tell(self, about: About, note: Note) -> None:
        now, known = self._clock(), self._told.get((about.uid, note))
        if known is None:
            await self._first(about, note, now)
            return
        known.count += 1
        if now - known.when < _QUIET_SECONDS:
            return
        known.when = now
        if not known.name:
            await self._first(about, note, now)
            return
        series = {"count": known.count, "lastObservedTime": _micro(now)}
        try:
            await self._gateway.note_again(_place(about)[0], known.name, series)
        except errors.NotFound:
            await self._first(about, note, now)

    async def _first(self, about: About, note: Note, now: float) -> None:
        if len(self._told) >= _REMEMBERED:
            self._told = {key: each for key, each in self._told.items() if now - each.when < _QUIET_SECONDS}
        # Remembered before it is written: what cannot be written now is not tried at every look either.
        told = self._told[about.uid, note] = _Told("", now)
        told.name = await self._gateway.note(self._event(about, note, now))

    def _event(self, about: About, note: Note, now: float) -> dict[str, object]:
        namespace, name = _place(about)
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"generateName": f"{name}-", "namespace": namespace},
            "eventTime": _micro(now),
            "reportingController": "berth.dev/operator",
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "type": note.type,
            "reason": note.reason,
            "note": note.text.encode()[:_MAX_NOTE].decode(errors="ignore"),
            "regarding": _regarding(about),
        }


def _micro(now: float) -> str:
    """Return a time as metav1.MicroTime."""
    return timestamp(now).replace("Z", f".{int(now % 1 * 1e6):06d}Z")
