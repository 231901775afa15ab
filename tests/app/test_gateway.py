"""The one gateway for writes of children: what it refuses, and what it makes of the answers."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.parts import Replica
from berth.api.meta import DISK_LABEL, WORKLOAD_LABEL
from berth.api.reasons import Reason
from berth.app.feeds import reflectors
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.gateway import CHILD_RESOURCES, Done, NotOurs
from berth.kube.reading import EVERYTHING, READABLE, NotReadable
from berth.kube.resources import (
    DATA_VOLUMES,
    EVENTS,
    LEASES,
    PERSISTENT_VOLUME_CLAIMS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    TENANTS,
    WORKLOADS,
    Resource,
)
from berth.plan.model import Apply, Delete, Grow, Taken
from berth.render.claim import grown_claim
from berth.render.model import Child, Growth
from berth.render.resource_quota import resource_quota
from berth.verify.model import QuotaBounds
from berth.world.packed import pack
from berth.world.records import TenantRecord, WorkloadRecord
from kube.fake_apiserver import FakeApiServer, answer, lost, raw
from plan.records import FOREIGN, SERVED, UID, stored, wanted
from render.specs import CONTAINER, KATA, VM, machine, subject
from verify.bounds import bounds_of

WORKLOAD = WorkloadRecord(("shop", "web"), UID, 1, "1", 0.0, False, (), b"{}", pack({}))
SERVICE = next(child for child in wanted(SERVED) if child.kind == "Service")
OURS = SERVICE.body["metadata"]["ownerReferences"]
CLONED = machine(bootDisk={"dataSource": {"name": "golden", "storage": "30Gi"}})
DISK = next(child for child in wanted(CLONED, VM) if child.kind == "DataVolume")
BOUNDS = {"DataVolume": bounds_of(subject(CLONED), VM)}
SERVED_BOUNDS = bounds_of(subject(SERVED), CONTAINER)


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    return Replica(server, client)


def with_meta(child: Child, **meta: Any) -> Child:
    """Return a child with other metadata."""
    return replace(child, body=child.body | {"metadata": child.body["metadata"] | meta})


async def execute(replica: Replica, *steps: Apply | Delete) -> Any:
    """Carry out steps for shop/web."""
    kind = steps[0].child.kind if isinstance(steps[0], Apply) else ""
    return await replica.deps.gateway.execute(steps, WORKLOAD, lambda: BOUNDS.get(kind, SERVED_BOUNDS))


def there(replica: Replica) -> None:
    """Put shop/web itself on the server."""
    replica.server.put(WORKLOADS, "web", "shop", metadata={"uid": UID})


def owned_by(uid: str) -> list[dict[str, Any]]:
    """Return the owner references of a child of another Workload."""
    return [OURS[0] | {"uid": uid}]


@pytest.mark.parametrize(
    "child",
    [
        with_meta(SERVICE, namespace="bank"),
        with_meta(SERVICE, namespace=None),
        with_meta(SERVICE, ownerReferences=[]),
        with_meta(SERVICE, ownerReferences=owned_by(FOREIGN)),
        with_meta(SERVICE, ownerReferences=[*OURS, *owned_by(FOREIGN)]),
        with_meta(SERVICE, ownerReferences=[OURS[0] | {"controller": False}]),
        with_meta(DISK, ownerReferences=owned_by(FOREIGN)),
        with_meta(DISK, namespace="bank"),
        replace(SERVICE, kind="Secret"),
        replace(SERVICE, kind="ClusterRoleBinding"),
        replace(SERVICE, kind="Pod"),
    ],
)
async def test_what_is_not_the_workloads_own_is_never_applied(replica: Replica, child: Child) -> None:
    there(replica)
    with pytest.raises(NotOurs):
        await execute(replica, Apply(child, None))
    assert replica.writes() == []


@pytest.mark.parametrize(
    "fields",
    [{"owner_uid": FOREIGN}, {"owner_uid": ""}, {"key": ("bank", "web")}, {"kind": "Namespace"}, {"kind": "Pod"}],
)
async def test_what_is_not_the_workloads_own_is_never_deleted(replica: Replica, fields: dict[str, Any]) -> None:
    with pytest.raises(NotOurs):
        await execute(replica, Delete(replace(stored(SERVICE), **fields), "x"))
    assert replica.writes() == []


def test_only_namespaced_kinds_are_written() -> None:
    assert all(resource.namespaced for resource in CHILD_RESOURCES.values())
    assert (
        not {"Secret", "Pod", "ServiceAccount", "Role", "RoleBinding", "PersistentVolumeClaim"} & CHILD_RESOURCES.keys()
    )


async def test_one_that_does_not_lead_writes_nothing(replica: Replica) -> None:
    replica.leads = False
    with pytest.raises(errors.NotLeading, match="does not lead"):
        await execute(replica, Apply(SERVICE, None))
    assert replica.writes() == []


async def test_one_that_does_not_lead_writes_neither_status_nor_event(replica: Replica) -> None:
    replica.leads = False
    about = {"kind": "Workload", "name": "web", "namespace": "shop"}
    meta = {"name": "web", "namespace": "shop", "uid": UID}
    with pytest.raises(errors.NotLeading):
        await replica.deps.gateway.note({"metadata": {"namespace": "shop", "generateName": "web."}, "regarding": about})
    with pytest.raises(errors.NotLeading):
        await replica.deps.gateway.note_again("shop", "web.1", {"count": 2})
    with pytest.raises(errors.NotLeading):
        await replica.deps.gateway.say(WORKLOADS, {"metadata": meta, "status": {}})
    assert replica.writes() == []


async def test_one_that_loses_the_lead_stops_in_the_middle_of_a_plan(replica: Replica) -> None:
    gateway = replica.deps.gateway
    replica.deps.gateway._written = lambda *_: setattr(replica, "leads", False)
    with pytest.raises(errors.NotLeading):
        await gateway.execute((Apply(SERVICE, None), Apply(with_meta(SERVICE), None)), WORKLOAD, lambda: SERVED_BOUNDS)
    assert len(replica.writes()) == 1


async def test_what_was_applied_is_told_as_stored(replica: Replica) -> None:
    await execute(replica, Apply(SERVICE, None))
    [(resource, obj)] = replica.written
    assert resource is SERVICES
    assert obj["metadata"]["resourceVersion"]


async def test_our_own_object_that_exists_already_is_accepted(replica: Replica) -> None:
    replica.server.fail("PATCH", "services", lost(replica.server))
    done = await execute(replica, Apply(SERVICE, None))
    assert (done.taken, done.refused) == ((), ())
    assert replica.written[-1][1]["spec"] == SERVICE.body["spec"]


@pytest.mark.parametrize("owners", [[], owned_by(FOREIGN), [OURS[0] | {"controller": False}]])
async def test_a_name_of_somebody_else_is_taken_and_left_alone(replica: Replica, owners: list[dict[str, Any]]) -> None:
    before = replica.server.put(SERVICES, "web", "shop", spec={"theirs": 1}, metadata={"ownerReferences": owners})
    done = await execute(replica, Apply(SERVICE, None))
    assert done.taken == (Taken("Service", "web"),)
    assert replica.of("services")["shop", "web"] == before


@pytest.mark.parametrize("label", [DISK_LABEL, WORKLOAD_LABEL], ids=["its own", "that of former versions"])
async def test_a_disk_that_outlives_its_workload_is_ours_by_its_label(replica: Replica, label: str) -> None:
    there(replica)
    before = replica.server.put(DATA_VOLUMES, DISK.name, "shop", metadata={"labels": {label: "web"}})
    done = await execute(replica, Apply(DISK, None))
    assert done.taken == ()
    assert replica.of("datavolumes")["shop", DISK.name] == before


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"labels": {DISK_LABEL: "api"}},
        {"labels": {DISK_LABEL: "api", WORKLOAD_LABEL: "web"}},
        {"labels": {DISK_LABEL: "web"}, "ownerReferences": owned_by("x")},
    ],
)
async def test_any_other_disk_of_that_name_is_taken(replica: Replica, meta: dict[str, Any]) -> None:
    there(replica)
    replica.server.put(DATA_VOLUMES, DISK.name, "shop", metadata=meta)
    assert (await execute(replica, Apply(DISK, None))).taken == (Taken("DataVolume", DISK.name),)


async def test_a_machine_whose_disk_turns_out_to_be_taken_is_not_made(replica: Replica) -> None:
    there(replica)
    replica.server.put(DATA_VOLUMES, DISK.name, "shop")
    machine_of_it = next(child for child in wanted(CLONED, VM) if child.kind == "VirtualMachine")
    done = await execute(replica, Apply(DISK, None), Apply(machine_of_it, None))
    assert done.taken == (Taken("DataVolume", DISK.name),)
    assert replica.of("virtualmachines") == {}


async def test_only_that_very_object_is_changed(replica: Replica) -> None:
    replica.server.put(SERVICES, "web", "shop")
    with pytest.raises(errors.Conflict):
        await execute(replica, Apply(SERVICE, "uid-of-the-one-before"))


async def test_only_that_very_object_is_deleted(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[dict[str, Any]] = []
    carry_out = replica.server._delete

    async def seen(request: Any, place: Any) -> Any:
        bodies.append(orjson.loads(await request.read()))
        return await carry_out(request, place)

    monkeypatch.setattr(replica.server, "_delete", seen)
    live = replica.server.put(SERVICES, "web", "shop")
    with pytest.raises(errors.Conflict):
        await execute(replica, Delete(stored(SERVICE), "x"))
    await execute(replica, Delete(stored(SERVICE, uid=live["metadata"]["uid"]), "x"))
    assert replica.of("services") == {}
    assert [body["preconditions"]["uid"] for body in bodies] == ["uid-of-Service", live["metadata"]["uid"]]


async def test_what_was_told_to_go_is_known_to_be_going(replica: Replica) -> None:
    live = replica.server.put(SERVICES, "web", "shop")
    record = stored(SERVICE, uid=live["metadata"]["uid"])
    replica.store.put_child("Service", record.key, record)
    await execute(replica, Delete(record, "x"))
    assert [child.deleting for child in replica.store.children(record.key)] == [True]


async def test_what_is_gone_already_needs_no_delete(replica: Replica) -> None:
    assert (await execute(replica, Delete(stored(SERVICE), "x"))).refused == ()


@pytest.mark.parametrize("code", [400, 403, 404, 422])
async def test_a_refusal_is_kept_and_the_plan_goes_on(replica: Replica, code: int) -> None:
    replica.server.fail("PATCH", "services", answer(code))
    network = wanted(SERVED)[0]
    done = await execute(replica, Apply(SERVICE, None), Apply(network, None))
    [problem] = done.refused
    assert problem.reason == Reason.CHILD_REJECTED
    assert problem.message == "the API server refused Service web: injected"
    assert replica.of("networkpolicies")


async def test_what_a_quota_of_the_cluster_refuses_waits_for_quota(replica: Replica) -> None:
    body = {"kind": "Status", "code": 403, "message": "services is forbidden: exceeded quota: theirs"}
    replica.server.fail("PATCH", "services", raw(orjson.dumps(body), 403))
    [problem] = (await execute(replica, Apply(SERVICE, None))).refused
    assert problem.reason == Reason.WAITING_FOR_QUOTA
    assert "exceeded quota: theirs" in problem.message


@pytest.mark.parametrize("code", [409, 429, 500, 503])
async def test_what_another_try_may_cure_ends_the_plan(server: FakeApiServer, impatient: Client, code: int) -> None:
    replica = Replica(server, impatient)
    server.fail("PATCH", "services", answer(code))
    with pytest.raises(errors.ApiError):
        await execute(replica, Apply(SERVICE, UID), Apply(wanted(SERVED)[0], None))
    assert replica.of("networkpolicies") == {}


async def test_a_namespace_that_ends_ends_the_plan(replica: Replica) -> None:
    body: dict[str, Any] = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "it is being terminated"}
    body["details"] = {"causes": [{"reason": "NamespaceTerminating"}]}
    replica.server.fail("PATCH", "services", raw(orjson.dumps(body), 403))
    with pytest.raises(errors.NamespaceTerminating):
        await execute(replica, Apply(SERVICE, None))


HOSTILE = {"hostNetwork": True}


async def test_what_is_more_than_a_workload_may_have_is_not_written_and_the_rest_is(replica: Replica) -> None:
    deployment = next(child for child in wanted(SERVED) if child.kind == "Deployment")
    template = deployment.body["spec"]["template"]
    hostile = deployment.body | {
        "spec": deployment.body["spec"] | {"template": template | {"spec": template["spec"] | HOSTILE}}
    }
    done = await execute(replica, Apply(replace(deployment, body=hostile), None), Apply(SERVICE, None))
    [problem] = done.refused
    assert problem.reason == Reason.CHILD_UNSAFE
    assert "Deployment web was not written, for Berth's own check refused it: " in problem.message
    assert "hostNetwork" in problem.message
    assert replica.of("deployments") == {}
    assert replica.of("services")


async def test_a_child_is_held_against_the_cluster_of_the_moment_in_which_it_is_written(replica: Replica) -> None:
    """The handler of the RuntimeClass is another one by the time that the second step is due."""
    kata = bounds_of(subject(SERVED), KATA)
    assert kata.seen is not None
    now = [kata]
    replica.deps.gateway._written = lambda *_: now.append(replace(kata, seen=replace(kata.seen, handler="runc")))
    network, *_, deployment = wanted(SERVED, KATA)
    steps = (Apply(network, None), Apply(deployment, None))
    done = await replica.deps.gateway.execute(steps, WORKLOAD, lambda: now[-1])
    assert [problem.reason for problem in done.refused] == [Reason.CHILD_UNSAFE]
    assert "runc" in done.refused[0].message
    assert replica.of("deployments") == {}
    assert replica.of("networkpolicies")


async def test_nothing_is_made_anew_for_a_workload_of_which_it_is_not_known_yet_that_it_is_gone(
    replica: Replica,
) -> None:
    known = replace(WORKLOAD, status=pack({"replicas": 1}))

    async def again() -> Done:
        return await replica.deps.gateway.execute((Apply(SERVICE, None),), known, lambda: SERVED_BOUNDS)

    with pytest.raises(errors.Conflict, match="is gone"):
        await again()
    replica.server.put(WORKLOADS, "web", "shop", metadata={"uid": "another"})
    with pytest.raises(errors.Conflict, match="was made anew"):
        await again()
    replica.server.remove(WORKLOADS, "web", "shop")
    replica.server.put(WORKLOADS, "web", "shop", metadata={"uid": UID, "deletionTimestamp": "2026-11-30T00:00:00Z"})
    with pytest.raises(errors.Conflict, match="or going"):
        await again()
    assert replica.writes() == []
    there(replica)
    assert await again() == Done()
    assert replica.of("services")


async def test_a_disk_that_would_outlive_its_workload_is_never_made_for_one_that_is_gone(replica: Replica) -> None:
    with pytest.raises(errors.Conflict, match="is gone"):
        await execute(replica, Apply(DISK, None))
    assert replica.writes() == []
    there(replica)
    assert await execute(replica, Apply(DISK, None)) == Done()


async def test_an_owner_is_read_only_before_something_is_made_anew(replica: Replica) -> None:
    known = replace(WORKLOAD, status=pack({"replicas": 1}))
    assert await execute(replica, Apply(SERVICE, None)) == Done()
    uid = replica.of("services")["shop", "web"]["metadata"]["uid"]
    steps = (Apply(SERVICE, uid), Delete(replace(stored(SERVICE), uid=uid), "x"))
    assert await replica.deps.gateway.execute(steps, known, lambda: SERVED_BOUNDS) == Done()
    assert "GET" not in {method for method, *_ in replica.server.requests}


async def test_where_the_owner_may_not_be_read_it_is_gone_by_what_is_known(replica: Replica) -> None:
    replica.server.fail("GET", "workloads", answer(403, "Forbidden"))
    known = replace(WORKLOAD, status=pack({"replicas": 1}))
    assert await replica.deps.gateway.execute((Apply(SERVICE, None),), known, lambda: SERVED_BOUNDS) == Done()
    assert replica.of("services")


TENANT = TenantRecord("acme", "uid-of-acme", 1, None, None, b"{}")
NET = QuotaBounds("shop", "berth", "acme", "uid-of-acme", (("requests.memory", "8Gi"),))


def net(hard: str = "8Gi", namespace: str = "shop") -> Child:
    """Return the ResourceQuota of Tenant acme in a namespace."""
    return resource_quota("acme", "uid-of-acme", namespace, {"requests.memory": hard})


async def test_the_quota_of_a_tenant_is_written_and_removed(replica: Replica) -> None:
    assert await replica.deps.gateway.settle(Apply(net(), None), TENANT, NET) == ()
    live = replica.of("resourcequotas")["shop", "berth"]
    assert live["spec"]["hard"] == {"requests.memory": "8Gi"}
    record = replace(stored(net()), uid=live["metadata"]["uid"])
    assert await replica.deps.gateway.settle(Delete(record, "x"), TENANT, NET) == ()
    assert replica.of("resourcequotas") == {}


async def test_no_quota_is_made_anew_for_a_tenant_that_is_gone(replica: Replica) -> None:
    known = replace(TENANT, status=b'{"namespaces":1}')
    with pytest.raises(errors.Conflict, match="is gone"):
        await replica.deps.gateway.settle(Apply(net(), None), known, NET)
    assert replica.writes() == []
    replica.server.put(TENANTS, "acme", metadata={"uid": "uid-of-acme"})
    assert await replica.deps.gateway.settle(Apply(net(), None), known, NET) == ()
    assert replica.of("resourcequotas")


@pytest.mark.parametrize("child", [net("16Gi"), net(namespace="bank")])
async def test_a_quota_that_is_not_what_the_tenant_may_have_is_not_written(replica: Replica, child: Child) -> None:
    [problem] = await replica.deps.gateway.settle(Apply(child, None), TENANT, NET)
    assert problem.reason == Reason.CHILD_UNSAFE
    assert replica.writes() == []


@pytest.mark.parametrize("fields", [{"owner_uid": FOREIGN}, {"key": ("bank", "berth")}, {"key": ("shop", "theirs")}])
async def test_a_quota_of_somebody_else_is_never_removed(replica: Replica, fields: dict[str, Any]) -> None:
    with pytest.raises(NotOurs):
        await replica.deps.gateway.settle(Delete(replace(stored(net()), **fields), "x"), TENANT, NET)
    assert replica.writes() == []


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        (SERVICES, {"metadata": {"name": "web", "namespace": "shop", "uid": "u"}, "status": {}}),
        (WORKLOADS, {"metadata": {"name": "web", "namespace": "shop", "uid": "u"}, "spec": {}, "status": {}}),
    ],
)
async def test_nothing_but_the_status_of_berths_own_kinds_is_said(
    replica: Replica, resource: Resource, body: dict[str, Any]
) -> None:
    with pytest.raises(NotOurs):
        await replica.deps.gateway.say(resource, body)
    assert replica.writes() == []


@pytest.mark.parametrize("change", [{"kind": "Secret"}, {"namespace": "bank"}])
async def test_an_event_is_about_a_workload_of_its_own_namespace(replica: Replica, change: dict[str, str]) -> None:
    regarding = {"kind": "Workload", "namespace": "shop", "name": "web"} | change
    with pytest.raises(NotOurs):
        await replica.deps.gateway.note({"metadata": {"namespace": "shop"}, "regarding": regarding})
    assert replica.writes() == []


@pytest.mark.parametrize("resource", [SECRETS, SERVICE_ACCOUNTS, LEASES, EVENTS])
async def test_what_berth_has_no_business_with_is_not_read(replica: Replica, resource: Resource) -> None:
    with pytest.raises(NotReadable):
        replica.reader.list_pages(resource)
    with pytest.raises(NotReadable):
        replica.reader.watch(resource, EVERYTHING, resource_version="1", timeout_seconds=1, gather=0.0)
    assert replica.server.requests == []


async def test_whatever_is_watched_may_be_read(replica: Replica) -> None:
    assert {*reflectors(replica.reader, replica.store, lambda *_: None, 1.0)} <= READABLE


async def test_a_claim_is_let_to_grow_and_only_that_very_one(replica: Replica) -> None:
    workload, spec = replace(WORKLOAD, key=("shop", "web")), {"resources": {"requests": {"storage": "30Gi"}}}
    uid = replica.server.put(PERSISTENT_VOLUME_CLAIMS, "web-root", "shop", spec=spec)["metadata"]["uid"]
    larger = grown_claim("shop", Growth("web-root", uid, 40 << 30, 42 << 30))
    within = bounds_of(subject(CLONED), VM)
    assert await replica.deps.gateway.execute([Grow(larger, uid)], workload, lambda: within) == Done()
    stored = replica.of("persistentvolumeclaims")["shop", "web-root"]
    assert stored["spec"]["resources"]["requests"] == {"storage": "42Gi"}
    assert (PERSISTENT_VOLUME_CLAIMS, stored) in replica.written
    with pytest.raises(errors.Conflict):
        await replica.deps.gateway.execute([Grow(larger, "another")], workload, lambda: within)


async def test_a_claim_of_no_disk_of_the_workload_is_not_written(replica: Replica) -> None:
    larger = grown_claim("shop", Growth("ledger", "c", 40 << 30, 42 << 30))
    done = await replica.deps.gateway.execute([Grow(larger, "c")], WORKLOAD, lambda: bounds_of(subject(CLONED), VM))
    assert [each.reason for each in done.refused] == ["ChildUnsafe"]
    assert replica.writes() == []
