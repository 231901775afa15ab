"""The API server takes the machine as it is rendered for the class."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Refusal
from berth.decide.rules.preflight import preflight
from decide.builders import a_machine, an_ask, machines, pods

SAYS = 'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: no launchSecurity here.'
DENIED = Refusal("vm", Reason.CHILD_REJECTED, SAYS, heals=False)
FULL = Refusal("vm", Reason.WAITING_FOR_QUOTA, "exceeded quota: machines", heals=True)
ELSEWHERE = Refusal("snp", Reason.CHILD_REJECTED, SAYS, heals=False)


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(), pods()),
        (a_machine(), machines()),
        (a_machine(refusals=(ELSEWHERE,)), machines()),
    ],
    ids=["no machine", "accepted, or not asked", "refused in another class"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert preflight(ask, facts) is None


@pytest.mark.parametrize(
    ("refusal", "outcome", "says"),
    [
        (DENIED, Outcome.NEVER, 'refuses the machine: admission webhook "virtualmachine-validator.kubevirt.io" denied'),
        (DENIED, Outcome.NEVER, "no launchSecurity here: change what that names in the Workload"),
        (FULL, Outcome.NOT_NOW, "exceeded quota: machines: it is asked again by itself"),
    ],
    ids=["the webhook's words", "what to change", "what heals"],
)
def test_a_refusal_is_a_verdict_of_its_class(refusal: Refusal, outcome: Outcome, says: str) -> None:
    verdict = preflight(a_machine(refusals=(ELSEWHERE, refusal)), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (outcome, refusal.reason)
    assert says in verdict.message
