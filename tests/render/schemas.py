"""Offline checks of rendered objects: Kubernetes' own schemas, and KubeVirt's from its CustomResourceDefinitions."""

from functools import cache
from typing import Any

import jsonschema
import yaml
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from ground.crds import kubevirt_crds

KUBERNETES = "1.37.0"
CUSTOM = {
    "VirtualMachine": "virtualmachines.kubevirt.io",
    "VirtualMachinePool": "virtualmachinepools.pool.kubevirt.io",
    "DataVolume": "datavolumes.cdi.kubevirt.io",
}

Json = dict[str, Any]


def errors(body: Json) -> list[str]:
    """Return what the schema of its kind has against an object, unknown fields included."""
    kind, version = body["kind"], body["apiVersion"]
    validator = _custom(kind, version) if kind in CUSTOM else _kubernetes(kind, version)
    return [f"{each.json_path}: {each.message[:200]}" for each in validator.iter_errors(body)]


@cache
def _kubernetes(kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    """Return what `kubernetes_validate.validate(..., strict=True)` builds anew for every object."""
    folder = f"kubernetes-json-schema/v{KUBERNETES}-local-strict"
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], version) if part)
    schema, definitions = (schema_contents(f"{folder}/{each}.json", KUBERNETES) for each in (name, "_definitions"))
    registry = Resource.from_contents(schema) @ (Resource.from_contents(definitions) @ Registry())
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _custom(kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    path = next(each for each in kubevirt_crds() if each.stem == CUSTOM[kind])
    spec = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["spec"]
    versions = {f"{spec['group']}/{each['name']}": each for each in spec["versions"]}
    return jsonschema.Draft202012Validator(_closed(versions[api_version]["schema"]["openAPIV3Schema"]))


def _closed(schema: Json) -> Json:
    """Return a structural schema that refuses what it does not name, as fieldValidation=Strict does."""
    closed = {key: value for key, value in schema.items() if key not in {"properties", "items", "format"}}
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if "properties" in schema:
        closed["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        closed["additionalProperties"] = _closed(schema["additionalProperties"])
    return closed
