"""`values.schema.json`: types come from the defaults, the rest from comments, the CRDs, Kubernetes and the settings."""

import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from berth.api.crd import KINDS, schema
from berth.app.settings import PEER, Settings
from chart.values import Value, values
from ground.api import Json

KUBERNETES = "kubernetes-json-schema/v1.37.0-local-strict/_definitions.json"
REFERENCE = re.compile(r'"\$ref": "[^"]*/\$defs/([^"]+)"')
CORE = (
    "core.v1.Affinity",
    "core.v1.EnvVar",
    "core.v1.LocalObjectReference",
    "core.v1.ResourceRequirements",
    "core.v1.Toleration",
    "core.v1.TopologySpreadConstraint",
    "networking.v1.NetworkPolicyEgressRule",
    "networking.v1.NetworkPolicyPeer",
)
CHARTS_OWN = {
    "kubeconfig",
    "namespace",
    "identity",
    "listen_port",
    "metrics_secure",
    "metrics_port",
    "metrics_certificate",
    "metrics_key",
    "tracing",
}
"""Settings that the chart sets itself."""
TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
PLAIN: Json = {
    "Strings": {"type": "object", "additionalProperties": {"type": "string"}},
    "Duration": {"type": "string", "pattern": "^([0-9]+(ms|s|m|h))*$"},
    "Peer": {"type": "string", "maxLength": 263, "pattern": PEER},
}


def text() -> str:
    """Return the file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Values of Berth's chart"}
    # Helm gives every chart the values `global` of its parents.
    made = _object(values(), {"global": {"type": "object"}})
    return json.dumps({**head, **_mapped({**made, "$defs": _definitions()}, _pointed)}, indent=2) + "\n"


def _object(found: tuple[Value, ...], more: Json | None = None) -> Json:
    properties = {each.name: _value(each) for each in found} | (more or {})
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value(value: Value) -> Json:
    if value.parts:
        return {"description": value.meaning, **_object(value.parts)}
    kind = {} if "$ref" in value.schema else {"type": TYPES[type(value.default)]}
    return {"description": value.meaning, **kind, **value.schema}


def _definitions() -> Json:
    own = {kind.model.__name__: _mapped(schema(kind)["properties"]["spec"], _closed) for kind in KINDS}
    classes = {name: own[name] for name in ("IsolationClass", "IsolationPolicy")}
    return {**PLAIN, **classes, **_settings(), **_kubernetes()}


def _closed(node: Json) -> Json:
    """Refuse unknown fields, as the API server does with those of a CRD, whose own keywords say nothing here."""
    made = {key: value for key, value in node.items() if not key.startswith("x-kubernetes-")}
    return made | ({"additionalProperties": False} if isinstance(node.get("properties"), dict) else {})


def _settings() -> Json:
    made = Settings.model_json_schema()
    properties = {name: each for name, each in made["properties"].items() if name not in CHARTS_OWN}
    enums = made.pop("$defs")
    return {**enums, "Settings": {**made, "properties": properties}}


def _kubernetes() -> Json:
    """Return the definitions that values refer to, with all that these refer to, by short names."""
    every = json.loads(files("kubernetes_validate").joinpath(KUBERNETES).read_text())["$defs"]
    wanted, found = [f"io.k8s.api.{name}" for name in CORE], {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = every[name]
            wanted += REFERENCE.findall(json.dumps(every[name]))
    return {name.rpartition(".")[2]: _mapped(found[name], _silent) for name in sorted(found)}


def _silent(node: Json) -> Json:
    """Leave descriptions out: those of Kubernetes are in the documentation of every cluster."""
    return {key: value for key, value in node.items() if key != "description" or not isinstance(value, str)}


def _pointed(node: Json) -> Json:
    """Let references lead to `$defs` of the file, and leave pydantic's titles out."""
    if isinstance(node.get("$ref"), str):
        return node | {"$ref": f"#/$defs/{re.split(r'[./]', node['$ref'])[-1]}"}
    return {key: value for key, value in node.items() if key != "title" or not isinstance(value, str)}


def _mapped(node: Any, change: Callable[[Json], Json]) -> Any:
    """Return a schema with every object of it changed."""
    if isinstance(node, list):
        return [_mapped(each, change) for each in node]
    if isinstance(node, dict):
        return change({key: _mapped(value, change) for key, value in node.items()})
    return node
