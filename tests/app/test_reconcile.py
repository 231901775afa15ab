"""One pass over a Workload, on a fake API server."""

from dataclasses import replace
from typing import Any

import pytest

from app.parts import WEB, Replica
from berth.api.reasons import Reason
from berth.app.reconcile import reconcile
from berth.app.views import Look
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.resources import DEPLOYMENTS
from berth.world import children, parse, storage
from berth.world.packed import pack
from berth.world.records import NamespaceRecord, Problem, Trouble
from kube.fake_apiserver import FakeApiServer, answer
from render.specs import Json, container

ROOT: Json = container(needs={"root": True}, volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}])
STATUS = "/apis/berth.dev/v1alpha1/namespaces/shop/workloads/web/status"


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    made = Replica(server, client)
    made.add_class()
    made.store.put_fact(made.store.nodes, "n1", parse.node({"metadata": {"name": "n1"}, "status": NODE}))
    return made


NODE: Json = {"allocatable": {"cpu": "8", "memory": "32Gi"}, "runtimeHandlers": [{"name": "runsc"}]}


def seen(replica: Replica) -> None:
    """Let the store see what was written, as the watch would."""
    for resource, obj in replica.written:
        record = children.child({**obj, "kind": resource.kind})
        replica.store.put_child(resource.kind, record.key, record)


def status_of(replica: Replica) -> dict[str, Any]:
    """Return the status that was written last."""
    found: dict[str, Any] = replica.of("workloads")[WEB]["status"]
    return found


def add_gvisor(replica: Replica) -> None:
    """Add a class of sandboxed pods that this cluster can run."""
    meta = {"metadata": {"name": "gvisor", "uid": "g"}, "handler": "runsc"}
    replica.store.put_fact(replica.store.runtime_classes, "gvisor", parse.runtime_class(meta))
    replica.add_class("gvisor", level="Sandboxed", pod={"runtimeClassName": "gvisor"})


async def test_a_new_workload_gets_its_children_and_one_status(replica: Replica) -> None:
    replica.workload()
    await reconcile(WEB, replica.deps)
    assert [path.rsplit("/", 2)[1] for path in replica.writes()] == ["networkpolicies", "deployments", "web"]
    assert (status_of(replica)["placement"]["className"], status_of(replica)["reason"]) == ("runc", "Provisioning")


async def test_a_second_pass_writes_nothing(replica: Replica) -> None:
    replica.workload()
    for _ in range(2):
        await reconcile(WEB, replica.deps)
        seen(replica)
    before = replica.writes()
    await reconcile(WEB, replica.deps)
    assert replica.writes() == before


async def test_nothing_is_placed_before_its_namespace_was_seen(replica: Replica) -> None:
    replica.workload()
    replica.store.put_namespace("shop", None)
    assert await reconcile(WEB, replica.deps) is None
    assert replica.writes() == []
    replica.woken.clear()
    replica.store.put_namespace("shop", NamespaceRecord("shop", (), terminating=False))
    assert replica.woken == [WEB]
    await reconcile(WEB, replica.deps)
    assert WEB in replica.of("deployments")


async def test_it_looks_again_when_what_failed_has_run_for_long_enough(replica: Replica) -> None:
    replica.workload()
    await reconcile(WEB, replica.deps)
    seen(replica)
    crash = Trouble(Problem(Reason.CRASH_LOOPING, "it ended"), until=replica.clock.now + 20.0)
    pod = children.pod({"kind": "Pod", "metadata": {"namespace": "shop", "name": "web-1", "uid": "u"}})
    replica.store.put_pod(pod.key, replace(pod, workload="web", class_name="runc", troubles=(crash,)))
    assert await reconcile(WEB, replica.deps) == 20.0
    assert status_of(replica)["reason"] == Reason.CRASH_LOOPING
    replica.clock.now += 20.0
    await reconcile(WEB, replica.deps)
    assert status_of(replica)["reason"] == Reason.PROVISIONING


async def test_what_is_gone_is_forgotten(replica: Replica) -> None:
    replica.workload()
    await reconcile(WEB, replica.deps)
    assert WEB in replica.deps.outcomes
    replica.store.put_workload(WEB, None)
    assert await reconcile(WEB, replica.deps) is None
    assert replica.deps.outcomes == {}


async def test_a_spec_that_is_not_understood_is_said_once_and_touches_nothing(replica: Replica) -> None:
    replica.workload(replicas="many")
    for _ in range(2):
        await reconcile(WEB, replica.deps)
    assert [path for path in replica.writes() if not path.endswith("/events")] == [STATUS]
    assert status_of(replica)["reason"] == Reason.MISCONFIGURED


async def test_without_a_class_nothing_runs(replica: Replica) -> None:
    replica.store.put_class("runc", None)
    replica.workload()
    await reconcile(WEB, replica.deps)
    assert [path for path in replica.writes() if not path.endswith("/events")] == [STATUS]
    assert status_of(replica)["reason"] == Reason.NO_ELIGIBLE_CLASS


