"""The one adapter around CEL. It is strict: only the boolean true is true, and every failure is an answer, not a crash.

cel-expr-python 0.1.3 returns a failed evaluation as a value that Python takes for true; so results are judged by their
CEL type alone. It is imported only when a policy has a condition. Language: https://github.com/google/cel-spec.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

MAX_BYTES: Final = 4096
"""Longest expression."""

VARIABLES: Final = ("workload", "ns")
"""What an expression may name. `namespace` is a reserved word of CEL, hence `ns`."""

_EXTENSIONS: Final = "extensions: [{name: sets}, {name: lists}, {name: math}, {name: strings}, {name: optional}]"
_KNOWN: Final = "it may use workload (spec, labels, name) and ns (name, labels)"


@dataclass(frozen=True, slots=True)
class Condition:
    """One expression, compiled; or why it could not be compiled."""

    text: str
    program: Any
    error: str | None


@lru_cache(maxsize=1)
def _environment() -> tuple[Any, Any]:
    cel = import_module("cel_expr_python.cel")
    variables = dict.fromkeys(VARIABLES, cel.Type.DYN)
    return cel.Type, cel.NewEnv(config=cel.NewEnvConfigFromYaml(_EXTENSIONS), variables=variables)


@lru_cache(maxsize=1024)
def compile_condition(text: str) -> Condition:
    """Compile an expression; refuse syntax errors, unknown names, results that cannot be boolean, and excess length."""
    if len(text.encode()) > MAX_BYTES:
        return Condition(text, None, f"the expression is longer than {MAX_BYTES} bytes: shorten it")
    try:
        types, environment = _environment()
        program = environment.compile(text)
        result = program.return_type()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the policy must stay in force
        return Condition(text, None, f"{_first_line(error)}; {_KNOWN}")
    if result not in (types.BOOL, types.DYN):
        return Condition(text, None, f"the expression gives {result.name()}, not a boolean: compare it with something")
    return Condition(text, program, None)


def bind(variables: Mapping[str, object]) -> Any:
    """Return the variables in the form that `holds` takes, to be shared by all conditions about one workload."""
    return _environment()[1].Activation(variables)


def holds(condition: Condition, bound: Any) -> tuple[bool, str | None]:
    """Return whether the condition holds, and what went wrong if something did: then it counts as holding."""
    if condition.error is not None:
        return True, condition.error
    try:
        value = condition.program.eval(bound)
        types = _environment()[0]
        if value.type() == types.BOOL:
            return value.value() is True, None
        if value.type() == types.ERROR:
            return True, _first_line(value.value())
        return True, f"the expression gave {value.type().name()}, not a boolean: compare it with something"
    except Exception as error:  # noqa: BLE001 - budget and recursion limits raise; the policy must stay in force
        return True, _first_line(error)


def _first_line(error: object) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:")[:512]
