"""The first five minutes: images as people have them, what their Workload says, and what mends it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from ground.api import eventually
from ground.cluster import Cluster
from realnode.specs import REGISTRY, service
from scenarios.kinds import WORKLOAD
from scenarios.process import Operator
from scenarios.site import Json, Space, condition

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

SAID_SECONDS = 10.0
"""Within which a person reads the cause, from when the kubelet knows it."""
STARTED_SECONDS = 180.0
LASTING = timedelta(seconds=3)
GIVEN_UP = ("CreateContainerConfigError", "CrashLoopBackOff")
ROOT: Json = {"needs": {"root": True}}
NEEDS_ROOT = "ImageNeedsRoot"
FIELDS = ("securityContext.runAsUser", "needs.root")


@dataclass(frozen=True)
class First:
    """An image, what is said of a Workload of it, and what the message says would mend it."""

    image: str
    port: int = 8080
    reason: str = ""
    """Why it does not run; nothing where it does."""
    says: tuple[str, ...] = ()
    ran: bool = False
    """Whether a container of it has run before it was mended."""
    container: Json = field(default_factory=dict)
    """Fields of the container that mend it."""
    spec: Json = field(default_factory=dict)
    """Fields of the spec that mend it."""


def user(number: int) -> Json:
    """Return what has a container run as a user by number."""
    return {"securityContext": {"runAsUser": number}}


OWN = {"securityContext": {"fsGroup": 65532}, "volumes": [{"name": "state", "emptyDir": {}}]}
TRIES = (
    First("demo/goweb:1"),
    First("demo/goroot:1", 8080, NEEDS_ROOT, ("starts as root", *FIELDS), container=user(65532)),
    First("demo/gonamed:1", 8080, NEEDS_ROOT, ("'app'", FIELDS[0]), container=user(1001)),
    First("demo/nginx:1", 80, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/postgres:1", 5432, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/redis:1", 6379, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/script:1", 8080, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/gowriter:1"),
    First(
        "demo/gowriter:2",
        8080,
        "CrashLooping",
        ("ended with exit code 1",),
        ran=True,
        container={"volumeMounts": [{"name": "state", "mountPath": "/srv"}]},
        spec=OWN,
    ),
    First("demo/slow:1"),
    First("demo/jvm:1"),
)


@pytest.fixture(scope="module")
def played(shared: Operator) -> Iterator[dict[str, Future[None]]]:
    """All images at once, each in a namespace of its own: most of it is waiting."""
    with ThreadPoolExecutor(len(TRIES)) as pool:
        yield {tried.image: pool.submit(play, shared.cluster, tried) for tried in TRIES}


@pytest.mark.parametrize("image", [tried.image for tried in TRIES])
def test_what_does_not_start_tells_why_and_starts_once_that_is_mended(
    played: dict[str, Future[None]], image: str
) -> None:
    played[image].result()


def play(cluster: Cluster, tried: First) -> None:
    """Write what people write first, read what is said, do that, and see it run."""
    space = Space.make(cluster)
    space.workload("web", service(tried.image, tried.port))
    before = {"status": "Unknown"}
    if tried.reason:
        space.until(WORKLOAD, "web", lambda _: any(map(_refused, space.pods("web"))), STARTED_SECONDS)
        says = (*tried.says, *_named(tried))
        before = condition(space.expect("web", "Ready", "False", tried.reason, SAID_SECONDS, says=says), "Isolated")
        space.workload("web", service(tried.image, tried.port, **tried.container) | tried.spec)
    eventually(lambda: _last(space.pods("web")), STARTED_SECONDS, "every container has run for a while")
    space.expect("web", "Ready", "True", "Running", STARTED_SECONDS)
    space.expect("web", "Isolated", "True", "Verified", STARTED_SECONDS)
    assert tried.ran or before["status"] != "True", before
    space.remove()


def _named(tried: First) -> tuple[str, ...]:
    return (f"{REGISTRY}/{tried.image}",) if tried.reason == NEEDS_ROOT else ()


def _refused(pod: Json) -> bool:
    """Tell whether the kubelet has given up a container once."""
    states = [each.get("state", {}) for each in pod["status"].get("containerStatuses", ())]
    return any("terminated" in state or state.get("waiting", {}).get("reason", "") in GIVEN_UP for state in states)


def _last(pods: list[Json]) -> bool:
    return bool(pods) and all(map(_lasts, pods))


def _lasts(pod: Json) -> bool:
    """Tell whether every container has run for a while, and was never started again."""
    told = pod["status"].get("containerStatuses", ())
    began = [each["state"]["running"]["startedAt"] for each in told if "running" in each.get("state", {})]
    latest = (datetime.now(UTC) - LASTING).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        bool(told)
        and len(began) == len(told)
        and max(began) < latest
        and not any(each["restartCount"] for each in told)
    )
