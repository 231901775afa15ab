"""The memory limit of a pod leaves something for its containers, where the sandbox itself runs within that limit."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Cost, Outcome
from berth.decide.rules.memory_limit import memory_limit
from decide.builders import MI, a_machine, an_ask, machines, pods

WITHIN = pods("gvisor", "Sandboxed", overhead=Cost(0, 26 * MI), overhead_within=True, runtime_class_name="gvisor")
ADDED = pods("gvisor", "Sandboxed", overhead=Cost(0, 26 * MI), runtime_class_name="gvisor")


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(), WITHIN),
        (an_ask(memory_limit=26 * MI + 1), WITHIN),
        (an_ask(memory_limit=16 * MI), ADDED),
        (an_ask(memory_limit=16 * MI), pods()),
        (a_machine(memory_limit=16 * MI), machines(overhead_within=True)),
    ],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert memory_limit(ask, facts) is None


@pytest.mark.parametrize("limit", [1, 16 * MI, 26 * MI])
def test_a_limit_that_the_sandbox_alone_uses_up_is_refused(limit: int) -> None:
    verdict = memory_limit(an_ask(memory_limit=limit), WITHIN)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.NO_ELIGIBLE_CLASS)
    assert "class gvisor takes 26Mi of it for itself: set resources.limits.memory above 26Mi" in verdict.message


def test_a_class_without_a_runtime_class_has_one_way_out() -> None:
    verdict = memory_limit(an_ask(memory_limit=1), pods("c", overhead=Cost(0, 26 * MI), overhead_within=True))
    assert verdict is not None
    assert verdict.message.endswith(": set resources.limits.memory above 26Mi")
