"""Conditions that objects carry, each with a text that stays the same while nothing happens.

No counters, no readings, no names that are made at random (reference: conditions of core/v1, apps/v1, kubevirt.io/v1).
"""

import re
from typing import Final

from berth.api.reasons import Reason
from berth.world.parse import Raw
from berth.world.records import Problem
from berth.world.steady import steady

MAX_TEXT: Final = 512

_POD_NAME: Final = re.compile(r'\b[Pp]ods? "[^"]*" is ')
_COUNT: Final = re.compile(r"^\d+ ")


def condition(status: Raw, kind: str, value: str = "True") -> Raw | None:
    """Return the condition of that type if it has that status."""
    found = (each for each in status.get("conditions") or () if each["type"] == kind and each["status"] == value)
    return next(found, None)


def reason_of(status: Raw, kind: str) -> str:
    """Return the reason of a condition, whatever its status; empty where there is none."""
    return next((each.get("reason", "") for each in status.get("conditions") or () if each["type"] == kind), "")


def problem(reason: Reason, said: Raw) -> Problem:
    """Return what a condition says as a problem: its reason and message."""
    return Problem(reason, words(said, reason))


def words(said: Raw, reason: Reason | None = None) -> str:
    """Return reason and message of a condition without what moves by itself."""
    text = steady(_POD_NAME.sub("pod is ", said.get("message", "")))
    if reason is Reason.UNSCHEDULABLE:
        text = _unscheduled(text)
    return f"{said.get('reason', '')}: {text}"[:MAX_TEXT].removeprefix(": ").removesuffix(": ")


def _unscheduled(text: str) -> str:
    """Return why no node is taken, without how many nodes each reason is about: `0/3 nodes are available: 1 ...`."""
    _, found, reasons = text.partition("nodes are available: ")
    if not found:
        return text
    kinds = {_COUNT.sub("", each) for each in reasons.partition(" preemption: ")[0].rstrip(".").split(", ")}
    return f"no node is available: {', '.join(sorted(kinds))}"
