"""What Berth made is kept as it wants it; what others add to it stays."""

from collections.abc import Callable

import pytest

from scenarios import specs
from scenarios.kinds import AUTOSCALER, BUDGET, DEPLOYMENT, NETWORK_POLICY, POOL, SERVICE, VM, Kind
from scenarios.objects import Json
from scenarios.site import Space

pytestmark = pytest.mark.ground

LOAD: Json = {"replicas": 2, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}}
POD_CHILDREN = (DEPLOYMENT, SERVICE, NETWORK_POLICY, BUDGET, AUTOSCALER)


def uid(found: Json) -> str:
    text: str = found["metadata"]["uid"]
    return text


def test_deleted_children_of_pods_come_back(space: Space) -> None:
    space.workload("web", specs.container(**LOAD))
    space.ready("web")
    for kind in POD_CHILDREN:
        before = uid(space.get(kind, "web"))
        space.delete(kind, "web")
        space.until(kind, "web", lambda found, before=before: uid(found) != before)
    space.expect("web", "Ready", "True")


@pytest.mark.parametrize(("kind", "replicas"), [(VM, 1), (POOL, 2)], ids=["machine", "pool"])
def test_a_deleted_machine_comes_back(space: Space, kind: Kind, replicas: int) -> None:
    space.workload("erp", specs.machine(replicas=replicas))
    before = space.ready("erp") and uid(space.get(kind, "erp"))
    space.delete(kind, "erp")
    space.until(kind, "erp", lambda found: uid(found) != before)
    space.expect("erp", "Ready", "True")


def main_of(found: Json) -> Json:
    main: Json = found["spec"]["template"]["spec"]["containers"][0]
    return main


EDITS: dict[str, tuple[Kind, Callable[[Json], object]]] = {
    "replicas": (DEPLOYMENT, lambda found: found["spec"].update(replicas=5)),
    "image": (DEPLOYMENT, lambda found: main_of(found).update(image="registry.example/evil:1")),
    "privileges": (DEPLOYMENT, lambda found: main_of(found)["securityContext"].update(allowPrivilegeEscalation=True)),
    "capabilities": (DEPLOYMENT, lambda found: main_of(found)["securityContext"].pop("capabilities")),
    "runtime": (DEPLOYMENT, lambda found: found["spec"]["template"]["spec"].pop("runtimeClassName")),
    "class-label": (DEPLOYMENT, lambda found: found["metadata"]["labels"].update({"berth.dev/class": "container"})),
    "selector": (SERVICE, lambda found: found["spec"].update(selector={"app": "evil"})),
    "ports": (SERVICE, lambda found: found["spec"]["ports"][0].update(targetPort=9999)),
    "ingress": (NETWORK_POLICY, lambda found: found["spec"].update(ingress=[{}])),
    "pod-selector": (NETWORK_POLICY, lambda found: found["spec"].update(podSelector={"matchLabels": {"app": "no"}})),
    "allowance": (BUDGET, lambda found: found["spec"].update(maxUnavailable="100%")),
    "limit": (AUTOSCALER, lambda found: found["spec"].update(maxReplicas=40)),
}


@pytest.fixture(scope="module")
def loaded(shared_space: Space) -> Space:
    shared_space.workload("web", specs.container(trust="Restricted", **LOAD))
    shared_space.ready("web")
    return shared_space


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_child_of_pods_comes_back(loaded: Space, edit: str) -> None:
    kind, change = EDITS[edit]
    before = wanted(loaded.get(kind, "web"))
    loaded.edit(kind, "web", change)
    loaded.until(kind, "web", lambda found: wanted(found) == before)


def wanted(found: Json) -> tuple[Json, Json]:
    return found["spec"], found["metadata"]["labels"]


