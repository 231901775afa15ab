"""Whatever is rendered may be written: the second opinion is never in the way of the first."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Unrenderable
from berth.verify.check import verify
from berth.verify.kinds import KINDS
from berth.verify.model import Bounds
from berth.verify.shapes import quantity
from render.specs import MACHINE_CLASSES, POD_CLASSES, SPECS, STORED, subject
from verify.bounds import Json, bounds_of, corpus

PLACES = st.tuples(SPECS, st.sampled_from((*POD_CLASSES, *MACHINE_CLASSES)))
CORPUS = corpus()


@pytest.mark.parametrize(("body", "bounds"), [row[1:] for row in CORPUS], ids=[row[0] for row in CORPUS])
def test_every_golden_child_may_be_written(body: Json, bounds: Bounds) -> None:
    assert verify(body, bounds) == ()


def test_the_golden_cases_have_every_kind_that_is_known() -> None:
    """A kind without an example would be accepted or refused unseen."""
    assert {(body["apiVersion"], body["kind"]) for _, body, _ in CORPUS} == KINDS.keys()


@pytest.mark.parametrize("amount", [stored for _, stored in STORED])
def test_every_amount_that_is_rendered_may_be_written(amount: str) -> None:
    assert quantity(amount) is None


@pytest.mark.parametrize(
    "amount",
    ["", "-1", "+1", "1 Gi", "1gi", "Gi", "1n", "0x1", "1\n", "\u0661", "1e", "1" * 33, 1, 1.5, True, None, []],
)
def test_what_is_no_amount_is_refused(amount: object) -> None:
    assert quantity(amount)


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(PLACES)
def test_every_child_of_every_spec_in_every_class_may_be_written(place: tuple[Json, ClassFacts]) -> None:
    owner, facts = subject(place[0]), place[1]
    try:
        children = render(owner, facts)
    except Unrenderable:
        assume(False)
        raise
    bounds = bounds_of(owner, facts)
    assert [violation for child in children for violation in verify(child.body, bounds)] == []