@pytest.mark.parametrize("sandbox", [False, True], ids=["nothing fits", "another fits"])
async def test_an_edit_that_its_class_cannot_take_is_said_and_what_runs_goes_on(
    replica: Replica, *, sandbox: bool
) -> None:
    replica.workload(**container(volumes=ROOT["volumes"]))
    claim = {"metadata": {"namespace": "shop", "name": "d", "uid": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    replica.store.put_claim(("shop", "d"), storage.claim(claim))
    await reconcile(WEB, replica.deps)
    seen(replica)
    before = replica.of("deployments")[WEB]
    if sandbox:
        add_gvisor(replica)
    status = replica.store.workloads[WEB].status
    record = replica.workload(**ROOT)
    replica.store.put_status(replace(record, status=status, resource_version=f"{record.resource_version}0"))
    await reconcile(WEB, replica.deps)
    assert replica.of("deployments")[WEB] == before
    if sandbox:
        assert status_of(replica)["pendingSwitch"]["to"] == "gvisor"
    else:
        assert status_of(replica)["conditions"][1]["status"] == "False"


async def test_a_name_that_is_taken_is_told_and_tried_again(replica: Replica) -> None:
    replica.server.put(DEPLOYMENTS, "web", "shop", spec={"theirs": 1})
    replica.workload()
    assert await reconcile(WEB, replica.deps) == 15.0
    assert replica.of("deployments")[WEB]["spec"] == {"theirs": 1}
    assert status_of(replica)["reason"] == Reason.NAME_TAKEN


async def test_a_child_that_is_refused_is_tried_again_later_and_later(replica: Replica) -> None:
    replica.workload()
    waits = []
    for _ in range(3):
        replica.server.fail("PATCH", DEPLOYMENTS.plural, answer(422, "Invalid"))
        waits.append(await reconcile(WEB, replica.deps) or 0.0)
        assert status_of(replica)["reason"] == Reason.CHILD_REJECTED
    assert 7.5 <= waits[0] <= 15 <= waits[1] <= 30 <= waits[2] <= 60
    assert await reconcile(WEB, replica.deps) is None
    assert WEB in replica.of("deployments")


def policy_arrives(replica: Replica) -> None:
    """Let a policy come that requires a sandbox of everything."""
    spec = {"mode": "Enforce", "reason": "now", "require": {"level": "Sandboxed"}}
    raw = {"metadata": {"name": "late", "uid": "p", "generation": 1}, "spec": spec}
    replica.store.put_policy("late", parse.isolation_policy(raw))


def tenant_arrives(replica: Replica) -> None:
    """Let the namespace become one of a tenant with a floor."""
    selector = {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}
    raw = {"metadata": {"name": "acme", "uid": "t"}, "spec": {"namespaceSelector": selector, "floor": "Sandboxed"}}
    replica.store.put_tenant("acme", parse.tenant(raw))


def label_arrives(replica: Replica) -> None:
    """Let the namespace get a label."""
    replica.store.put_namespace("shop", NamespaceRecord("shop", (("data", "cardholder"),), terminating=False))


@pytest.mark.parametrize("arrives", [policy_arrives, tenant_arrives, label_arrives])
async def test_nothing_starts_by_rules_that_changed_after_it_was_decided(replica: Replica, arrives: Any) -> None:
    """The NetworkPolicy is being written when they change: the Deployment is not written any more."""
    replica.workload()
    note = replica.deps.gateway._written
    replica.deps.gateway._written = lambda resource, obj: (note(resource, obj), arrives(replica))
    with pytest.raises(errors.Conflict, match="have changed since it was decided"):
        await reconcile(WEB, replica.deps)
    assert replica.of("networkpolicies")
    assert replica.of("deployments") == {}


async def test_pods_that_shrink_count_as_they_were_until_the_smaller_ones_have_replaced_them(replica: Replica) -> None:
    sizes = [container(resources={"requests": {"cpu": "1", "memory": size}}) for size in ("3Gi", "1Gi")]
    held = []

    async def look_again(**seen_now: int) -> None:
        for record in [each for each in replica.store.children(WEB) if each.kind == "Deployment"]:
            told = replace(record, observed_generation=record.generation, **seen_now)
            replica.store.put_child("Deployment", record.key, told)
        await reconcile(WEB, replica.deps)
        charge = replica.deps.ledger.held(WEB)
        assert charge is not None
        held.append(charge.total("memory") >> 30)

    replica.workload(**sizes[0])
    await look_again()
    seen(replica)
    await look_again(updated=1, replicas=1)
    status, record = replica.store.workloads[WEB].status, replica.workload(**sizes[1])
    replica.store.put_status(replace(record, status=status, resource_version=f"{record.resource_version}0"))
    await look_again(updated=1, replicas=1)  # the Deployment is written
    seen(replica)
    await look_again(updated=1, replicas=2)  # one of the old ones still runs
    await look_again(updated=1, replicas=1)
    assert held == [3, 3, 3, 3, 1]


@pytest.mark.parametrize(
    ("reason", "since"),
    [(Reason.BELOW_REQUIRED, 9.0), (Reason.SWITCHING, 9.0), (Reason.ISOLATION_MISMATCH, None)],
)
def test_a_deadline_is_counted_from_when_it_ran_below_also_while_it_is_moved(
    replica: Replica, reason: Reason, since: float | None
) -> None:
    """A policy that stops what stays below must not wait longer because a move of it hangs."""
    record, began = replica.workload(), "1970-01-01T00:00:09Z"
    told = {"type": "Isolated", "status": "False", "reason": str(reason), "lastTransitionTime": began}
    status, version = pack({"conditions": [told]}), f"{record.resource_version}0"
    replica.store.put_status(replace(record, status=status, resource_version=version))
    look = replica.deps.views.look(WEB)
    assert isinstance(look, Look)
    assert look.below_since == since
