"""The table of docs/placement.md covers every rule and every way to be refused."""

import pytest

from berth.api.reasons import Reason
from berth.decide.rules import RULES
from docs import fields, placement
from docs.placement import Found

ROWS = [row for section in placement.sections() for row in section["rows"]]
REFUSALS = {
    Reason.MISCONFIGURED,
    Reason.POLICY_DENIED,
    Reason.NO_ELIGIBLE_CLASS,
    Reason.NO_BOOTABLE_IMAGE,
    Reason.RUNTIME_CLASS_MISSING,
    Reason.RUNTIME_CHANGED,
    Reason.NO_CAPABLE_NODE,
    Reason.KUBEVIRT_NOT_READY,
    Reason.SOFTWARE_EMULATION,
    Reason.VOLUME_MISSING,
    Reason.EXCEEDS_QUOTA,
    Reason.WAITING_FOR_QUOTA,
    Reason.CHILD_REJECTED,
    Reason.NOT_ADMITTED,
}
"""Reasons for which a new Workload has no class."""


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """What comes of every situation."""
    return [placement.decided(row) for row in ROWS]


def test_every_rule_rules_something_out(found: list[Found]) -> None:
    assert {rule for each in found for rule in each.ruled_out} == {rule.__name__ for rule in RULES}


def test_every_reason_of_refusal_and_every_default_class_is_there(found: list[Found]) -> None:
    placed = {each.outcome for each in found if "placement" in each.status}
    assert placed == {"container", "container-userns", "gvisor", "kata", "vm"}
    assert {each.outcome for each in found} - placed == set(REFUSALS)


def test_no_two_situations_are_the_same() -> None:
    assert len({repr(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("page", "kind"), list(fields.pages()))
def test_a_table_of_fields_has_every_field_of_the_spec(page: str, kind: fields.Kind) -> None:
    listed = [name for name, _, _ in fields.rows(kind, "spec")]
    spec = kind.model.model_fields["spec"].annotation
    aliases = [field.alias or name for name, field in spec.model_fields.items()]
    assert [name for name in aliases if f"`spec.{name}`" not in listed] == []
    assert len(listed) == len(set(listed))
