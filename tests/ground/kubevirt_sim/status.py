"""Conditions, timestamps and durations as KubeVirt writes them."""

import re
from datetime import UTC, datetime

from ground.api import Json

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def stamp(now: datetime) -> str:
    """Return a time as the API server writes it: UTC, whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read a time of the API server."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def duration(text: str) -> float:
    """Read a Go duration such as 1m30s, in seconds; anything else is 0."""
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))


def condition(found: Json, type_: str) -> Json | None:
    """Return a condition of an object's status by its type."""
    conditions = found.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == type_), None)


def holds(found: Json, type_: str, status: str = "True", reason: str | None = None) -> bool:
    """Tell whether an object has a condition with this status (and this reason)."""
    item = condition(found, type_)
    return item is not None and item["status"] == status and reason in (None, item.get("reason"))


def with_condition(conditions: list[Json], new: Json, now: datetime) -> list[Json]:
    """Return the conditions with one set; its transition time moves only when its status does."""
    old = next((item for item in conditions if item["type"] == new["type"]), None)
    kept = old["lastTransitionTime"] if old and old["status"] == new["status"] else stamp(now)
    item = {"lastTransitionTime": kept, **{key: value for key, value in new.items() if value}}
    if old is None:
        return [*conditions, item]
    return [item if other["type"] == new["type"] else other for other in conditions]


def without_condition(conditions: list[Json], type_: str) -> list[Json]:
    """Return the conditions without those of a type."""
    return [item for item in conditions if item["type"] != type_]


def difference(old: Json, new: Json) -> Json:
    """Return the merge patch between two statuses: changed keys, None for keys that went; empty when equal."""
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    for key, value in changed.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            changed[key] = difference(old[key], value)
    return changed | {key: None for key in old if key not in new}
