"""What is told as an Event, and how often."""

from dataclasses import replace
from typing import Any

import pytest

from app.parts import Replica
from berth.api.reasons import Reason
from berth.app.events import Note, notes
from berth.kube.client import Client
from berth.kube.resources import EVENTS
from berth.observe.model import Status
from kube.fake_apiserver import FakeApiServer, answer, raw

PENDING = {"from": "vm", "to": "kata", "message": "the machine would stop"}
BAD = Note("Warning", "BelowRequired", "runs in runc")


def status(class_name: str | None = None, pending: Status | None = None, **conditions: tuple[str, str]) -> Status:
    """Return a status with these conditions, given as status and reason."""
    found: Status = {
        "conditions": [
            {"type": kind, "status": state, "reason": reason, "message": f"{kind} {reason}"}
            for kind, (state, reason) in conditions.items()
        ]
    }
    found |= {"placement": {"className": class_name}} if class_name else {}
    return found | ({"pendingSwitch": pending} if pending else {})


def told(before: Status, after: Status) -> list[tuple[str, str]]:
    """Return type and reason of what is told."""
    return [(note.type, note.reason) for note in notes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, status("runc", Placed=("True", "Placed")), []),
        (status("runc"), status("runc"), []),
        (status("runc"), status("kata", Placed=("True", "Placed")), [("Normal", "Switching")]),
        (status("runc"), status(), []),
        (status("vm"), status("vm", PENDING), [("Warning", "AwaitingApproval")]),
        (status("vm", PENDING), status("vm", PENDING), []),
        ({}, status(Placed=("False", "NoCapableNode")), [("Warning", "NoCapableNode")]),
        (status(Placed=("False", "NoCapableNode")), status(Placed=("False", "NoCapableNode")), []),
        (
            status(Placed=("False", "NoCapableNode")),
            status(Placed=("False", "PolicyDenied")),
            [("Warning", "PolicyDenied")],
        ),
        (
            status(Isolated=("True", "Verified")),
            status(Isolated=("False", "BelowRequired")),
            [("Warning", "BelowRequired")],
        ),
        (status(), status(Isolated=("Unknown", "IsolationUnknown")), []),
        (status(), status(Stalled=("True", "NameTaken")), [("Warning", "NameTaken")]),
        (status(Stalled=("True", "NameTaken")), status(Stalled=("False", "Settled")), []),
        (status(), status(Ready=("False", "CrashLooping")), []),
        (status(Ready=("True", "Running")), status(Ready=("True", "RestartRequired")), [("Normal", "RestartRequired")]),
        (status(Ready=("True", "RestartRequired")), status(Ready=("True", "RestartRequired")), []),
        (status(Ready=("True", "RestartRequired")), status(Ready=("True", "Running")), []),
        (status(Ready=("True", "Running")), status(Ready=("False", "Paused")), [("Warning", "Paused")]),
        (status(), status(Ready=("True", "MigrationFailed")), [("Warning", "MigrationFailed")]),
        (status(Ready=("True", "Running")), status(Ready=("True", "Migrating")), []),
        (status(), status(Placed=("False", "WaitingForQuota")), []),
    ],
)
def test_only_what_a_person_should_notice_is_told(
    before: Status, after: Status, expected: list[tuple[str, str]]
) -> None:
    assert told(before, after) == expected


def test_one_cause_in_two_conditions_is_told_once() -> None:
    both = {
        "conditions": [
            {"type": kind, "status": state, "reason": "PolicyDenied", "message": "no"}
            for kind, state in (("Accepted", "False"), ("Placed", "False"), ("Stalled", "True"))
        ]
    }
    assert notes({}, both) == (Note("Warning", "PolicyDenied", "no"),)


def test_every_reason_of_an_event_is_one_of_the_list() -> None:
    every = status("kata", PENDING, Isolated=("False", "BelowRequired"))
    assert {note.reason for note in notes(status("runc"), every)} <= {str(reason) for reason in Reason}


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    # The API server makes the name from generateName; the fake one needs a name.
    server.fail("POST", EVENTS.plural, *[raw(b'{"metadata": {"name": "web-1"}}', 201)] * 9)
    return Replica(server, client)


def sent(replica: Replica) -> int:
    """Return how many Events were sent."""
    return replica.server.count("POST", EVENTS.plural)


async def test_the_same_note_is_one_event_whose_series_counts_written_once_in_ten_minutes(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches: list[tuple[str, list[dict[str, Any]]]] = []

    async def patch(_resource: object, _namespace: str, name: str, operations: list[dict[str, Any]]) -> None:
        patches.append((name, operations))

    monkeypatch.setattr(replica.deps.gateway._client, "json_patch", patch)
    record = replica.workload()
    for _ in range(3):
        await replica.deps.recorder.tell(record, (BAD,))
        replica.clock.now += 250
    assert (sent(replica), patches) == (1, [])
    replica.clock.now += 100
    await replica.deps.recorder.tell(record, (BAD,))
    series = {"count": 4, "lastObservedTime": "2026-03-01T10:14:10.000000Z"}
    assert patches == [("web-1", [{"op": "add", "path": "/series", "value": series}])]
    assert sent(replica) == 1


async def test_an_event_that_has_grown_old_is_written_anew(replica: Replica) -> None:
    record = replica.workload()
    replica.server.fail("PATCH", EVENTS.plural, answer(404, "NotFound"))
    for _ in range(2):
        await replica.deps.recorder.tell(record, (BAD,))
        replica.clock.now += 601
    assert sent(replica) == 2


async def test_other_texts_and_other_workloads_are_told_at_once(replica: Replica) -> None:
    record = replica.workload()
    await replica.deps.recorder.tell(record, (BAD, replace(BAD, text="runs in kata")))
    await replica.deps.recorder.tell(replace(record, uid="another"), (BAD,))
    assert sent(replica) == 3


async def test_an_event_that_cannot_be_written_is_counted_and_not_retried(
    server: FakeApiServer, client: Client
) -> None:
    replica = Replica(server, client)
    server.fail("POST", EVENTS.plural, answer(403, "Forbidden"))
    await replica.deps.recorder.tell(replica.workload(), (BAD,))
    assert (replica.dropped, sent(replica)) == (1, 1)


async def test_an_event_is_what_the_api_server_takes(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    async def create(_resource: object, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        assert namespace == "shop"
        seen.append(body)
        return {"metadata": {"name": "web-1"}}

    monkeypatch.setattr(replica.deps.gateway._client, "create", create)
    await replica.deps.recorder.tell(replica.workload(), (Note("Warning", "BelowRequired", "ä" * 2000),))
    [event] = seen
    assert len(event["note"].encode()) <= 1024
    assert event["eventTime"] == "2026-03-01T10:00:00.000000Z"
    assert event["regarding"]["name"] == "web"
    assert {"action", "reportingController", "reportingInstance", "reason", "type"} <= event.keys()
