"""What the client promises about requests and answers."""

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import web

from berth.kube import errors
from berth.kube.client import Client, Selection
from berth.kube.resources import DEPLOYMENTS, EVENTS, LEASES, PODS, SERVICES
from berth.kube.transport import Timeouts
from kube.calls import a_service, events_of, pages_of
from kube.conditions import eventually
from kube.conftest import QUICK
from kube.fake_apiserver import FakeApiServer, answer, broken, raw, slow

pytestmark = pytest.mark.asyncio


class Recorder:
    """Metrics that remember."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def observe(self, method: str, resource: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((method, resource, status))


# Reading


async def test_get_returns_the_object(server: FakeApiServer, client: Client) -> None:
    stored = server.put(PODS, "a")
    assert await client.get(PODS, "default", "a") == stored


async def test_get_of_an_absent_object_is_not_found_at_once(server: FakeApiServer, client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await client.get(PODS, "default", "a")
    assert server.count("GET", "pods") == 1


async def test_list_comes_in_pages_of_one_moment(server: FakeApiServer, client: Client) -> None:
    for number in range(5):
        server.put(PODS, f"p{number}")
    pages = await pages_of(client, limit=2)
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert [page.first for page in pages] == [True, False, False]
    assert {page.resource_version for page in pages} == {"105"}


async def test_list_starts_again_when_the_continue_token_expired(server: FakeApiServer, client: Client) -> None:
    for number in range(3):
        server.put(PODS, f"p{number}")
    names: list[list[str]] = []
    firsts: list[bool] = []
    async for page in client.list_pages(PODS, limit=2):
        if not firsts:
            server.compact(PODS)
        names.append([obj["metadata"]["name"] for obj in page.items])
        firsts.append(page.first)
    assert firsts == [True, True, False]
    assert names == [["p0", "p1"], ["p0", "p1"], ["p2"]]


async def test_list_gives_up_when_the_continue_token_expires_for_ever(server: FakeApiServer, client: Client) -> None:
    for number in range(3):
        server.put(PODS, f"p{number}")

    async def list_while_history_is_dropped() -> None:
        async for _ in client.list_pages(PODS, limit=2):
            server.compact(PODS)

    with pytest.raises(errors.Gone):
        await list_while_history_is_dropped()


async def test_list_of_everything_asks_for_500_at_a_time_and_no_compression(
    server: FakeApiServer, client: Client
) -> None:
    await pages_of(client)
    assert server.requests == [("LIST", "/api/v1/pods", {"limit": "500"})]


async def test_selection_reaches_the_server(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a", metadata={"labels": {"app": "a&b"}})
    server.put(PODS, "b", namespace="other", metadata={"labels": {"app": "a&b"}})
    server.put(PODS, "c")
    everywhere = await pages_of(client, Selection(label_selector="app=a&b", field_selector="x=y"))
    here = await pages_of(client, Selection(namespace="other"))
    assert [obj["metadata"]["name"] for page in everywhere for obj in page.items] == ["a", "b"]
    assert [obj["metadata"]["name"] for page in here for obj in page.items] == ["b"]
    assert server.requests[0][2]["fieldSelector"] == "x=y"


async def test_metadata_only_asks_for_the_list_form_and_the_single_form(server: FakeApiServer, client: Client) -> None:
    accepted = []

    async def note(request: web.BaseRequest) -> None:
        accepted.append(request.headers["Accept"])

    server.fail("LIST", "pods", note)
    server.fail("WATCH", "pods", note, answer(410))
    await pages_of(client, Selection(metadata_only=True))
    stream = client.watch(PODS, Selection(metadata_only=True), resource_version="1", timeout_seconds=1)
    reading = asyncio.ensure_future(anext(stream))
    await eventually(lambda: len(accepted) == 2)
    reading.cancel()
    assert accepted == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]


# Watching


async def test_watch_yields_what_happened_since(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a")
    stream = events_of(client, "100")
    first = await anext(stream)
    server.remove(PODS, "a")
    second = await anext(stream)
    assert [first["type"], second["type"]] == ["ADDED", "DELETED"]
    assert server.requests[0][2] == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "100",
        "timeoutSeconds": "1",
    }


async def test_watch_reads_objects_of_one_and_a_half_megabytes(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "big", data="x" * 1_500_000)
    server.put(PODS, "small")
    stream = events_of(client, "100")
    assert len((await anext(stream))["object"]["data"]) == 1_500_000
    assert (await anext(stream))["object"]["metadata"]["name"] == "small"


async def test_watch_from_a_forgotten_version_is_gone(server: FakeApiServer, client: Client) -> None:
    server.compact(PODS)
    with pytest.raises(errors.Gone):
        await anext(events_of(client, "1"))


async def test_a_line_that_was_cut_off_is_not_an_event(server: FakeApiServer, client: Client) -> None:
    stream = events_of(client, "100")
    reading = asyncio.ensure_future(anext(stream))
    await eventually(lambda: server.open_watches(PODS))
    server.cut_watches(PODS, rest=b'{"type":"ADDED","object":{"metadata":{"name":"half"')
    with pytest.raises(errors.Unavailable):
        await reading


async def test_a_line_that_is_not_json_is_an_error_of_ours(server: FakeApiServer, client: Client) -> None:
    server.fail("WATCH", "pods", raw(b'{"type":\n'))
    with pytest.raises(errors.Unavailable, match="UndecodableAnswer"):
        await anext(events_of(client, "100"))


async def test_a_watch_that_falls_silent_ends(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    client = Client(lambda: session, server.url, timeouts=Timeouts(silence=0.05))
    reading = asyncio.ensure_future(anext(events_of(client, "100")))
    await eventually(lambda: server.open_watches(PODS))
    server.hang_watches(PODS)
    with pytest.raises(errors.Unavailable):
        await reading


# Writing


async def test_apply_is_forced_and_strict_and_returns_what_is_stored(server: FakeApiServer, client: Client) -> None:
    stored = await client.apply(SERVICES, "default", "web", a_service())
    assert stored == server.objects["services"]["default", "web"]
    query = {"fieldManager": "berth", "fieldValidation": "Strict", "force": "true"}
    assert server.requests[0] == ("PATCH", "/api/v1/namespaces/default/services/web", query)


async def test_apply_without_force_and_on_a_subresource(server: FakeApiServer, client: Client) -> None:
    await client.apply(SERVICES, "default", "web", a_service(), force=False, subresource="status")
    method, path, query = server.requests[0]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/default/services/web/status")
    assert "force" not in query


async def test_create_only_creates_what_is_absent_and_leaves_what_exists(server: FakeApiServer, client: Client) -> None:
    body = a_service()
    await client.apply(SERVICES, "default", "web", body, create_only=True)
    before = server.version
    with pytest.raises(errors.AlreadyExists):
        await client.apply(SERVICES, "default", "web", body, create_only=True)
    assert server.version == before
    assert body == a_service()


async def test_apply_bound_to_a_uid_changes_only_that_object(server: FakeApiServer, client: Client) -> None:
    uid = server.put(SERVICES, "web")["metadata"]["uid"]
    await client.apply(SERVICES, "default", "web", a_service(), uid=uid)
    server.remove(SERVICES, "web")
    with pytest.raises(errors.Conflict):
        await client.apply(SERVICES, "default", "web", a_service(), uid=uid)
    server.put(SERVICES, "web")
    with pytest.raises(errors.Conflict):
        await client.apply(SERVICES, "default", "web", a_service(), uid=uid)


async def test_an_invalid_object_is_invalid_also_when_bound_to_a_uid(server: FakeApiServer, client: Client) -> None:
    server.fail("PATCH", "services", answer(422, "Invalid"))
    with pytest.raises(errors.Invalid):
        await client.apply(SERVICES, "default", "web", a_service(), uid="u")


async def test_delete_hits_only_the_object_with_that_uid(server: FakeApiServer, client: Client) -> None:
    old = server.put(SERVICES, "web")["metadata"]["uid"]
    server.remove(SERVICES, "web")
    assert await client.delete(SERVICES, "default", "web", old) is False
    new = server.put(SERVICES, "web")["metadata"]["uid"]
    with pytest.raises(errors.Conflict):
        await client.delete(SERVICES, "default", "web", old)
    assert await client.delete(SERVICES, "default", "web", new) is True
    assert not server.objects["services"]


async def test_a_delete_without_a_uid_is_refused_before_it_is_sent(server: FakeApiServer, client: Client) -> None:
    with pytest.raises(ValueError, match="uid must be given"):
        await client.delete(SERVICES, "default", "web", "")
    with pytest.raises(ValueError, match="not a name"):
        await client.delete(SERVICES, "default", "", "u")
    with pytest.raises(ValueError, match="uid must be given"):
        await client.apply(SERVICES, "default", "web", a_service(), uid="")
    assert not server.requests


async def test_replace_needs_a_version_and_conflicts_when_it_is_old(server: FakeApiServer, client: Client) -> None:
    stored = server.put(LEASES, "l")
    with pytest.raises(ValueError, match="resourceVersion"):
        await client.replace(LEASES, "default", "l", {"metadata": {"name": "l"}})
    await client.replace(LEASES, "default", "l", stored)
    with pytest.raises(errors.Conflict):
        await client.replace(LEASES, "default", "l", stored)


async def test_create_returns_the_object_and_never_takes_over(server: FakeApiServer, client: Client) -> None:
    created = await client.create(EVENTS, "default", {"metadata": {"name": "e", "namespace": "default"}})
    assert created["metadata"]["uid"]
    with pytest.raises(errors.AlreadyExists):
        await client.create(EVENTS, "default", {"metadata": {"name": "e", "namespace": "default"}})
    assert len(server.objects["events"]) == 1


# Load, metrics, warnings


async def test_no_more_requests_run_at_once_than_allowed(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    client = Client(lambda: session, server.url, max_in_flight=3)
    server.fail("PATCH", "services", *[slow(0.02)] * 12)
    await asyncio.gather(*(client.apply(SERVICES, "default", f"s{n}", a_service(f"s{n}")) for n in range(12)))
    assert server.most_in_flight == 3


async def test_every_request_is_observed_with_its_status(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    recorder = Recorder()
    client = Client(lambda: session, server.url, retries=QUICK, metrics=recorder)
    server.fail("PATCH", "deployments", answer(500), broken)
    await client.apply(DEPLOYMENTS, "default", "web", a_service())
    assert recorder.seen == [("PATCH", "deployments", status) for status in (500, 0, 201)]


async def test_a_watch_is_observed_when_it_begins(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    recorder = Recorder()
    client = Client(lambda: session, server.url, metrics=recorder)
    server.fail("WATCH", "pods", broken, broken, answer(410), answer(403))  # aiohttp itself repeats a broken GET once
    for _ in range(3):
        with pytest.raises(errors.ApiError):
            await anext(events_of(client, "100"))
    server.put(PODS, "a")
    await anext(events_of(client, "100"))
    assert recorder.seen == [("WATCH", "pods", status) for status in (0, 410, 403, 200)]


async def test_a_warning_of_the_server_is_logged_once(
    server: FakeApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    warned = answer(200, Warning='299 - "apps/v0 is deprecated"')
    server.fail("GET", "pods", warned, warned)
    with caplog.at_level(logging.WARNING):
        await client.get(PODS, "default", "a")
        await client.get(PODS, "default", "a")
    assert [record.message for record in caplog.records] == ['the API server warns: 299 - "apps/v0 is deprecated"']
