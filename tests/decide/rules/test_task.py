"""A Task can run to completion here."""

import pytest

from berth.api.levels import WorkloadType
from berth.decide.model import Ask, ClassFacts, Outcome
from berth.decide.rules.task import task
from decide.builders import a_machine, an_ask, ask_for, machines, pods

TASK = WorkloadType.TASK


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (a_machine(replicas=3), machines()),
        (an_ask(type=TASK, replicas=3), pods()),
        (a_machine(type=TASK, replicas=1), machines()),
    ],
    ids=["service", "pods", "one completion"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert task(ask, facts) is None


def test_a_machine_completes_only_once() -> None:
    verdict = task(a_machine(type=TASK, replicas=2), machines())
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert "not 2 times: set replicas to 1" in verdict.message


def test_nothing_ends_a_machine_or_bounds_its_retries() -> None:
    spec = {"machine": {"bootDisk": {"containerDisk": {"image": "disk:1"}}}, "type": "Task"}
    asked = ask_for(**spec, task={"activeDeadlineSeconds": 60, "backoffLimit": 0})
    verdict = task(asked, machines())
    assert verdict is not None
    assert verdict.outcome is Outcome.NEVER
    assert "remove task.activeDeadlineSeconds and task.backoffLimit, or use pods" in verdict.message
    assert task(asked, pods()) is None
    assert task(ask_for(**spec, task={}), machines()) is None


def test_an_unknown_type_is_an_error_and_so_a_refusal() -> None:
    with pytest.raises(ValueError, match="unknown type"):
        task(an_ask(type="Cron"), pods())
