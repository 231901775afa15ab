"""The promises that rest on the API server's own behaviour, proven on a real one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from berth.kube import errors
from berth.kube.backoff import Backoff
from berth.kube.client import Client, Obj, Selection
from berth.kube.lease import LeaderElector, LeaseTiming
from berth.kube.queue import Key
from berth.kube.reflector import Reflector, Timing
from berth.kube.resources import (
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    JOBS,
    NAMESPACES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from ground.api import connection
from kube.conditions import eventually

pytestmark = [pytest.mark.asyncio, pytest.mark.ground]

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
OTHER_UID = "00000000-0000-0000-0000-000000000000"
POD_SPEC = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}
LABELS = {"matchLabels": {"app": "x"}}
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
# Every kind of child, with the content that makes it valid.
KINDS: list[tuple[Resource, Obj]] = [
    (CONFIG_MAPS, {"data": {"a": "1"}}),
    (SECRETS, {"stringData": {"a": "1"}}),
    (SERVICE_ACCOUNTS, {"automountServiceAccountToken": False}),
    (SERVICES, {"spec": {"ports": [{"port": 80}]}}),
    (PERSISTENT_VOLUME_CLAIMS, {"spec": CLAIM}),
    (DEPLOYMENTS, {"spec": {"replicas": 0, "selector": LABELS, "template": TEMPLATE}}),
    (JOBS, {"spec": {"suspend": True, "template": {"spec": POD_SPEC}}}),
    (NETWORK_POLICIES, {"spec": {"podSelector": {}}}),
    (POD_DISRUPTION_BUDGETS, {"spec": {"maxUnavailable": 1, "selector": LABELS}}),
    (HORIZONTAL_POD_AUTOSCALERS, {"spec": {"maxReplicas": 2, "scaleTargetRef": TARGET}}),
]


class Ground(Protocol):
    """What these tests need of the `ground_cluster` fixture."""

    kubeconfig: Path
    server: str


def an_object(resource: Resource, name: str, **content: Any) -> Obj:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}, **content}


def a_map(**data: str) -> Obj:
    return an_object(CONFIG_MAPS, "x", data=data)


def log_in(ground: Ground) -> aiohttp.ClientSession:
    """Open a session. At its end it cuts connections whose request was cancelled and that the server has yet to close."""
    reached = connection(ground.kubeconfig)
    connector = aiohttp.TCPConnector(ssl=reached.tls, enable_cleanup_closed=aiohttp.connector.NEEDS_CLEANUP_CLOSED)
    return aiohttp.ClientSession(connector=connector, headers=reached.headers)


@pytest_asyncio.fixture
async def session(ground_cluster: Ground) -> AsyncIterator[aiohttp.ClientSession]:
    """Log in with the administrator's client certificate."""
    async with log_in(ground_cluster) as opened:
        yield opened


@pytest_asyncio.fixture
async def client(ground_cluster: Ground, session: aiohttp.ClientSession) -> Client:
    """Give a client of the real API server."""
    return Client(lambda: session, ground_cluster.server)


@pytest_asyncio.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """Give an empty namespace and delete it afterwards."""
    name = f"kube-{uuid4().hex[:8]}"
    made = await client.apply(NAMESPACES, None, name, an_object(NAMESPACES, name))
    yield name
    await client.delete(NAMESPACES, None, name, made["metadata"]["uid"])


def a_crd(group: str) -> Obj:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    return an_object(CRDS, f"things.{group}", spec=spec)


@pytest_asyncio.fixture
async def things(client: Client) -> AsyncIterator[Resource]:
    """Give a new kind, of which the API server remembers no history, and delete it afterwards."""
    group = f"{uuid4().hex[:8]}.berth.test"
    made = await client.apply(CRDS, None, f"things.{group}", a_crd(group))
    kind = Resource(group, "v1", "things", "Thing")
    async with reflecting(client, kind, optional=True) as (reflector, _):
        await eventually(lambda: reflector.present)
    yield kind
    await client.delete(CRDS, None, f"things.{group}", made["metadata"]["uid"])


