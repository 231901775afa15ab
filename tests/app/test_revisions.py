"""A machine goes by its instancetype and its preference as KubeVirt keeps them, whatever these say by now."""

from typing import Any

import pytest

from app.parts import WEB, Replica
from berth.app.reconcile import reconcile
from berth.app.views import Look
from berth.kube.client import Client
from berth.world import children, instancetypes
from berth.world.records import RevisionRef
from decide.builders import GI, a_node
from golden.decision import KUBEVIRT
from kube.fake_apiserver import FakeApiServer
from render.specs import Json, machine

CLUSTER = "VirtualMachineClusterInstancetype"
U1: Json = {"instancetype": "u1", "preference": "old"}
KEPT = "web-u1-v1beta1-uid-1"


def of_size(memory: str) -> Json:
    """Return an instancetype."""
    return {"kind": CLUSTER, "metadata": {"name": "u1"}, "spec": {"cpu": {"guest": 1}, "memory": {"guest": memory}}}


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    made = Replica(server, client)
    made.store.put_fact(made.store.nodes, "n1", a_node("n1"))
    made.store.put_fact(made.store.kubevirts, ("kubevirt", "kubevirt"), KUBEVIRT)
    made.add_class("vm", level="Virtualized", virtualMachine={})
    described(made, "1Gi")
    old = {"kind": "VirtualMachineClusterPreference", "metadata": {"name": "old"}}
    made.store.put_description(made.store.preferences, ("", "old"), instancetypes.preference(old))
    made.workload(**machine(**U1) | {"resources": None})
    await reconcile(WEB, made.deps)
    return made


def described(replica: Replica, memory: str) -> None:
    """Let the instancetype say this."""
    record = instancetypes.instancetype(of_size(memory))
    replica.store.put_description(replica.store.instancetypes, ("", "u1"), record)


def kept(replica: Replica, name: str = "u1") -> None:
    """Let KubeVirt keep the instancetype for the machine, with 4Gi, and say so."""
    (found,) = (obj for resource, obj in replica.written if resource.kind == "VirtualMachine")
    ref = {"kind": CLUSTER, "name": name, "controllerRevisionRef": {"name": KEPT}}
    stored: dict[str, Any] = {**found, "kind": "VirtualMachine", "status": {"instancetypeRef": ref}}
    record = children.child(stored)
    assert record.revisions == (RevisionRef(CLUSTER, name, KEPT),)
    replica.store.put_child("VirtualMachine", record.key, record)
    replica.store.put_revision(("shop", KEPT), instancetypes.revision({"data": of_size("4Gi")}))


def memory_of(replica: Replica) -> int:
    """Return the memory that is decided and counted by."""
    look = replica.deps.views.look(WEB)
    assert isinstance(look, Look)
    assert look.ask.machine is not None
    return look.ask.machine.guest.memory


def warnings_of(replica: Replica) -> list[Json]:
    """Return the warnings of the status that was written last."""
    found: list[Json] = replica.of("workloads")[WEB]["status"].get("warnings", [])
    return [each for each in found if "KubeVirt keeps" in str(each)]


async def test_what_is_kept_counts_and_is_told(replica: Replica) -> None:
    assert memory_of(replica) == GI
    kept(replica)
    assert memory_of(replica) == 4 * GI
    await reconcile(WEB, replica.deps)
    (told,) = warnings_of(replica)
    assert "instancetype u1 was edited" in str(told)
    assert replica.of("workloads")[WEB]["status"]["cost"]["requested"]["memory"] == "4Gi"


async def test_what_is_kept_for_another_name_does_not_count(replica: Replica) -> None:
    kept(replica, "u2")
    assert memory_of(replica) == GI


async def test_nothing_is_told_while_both_say_the_same(replica: Replica) -> None:
    described(replica, "4Gi")
    kept(replica)
    await reconcile(WEB, replica.deps)
    assert (memory_of(replica), warnings_of(replica)) == (4 * GI, [])


async def test_a_revision_that_comes_wakes_its_namespace(replica: Replica) -> None:
    replica.woken.clear()
    replica.store.put_revision(("shop", KEPT), instancetypes.revision({"data": of_size("4Gi")}))
    assert replica.woken == [WEB]


def test_a_preference_is_kept_as_one() -> None:
    raw = {"kind": "VirtualMachinePreference", "metadata": {"name": "own", "namespace": "shop"}, "spec": {}}
    assert instancetypes.revision({"data": raw}) == instancetypes.preference(raw)
