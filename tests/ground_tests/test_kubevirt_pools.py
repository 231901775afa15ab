"""Pools of machines, as the simulator shows them."""

import signal
from typing import Any

import pytest

from ground import simulator
from ground.api import call, eventually
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import POD, POOL, VM, VMI
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]


def pool(replicas: int, **more: Any) -> Json:
    """Return a pool of small machines."""
    template = {"metadata": {"labels": {"pool": "web"}}, "spec": wishes.vm_spec("web")}
    template["spec"]["template"]["metadata"]["labels"] = {"pool": "web"}
    selector = {"matchLabels": {"pool": "web"}}
    spec = {"replicas": replicas, "selector": selector, "virtualMachineTemplate": template, **more}
    return {"metadata": {"name": "web"}, "spec": spec}


def has_ready(count: int) -> Any:
    """Return a wish for a pool's numbers."""
    return lambda found: (
        (found.get("status", {}).get("replicas"), found.get("status", {}).get("readyReplicas")) == (count, count)
    )


def listed(cluster: Cluster, space: str) -> list[Json]:
    """Return the machines of a namespace."""
    found: list[Json] = call(cluster.kubeconfig, "GET", VM.path(space))["items"]
    return found


def machines(cluster: Cluster, space: str) -> list[str]:
    """Return the names of the machines of a namespace."""
    return sorted(vm["metadata"]["name"] for vm in listed(cluster, space))


def test_pool_scales(kubevirt: Cluster, space: str) -> None:
    """A pool makes machines by number, reports them, follows its scale subresource, and replaces a lost one."""
    wishes.make(kubevirt, POOL, space, pool(3))
    found = wishes.wait(kubevirt, POOL, space, "web", has_ready(3))
    assert machines(kubevirt, space) == ["web-0", "web-1", "web-2"]
    assert found["status"]["labelSelector"] == "pool=web"
    path = POOL.path(space, "web") + "/scale"
    call(kubevirt.kubeconfig, "PATCH", path, {"spec": {"replicas": 1}}, "application/merge-patch+json")
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    eventually(lambda: machines(kubevirt, space) == ["web-0"], wishes.SECONDS, "only web-0")
    lost = wishes.get(kubevirt, VM, space, "web-0")["metadata"]["uid"]
    wishes.delete(kubevirt, VM, space, "web-0")
    eventually(
        lambda: any(vm["metadata"]["uid"] != lost and wishes.ready(vm) for vm in listed(kubevirt, space)),
        wishes.SECONDS,
        "another machine is ready",
    )
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    wishes.delete(kubevirt, POOL, space, "web")
    eventually(lambda: machines(kubevirt, space) == [], wishes.SECONDS, "machines of the pool gone")


def test_pool_rolls_out_a_change(kubevirt: Cluster, space: str) -> None:
    """A changed template reaches machines and instances, which keep their identity."""
    wishes.make(kubevirt, POOL, space, pool(2, maxUnavailable=1))
    wishes.wait(kubevirt, POOL, space, "web", has_ready(2))
    uuid = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"]
    changed = pool(2, maxUnavailable=1)
    changed["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] = 2
    wishes.make(kubevirt, POOL, space, changed)
    for name in ("web-0", "web-1"):
        wishes.wait(
            kubevirt, VMI, space, name, lambda vmi: vmi["spec"]["domain"]["cpu"]["cores"] == 2 and wishes.ready(vmi)
        )
    after = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["domain"]
    assert after["firmware"]["uuid"] == uuid


def test_pool_names_secrets_by_number(kubevirt: Cluster, space: str) -> None:
    """With nameGeneration every machine has a Secret of its own."""
    body = pool(1, nameGeneration={"appendIndexToSecretRefs": True})
    spec = body["spec"]["virtualMachineTemplate"]["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "init", "cloudInitNoCloud": {"secretRef": {"name": "userdata"}}})
    wishes.make(kubevirt, POOL, space, body)
    wishes.wait(kubevirt, POOL, space, "web", has_ready(1))
    volumes = wishes.get(kubevirt, VM, space, "web-0")["spec"]["template"]["spec"]["volumes"]
    assert volumes[1]["cloudInitNoCloud"]["secretRef"]["name"] == "userdata-0"


def test_killed_simulator_goes_on(kubevirt: Cluster, space: str) -> None:
    """Killed in the middle and started again, the simulator finishes what was begun and doubles nothing."""
    wishes.make(kubevirt, POOL, space, pool(6))
    eventually(lambda: machines(kubevirt, space), wishes.SECONDS, "a first machine")
    simulator.stop(kubevirt, signal.SIGKILL)
    wishes.delete(kubevirt, VM, space, machines(kubevirt, space)[0])
    simulator.start(kubevirt, crash_backoff=1.0)
    wishes.wait(kubevirt, POOL, space, "web", has_ready(6))
    eventually(
        lambda: len(call(kubevirt.kubeconfig, "GET", POD.path(space))["items"]) == 6,
        wishes.SECONDS,
        "one pod per machine",
    )
