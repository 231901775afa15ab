"""The generator's promises, and that the checker refuses whatever a CRD may not hold."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from berth.api.base import Model, keyed_by
from berth.api.schema import SchemaError, structural, violations

TEXT = {"type": "string", "maxLength": 9}


class Leaf(Model):
    """A leaf."""

    title: Annotated[str, Field(max_length=5)]
    """A field that is called like a keyword."""


class Colour(StrEnum):
    """The only colour."""

    RED = "Red"


class Tree(Model):
    """A tree."""

    leaf: Leaf
    """The first leaf."""
    leaves: Annotated[list[Leaf], Field(max_length=3, json_schema_extra=keyed_by("title"))] | None = None
    """More leaves."""
    colour: Colour | None = None
    """Its colour."""
    kind: Literal["oak"] = "oak"
    """Its kind,
    in one word."""
    shape: Annotated[dict[str, Annotated[str, Field(max_length=9)]], Field(max_length=2)] = {  # noqa: RUF012  the case
        "title": "a",
        "type": "b",
    }
    """What it looks like."""


class Loop(Model):
    """Refers to itself."""

    inner: Optional["Loop"] = None
    """Itself again."""


def test_what_stands_beside_a_reference_wins() -> None:
    """A field's own description replaces that of the class it holds."""
    assert structural(Tree)["properties"]["leaf"]["description"] == "The first leaf."


def test_items_keep_the_description_of_their_class() -> None:
    """A list says what it is for, its items what they are."""
    leaves = structural(Tree)["properties"]["leaves"]
    assert (leaves["description"], leaves["items"]["description"]) == ("More leaves.", "A leaf.")


def test_a_field_may_be_called_like_a_keyword() -> None:
    """Titles of schemas go, a field called `title` stays."""
    leaf = structural(Tree)["properties"]["leaf"]
    assert "title" in leaf["properties"]
    assert "title" not in leaf


def test_defaults_are_copied_verbatim() -> None:
    """What looks like keywords inside a default is data."""
    assert structural(Tree)["properties"]["shape"]["default"] == {"title": "a", "type": "b"}


def test_optional_means_absent() -> None:
    """An optional field is not required, not nullable and has no default."""
    tree = structural(Tree)
    assert tree["required"] == ["leaf"]
    assert tree["properties"]["colour"] == {"description": "Its colour.", "enum": ["Red"], "type": "string"}


def test_a_constant_is_an_enum_and_a_description_one_line() -> None:
    """CRDs know no `const`; docstrings are wrapped for the source only."""
    kind = structural(Tree)["properties"]["kind"]
    assert (kind["enum"], kind["description"]) == (["oak"], "Its kind, in one word.")


def test_a_recursive_model_has_no_schema() -> None:
    """The error names the model."""
    with pytest.raises(SchemaError, match="Loop is recursive"):
        structural(Loop)


def test_the_error_names_every_violation() -> None:
    """One run shows everything that has to be mended."""

    class Loose(BaseModel):
        """Bounds nothing, describes nothing."""

        name: str
        share: float

    with pytest.raises(SchemaError, match=r"\.name: text without maxLength.*\.share: type number is none of") as caught:
        structural(Loose)
    assert "share has no description" in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({}, "type None"),
        ({"type": "null"}, "type null"),
        ({"type": "number"}, "type number"),
        ({"type": ["string", "null"], "maxLength": 1}, r"type \['string', 'null'\]"),
        ({"type": "string"}, "text without maxLength"),
        ({"x-kubernetes-int-or-string": True}, "text without maxLength"),
        (TEXT | {"x-kubernetes-int-or-string": True}, "excludes type"),
        ({"type": "integer"}, "number without minimum"),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": 0}, "exclusiveMinimum not allowed"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 9}, "exclusiveMaximum not allowed"),
        ({"type": "array", "items": TEXT}, "list without maxItems"),
        ({"type": "array", "maxItems": 1}, "items must be one schema"),
        ({"type": "array", "maxItems": 1, "items": [TEXT]}, "items must be one schema"),
        ({"type": "array", "maxItems": 1, "items": TEXT, "uniqueItems": True}, "uniqueItems not allowed"),
        ({"type": "array", "maxItems": 1, "items": TEXT, "prefixItems": [TEXT]}, "prefixItems not allowed"),
        (
            {"type": "array", "maxItems": 1, "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
            "scalars only",
        ),
        ({"type": "object", "additionalProperties": TEXT}, "map without maxProperties"),
        ({"type": "object", "additionalProperties": True, "maxProperties": 1}, "must be a schema"),
        ({"type": "object", "additionalProperties": False, "maxProperties": 1}, "must be a schema"),
        ({"type": "object", "additionalProperties": TEXT, "maxProperties": 1, "properties": {}}, "exclude each other"),
        ({"type": "object", "required": ["a"]}, "required but not declared: a"),
        ({"type": "object", "properties": {"a": TEXT}}, "a has no description"),
        ({"type": "object", "patternProperties": {}}, "patternProperties not allowed"),
        ({"type": "object", "propertyNames": TEXT}, "propertyNames not allowed"),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "preserve-unknown-fields not allowed"),
        ({"type": "object", "x-kubernetes-embedded-resource": True}, "embedded-resource not allowed"),
        ({"type": "object", "nullable": True}, "nullable not allowed"),
        ({"type": "object", "title": "T"}, "title not allowed"),
        ({"type": "object", "$ref": "#/x"}, r"\$ref not allowed"),
        ({"type": "object", "discriminator": {}}, "discriminator not allowed"),
        ({"type": "object", "x-kubernetes-validations": [{"rule": "true"}]}, "rule without message"),
        (TEXT | {"const": "x"}, "const not allowed"),
        (TEXT | {"pattern": "("}, "pattern"),
        *((TEXT | {word: [{"type": "string"}]}, f"{word} not allowed") for word in ("anyOf", "oneOf", "allOf")),
        (TEXT | {"not": {"default": 1}}, "not not allowed"),
    ],
)
def test_refuses(schema: dict[str, Any], problem: str) -> None:
    """Each forbidden construct is named."""
    with pytest.raises(AssertionError, match=problem):
        assert not "; ".join(violations(schema))


@pytest.mark.parametrize(
    ("key", "problem"),
    [({"type": "object"}, "no scalar field"), (TEXT, "must be required or have a default")],
)
def test_refuses_keys_of_a_list_that_may_be_absent(key: dict[str, Any], problem: str) -> None:
    """Server-side apply needs every key of every item."""
    items = {"type": "object", "properties": {"a": key | {"description": "A."}}}
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}
    assert any(problem in found for found in violations({"type": "array", "maxItems": 1, "items": items} | keyed))


def test_looks_everywhere() -> None:
    """A violation is found in fields, items and values of maps, and its place is said."""
    deep = {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}}
    listed = {"type": "array", "maxItems": 1, "description": "L.", "items": deep}
    assert list(violations({"type": "object", "properties": {"a": listed}})) == [".a[][*]: text without maxLength"]
