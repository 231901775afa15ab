"""Waivers: which policies do not hold for a workload now. Times are seconds since the epoch."""

from collections.abc import Iterable
from dataclasses import dataclass

from berth.world.records import Key, WaiverRecord


@dataclass(frozen=True, slots=True)
class Waived:
    """A waiver as one workload sees it."""

    name: str
    policies: frozenset[str]
    reason: str
    approver: str
    expires: float


def refusal(record: WaiverRecord, longest: float) -> str | None:
    """Return why a waiver never holds, None if it may. `longest` is the most seconds between its creation and its end.

    What is not understood waives nothing.
    """
    if record.spec is None:
        return record.error or "it has no spec"
    if record.expires is None:
        return f"spec.expiresAt: {record.spec.expires_at} is no time: write it as 2027-01-31T12:00:00Z"
    if record.expires > record.created + longest:
        return (
            f"it ends {_days(record.expires - record.created)} after its creation, more than the {_days(longest)} that"
            " the operator's settings allow: write one that ends sooner"
        )
    return None


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days"


def holds(record: WaiverRecord, longest: float, now: float) -> bool:
    """Return whether a waiver holds now; times as for `refusal`, `now` in seconds since the epoch."""
    return refusal(record, longest) is None and record.expires is not None and record.expires > now


def in_force(records: Iterable[WaiverRecord], workload: Key, longest: float, now: float) -> tuple[Waived, ...]:
    """Return the waivers that hold for a workload now, sorted by name."""
    found = (
        Waived(
            record.name,
            frozenset(record.spec.policies),
            record.spec.reason,
            record.spec.approver,
            record.expires,
        )
        for record in records
        if record.spec is not None
        and record.expires is not None
        and workload in record.workloads
        and holds(record, longest, now)
    )
    return tuple(sorted(found, key=lambda waived: waived.name))