class Names:
    """A sink that keeps one value per object name."""

    def __init__(self) -> None:
        self.now: dict[str, Any] = {}

    def apply(self, _: Resource, key: Key, record: Any, /) -> None:
        """Keep or drop a record."""
        if record is None:
            del self.now[key[1]]
        else:
            self.now[key[1]] = record


@asynccontextmanager
async def reflecting(client: Client, resource: Resource, **options: Any) -> AsyncIterator[tuple[Reflector[Any], Names]]:
    """Run a reflector that keeps `data` (or an empty one) of every object."""
    names = Names()
    timing = Timing(backoff=Backoff(base=0.02, cap=0.2), absent_retry=0.05)
    options = {"project": lambda obj: obj.get("data", {}), **options}
    reflector: Reflector[Any] = Reflector(client, resource, sink=names, timing=timing, **options)
    task = asyncio.create_task(reflector.run())
    try:
        await asyncio.wait_for(reflector.synced.wait(), 10)
        yield reflector, names
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def applied(client: Client, namespace: str, body: Obj, **options: Any) -> Obj:
    return await client.apply(CONFIG_MAPS, namespace, "x", body, **options)


# Server-side apply


async def test_apply_may_answer_with_metadata_alone(client: Client, namespace: str) -> None:
    whole = await applied(client, namespace, a_map(a="1"))
    brief = await applied(client, namespace, a_map(a="2"), metadata_only=True)
    assert "data" not in brief
    assert brief["metadata"]["uid"] == whole["metadata"]["uid"]
    stored = await client.get(CONFIG_MAPS, namespace, "x")
    assert stored["metadata"]["resourceVersion"] == brief["metadata"]["resourceVersion"]
    assert stored["data"] == {"a": "2"}


@pytest.mark.parametrize(("resource", "content"), KINDS, ids=[resource.plural for resource, _ in KINDS])
async def test_create_only_and_uid_hold_for_every_kind_of_child(
    client: Client, namespace: str, resource: Resource, content: Obj
) -> None:
    body = an_object(resource, "x", **content)
    made = await client.apply(resource, namespace, "x", body, create_only=True)
    assert [(entry["manager"], entry["operation"]) for entry in made["metadata"]["managedFields"]] == [
        ("berth", "Apply")
    ]
    with pytest.raises(errors.AlreadyExists):
        await client.apply(resource, namespace, "x", body, create_only=True)
    with pytest.raises(errors.Conflict):
        await client.apply(resource, namespace, "x", body, uid=OTHER_UID)
    await client.apply(resource, namespace, "x", body, uid=made["metadata"]["uid"])
    assert await client.delete(resource, namespace, "x", made["metadata"]["uid"])


async def test_create_only_never_adopts_a_foreign_object(client: Client, namespace: str) -> None:
    foreign = await client.create(CONFIG_MAPS, namespace, a_map(theirs="1"))
    with pytest.raises(errors.AlreadyExists):
        await applied(client, namespace, a_map(ours="1"), create_only=True)
    assert await client.get(CONFIG_MAPS, namespace, "x") == foreign


