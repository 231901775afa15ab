"""Colours, units, thresholds and value mappings of Grafana's field configuration, in Perses' words."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pictures.variables import DashboardError

Json = dict[str, Any]

# Hue and saturation of each colour that has a name, and how light its shades are: legible on white.
HUES = {
    "red": (0.985, 0.75),
    "orange": (0.075, 0.92),
    "yellow": (0.125, 0.9),
    "green": (0.37, 0.55),
    "blue": (0.6, 0.75),
    "purple": (0.78, 0.45),
}
SHADES = {"super-light": 0.82, "light": 0.66, "": 0.52, "semi-dark": 0.44, "dark": 0.34}
OTHERS = {"text": "#24292f", "gray": "#808080", "grey": "#808080", "black": "#000000", "white": "#ffffff"}
OTHERS["transparent"] = "#dfe2e6"

SHORT = {"unit": "decimal", "shortValues": True}
RATES = {"reqps": "requests", "ops": "ops", "cps": "counts", "rps": "reads", "wps": "writes", "eps": "events"}
UNITS: dict[str, Json] = {
    "": SHORT,
    "none": {"unit": "decimal"},
    "short": SHORT,
    "string": {"unit": "decimal"},
    "percent": {"unit": "percent"},
    "percentunit": {"unit": "percent-decimal"},
    "bytes": {"unit": "bytes", "shortValues": True},
    "decbytes": {"unit": "bytes", "shortValues": True},
    "Bps": {"unit": "bytes/sec", "shortValues": True},
    "ms": {"unit": "milliseconds"},
    "s": {"unit": "seconds"},
    "dtdurations": {"unit": "seconds"},
    "m": {"unit": "minutes"},
    "h": {"unit": "hours"},
    "d": {"unit": "days"},
    **{unit: {"unit": f"{what}/sec", "shortValues": True} for unit, what in RATES.items()},
}


def colour(name: str) -> str:
    """Return a colour as #rrggbb; raises DashboardError for a name that is none."""
    if name.startswith("#"):
        return name
    shade, _, hue = name.rpartition("-")
    if name in OTHERS:
        return OTHERS[name]
    if hue not in HUES or shade not in SHADES:
        raise DashboardError(f"no colour {name!r}")
    tone, saturation = HUES[hue]
    parts = colorsys.hls_to_rgb(tone, SHADES[shade], saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


@dataclass(frozen=True)
class Look:
    """How one field (a series, a column) is shown."""

    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    name: str | None = None
    fixed: str | None = None
    relative: bool = False
    steps: tuple[tuple[float | None, str], ...] = ()
    mappings: tuple[Json, ...] = ()

    @property
    def format(self) -> Json:
        """Perses' format of the values."""
        if self.unit not in UNITS:
            raise DashboardError(f"the unit {self.unit!r} cannot be drawn; these can: {', '.join(filter(None, UNITS))}")
        return UNITS[self.unit] | ({} if self.decimals is None else {"decimalPlaces": self.decimals})

    @property
    def thresholds(self) -> Json:
        """Perses' thresholds; the first step, which has no value, is the default colour."""
        if not self.steps:
            return {}
        steps = [{"value": value, "color": tone} for value, tone in self.steps if value is not None]
        mode = "percent" if self.relative else "absolute"
        return {"thresholds": {"mode": mode, "defaultColor": self.steps[0][1], "steps": steps}}

    def tone(self, value: float) -> str | None:
        """Return the colour of a value: of its mapping, else the fixed one, else of the highest threshold it reaches."""
        mapped = self.mapped(value).get("color")
        if mapped or self.fixed:
            return mapped or self.fixed
        share = value
        if self.relative and self.high:
            share = 100 * (value - (self.low or 0)) / (self.high - (self.low or 0))
        reached = [tone for least, tone in self.steps if least is None or share >= least]
        return reached[-1] if reached else None

    def mapped(self, value: float | str) -> Json:
        """Return text and colour by which a value is shown, or nothing."""
        return next((each["spec"]["result"] for each in self.mappings if _covers(each, value)), {})


def _covers(mapping: Json, value: float | str) -> bool:
    kind, spec = mapping["kind"], mapping["spec"]
    if kind == "Value":
        return str(spec["value"]) == (str(value) if isinstance(value, str) else f"{value:g}")
    if isinstance(value, str):
        return False
    if kind == "Range":
        return bool(spec.get("from", value) <= value <= spec.get("to", value))
    return False  # there is no series of NaN: Source leaves such points out


def look(config: Mapping[str, Any]) -> Look:
    """Read the defaults of a field configuration, or these with overrides put into them."""
    thresholds, tone = config.get("thresholds") or {}, config.get("color") or {}
    return Look(
        unit=config.get("unit", ""),
        decimals=config.get("decimals"),
        low=config.get("min"),
        high=config.get("max"),
        name=config.get("displayName"),
        fixed=colour(tone["fixedColor"]) if tone.get("mode") == "fixed" and "fixedColor" in tone else None,
        relative=thresholds.get("mode") == "percentage",
        steps=tuple((step.get("value"), colour(step["color"])) for step in thresholds.get("steps") or ()),
        mappings=tuple(mappings(config.get("mappings") or ())),
    )


def mappings(given: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Translate value mappings; raises DashboardError for a kind that is not value, range or special."""
    found: list[Json] = []
    for each in given:
        options = each["options"]
        if each["type"] == "value":
            found += [_mapping("Value", {"value": value}, result) for value, result in options.items()]
        elif each["type"] == "range":
            ends = {end: options[end] for end in ("from", "to") if options.get(end) is not None}
            found.append(_mapping("Range", ends, options["result"]))
        elif each["type"] == "special":
            match = {"nan": "NaN", "null": "null", "null+nan": "NaN"}.get(options["match"], options["match"])
            found.append(_mapping("Misc", {"value": match}, options["result"]))
        else:
            raise DashboardError(f"value mappings of type {each['type']} cannot be drawn")
    return found


def _mapping(kind: str, spec: Json, result: Mapping[str, Any]) -> Json:
    shown = {"value": result.get("text", spec.get("value", ""))}
    if "color" in result:
        shown["color"] = colour(result["color"])
    return {"kind": kind, "spec": {**spec, "result": shown}}
