"""The schemas that Kubernetes and KubeVirt ship, beside the tables that classify their fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from kubernetes_validate.utils import schema_contents

from berth.verify.table import How, Table
from ground.crds import kubevirt_crds
from render.schemas import CUSTOM, KUBERNETES

Json = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@dataclass(frozen=True)
class Place:
    """One type of object at one place of a kind: its table and the fields that its schema has."""

    path: str
    type: str
    """Name of the definition, where it has one."""
    table: Table
    fields: Json


@cache
def definitions() -> Json:
    """Return all definitions of Kubernetes' OpenAPI schema, by name."""
    folder = f"kubernetes-json-schema/v{KUBERNETES}-local-strict"
    found: Json = schema_contents(f"{folder}/_definitions.json", KUBERNETES)["$defs"]
    return found


@cache
def schema_of(api_version: str, kind: str) -> Json:
    """Return the schema of a kind."""
    return _custom(api_version, kind) if kind in CUSTOM else definitions()[_definition(api_version, kind)]


def _definition(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    return f"io.k8s.api.{group.split('.')[0] or 'core'}.{version}.{kind}"


def _custom(api_version: str, kind: str) -> Json:
    path = next(each for each in kubevirt_crds() if each.stem == CUSTOM[kind])
    spec = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["spec"]
    versions = {f"{spec['group']}/{each['name']}": each for each in spec["versions"]}
    found: Json = versions[api_version]["schema"]["openAPIV3Schema"]
    return found


def resolved(schema: Json, name: str = "") -> tuple[str, Json]:
    """Return the name of a schema's definition and the schema itself. Custom kinds do not repeat that of metadata."""
    if "$ref" in schema:
        target = schema["$ref"].removeprefix("#/$defs/")
        return target, definitions()[target]
    if name == "metadata" and "properties" not in schema:
        return _META, definitions()[_META]
    return "", schema


def places(table: Table, schema: Json, path: str = "") -> Iterator[Place]:
    """Yield every place below a schema whose fields a table judges. Maps have no fields of their own."""
    name, schema = resolved(schema, path.rpartition(".")[2])
    fields = schema.get("properties")
    if fields is None:
        return
    yield Place(path, name, table, fields)
    for field_name, field in table.fields.items():
        if field.how is How.INSIDE and field.inner and field_name in fields:
            inner = resolved(fields[field_name], field_name)[1]
            below = inner["items"] if field.each else fields[field_name]
            yield from places(field.inner, below, f"{path}.{field_name}".lstrip("."))


def unclassified(place: Place) -> list[str]:
    """Return the fields of a schema that its table does not classify."""
    return [f"{place.path}.{name}" for name in place.fields if name not in place.table.fields]


def stale(place: Place) -> list[str]:
    """Return the fields that a table classifies and no schema has."""
    return [f"{place.path}.{name}" for name in place.table.fields if name not in place.fields]
