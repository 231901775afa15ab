"""Who may scrape: the API server says so, once a minute, and nobody where it cannot be asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from berth.app.access import guarded
from berth.app.http import serve
from berth.app.tls import self_signed
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from berth.kube.review import Reviewer
from kube.fake_apiserver import FakeApiServer, answer, raw

KNOWN = raw(
    b'{"status": {"authenticated": true, "user": {"username": "prometheus", "groups": ["g"], "uid": "1"}}}', 201
)
UNKNOWN = raw(b'{"status": {"error": "who?"}}', 201)
ALLOWED, DENIED = (raw(b'{"status": {"allowed": %s}}' % each, 201) for each in (b"true", b"false"))


class Door:
    """A server behind the guard. `answers` are what `may` gives, one after the other."""

    def __init__(self) -> None:
        self.answers: list[bool | errors.ApiError | None] = []
        self.asked: list[tuple[str, str, str]] = []
        self.port = 0

    async def may(self, token: str, verb: str, path: str) -> bool | None:
        """Note the question, and answer."""
        self.asked.append((token, verb, path))
        found = self.answers.pop(0)
        if isinstance(found, errors.ApiError):
            raise found
        return found

    async def get(self, **headers: str) -> tuple[int, str]:
        """Return status and text."""
        url = f"https://127.0.0.1:{self.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers, ssl=False) as answered:
            return answered.status, await answered.text()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="berth_workloads 1")

    app = web.Application(middlewares=[guarded(made.may)])
    app.router.add_get("/metrics", metrics)
    runner, made.port = await serve(app, "127.0.0.1", 0, self_signed("berth", datetime.now(UTC)).context)
    yield made
    await runner.cleanup()


async def test_who_may_is_let_in(door: Door) -> None:
    door.answers = [True]
    assert await door.get(Authorization="Bearer secret") == (200, "berth_workloads 1")
    assert door.asked == [("secret", "get", "/metrics")]


@pytest.mark.parametrize("header", ["", "Basic secret", "Bearer", "Bearer "])
async def test_without_a_token_nobody_is_asked(door: Door, header: str) -> None:
    status, text = await door.get(**({"Authorization": header} if header else {}))
    assert (status, text, door.asked) == (401, "a bearer token is needed", [])


@pytest.mark.parametrize(
    ("answered", "status"), [(None, 401), (False, 403), (errors.Unavailable(503, "Down", "no quorum"), 503)]
)
async def test_everybody_else_learns_why_not_and_nothing_more(
    door: Door, answered: bool | errors.ApiError | None, status: int
) -> None:
    door.answers = [answered]
    found, text = await door.get(Authorization="Bearer secret")
    assert found == status
    assert "secret" not in text
    assert "berth_workloads" not in text


async def test_the_api_server_is_asked_who_it_is_and_then_whether_it_may(server: FakeApiServer, client: Client) -> None:
    server.fail("POST", TOKEN_REVIEWS.plural, KNOWN)
    server.fail("POST", SUBJECT_ACCESS_REVIEWS.plural, ALLOWED)
    now = [0.0]
    reviewer = Reviewer(client, lambda: now[0])
    assert await reviewer.may("secret", "get", "/metrics") is True
    now[0] = 59.0
    assert await reviewer.may("secret", "get", "/metrics") is True
    assert server.count("POST", TOKEN_REVIEWS.plural) == 1, "the answer counts for a minute"
    server.fail("POST", TOKEN_REVIEWS.plural, KNOWN)
    server.fail("POST", SUBJECT_ACCESS_REVIEWS.plural, DENIED)
    now[0] = 61.0
    assert await reviewer.may("secret", "get", "/metrics") is False


async def test_a_token_that_nobody_knows_is_not_reviewed_further(server: FakeApiServer, client: Client) -> None:
    server.fail("POST", TOKEN_REVIEWS.plural, UNKNOWN)
    assert await Reviewer(client, lambda: 0.0).may("guess", "get", "/metrics") is None
    assert server.count("POST", SUBJECT_ACCESS_REVIEWS.plural) == 0


async def test_what_could_not_be_asked_is_not_remembered(server: FakeApiServer, client: Client) -> None:
    reviewer = Reviewer(client, lambda: 0.0)
    server.fail("POST", TOKEN_REVIEWS.plural, answer(403, "Forbidden"))
    with pytest.raises(errors.Forbidden):
        await reviewer.may("secret", "get", "/metrics")
    server.fail("POST", TOKEN_REVIEWS.plural, KNOWN)
    server.fail("POST", SUBJECT_ACCESS_REVIEWS.plural, ALLOWED)
    assert await reviewer.may("secret", "get", "/metrics") is True


async def test_a_process_makes_a_certificate_for_itself(door: Door) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
    assert writer.get_extra_info("cipher")[1] in {"TLSv1.2", "TLSv1.3"}
    writer.close()
    made = self_signed("berth", datetime(2026, 1, 1, tzinfo=UTC))
    assert made.expires == datetime(2035, 12, 30, tzinfo=UTC).timestamp()
