"""Every CEL rule on a real API server: what it refuses and says, what it accepts, and what it leaves alone."""

from pathlib import Path

import pytest

from api.objects import Case, cases, path, rules
from berth.api.crd import KINDS, Kind
from ground.api import ApiError, call

DRY = "?dryRun=All&fieldValidation=Strict"

every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.kind}-{case.says[:40]}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_the_table_covers_every_rule(kind: Kind) -> None:
    """Every rule has its case, and no case is of a rule that is gone."""
    assert {case.says for case in cases() if case.kind == kind.model.__name__} == {says for says, _ in rules(kind)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_every_message_names_the_fix(kind: Kind) -> None:
    """A message says what is wrong and, after a colon, what to do; one rule has one message."""
    told = [says for says, _ in rules(kind)]
    assert [says for says in told if not says.partition(": ")[2]] == []
    assert sorted(told) == sorted(set(told))


@pytest.mark.ground
@every_case
def test_refused(kubeconfig: Path, namespace: str, case: Case) -> None:
    """The rule refuses its case with its message, and nothing else does."""
    with pytest.raises(ApiError) as caught:
        submit(kubeconfig, namespace, case, "refused")
    assert caught.value.code == 422
    causes = caught.value.status["details"]["causes"]
    assert [case.says in cause["message"] for cause in causes] == [True]


@pytest.mark.ground
@every_case
def test_accepted(kubeconfig: Path, namespace: str, case: Case) -> None:
    """What the message tells to do is accepted."""
    submit(kubeconfig, namespace, case, "accepted")


def submit(kubeconfig: Path, namespace: str, case: Case, which: str) -> None:
    """Create the object of a case without keeping it, or change the stored one where the rule is about change."""
    wanted = case.object(which)
    if case.stored is None:
        call(kubeconfig, "POST", path(case.kind, namespace) + DRY, wanted)
        return
    stored = call(kubeconfig, "POST", path(case.kind, namespace), case.object("stored"))
    own = path(case.kind, namespace, stored["metadata"]["name"])
    try:
        call(kubeconfig, "PUT", own + DRY, wanted | {"metadata": stored["metadata"]})
    finally:
        call(kubeconfig, "DELETE", own)
