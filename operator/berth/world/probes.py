"""What a probe's pod says that it saw."""

from typing import Any

from pydantic import ValidationError

from berth.api.isolation_class import Sight

Raw = dict[str, Any]


def sight(pod: Raw) -> Sight | None:
    """Return what the container of a probe wrote as its termination message; None before, or where it is garbled."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (status.get("state") or {}).get("terminated") or {}
        try:
            return Sight.model_validate_json(ended.get("message") or "")
        except ValidationError:
            return None
    return None
