"""The tables of docs/reference/fields: every field of a kind with its type and its meaning, from the schema of its CRD."""

from collections.abc import Iterator
from typing import Any, Final

from berth.api.base import QUANTITY_PATTERN
from berth.api.crd import KINDS, Kind, schema

Schema = dict[str, Any]

HEAD: Final = ("Field", "Type", "Meaning")
PARTS: Final = ("spec", "status")


def pages() -> Iterator[tuple[str, Kind]]:
    """Yield the name of the page of each kind."""
    for kind in KINDS:
        yield f"{kind.model.__name__.lower()}.md", kind


def rows(kind: Kind, part: str) -> Iterator[tuple[str, ...]]:
    """Yield the fields of the spec or of the status of a kind, in the order of the schema."""
    whole = schema(kind)
    yield from _fields(whole["properties"][part], f"{part}.")


def _fields(found: Schema, place: str) -> Iterator[tuple[str, ...]]:
    required = found.get("required", ())
    for name, field in found.get("properties", {}).items():
        yield f"`{place}{name}`", _type(field, required=name in required), field["description"]
        yield from _fields(field, f"{place}{name}.")
        yield from _fields(field.get("items", {}), f"{place}{name}[].")


def _type(field: Schema, *, required: bool) -> str:
    given = f"default {_text(field['default'])}" if "default" in field else ""
    return ", ".join(filter(None, (_shape(field), _range(field), given, "required" if required else "")))


def _shape(field: Schema) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "quantity" if field.get("pattern") == QUANTITY_PATTERN else "number or name"
    if "additionalProperties" in field:
        return f"map of {_shape(field['additionalProperties'])}"
    if field["type"] == "array":
        return f"list of {_shape(field['items'])}"
    return "time" if field.get("format") == "date-time" else str(field["type"])


def _range(field: Schema) -> str:
    if field.get("type") == "integer" and "maximum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    if field.get("type") == "array":
        return f"{field['minItems']} to {field['maxItems']}" if "minItems" in field else f"at most {field['maxItems']}"
    return ""


def _text(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
