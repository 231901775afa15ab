"""The first five minutes: images as people have them, what their Workload says, and what mends it."""

from dataclasses import dataclass, field

import pytest

from realnode.specs import REGISTRY, service
from scenarios.kinds import WORKLOAD
from scenarios.site import Json, Space, condition

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

SAID_SECONDS = 10.0
"""Within which a person reads the cause, from when the kubelet knows it."""
STARTED_SECONDS = 90.0
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
    container: Json = field(default_factory=dict)
    """Fields of the container that mend it."""
    spec: Json = field(default_factory=dict)
    """Fields of the spec that mend it."""


OWN = {"securityContext": {"fsGroup": 65532}, "volumes": [{"name": "state", "emptyDir": {}}]}
TRIES = (
    First("demo/goweb:1"),
    First("demo/goroot:1", 8080, NEEDS_ROOT, ("starts as root", *FIELDS), {"securityContext": {"runAsUser": 65532}}),
    First("demo/gonamed:1", 8080, NEEDS_ROOT, ("'app'", FIELDS[0]), {"securityContext": {"runAsUser": 1001}}),
    First("demo/nginx:1", 80, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/postgres:1", 5432, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/redis:1", 6379, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/script:1", 8080, NEEDS_ROOT, ("starts as root", *FIELDS), spec=ROOT),
    First("demo/gowriter:1"),
    First(
        "demo/gowriter:2",
        8080,
        "CrashLooping",
        ("ended with exit code 1", "kubectl logs"),
        {"volumeMounts": [{"name": "state", "mountPath": "/srv"}]},
        OWN,
    ),
    First("demo/slow:1"),
)


@pytest.mark.parametrize("tried", TRIES, ids=lambda tried: tried.image)
def test_what_does_not_start_names_what_mends_it_and_that_does(space: Space, tried: First) -> None:
    space.workload("web", service(tried.image, tried.port))
    if tried.reason:
        space.until(WORKLOAD, "web", lambda _: any(map(_refused, space.pods("web"))), STARTED_SECONDS)
        found = condition(space.expect("web", "Ready", "False", tried.reason, SAID_SECONDS), "Ready")
        assert all(text in found["message"] for text in (*tried.says, *_named(tried))), found["message"]
        assert condition(space.get(WORKLOAD, "web"), "Isolated")["status"] != "True"
        space.workload("web", service(tried.image, tried.port, **tried.container) | tried.spec)
    space.expect("web", "Ready", "True", "Running", STARTED_SECONDS)
    assert condition(space.get(WORKLOAD, "web"), "Isolated")["status"] == "True"


def _named(tried: First) -> tuple[str, ...]:
    return (f"{REGISTRY}/{tried.image}",) if tried.reason == NEEDS_ROOT else ()


def _refused(pod: Json) -> bool:
    """Tell whether the kubelet has given up a container once."""
    states = [each.get("state", {}) for each in pod["status"].get("containerStatuses", ())]
    return any("terminated" in state or state.get("waiting", {}).get("reason", "") in GIVEN_UP for state in states)
