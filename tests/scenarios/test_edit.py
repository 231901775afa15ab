"""A Workload that is scaled or edited: its children follow, and nothing else is written."""

import pytest

from scenarios import specs
from scenarios.kinds import BUDGET, DEPLOYMENT, POOL, SERVICE, VM, WORKLOAD
from scenarios.objects import Json
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground


def scaled(space: Space, name: str, replicas: int) -> Json:
    """Wait until a Workload has exactly so many replicas, all of them ready."""
    space.expect(name, "Ready", "True", "Running" if replicas else "ScaledToZero")
    return space.until(WORKLOAD, name, lambda found: counts(found) == (replicas, replicas))


def counts(found: Json) -> tuple[int, int]:
    return found["status"]["replicas"], found["status"]["readyReplicas"]


def test_pods_scale_to_none_and_back(space: Space) -> None:
    space.workload("web", specs.container(replicas=2))
    space.ready("web")
    space.scale("web", 0)
    scaled(space, "web", 0)
    assert space.get(DEPLOYMENT, "web")["spec"]["replicas"] == 0
    assert space.pods("web") == []
    space.gone(BUDGET, "web")
    space.scale("web", 3)
    scaled(space, "web", 3)
    assert len(space.pods("web")) == 3


def test_no_edit_is_lost_however_it_meets_our_own_writes(space: Space) -> None:
    space.workload("web", specs.container())
    for edit in range(60):
        space.merge(WORKLOAD, "web", {"spec": {"replicas": 1 + edit % 2}})
        if edit % 6 == 5:
            space.observed(WORKLOAD, "web")
    space.expect("web", "Ready", "True")


def test_a_pool_scales_down_to_none_and_up(space: Space) -> None:
    space.workload("gate", specs.machine(replicas=3))
    space.ready("gate")
    space.scale("gate", 2)
    scaled(space, "gate", 2)
    assert space.get(POOL, "gate")["spec"]["replicas"] == 2
    space.scale("gate", 0)
    scaled(space, "gate", 0)
    space.scale("gate", 2)
    scaled(space, "gate", 2)


def test_a_machine_halts_and_starts(space: Space) -> None:
    space.workload("erp", specs.machine())
    space.ready("erp")
    space.scale("erp", 0)
    scaled(space, "erp", 0)
    assert space.get(VM, "erp")["spec"]["runStrategy"] == "Halted"
    space.scale("erp", 1)
    scaled(space, "erp", 1)


def test_a_new_image_rolls_out_with_one_write(space: Space) -> None:
    space.workload("web", specs.container(replicas=2))
    space.ready("web")
    space.quiet()
    before = space.writes()
    spec = specs.container(replicas=2)
    spec["container"] = spec["container"] | {"image": "registry.example/team/web:2"}
    space.workload("web", spec)
    space.expect("web", "Ready", "True")
    assert {pod["spec"]["containers"][0]["image"] for pod in space.pods("web")} == {"registry.example/team/web:2"}
    after = space.writes()
    assert {what: after[what] - before.get(what, 0) for what in after if "/status" not in what} == {
        "create deployments": 0,
        "create networkpolicies": 0,
        "create poddisruptionbudgets": 0,
        "create services": 0,
        "patch deployments": 1,
    }


def test_what_leaves_the_spec_leaves_the_cluster(space: Space) -> None:
    spec = specs.container()
    spec["container"] = spec["container"] | {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    space.workload("web", spec)
    space.ready("web")
    del spec["service"]
    spec["container"] = spec["container"] | {"env": [{"name": "B", "value": "2"}]}
    space.workload("web", spec)
    space.gone(SERVICE, "web")
    found = space.until(DEPLOYMENT, "web", lambda found: len(env(found)) == 1)
    assert env(found) == [{"name": "B", "value": "2"}]
    assert space.expect("web", "Ready", "True")
    assert space.children("web") == {"Deployment web", "NetworkPolicy web"}


def env(found: Json) -> list[Json]:
    listed: list[Json] = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return listed


def test_a_second_replica_brings_a_budget_and_restarts_nothing(space: Space) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    first = space.pods("web")[0]["metadata"]["uid"]
    spread = space.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname"]
    space.scale("web", 2)
    scaled(space, "web", 2)
    assert space.get(BUDGET, "web")["spec"]["maxUnavailable"] == 1
    pods = space.pods("web")
    assert first in {pod["metadata"]["uid"] for pod in pods}
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    space.scale("web", 1)
    scaled(space, "web", 1)
    space.gone(BUDGET, "web")
    assert condition(space.ready("web"), "Stalled")["status"] == "False"
