"""What the client does when the API server or the way to it fails."""

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from berth.kube import errors
from berth.kube.client import Client
from berth.kube.resources import EVENTS, PODS, SERVICES
from berth.kube.transport import Retries, Timeouts
from kube.calls import a_service, events_of, pages_of
from kube.conditions import eventually
from kube.conftest import QUICK
from kube.fake_apiserver import FakeApiServer, answer, broken, lost, raw, slow

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("fault", [answer(500), answer(503), answer(504), answer(429), answer(401), broken])
async def test_a_repeatable_call_survives_passing_faults(server: FakeApiServer, client: Client, fault: Any) -> None:
    server.put(PODS, "a")
    uid = server.put(SERVICES, "old")["metadata"]["uid"]
    for method, plural in (("GET", "pods"), ("LIST", "pods"), ("PATCH", "services"), ("DELETE", "services")):
        server.fail(method, plural, fault, fault)
    await client.get(PODS, "default", "a")
    await pages_of(client)
    await client.apply(SERVICES, "default", "web", a_service())
    assert await client.delete(SERVICES, "default", "old", uid)
    assert server.count("PATCH", "services") >= 3


async def test_a_truncated_answer_is_asked_for_again_or_reported(server: FakeApiServer, client: Client) -> None:
    server.fail("GET", "pods", raw(b'{"metadata": {"na'))
    with pytest.raises(errors.Unavailable, match="UndecodableAnswer"):
        await client.get(PODS, "default", "a")


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422])
async def test_a_final_refusal_is_not_repeated(server: FakeApiServer, client: Client, code: int) -> None:
    server.fail("PATCH", "services", answer(code))
    with pytest.raises(errors.ApiError):
        await client.apply(SERVICES, "default", "web", a_service())
    assert server.count("PATCH", "services") == 1


async def test_a_terminating_namespace_makes_no_retry_storm(server: FakeApiServer, client: Client) -> None:
    causes = {"causes": [{"reason": "NamespaceTerminating"}]}
    status = orjson.dumps({"kind": "Status", "reason": "Forbidden", "details": causes})
    server.fail("PATCH", "services", raw(status, 403))
    with pytest.raises(errors.NamespaceTerminating):
        await client.apply(SERVICES, "default", "web", a_service())
    assert server.count("PATCH", "services") == 1


async def test_retries_are_bounded(server: FakeApiServer, client: Client) -> None:
    server.fail("GET", "pods", *[answer(500)] * 20)
    with pytest.raises(errors.Unavailable):
        await client.get(PODS, "default", "a")
    assert server.count("GET", "pods") == QUICK.attempts


async def test_retry_after_is_waited_for(server: FakeApiServer, client: Client) -> None:
    server.put(PODS, "a")
    server.fail("GET", "pods", answer(429, Retry_After="1"))
    started = asyncio.get_running_loop().time()
    await client.get(PODS, "default", "a")
    assert asyncio.get_running_loop().time() - started >= 1.0


async def test_a_longer_pause_than_patience_is_left_to_the_caller(server: FakeApiServer, client: Client) -> None:
    server.fail("GET", "pods", answer(429, Retry_After="60"))
    with pytest.raises(errors.TooManyRequests) as raised:
        await client.get(PODS, "default", "a")
    assert raised.value.retry_after == 60.0
    assert server.count("GET", "pods") == 1


async def test_a_create_is_not_repeated_after_a_lost_answer(server: FakeApiServer, client: Client) -> None:
    body = {"metadata": {"name": "e", "namespace": "default"}}
    server.fail("POST", "events", lost(server))
    with pytest.raises(errors.Unavailable):
        await client.create(EVENTS, "default", body)
    assert server.count("POST", "events") == 1
    server.fail("POST", "events", answer(429))
    await client.create(EVENTS, "default", {"metadata": {"name": "f", "namespace": "default"}})


async def test_an_apply_whose_answer_was_lost_is_repeated(server: FakeApiServer, client: Client) -> None:
    server.fail("PATCH", "services", lost(server))
    await client.apply(SERVICES, "default", "web", a_service())
    assert len(server.objects["services"]) == 1


async def test_a_write_whose_answer_was_lost_is_not_repeated_by_one_that_does_not_lead_any_more(
    server: FakeApiServer, client: Client
) -> None:
    fenced = client.fenced(lambda: not server.requests)
    server.fail("PATCH", "services", *[answer(500)] * 3)
    with pytest.raises(errors.NotLeading):
        await fenced.apply(SERVICES, "default", "web", a_service())
    assert server.count("PATCH", "services") == 1
    with pytest.raises(errors.NotFound):
        await fenced.get(SERVICES, "default", "web")


async def test_create_only_reports_its_own_object_after_a_lost_answer(server: FakeApiServer, client: Client) -> None:
    server.fail("PATCH", "services", lost(server))
    with pytest.raises(errors.AlreadyExists):
        await client.apply(SERVICES, "default", "web", a_service(), create_only=True)


async def test_a_server_that_is_not_there_is_unavailable(session: aiohttp.ClientSession) -> None:
    with pytest.raises(errors.Unavailable):
        await Client(lambda: session, "http://127.0.0.1:1", retries=QUICK).get(PODS, "default", "a")


async def test_a_slow_answer_ends_by_timeout(server: FakeApiServer, session: aiohttp.ClientSession) -> None:
    server.fail("GET", "pods", slow(3), slow(3))
    retries = Retries(attempts=2, backoff=QUICK.backoff)
    client = Client(lambda: session, server.url, retries=retries, timeouts=Timeouts(answer=0.05))
    with pytest.raises(errors.Unavailable, match="Timeout"):
        await client.get(PODS, "default", "a")


async def test_a_session_that_was_renewed_is_used_at_once(server: FakeApiServer) -> None:
    server.put(PODS, "a")
    sessions = [aiohttp.ClientSession(), aiohttp.ClientSession()]
    await sessions[0].close()
    client = Client(lambda: sessions.pop(0) if len(sessions) > 1 else sessions[0], server.url, retries=QUICK)
    assert await client.get(PODS, "default", "a")
    await sessions[0].close()


async def test_a_watch_ends_when_its_session_is_closed_under_it(server: FakeApiServer) -> None:
    session = aiohttp.ClientSession()
    client = Client(lambda: session, server.url)
    reading = asyncio.ensure_future(anext(events_of(client, "100")))
    await eventually(lambda: server.open_watches(PODS))
    await session.close()
    with pytest.raises(errors.Unavailable):
        await asyncio.wait_for(reading, 5)


async def test_a_redirect_is_not_followed(server: FakeApiServer, client: Client) -> None:
    server.fail("GET", "pods", answer(302, Location="/api/v1/namespaces/default/secrets/a"))
    with pytest.raises(errors.Invalid):
        await client.get(PODS, "default", "a")
    assert len(server.requests) == 1
