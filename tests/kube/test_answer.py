"""What a refusal of the API server means."""

import pytest

from berth.api.reasons import Reason
from berth.kube import answer, errors

DENIED = (
    'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: spec.template.spec.architecture: No'
)
QUOTA = "exceeded quota: q, requested: count/virtualmachines.kubevirt.io=1, used: count/virtualmachines.kubevirt.io=7,"
UNREACHABLE = (
    'Internal error occurred: failed calling webhook "v": Post "https://v.svc:443/": dial tcp 10.0.0.1:443: refused'
)


@pytest.mark.parametrize(
    ("error", "reason", "heals"),
    [
        (errors.Invalid(422, "Invalid", DENIED), Reason.CHILD_REJECTED, False),
        (
            errors.Forbidden(403, "Forbidden", "ValidatingAdmissionPolicy 'p' denied request: no"),
            Reason.CHILD_REJECTED,
            False,
        ),
        (errors.Forbidden(403, "Forbidden", f"{QUOTA} limited: x=7"), Reason.WAITING_FOR_QUOTA, True),
        (
            errors.Invalid(400, "BadRequest", 'datasources.cdi.kubevirt.io "fedora" not found'),
            Reason.NOT_ADMITTED,
            True,
        ),
        (
            errors.NotFound(404, "NotFound", "the server could not find the requested resource"),
            Reason.NOT_ADMITTED,
            True,
        ),
        (errors.Unavailable(500, "InternalError", UNREACHABLE), Reason.NOT_ADMITTED, True),
        (errors.Unavailable(504, "Timeout", "request did not complete"), Reason.NOT_ADMITTED, True),
    ],
    ids=["a webhook", "a policy", "a quota", "an object", "a kind", "a webhook that is gone", "a server that is late"],
)
def test_what_time_may_heal_is_told_from_what_it_never_does(
    error: errors.ApiError, reason: Reason, *, heals: bool
) -> None:
    assert answer.is_verdict(error)
    assert (answer.verdict(error), answer.heals(error)) == (reason, heals)


@pytest.mark.parametrize(
    "error",
    [
        errors.Unavailable(0, "ServerDisconnectedError", "no answer"),
        errors.Unavailable(403, "Forbidden", "status unknown for quota: q, resources: cpu"),
    ],
    ids=["no answer", "a quota that is not counted yet"],
)
def test_no_answer_is_no_verdict(error: errors.ApiError) -> None:
    assert not answer.is_verdict(error)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"{QUOTA} limited: x=7", "count/virtualmachines.kubevirt.io=1, limited: x=7"),
        ("read tcp 10.1.2.3:43210->10.0.0.1:443: timed out", "read tcp 10.0.0.1:443: timed out"),
        ("read tcp [fd00::1]:43210->[fd00::2]:443: timed out", "read tcp [fd00::2]:443: timed out"),
        ("x509: not valid: current time 2026-11-30T15:44:04Z is after 2026-11-01", "current time is after 2026-11-01"),
        (DENIED, DENIED),
    ],
    ids=["what is used", "a port", "a port of IPv6", "a time", "a webhook's words"],
)
def test_words_hold_no_number_that_moves(message: str, words: str) -> None:
    assert answer.words(errors.Invalid(422, "Invalid", message)).endswith(words)
