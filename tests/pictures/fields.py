"""Which look each field of a panel has: the defaults, and the overrides that match it."""

import re
from collections.abc import Mapping
from typing import Any

from pictures.looks import Json, Look, look
from pictures.variables import DashboardError

# What an override may change here; links and filters of a table change nothing in a picture.
DRAWN = {"color", "unit", "decimals", "min", "max", "displayName", "thresholds", "mappings"}
DRAWN |= {"custom.width", "custom.align", "custom.cellOptions"}
UNSEEN = {"links", "description", "noValue", "custom.filterable", "custom.inspect"}


def field(panel: Mapping[str, Any], name: str, ref: str = "") -> Json:
    """Return the configuration of the field of this name, from the query of this letter. Raises DashboardError."""
    config = panel.get("fieldConfig", {})
    found: Json = {**config.get("defaults", {})}
    for override in config.get("overrides", []):
        if _matches(override["matcher"], name, ref):
            for change in override["properties"]:
                found = _changed(found, change["id"], change.get("value"))
    return found


def field_look(panel: Mapping[str, Any], name: str, ref: str = "") -> Look:
    """Return the look of the field of this name."""
    return look(field(panel, name, ref))


def _matches(matcher: Mapping[str, Any], name: str, ref: str) -> bool:
    kind, wanted = matcher["id"], matcher.get("options", "")
    if kind == "byName":
        return bool(name == wanted)
    if kind == "byRegexp":
        return re.search(wanted.strip("/"), name) is not None
    if kind == "byFrameRefID":
        return bool(ref == wanted)
    raise DashboardError(f"an override by {kind} cannot be drawn")


def _changed(config: Json, key: str, value: object) -> Json:
    if key not in DRAWN | UNSEEN:
        raise DashboardError(f"an override of {key} cannot be drawn")
    if not key.startswith("custom."):
        return {**config, key: value}
    return {**config, "custom": {**config.get("custom", {}), key.removeprefix("custom."): value}}
