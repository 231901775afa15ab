"""The author named this class, or none."""

import pytest

from berth.decide.model import Outcome
from berth.decide.rules.pinned import pinned
from decide.builders import an_ask, pods


@pytest.mark.parametrize("name", [None, "runc"])
def test_fits(name: str | None) -> None:
    assert pinned(an_ask(class_name=name), pods("runc")) is None


def test_refuses_another_class() -> None:
    verdict = pinned(an_ask(class_name="kata"), pods("runc"))
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert verdict.message == "spec.isolation.className names kata: remove it, or name runc"
