"""The class takes new workloads."""

from berth.decide.model import Outcome
from berth.decide.rules.enabled import enabled
from decide.builders import an_ask, pods


def test_an_enabled_class_fits() -> None:
    assert enabled(an_ask(), pods()) is None


def test_a_disabled_class_is_refused_with_the_fix() -> None:
    verdict = enabled(an_ask(), pods("runc", enabled=False))
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert "set its spec.enabled to true" in verdict.message
