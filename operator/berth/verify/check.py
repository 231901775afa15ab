"""The one question that is asked of every child: may it be written for this Workload."""

from typing import Any

from berth.verify.claim import CLAIM
from berth.verify.kinds import KINDS
from berth.verify.model import Bounds, QuotaBounds, Violation
from berth.verify.quota import RESOURCE_QUOTA
from berth.verify.rules import Rule
from berth.verify.table import shown, walk


def verify(body: Any, bounds: Bounds) -> tuple[Violation, ...]:
    """Return everything that a child must not be within its bounds; nothing when it may be written.

    It never raises, whatever the body is. What is not known is refused.
    """
    version, kind = (body.get("apiVersion"), body.get("kind")) if isinstance(body, dict) else (None, None)
    known = KINDS.get((version, kind)) if isinstance(version, str) and isinstance(kind, str) else None
    if known is None:
        return (
            Violation("kind", Rule.KIND, f"{shown(kind)} of {shown(version)} is nothing that Berth writes: drop it"),
        )
    return tuple(walk(known, body, "", bounds))


def verify_claim(body: Any, bounds: Bounds) -> tuple[Violation, ...]:
    """Return everything that a larger claim must not be; nothing when it may be written. It never raises."""
    return tuple(walk(CLAIM, body, "", bounds))


def verify_quota(body: Any, bounds: QuotaBounds) -> tuple[Violation, ...]:
    """Return everything that a tenant's ResourceQuota must not be; nothing when it may be written. It never raises."""
    return tuple(walk(RESOURCE_QUOTA, body, "", bounds))
