"""When a status is written: the story at once, numbers a little later, hashes never."""

from typing import Any

import pytest

from app.parts import WEB, Replica
from berth.app.report import _delay as delay_of
from berth.kube.client import Client
from berth.observe.model import Status
from berth.world.packed import pack
from berth.world.records import WorkloadRecord
from kube.fake_apiserver import FakeApiServer

STARTING = {"type": "Reconciling", "status": "True"}
SETTLED = {"type": "Reconciling", "status": "False"}
BEFORE: Status = {
    "observedGeneration": 1,
    "reason": "Provisioning",
    "conditions": [STARTING],
    "replicas": 0,
    "readyReplicas": 0,
    "decision": {"inputsHash": "a"},
}


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    return Replica(server, client)


def asked(replica: Replica, before: Status, **changes: Any) -> float | None:
    """Return the delay of a change of the status."""
    record = WorkloadRecord(WEB, "u", 1, "1", 0.0, False, (), b"{}", pack(before))
    return delay_of(record, before, before | changes, replica.deps)


async def test_the_first_status_is_written_at_once(replica: Replica) -> None:
    assert asked(replica, {}, **BEFORE) == 0.0


async def test_the_same_status_is_not_written(replica: Replica) -> None:
    assert asked(replica, BEFORE) is None


async def test_hashes_alone_are_never_written(replica: Replica) -> None:
    assert asked(replica, BEFORE, decision={"inputsHash": "b"}) is None
    assert asked(replica, BEFORE | {"conditions": [SETTLED]}, decision={"inputsHash": "b"}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "CrashLooping"},
        {"observedGeneration": 2},
        {"placement": {"className": "kata"}},
        {"pendingSwitch": {"to": "kata"}},
        {"warnings": ["it would run in kata"]},
        {"reason": "Running", "conditions": [SETTLED]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_change_of_the_story_is_written_at_once(replica: Replica, change: Status) -> None:
    assert asked(replica, BEFORE, **change) == 0.0


async def test_a_change_that_is_no_progress_is_written_at_once_when_at_rest(replica: Replica) -> None:
    assert asked(replica, BEFORE | {"conditions": [SETTLED]}, readyReplicas=1) == 0.0


@pytest.mark.parametrize("conditions", [[STARTING], [SETTLED]], ids=["on the way", "at rest"])
async def test_progress_waits_and_is_written_when_its_time_has_come(replica: Replica, conditions: list[Status]) -> None:
    before = BEFORE | {"conditions": conditions}
    assert asked(replica, before, replicas=1) == 30.0
    replica.clock.now += 20
    assert asked(replica, before, replicas=2) == 10.0
    replica.clock.now += 15
    assert asked(replica, before, replicas=3) == 0.0


async def test_on_the_way_everything_but_the_story_waits(replica: Replica) -> None:
    assert asked(replica, BEFORE, readyReplicas=1, ready="1/3") == 30.0
    assert asked(replica, BEFORE, reason="Updating") == 30.0


async def test_progress_that_went_back_is_forgotten(replica: Replica) -> None:
    asked(replica, BEFORE, replicas=1)
    assert asked(replica, BEFORE) is None
    replica.clock.now += 100
    assert asked(replica, BEFORE, replicas=1) == 30.0
