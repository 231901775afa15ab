"""The rights that the operator used, as the audit log of the API server tells them, reads included."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from ground.api import Json
from rbac.rights import Right
from scenarios.audit import CREATED, FINAL_STAGE, MARK, USER

STARTED = "ResponseStarted"
"""The stage at which a watch is answered; it may go on for long."""
DECISION = "authorization.k8s.io/decision"


def used(log: Path, everywhere: set[Right]) -> set[Right]:
    """Return every right that was used; one that is not granted everywhere is told with its namespace."""
    found: set[Right] = set()
    for event in _events(log):
        target = event["objectRef"]
        resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
        for verb in _verbs(event):
            right = Right(target.get("apiGroup", ""), resource, verb)
            local = Right(right.group, right.resource, verb, target.get("namespace", ""))
            found.add(right if right in everywhere else local)
    return found


def missing(log: Path) -> list[str]:
    """Return the requests that RBAC refused."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in _events(log)
        if event.get("annotations", {}).get(DECISION) == "forbid"
    ]


def _verbs(event: Json) -> tuple[str, ...]:
    """Return what a request needs: an apply that makes the object needs both."""
    created = event["verb"] == "patch" and event["responseStatus"].get("code") == CREATED
    return ("patch", "create") if created else (event["verb"],)


def _events(log: Path) -> Iterator[Json]:
    with log.open("rb") as lines:
        for line in lines:
            if MARK not in line or not line.endswith(b"\n"):
                continue
            event = orjson.loads(line)
            answered = event["stage"] == FINAL_STAGE or (event["stage"] == STARTED and event["verb"] == "watch")
            if answered and event["user"]["username"] == USER and "objectRef" in event:
                yield event
