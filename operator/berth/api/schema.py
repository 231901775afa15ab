"""From pydantic models to structural schemas: what a CustomResourceDefinition may hold, and nothing else."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema: TypeAlias = dict[str, Any]

KEYWORDS: Final = frozenset(
    {
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-validations",
    }
)
"""Keywords of Berth's schemas. The API server knows more; each of those weakens a schema or is not needed."""

_VERBATIM: Final = frozenset({"default", "enum", "required", "x-kubernetes-list-map-keys", "x-kubernetes-validations"})
_SCALARS: Final = frozenset({"string", "integer", "boolean"})


class SchemaError(ValueError):
    """A model has no structural schema; the message lists every reason."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, where optional means absent and never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if (key, value) != ("default", None)}


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model; raise SchemaError when it has none."""
    generated = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema = _inline(generated, generated.get("$defs", {}), ())
    found = list(violations(schema))
    if found:
        raise SchemaError(f"{model.__name__}: " + "; ".join(found))
    return schema


def _inline(node: Schema, definitions: dict[str, Schema], seen: tuple[str, ...]) -> Schema:
    """Replace every $ref; what stands beside a $ref wins over what it refers to."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        if name in seen:
            raise SchemaError(f"{name} is recursive: no structural schema exists")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _inline(definitions[name] | beside, definitions, (*seen, name))
    made = {key: _value(key, node[key], definitions, seen) for key in sorted(node) if key not in ("$defs", "title")}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "description" in made:
        made["description"] = " ".join(made["description"].split())
    return made


def _value(key: str, value: Any, definitions: dict[str, Schema], seen: tuple[str, ...]) -> Any:
    """Return one keyword's value without references; defaults and enums are data and stay as they are."""
    if key == "properties":  # its keys are names of fields, one may be called like a keyword
        return {name: _inline(schema, definitions, seen) for name, schema in value.items()}
    if key in _VERBATIM or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return [_inline(item, definitions, seen) if isinstance(item, dict) else item for item in value]
    return _inline(value, definitions, seen)


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every schema in a schema with its path, such as `.spec.ports[].name`; `[*]` stands for values of a map."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], f"{path}[*]")


def violations(schema: Schema) -> Iterator[str]:
    """Yield everything that a CRD of ours may not hold, with its place."""
    for path, node in nodes(schema):
        for check in _CHECKS:
            for problem in check(node):
                yield f"{path or '.'}: {problem}"


def _keywords(node: Schema) -> Iterator[str]:
    unknown = sorted(set(node) - KEYWORDS)
    if unknown:
        yield f"{', '.join(unknown)} not allowed in a CRD of Berth"


def _types(node: Schema) -> Iterator[str]:
    known = ("object", "array", *sorted(_SCALARS))
    if node.get("x-kubernetes-int-or-string"):
        if "type" in node:
            yield "x-kubernetes-int-or-string excludes type"
    elif node.get("type") not in known:
        yield f"type {node.get('type')} is none of {', '.join(known)}"


def _bounds(node: Schema) -> Iterator[str]:
    is_text = node.get("type") == "string" or "x-kubernetes-int-or-string" in node
    if is_text and not node.keys() & {"maxLength", "enum"} and node.get("format") != "date-time":
        yield "text without maxLength"
    if node.get("type") == "array" and "maxItems" not in node:
        yield "list without maxItems"
    if "additionalProperties" in node and "maxProperties" not in node:
        yield "map without maxProperties"
    if node.get("type") == "integer" and "minimum" not in node:
        yield "number without minimum"


def _shape(node: Schema) -> Iterator[str]:
    if "properties" in node and "additionalProperties" in node:
        yield "properties and additionalProperties exclude each other"
    if not isinstance(node.get("additionalProperties", {}), dict):
        yield "additionalProperties must be a schema"
    if node.get("type") == "array" and not isinstance(node.get("items"), dict):
        yield "items must be one schema"
    undeclared = sorted(set(node.get("required", [])) - node.get("properties", {}).keys())
    if undeclared:
        yield f"required but not declared: {', '.join(undeclared)}"


def _lists(node: Schema) -> Iterator[str]:
    kind, items = node.get("x-kubernetes-list-type"), node.get("items") or {}
    if kind == "set" and items.get("type") not in _SCALARS:
        yield "a set holds scalars only"
    if kind != "map":
        return
    for key in node["x-kubernetes-list-map-keys"]:
        field = items.get("properties", {}).get(key, {})
        if field.get("type") not in _SCALARS:
            yield f"list key {key} is no scalar field of its items"
        if key not in items.get("required", []) and "default" not in field:
            yield f"list key {key} must be required or have a default"


def _texts(node: Schema) -> Iterator[str]:
    for name, field in node.get("properties", {}).items():
        if not field.get("description"):
            yield f"{name} has no description"
    for rule in node.get("x-kubernetes-validations", []):
        if not rule.get("message"):
            yield f"rule without message: {rule['rule']}"
    try:
        re.compile(node.get("pattern", ""))
    except re.error as error:
        yield f"pattern {node['pattern']}: {error}"


_CHECKS: Final[tuple[Callable[[Schema], Iterator[str]], ...]] = (_keywords, _types, _bounds, _shape, _lists, _texts)
