"""Values of a dashboard's variables, and their place in queries and texts."""

import re
from collections.abc import Mapping
from typing import Any

from pictures.window import Window

ALL = "$__all"
# [[name]], $name, ${name} and ${name:format}; a digit after $ belongs to label_replace.
REFERENCE = re.compile(r"\[\[(?P<old>\w+)\]\]|\$\{(?P<braced>\w+)(?::\w+)?\}|\$(?P<bare>[A-Za-z_]\w*)")


class DashboardError(ValueError):
    """A dashboard that cannot be drawn as it is; the message names the panel and what it has."""


def values(dashboard: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each variable of a dashboard: the given one, else the one that it was saved with."""
    listed = dashboard.get("templating", {}).get("list", [])
    if unknown := sorted(set(given) - {each["name"] for each in listed}):
        names = ", ".join(each["name"] for each in listed)
        raise DashboardError(f"no variable {', '.join(unknown)}; there are: {names or 'none'}")
    return {each["name"]: given.get(each["name"]) or _saved(each) for each in listed}


def _saved(variable: Mapping[str, Any]) -> str:
    value = variable.get("current", {}).get("value")
    if value is None and variable["type"] in {"constant", "datasource", "textbox"}:
        value = variable.get("query")
    chosen = value if isinstance(value, list) else [value] if value else []
    if ALL in chosen or (not chosen and variable.get("includeAll")):
        return str(variable.get("allValue") or ".*")
    if not chosen:
        raise DashboardError(f"the variable {variable['name']} has no value: --var {variable['name']}=...")
    return "|".join(str(each) for each in chosen)


def built_in(window: Window, step: int, scrape: int) -> dict[str, str]:
    """Return the variables that Grafana itself gives to a query with this step, by its documented rules."""
    seconds = round(window.end - window.start)
    return {
        "__interval": f"{step}s",
        "__interval_ms": str(step * 1000),
        "__rate_interval": f"{max(step + scrape, 4 * scrape)}s",
        "__range": f"{seconds}s",
        "__range_s": str(seconds),
        "__range_ms": str(seconds * 1000),
        "__from": str(round(window.start * 1000)),
        "__to": str(round(window.end * 1000)),
    }


def substitute(text: str, known: Mapping[str, str]) -> str:
    """Put the values in the place of every variable; raises DashboardError for one that is not there."""

    def value(match: re.Match[str]) -> str:
        name = match["old"] or match["braced"] or match["bare"]
        if name not in known:
            raise DashboardError(f"{text!r} names the variable {name}, which is not there")
        return known[name]

    return REFERENCE.sub(value, text)
