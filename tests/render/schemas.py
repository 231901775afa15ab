"""Offline checks of rendered objects: Kubernetes' own schemas, and KubeVirt's from its CustomResourceDefinitions."""

from functools import lru_cache
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from ground.crds import kubevirt_crds

KUBERNETES = "1.37"
CUSTOM = {
    "VirtualMachine": "virtualmachines.kubevirt.io",
    "VirtualMachinePool": "virtualmachinepools.pool.kubevirt.io",
    "DataVolume": "datavolumes.cdi.kubevirt.io",
}

Json = dict[str, Any]


def errors(body: Json) -> list[str]:
    """Return what the schema of its kind has against an object, unknown fields included."""
    if body["kind"] in CUSTOM:
        found = _validator(body["kind"], body["apiVersion"]).iter_errors(body)
        return [f"{each.json_path}: {each.message[:200]}" for each in found]
    try:
        kubernetes_validate.validate(body, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error)]
    return []


@lru_cache
def _validator(kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    path = next(each for each in kubevirt_crds() if each.stem == CUSTOM[kind])
    spec = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["spec"]  # noqa: S506 the C twin of SafeLoader
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
