"""Policy allows the class by name."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome, Source
from berth.decide.rules.allowed import allowed
from decide.builders import needing, pods

BY = (Source("classes", "gvisor", "IsolationPolicy p (x)"),)


@pytest.mark.parametrize("classes", [None, frozenset({"runc"}), frozenset({"runc", "kata"})])
def test_fits(classes: frozenset[str] | None) -> None:
    assert allowed(needing(classes=classes), pods("runc")) is None


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (frozenset({"gvisor", "kata"}), "only gvisor, kata allowed by IsolationPolicy p (x): ask for runc"),
        (frozenset(), "the classes allowed by IsolationPolicy p (x) have none in common"),
    ],
)
def test_refuses(classes: frozenset[str], says: str) -> None:
    verdict = allowed(needing(classes=classes, sources=BY), pods("runc"))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.POLICY_DENIED)
    assert says in verdict.message
