"""An object that has the name of a child and is not Berth's is never touched."""

import pytest

from scenarios import specs
from scenarios.kinds import DEPLOYMENT, NETWORK_POLICY, SERVICE, VM, Kind
from scenarios.objects import Json
from scenarios.site import Space

pytestmark = pytest.mark.ground

LABELS = {"berth.dev/workload": "web", "app.kubernetes.io/managed-by": "berth", "berth.dev/class": "container"}
SPECS: dict[str, tuple[Kind, Json]] = {
    "Deployment": (
        DEPLOYMENT,
        {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "theirs"}},
            "template": {
                "metadata": {"labels": {"app": "theirs"}},
                "spec": {"containers": [{"name": "main", "image": "registry.example/theirs:1"}]},
            },
        },
    ),
    "Service": (SERVICE, {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}),
    "NetworkPolicy": (NETWORK_POLICY, {"podSelector": {"matchLabels": {"app": "theirs"}}}),
}


def untouched(found: Json) -> tuple[Json, Json, set[str]]:
    meta = found["metadata"]
    return found["spec"], meta.get("labels", {}), {each["manager"] for each in meta["managedFields"]} & {"berth"}


@pytest.mark.parametrize(
    ("name", "labels"),
    [("Deployment", LABELS), ("Service", LABELS), ("NetworkPolicy", LABELS), ("Deployment", None)],
    ids=["Deployment", "Service", "NetworkPolicy", "bare-Deployment"],
)
def test_a_foreign_object_is_never_adopted(space: Space, name: str, labels: dict[str, str] | None) -> None:
    kind, spec = SPECS[name]
    before = untouched(space.put(kind, "web", spec, labels))
    space.workload("web", specs.container())
    space.expect("web", "Stalled", "True", "NameTaken", says=f"{name} web")
    space.quiet()
    assert untouched(space.get(kind, "web")) == before
    space.silence(2.0)
    space.delete(kind, "web")
    space.expect("web", "Stalled", "False")
    space.ready("web")
    assert space.children("web") == {"Deployment web", "Service web", "NetworkPolicy web"}


def test_a_foreign_machine_is_never_adopted(space: Space) -> None:
    space.workload("theirs", specs.machine())
    space.ready("theirs")
    copy = space.get(VM, "theirs")["spec"]
    for part in ("firmware", "machine"):
        copy["template"]["spec"]["domain"].pop(part, None)
    before = untouched(space.put(VM, "web", copy | {"runStrategy": "Halted"}, LABELS))
    space.workload("web", specs.machine())
    space.expect("web", "Stalled", "True", "NameTaken")
    now = untouched(space.get(VM, "web"))
    assert (now[1:], now[0]["runStrategy"]) == (before[1:], "Halted")
    space.delete(VM, "web")
    space.ready("web")