async def test_of_many_create_only_at_once_exactly_one_wins(client: Client, namespace: str) -> None:
    outcomes = await asyncio.gather(
        *(applied(client, namespace, a_map(winner=str(number)), create_only=True) for number in range(30)),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert len(won) == 1
    assert all(isinstance(outcome, dict | errors.AlreadyExists) for outcome in outcomes)
    assert (await client.get(CONFIG_MAPS, namespace, "x"))["data"] == won[0]["data"]


async def test_a_field_no_longer_applied_is_removed_also_after_create_only(client: Client, namespace: str) -> None:
    await applied(client, namespace, a_map(kept="1", dropped="1"), create_only=True)
    after = await applied(client, namespace, a_map(kept="2"))
    assert after["data"] == {"kept": "2"}
    assert [(entry["manager"], entry["operation"]) for entry in after["metadata"]["managedFields"]] == [
        ("berth", "Apply")
    ]


async def test_apply_bound_to_a_uid_changes_only_that_object(client: Client, namespace: str) -> None:
    old = (await applied(client, namespace, a_map(a="1")))["metadata"]["uid"]
    await applied(client, namespace, a_map(a="2"), uid=old)
    assert await client.delete(CONFIG_MAPS, namespace, "x", old)
    with pytest.raises(errors.Conflict):
        await applied(client, namespace, a_map(a="3"), uid=old)
    with pytest.raises(errors.NotFound):
        await client.get(CONFIG_MAPS, namespace, "x")
    await applied(client, namespace, a_map(a="4"))
    with pytest.raises(errors.Conflict):
        await applied(client, namespace, a_map(a="5"), uid=old)
    assert (await client.get(CONFIG_MAPS, namespace, "x"))["data"] == {"a": "4"}


async def test_an_unknown_field_is_refused(client: Client, namespace: str) -> None:
    with pytest.raises(errors.Invalid, match="no-such-field"):
        await applied(client, namespace, a_map() | {"no-such-field": 1})


async def test_a_terminating_namespace_is_recognised(client: Client, namespace: str) -> None:
    held = an_object(CONFIG_MAPS, "held")
    held["metadata"]["finalizers"] = ["berth.dev/test"]
    await client.apply(CONFIG_MAPS, namespace, "held", held)
    uid = (await client.get(NAMESPACES, None, namespace))["metadata"]["uid"]
    await client.delete(NAMESPACES, None, namespace, uid)
    with pytest.raises(errors.NamespaceTerminating):
        await applied(client, namespace, a_map(), create_only=True)
    await client.apply(CONFIG_MAPS, namespace, "held", an_object(CONFIG_MAPS, "held"))


async def test_an_absent_namespace_is_not_found(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await applied(client, "no-such-namespace", a_map())


# Delete and replace


async def test_delete_hits_only_the_object_with_that_uid(client: Client, namespace: str) -> None:
    uid = (await applied(client, namespace, a_map()))["metadata"]["uid"]
    with pytest.raises(errors.Conflict):
        await client.delete(CONFIG_MAPS, namespace, "x", OTHER_UID)
    assert await client.delete(CONFIG_MAPS, namespace, "x", uid) is True
    assert await client.delete(CONFIG_MAPS, namespace, "x", uid) is False


async def test_replace_conflicts_on_an_old_version(client: Client, namespace: str) -> None:
    stored = await applied(client, namespace, a_map(a="1"))
    await client.replace(CONFIG_MAPS, namespace, "x", stored | {"data": {"a": "2"}})
    with pytest.raises(errors.Conflict):
        await client.replace(CONFIG_MAPS, namespace, "x", stored | {"data": {"a": "3"}})


# List, watch, reflect


async def test_pages_are_of_one_moment_and_may_be_metadata_only(client: Client, namespace: str) -> None:
    for name in ("a", "b", "c"):
        await client.apply(CONFIG_MAPS, namespace, name, an_object(CONFIG_MAPS, name, data={"k": "v"}))
    selection = Selection(namespace=namespace, metadata_only=True, field_selector="metadata.name!=kube-root-ca.crt")
    pages = [page async for page in client.list_pages(CONFIG_MAPS, selection, limit=2)]
    assert [len(page.items) for page in pages] == [2, 1]
    assert {page.resource_version for page in pages} == {pages[0].resource_version}
    assert all("data" not in item for page in pages for item in page.items)


async def test_a_reflector_follows_and_survives_a_cut_connection(
    ground_cluster: Ground, client: Client, namespace: str
) -> None:
    sessions = [log_in(ground_cluster)]
    cut_off = Client(lambda: sessions[-1], ground_cluster.server)
    selection = Selection(namespace=namespace, field_selector="metadata.name!=kube-root-ca.crt")
    async with reflecting(cut_off, CONFIG_MAPS, selection=selection) as (reflector, names):
        uid = (await applied(client, namespace, a_map(a="1")))["metadata"]["uid"]
        await eventually(lambda: names.now == {"x": {"a": "1"}})
        sessions.append(log_in(ground_cluster))
        await sessions[0].close()
        await client.delete(CONFIG_MAPS, namespace, "x", uid)
        big = {"k": "v" * 1_000_000}
        await client.apply(CONFIG_MAPS, namespace, "big", an_object(CONFIG_MAPS, "big", data=big))
        await eventually(lambda: names.now == {"big": big})
        assert reflector.relists == 1
    await sessions[1].close()


@pytest.mark.parametrize("metadata_only", [False, True])
async def test_an_expired_position_leads_to_a_relist_without_ghosts(
    client: Client, namespace: str, things: Resource, *, metadata_only: bool
) -> None:
    made = await client.apply(things, namespace, "ghost", an_object(things, "ghost"))
    names, timing = Names(), Timing(backoff=Backoff(base=0.02, cap=0.2))
    options: dict[str, Any] = {"selection": Selection(namespace, metadata_only=metadata_only), "timing": timing}
    reflector: Reflector[str] = Reflector(
        client, things, project=lambda obj: str(obj["metadata"]["name"]), sink=names, **options
    )
    await reflector._list()
    assert names.now == {"ghost": "ghost"}
    await client.delete(things, namespace, "ghost", made["metadata"]["uid"])
    reflector._position = "1"
    task = asyncio.create_task(reflector.run())
    await eventually(lambda: names.now == {} and reflector.relists == 2)
    await client.apply(things, namespace, "new", an_object(things, "new"))
    await eventually(lambda: names.now == {"new": "new"})
    task.cancel()


async def test_a_crd_may_come_and_go(client: Client, namespace: str) -> None:
    group = f"{uuid4().hex[:8]}.berth.test"
    things = Resource(group, "v1", "things", "Thing")
    async with reflecting(client, things, optional=True) as (reflector, names):
        assert not reflector.present
        crd = await client.apply(CRDS, None, f"things.{group}", a_crd(group))
        assert crd is not None
        await eventually(lambda: reflector.present)
        thing = an_object(things, "x", data={"a": 1, "b": 1})
        await client.apply(things, namespace, "x", thing, create_only=True)
        await eventually(lambda: names.now == {"x": {"a": 1, "b": 1}})
        with pytest.raises(errors.AlreadyExists):
            await client.apply(things, namespace, "x", thing, create_only=True)
        with pytest.raises(errors.Conflict):
            await client.apply(things, namespace, "x", thing, uid=OTHER_UID)
        await client.apply(things, namespace, "x", an_object(things, "x", data={"a": 2}))
        await eventually(lambda: names.now == {"x": {"a": 2}})
        await client.delete(CRDS, None, f"things.{group}", crd["metadata"]["uid"])
        await eventually(lambda: names.now == {} and not reflector.present)


# Leader election


async def test_of_electors_that_race_one_leads_and_a_release_hands_over(client: Client, namespace: str) -> None:
    timing = LeaseTiming(duration=15.0, renew_deadline=10.0, retry_period=0.05)
    electors = [LeaderElector(client, namespace, "berth", f"e{n}", timing=timing) for n in range(4)]
    tasks = [asyncio.create_task(elector.run()) for elector in electors]
    most = 0
    for _ in range(2):
        await eventually(lambda: any(elector.is_leader for elector in electors))
        for _ in range(20):
            most = max(most, sum(elector.is_leader for elector in electors))
            await asyncio.sleep(0.01)
        await next(elector for elector in electors if elector.is_leader).release()
    await eventually(lambda: any(elector.is_leader for elector in electors))
    assert most == 1
    assert next(elector for elector in electors if elector.is_leader).transitions == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
