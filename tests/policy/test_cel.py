"""The adapter around CEL: only true is true, and whatever goes wrong keeps the policy in force."""

import subprocess
import sys
from typing import Any

import pytest

from berth.policy import cel
from berth.policy.cel import MAX_BYTES, bind, compile_condition, holds

WORLD: dict[str, Any] = {
    "workload": {
        "name": "checkout",
        "labels": {"app": "shop", "a.b/c": "x"},
        "spec": {"replicas": 3, "ratio": 1.5, "ports": [80, 443], "none": None, "trust": "Restricted"},
    },
    "ns": {"name": "shop", "labels": {"env": "prod"}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("workload.spec.replicas > 2", True),
        ("workload.spec.replicas == 3.0", True),
        ("workload.name == 'checkout' && ns.name == 'shop'", True),
        ("ns.labels['env'] in ['dev', 'test']", False),
        ("has(workload.spec.machine)", False),
        ("has(workload.spec.replicas)", True),
        ("workload.labels['a.b/c'].startsWith('x')", True),
        ("workload.labels.?missing.orValue('y') == 'y'", True),
        ("workload.spec.ports.exists(p, p > 100)", True),
        ("sets.contains(workload.spec.ports, [80])", True),
        ("workload.spec.none == null", True),
        ("1 / 0 == 1 || true", True),
        ("workload.name.matches('^(a+)+$')", False),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    condition = compile_condition(text)
    assert condition.error is None
    assert holds(condition, bind(WORLD)) == (expected, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("workload.spec.machine.os == 'Linux'", 'Key not found in map : "machine"'),
        ("1 / (workload.spec.replicas - 3) == 1", "divide by zero"),
        ("workload.spec.trust > 3", "No matching overloads"),
        ("workload.spec.replicas", "the expression gave INT, not a boolean"),
        ("workload.spec.trust", "the expression gave STRING, not a boolean"),
        ("workload.labels", "the expression gave MAP<DYN, DYN>, not a boolean"),
        ("workload.spec.none", "the expression gave NULL, not a boolean"),
    ],
)
def test_an_error_counts_as_a_match_and_is_told(text: str, says: str) -> None:
    condition = compile_condition(text)
    assert condition.error is None
    true, error = holds(condition, bind(WORLD))
    assert true
    assert error is not None
    assert says.lower() in error.lower()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "syntax error"),
        ("workload.(", "syntax error"),
        ("wrkload.name == 'x'", "undeclared reference to 'wrkload.name'"),
        ("namespace.name == 'x'", "reserved identifier: namespace; it may use workload (spec, labels, name) and ns"),
        ("workload.name.nope()", "undeclared reference to 'nope'"),
        ("1 + 1", "gives INT, not a boolean"),
        ("'true'", "gives STRING, not a boolean"),
        ("1 == 'x'", "no matching overload"),
        ("true || " * 600 + "true", f"longer than {MAX_BYTES} bytes"),
        ("'" + "ü" * 2048 + "' == ''", f"longer than {MAX_BYTES} bytes"),
        ("(" * 1500 + "true" + ")" * 1500, "recursion"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_compiled(text: str, says: str) -> None:
    condition = compile_condition(text)
    assert condition.error is not None
    assert says.lower() in condition.error.lower()
    assert holds(condition, None) == (True, condition.error)


def test_a_loop_bomb_is_refused_quickly_and_counts_as_a_match() -> None:
    numbers = "[" + ",".join("1" for _ in range(40)) + "]"
    bomb = compile_condition(f"{numbers}.all(a, {numbers}.all(b, {numbers}.all(c, a + b + c > 0)))")
    assert bomb.error is None
    true, error = holds(bomb, bind(WORLD))
    assert true
    assert error is not None
    assert "budget" in error


@pytest.mark.parametrize("odd", [2**70, (1, 2), {1, 2}, object()], ids=["huge", "tuple", "set", "object"])
def test_values_that_cel_does_not_know_are_errors(odd: object) -> None:
    true, error = holds(compile_condition("workload.x == 1"), bind({"workload": {"x": odd}, "ns": {}}))
    assert true
    assert error is not None


def test_an_error_value_is_true_in_python_which_is_why_the_type_is_looked_at() -> None:
    value = compile_condition("workload.nope").program.eval(bind(WORLD))
    assert bool(value.value())
    assert bool(value)


def test_without_the_library_a_condition_counts_as_a_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
    cel._environment.cache_clear()
    condition = compile_condition.__wrapped__("workload.name == 'x'")
    cel._environment.cache_clear()
    assert condition.error is not None
    assert holds(condition, None)[0]


def test_the_library_is_not_loaded_before_a_policy_needs_it() -> None:
    code = "import sys, berth.policy.effective, berth.decide.whatif; sys.exit('cel_expr_python' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == 0
