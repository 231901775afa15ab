"""What may be a secret in a Workload is in no log, Event, status or metric, whatever becomes of the Workload."""

import json
from collections.abc import Iterator

import pytest

from ground.api import eventually
from scenarios import objects
from scenarios.kinds import CLASS, DEPLOYMENT, EVENT, POLICY, TENANT, WORKLOAD, Kind
from scenarios.objects import Json
from scenarios.site import condition
from threats.site import EVIL, Site
from threats.specs import CONTAINER, FULL, GUEST, SIZE
from verify.change import GONE, changed, path_of

pytestmark = pytest.mark.ground

CANARY = "canary7f3a9c"
HEADERS = [{"name": "Authorization", "value": f"Bearer {CANARY}"}]
SECRET: dict[str, object] = {
    "container.env": [{"name": "PASSWORD", "value": CANARY}],
    "container.command": ["run", CANARY],
    "container.args": [f"--token={CANARY}"],
    "container.readinessProbe": {"httpGet": {"port": 8080, "path": f"/{CANARY}", "httpHeaders": HEADERS}},
    "container.livenessProbe": {"exec": {"command": ["check", CANARY]}},
    "initContainers": [
        {
            "name": "init",
            "image": CONTAINER["container"]["image"],
            "env": [{"name": "A", "value": CANARY}],
            "resources": SIZE,
        }
    ],
    "sidecars": [{"name": "side", "image": CONTAINER["container"]["image"], "args": [CANARY], "resources": SIZE}],
}
THEIRS: Json = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
LIMITS = Kind("LimitRange", "v1", "limitranges")
SMALLER: Json = {"type": "Container", "max": {"memory": "2Gi"}}
"""What refuses the pods of one of them."""
FAILING = "registry.example/evil/web:fail-"
STATES: dict[str, tuple[Json, str, str]] = {
    # What is changed beside, and the condition that says what became of it.
    "placed": ({}, "Ready", "Running"),
    "moved": ({"isolation": {"level": "Virtualized"}}, "Ready", "Running"),
    "denied": ({"isolation": {"className": "container"}}, "Placed", "NoEligibleClass"),
    "forbidden": ({"serviceAccountName": "admin"}, "Accepted", "PolicyDenied"),
    "registry": ({"container.image": "evil.example/x:1"}, "Accepted", "PolicyDenied"),
    "nowhere": ({"needs": {"architecture": "s390x"}}, "Placed", ""),
    "absurd": ({"resources": {"requests": {"cpu": "1e999999", "memory": "1Gi"}}}, "Placed", "NoCapableNode"),
    "taken": ({}, "Stalled", "NameTaken"),
    "rejected": ({"resources": {"requests": {"cpu": "100m", "memory": "3Gi"}}}, "Stalled", "ChildRejected"),
    "unpulled": ({"container.image": f"{FAILING}ImagePullBackOff"}, "Ready", ""),
    "crashing": ({"container.image": f"{FAILING}CrashLoopBackOff"}, "Ready", ""),
    "task": (
        {
            "type": "Task",
            "service": GONE,
            "container.ports": GONE,
            "container.readinessProbe": GONE,
            "container.livenessProbe": GONE,
        },
        "Placed",
        "Placed",
    ),
}


def spec_of(changes: Json) -> Json:
    spec: Json = CONTAINER
    for path, value in {**SECRET, **changes}.items():
        spec = changed(spec, path_of(path), value)
    return spec


def guest() -> Json:
    """Return a machine whose probes hold the canary."""
    probe = {"httpGet": {"port": 8080, "path": "/", "httpHeaders": HEADERS}}
    return changed(
        changed(GUEST, path_of("machine.readinessProbe"), probe),
        path_of("machine.livenessProbe"),
        {"exec": {"command": [CANARY]}},
    )


@pytest.fixture
def written(shared: Site) -> Iterator[list[str]]:
    """Workloads in all states, each with the canary in every field that may hold a secret."""
    foreign = {"selector": {"matchLabels": {"app": "x"}}, "replicas": 0, "template": THEIRS}
    objects.put(shared.cluster, DEPLOYMENT, EVIL, {"metadata": {"name": "canary-taken"}, "spec": foreign})
    objects.put(shared.cluster, LIMITS, EVIL, {"metadata": {"name": "canary"}, "spec": {"limits": [SMALLER]}})
    specs = {f"canary-{name}": spec_of(changes) for name, (changes, _, _) in STATES.items()} | {"canary-guest": guest()}
    for name, spec in specs.items():
        meta = {"name": name, "annotations": {"note.example/secret": CANARY}}
        objects.put(shared.cluster, WORKLOAD, EVIL, {"metadata": meta, "spec": spec})
    yield list(specs)
    for name in specs:
        objects.delete(shared.cluster, WORKLOAD, EVIL, name)
    objects.delete(shared.cluster, DEPLOYMENT, EVIL, "canary-taken")
    objects.delete(shared.cluster, LIMITS, EVIL, "canary")


def reached(site: Site, name: str) -> bool:
    """Tell whether a Workload is in the state that is meant."""
    found = objects.get(site.cluster, WORKLOAD, EVIL, name)
    _, kind, reason = STATES.get(name.removeprefix("canary-"), ({}, "Ready", "Running"))
    seen = condition(found, kind)
    current = seen.get("observedGeneration") == found["metadata"]["generation"]
    return current and seen["reason"] not in {"Provisioning", "NotDecided", ""} and reason in {"", seen["reason"]}


def test_no_secret_of_a_workload_is_told_anywhere(shared: Site, written: list[str]) -> None:
    for name in written:
        eventually(lambda at=name: reached(shared, at), objects.SECONDS, f"{name} has come to its end")
    eventually(lambda: len(objects.items(shared.cluster, EVENT, EVIL)) > 3, objects.SECONDS, "Events are told")
    told = {
        "status": [
            each.get("status")
            for kind in (WORKLOAD, TENANT, POLICY, CLASS)
            for each in objects.items(shared.cluster, kind)
        ],
        "Events": objects.items(shared.cluster, EVENT),
        "metrics": shared.operator.scrape(),
        "log": shared.operator.log.read_text(),
    }
    assert [where for where, text in told.items() if CANARY in json.dumps(text)] == []
    made = objects.get(shared.cluster, DEPLOYMENT, EVIL, "canary-placed")
    assert CANARY in json.dumps(made["spec"]), "nothing was tested: the canary never got this far"
    assert FULL["container"]["image"] in json.dumps(made["spec"])
