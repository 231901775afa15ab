"""Golden cases render what they expect, and what they expect is acceptable to Kubernetes and to KubeVirt."""

import pytest
import yaml
from golden import golden

from render.admission import Json, violations
from render.schemas import errors

CASES = golden.names()


@pytest.mark.parametrize("name", CASES)
def test_renders_what_is_expected(name: str) -> None:
    """`python -m golden.golden --update` rewrites what is expected."""
    assert golden.text(golden.rendered(name)) == golden.expected(name)


@pytest.mark.parametrize("name", CASES)
def test_says_what_it_is_about(name: str) -> None:
    """The first line is one sentence of intent."""
    first = (golden.CASES / name / "in.yaml").read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


@pytest.mark.parametrize("name", CASES)
def test_children_satisfy_their_schemas(name: str) -> None:
    """No unknown field and no wrong type in any child."""
    assert {body["kind"]: errors(body) for body in expected(name) if errors(body)} == {}


@pytest.mark.parametrize("name", [name for name in CASES if "VirtualMachine" in golden.expected(name)])
def test_machines_pass_the_rules_of_kubevirt(name: str) -> None:
    """Admission refuses no machine."""
    assert [violation for vm in machines(expected(name)) for violation in violations(vm)] == []


@pytest.mark.parametrize("name", CASES)
def test_backing_comes_last(name: str) -> None:
    """What others refer to is applied before them."""
    children = golden.render(*golden.load(name))
    assert [child.disruptive for child in children] == [False] * (len(children) - 1) + [True]


def expected(name: str) -> list[Json]:
    """Return the children that a case expects."""
    return list(yaml.safe_load_all(golden.expected(name)))


def machines(bodies: list[Json]) -> list[Json]:
    """Return every VirtualMachine among some bodies, those that a pool makes included."""
    pools = (body["spec"]["virtualMachineTemplate"] for body in bodies if body["kind"] == "VirtualMachinePool")
    return [body for body in bodies if body["kind"] == "VirtualMachine"] + list(pools)