def test_a_child_that_lost_its_labels_is_known_by_its_owner(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    before = space.get(SERVICE, "web")
    space.edit(SERVICE, "web", lambda found: found["metadata"].pop("labels"))
    after = space.until(SERVICE, "web", lambda found: found["metadata"].get("labels"))
    assert (uid(after), after["metadata"]["labels"]) == (uid(before), before["metadata"]["labels"])
    space.expect("web", "Stalled", "False")


def test_a_forged_class_label_moves_nothing(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    before = space.get(DEPLOYMENT, "web")
    space.edit(DEPLOYMENT, "web", lambda found: found["metadata"]["labels"].update({"berth.dev/class": "kata"}))
    after = space.until(DEPLOYMENT, "web", lambda found: found["metadata"]["labels"] == before["metadata"]["labels"])
    assert after["spec"] == before["spec"]
    assert space.expect("web", "Isolated", "True")["status"]["placement"]["className"] == "container"


def test_a_runtime_that_others_add_is_told(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    space.edit(DEPLOYMENT, "web", lambda found: found["spec"]["template"]["spec"].update(runtimeClassName="kata"))
    space.expect("web", "Isolated", "False", "IsolationMismatch", says="RuntimeClass kata")


MACHINE_EDITS: dict[str, Callable[[Json], object]] = {
    "halted": lambda found: found["spec"].update(runStrategy="Halted"),
    "disk": lambda found: guest(found)["volumes"][0]["containerDisk"].update(image="registry.example/evil:1"),
    "network": lambda found: guest(found)["domain"]["devices"]["interfaces"][0].pop("ports", None),
    "labels": lambda found: found["spec"]["template"]["metadata"]["labels"].pop("berth.dev/workload"),
}


def guest(found: Json) -> Json:
    spec: Json = found["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def machine(shared_space: Space) -> Space:
    shared_space.workload("erp", specs.machine())
    shared_space.ready("erp")
    return shared_space


@pytest.mark.parametrize("edit", MACHINE_EDITS)
def test_an_edited_machine_comes_back(machine: Space, edit: str) -> None:
    before = wanted(machine.get(VM, "erp"))
    machine.edit(VM, "erp", MACHINE_EDITS[edit])
    machine.until(VM, "erp", lambda found: wanted(found) == before)
    machine.expect("erp", "Ready", "True")


def add_to_pods(found: Json) -> None:
    found["metadata"]["labels"]["team"] = "shop"
    found["metadata"]["annotations"]["note"] = "ours"
    found["spec"]["template"]["metadata"].setdefault("annotations", {})["restarted-at"] = "noon"
    main_of(found).setdefault("env", []).append({"name": "TRACE", "value": "1"})


def test_what_others_add_stays_and_causes_no_writes(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    space.edit(DEPLOYMENT, "web", add_to_pods)
    space.edit(SERVICE, "web", lambda found: found["metadata"]["labels"].update(team="shop"))
    space.until(DEPLOYMENT, "web", lambda found: found["status"].get("observedGeneration", 0) >= 2)
    space.expect("web", "Ready", "True")
    settled(space)
    space.workload("web", specs.container(resources={"requests": {"cpu": "200m", "memory": "128Mi"}}))
    space.until(DEPLOYMENT, "web", lambda found: main_of(found)["resources"]["requests"]["cpu"] == "200m")
    found = space.get(DEPLOYMENT, "web")
    assert (found["metadata"]["labels"]["team"], found["metadata"]["annotations"]["note"]) == ("shop", "ours")
    assert main_of(found)["env"] == [{"name": "TRACE", "value": "1"}]
    assert found["spec"]["template"]["metadata"]["annotations"]["restarted-at"] == "noon"
    assert space.get(SERVICE, "web")["metadata"]["labels"]["team"] == "shop"


def test_what_others_add_to_a_machine_stays_and_causes_no_writes(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.merge(VM, "erp", {"metadata": {"labels": {"team": "shop"}, "annotations": {"note": "ours"}}})
    settled(space)
    assert space.get(VM, "erp")["metadata"]["labels"]["team"] == "shop"


def settled(space: Space) -> None:
    """Let the last report of progress pass, then want silence."""
    space.quiet(5.0)
    space.silence(3.0)
