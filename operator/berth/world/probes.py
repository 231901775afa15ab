"""What a probe's pod says that it saw."""

from typing import Any

from pydantic import ValidationError

from berth.api.isolation_class import Sight

Raw = dict[str, Any]


def sight(pod: Raw) -> Sight | None:
    """Return what the container of a probe wrote as its termination message; None before, or where it is garbled."""
    try:
        return Sight.model_validate_json(words(pod))
    except ValidationError:
        return None


def words(pod: Raw) -> str:
    """Return that message as it stands; empty where there is none."""
    status: Raw = next(iter((pod.get("status") or {}).get("containerStatuses") or ()), {})
    ended = (status.get("state") or {}).get("terminated") or {}
    return ended.get("message") or ""
