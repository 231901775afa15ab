"""The cluster can run the class."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome, Unavailable
from berth.decide.rules.available import available
from decide.builders import ANYTHING, pods


def test_an_available_class_fits() -> None:
    assert available(ANYTHING, pods()) is None


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.MISCONFIGURED, Outcome.NEVER),
        (Reason.RUNTIME_CLASS_MISSING, Outcome.NOT_NOW),
        (Reason.NO_CAPABLE_NODE, Outcome.NOT_NOW),
        (Reason.KUBEVIRT_NOT_READY, Outcome.NOT_NOW),
        (Reason.SOFTWARE_EMULATION, Outcome.NOT_NOW),
    ],
)
def test_the_true_reason_is_passed_on(reason: Reason, outcome: Outcome) -> None:
    verdict = available(ANYTHING, pods(unavailable=Unavailable(reason, "why")))
    assert verdict is not None
    assert (verdict.outcome, verdict.rule, verdict.reason, verdict.message) == (outcome, "available", reason, "why")
