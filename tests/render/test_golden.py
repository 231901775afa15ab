"""Golden cases render what they expect, and what they expect is acceptable to Kubernetes and to KubeVirt."""

import pytest

from berth.plan.move import BACKING_KINDS
from berth.render.children import render
from golden import golden
from golden.golden import children
from render.admission import machines, violations
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
    assert {body["kind"]: errors(body) for body in children(name) if errors(body)} == {}


@pytest.mark.parametrize("name", [name for name in CASES if "VirtualMachine" in golden.expected(name)])
def test_machines_pass_the_rules_of_kubevirt(name: str) -> None:
    """Admission refuses no machine."""
    assert [violation for vm in machines(children(name)) for violation in violations(vm)] == []


@pytest.mark.parametrize("name", CASES)
def test_backing_comes_last(name: str) -> None:
    """What others refer to is applied before them."""
    backing = [child.kind in BACKING_KINDS for child in render(*golden.load(name))]
    assert backing == [False] * (len(backing) - 1) + [True]
