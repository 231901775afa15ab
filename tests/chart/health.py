"""What Argo CD and Flux make of an object of Berth, by the checks that are shipped."""

from typing import Any

import yaml
from cel_expr_python import cel
from lupa import lua51

from ground.api import Json
from ground.chart import REPOSITORY

ARGO = REPOSITORY / "manifests" / "argocd"
FLUX = REPOSITORY / "manifests" / "flux" / "workloads.yaml"
PREFIX = "resource.customizations.health.berth.dev_"
ORDER = {"inProgress": "InProgress", "failed": "Failed", "current": "Current"}


def argo(body: Json) -> tuple[str, str]:
    """Return status and message by Argo CD's script for the kind."""
    lua = lua51.LuaRuntime()  # Argo CD's interpreter speaks Lua 5.1
    lua.globals().obj = _table(lua, body)
    found = lua.execute(scripts()[body["kind"]])
    return found["status"], found["message"]


def scripts() -> dict[str, str]:
    """Return the scripts by kind."""
    made = yaml.safe_load((ARGO / "kustomization.yaml").read_text())["configMapGenerator"][0]["files"]
    names = (each.split("=") for each in made)
    return {name.removeprefix(PREFIX): (ARGO / file).read_text() for name, file in names}


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items()})
    if isinstance(value, list):
        return lua.table_from([_table(lua, each) for each in value])
    return value


def flux(body: Json) -> str:
    """Return the status by Flux's expressions for the kind: in its order, and what cannot be told yet is in progress."""
    check = checks()[body["kind"]]
    return next((ORDER[name] for name in ORDER if name in check and _true(check[name], body)), "InProgress")


def checks() -> dict[str, dict[str, str]]:
    """Return the expressions by kind."""
    found = yaml.safe_load(FLUX.read_text())["spec"]["healthCheckExprs"]
    return {each["kind"]: each for each in found if each["apiVersion"] == "berth.dev/v1alpha1"}


def _true(expression: str, body: Json) -> bool:
    names = ("metadata", "spec", "status")
    environment = cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN))
    bound = environment.Activation({name: body.get(name, {}) for name in names})
    value = environment.compile(expression).eval(bound)
    return value.type() == cel.Type.BOOL and value.value() is True
