"""What the operator wrote, as the API server's audit log tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import orjson

from ground.api import eventually

USER = "system:serviceaccount:berth-system:berth"
MARK = USER.encode()
VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
FINAL_STAGE = "ResponseComplete"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
DRY_RUN = "dryRun=All"
CREATED = 201
REFUSED = 400
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Write:
    """One request of the operator that changes something; `verb` is create where that is what a patch did."""

    verb: str
    resource: str
    """Plural, with the subresource if there is one: workloads/status."""
    namespace: str
    name: str
    code: int
    credential: str
    """Which token it came with: tells the replicas apart."""
    time: str
    """When the API server received it."""
    dry_run: bool = False
    """Whether it was only asked what would come of it, and nothing was stored."""

    @property
    def refused(self) -> bool:
        """Whether the API server said no."""
        return self.code >= REFUSED

    def __str__(self) -> str:
        """Return it as one line for a failing test."""
        return f"{self.time} {self.verb} {self.resource} {self.namespace}/{self.name} {self.code}"


class Audit:
    """The audit log from the moment this was made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = path.stat().st_size

    def again(self) -> Audit:
        """Return the log from now on."""
        return Audit(self.path)

    def writes(self, namespace: str | None = None) -> list[Write]:
        """Return all writes, of one namespace if given; renewals of the Lease and dry runs are left out."""
        found = (write for write in self._all() if write.resource != "leases" and not write.dry_run)
        return [write for write in found if namespace in (None, write.namespace)]

    def dry_runs(self, namespace: str | None = None) -> list[Write]:
        """Return all dry runs, of one namespace if given."""
        return [write for write in self._all() if write.dry_run and namespace in (None, write.namespace)]

    def settle(self, seconds: float, namespace: str | None = None, within: float = 60.0) -> None:
        """Wait until there was no write for so many seconds, those from now on included.

        What a write did can be read before the log tells of it, so a log without it proves nothing yet.
        """
        called = datetime.now(UTC)

        def settled() -> bool:
            last = [datetime.fromisoformat(write.time) for write in self.writes(namespace)]
            return datetime.now(UTC) - max([called, *last]) > timedelta(seconds=seconds)

        eventually(settled, within, f"no writes for {seconds} s")

    def silence(self, seconds: float, namespace: str | None = None) -> None:
        """Watch for so many seconds and fail at the first write."""
        quiet, deadline = self.again(), monotonic() + seconds
        while monotonic() < deadline:
            noise = quiet.writes(namespace)
            assert not noise, "writes where nothing happens:\n" + "\n".join(map(str, noise))
            sleep(POLL_SECONDS)

    def _all(self) -> Iterator[Write]:
        with self.path.open("rb") as log:
            log.seek(self._start)
            for line in log:
                if MARK in line and line.endswith(b"\n"):
                    event = orjson.loads(line)
                    if event["stage"] == FINAL_STAGE and event["verb"] in VERBS and event["user"]["username"] == USER:
                        yield _write(event)


def lasted(writes: Iterable[Write]) -> float:
    """Return the seconds between the first and the last of writes."""
    times = [datetime.fromisoformat(write.time).timestamp() for write in writes]
    return max(times) - min(times) if times else 0.0


def tally(writes: Iterable[Write], of: Callable[[Write], bool] = lambda _: True) -> dict[str, int]:
    """Count writes by what they do: `{"create deployments": 1, "patch workloads/status": 2}`."""
    return dict(Counter(f"{write.verb} {write.resource}" for write in writes if of(write)))


def _write(event: dict[str, object]) -> Write:
    target, answer, user = (_part(event, name) for name in ("objectRef", "responseStatus", "user"))
    subresource = f"/{target['subresource']}" if "subresource" in target else ""
    code = int(str(answer.get("code", 0)))
    return Write(
        verb="create" if event["verb"] == "patch" and code == CREATED else str(event["verb"]),
        resource=f"{target['resource']}{subresource}",
        namespace=str(target.get("namespace", "")),
        name=str(target.get("name", "")),
        code=code,
        credential=str(_part(user, "extra").get(CREDENTIAL, "")),
        time=str(event["requestReceivedTimestamp"]),
        dry_run=DRY_RUN in str(event["requestURI"]),
    )


def _part(event: dict[str, object], name: str) -> dict[str, object]:
    found = event.get(name, {})
    assert isinstance(found, dict)
    return found
