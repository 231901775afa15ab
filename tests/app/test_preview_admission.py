"""AdmissionReview: what is understood is always allowed, what is not is refused with a reason, and nothing breaks it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pictures import Json, Pictured, policy, raw, web
from berth.app.http import serve
from berth.app.preview import server
from berth.app.preview.admission import MAX_BYTES, MalformedError, Request, answer, parse
from berth.app.preview.preview import preview
from berth.app.preview.server import PATH, PreviewMetrics, webhook

WORKLOADS = {"group": "berth.dev", "version": "v1alpha1", "resource": "workloads"}


def review(**request: Any) -> Json:
    """Return what the API server sends for a dry-run of a new Workload; what is given changes the request."""
    given = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "berth.dev", "version": "v1alpha1", "kind": "Workload"},
        "resource": WORKLOADS,
        "requestKind": {"group": "berth.dev", "version": "v1alpha1", "kind": "Workload"},
        "requestResource": WORKLOADS,
        "name": "web",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "ada", "groups": ["system:authenticated"]},
        "object": raw("web", web(), "shop"),
        "oldObject": None,
        "dryRun": True,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": given | request}


def without(body: Json, name: str) -> Json:
    return {key: value for key, value in body.items() if key != name}


def test_what_the_api_server_sends_is_understood() -> None:
    found = parse(orjson.dumps(review()))
    assert (found.plural, found.operation, found.namespace, found.name) == ("workloads", "CREATE", "shop", "web")
    assert (found.dry_run, found.old) == (True, None)
    assert found.new is not None
    assert found.new["metadata"]["name"] == "web"


def test_fields_of_newer_versions_are_left_alone() -> None:
    assert parse(orjson.dumps(review(novelty={"a": 1}) | {"more": []})) == parse(orjson.dumps(review()))


@pytest.mark.parametrize("change", [{"dryRun": None}, {"dryRun": False}])
def test_without_dry_run_it_is_none(change: Json) -> None:
    assert not parse(orjson.dumps(review(**change))).dry_run
    assert not parse(orjson.dumps({**review(), "request": without(review()["request"], "dryRun")})).dry_run


@pytest.mark.parametrize(
    "change",
    [
        {"resource": WORKLOADS | {"group": "kueue.x-k8s.io"}},
        {"resource": WORKLOADS | {"version": "v1"}},
        {"resource": WORKLOADS | {"resource": "isolationclasses"}},
        {"resource": WORKLOADS | {"resource": "workloads/status"}},
        {"subResource": "status"},
        {"subResource": "scale"},
    ],
)
def test_of_other_kinds_and_of_parts_of_objects_there_is_nothing_to_say(change: Json) -> None:
    assert parse(orjson.dumps(review(**change))).plural == ""


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"kind": "\xff"}',
    "a list": b"[]",
    "null": b"null",
    "another kind": orjson.dumps(review() | {"kind": "TokenReview"}),
    "another version": orjson.dumps(review() | {"apiVersion": "admission.k8s.io/v1beta1"}),
    "no version": orjson.dumps(without(review(), "apiVersion")),
    "no request": orjson.dumps(without(review(), "request")),
    "a request that is a list": orjson.dumps(review() | {"request": []}),
    "no uid": orjson.dumps(review(uid="")),
    "a uid that is a number": orjson.dumps(review(uid=7)),
    "no resource": orjson.dumps(review(resource=None)),
    "a resource that is text": orjson.dumps(review(resource="workloads")),
    "an operation that does not exist": orjson.dumps(review(operation="PATCH")),
    "a dryRun that is text": orjson.dumps(review(dryRun="true")),
    "an object that is a list": orjson.dumps(review(object=[])),
    "deeper than anything": b'{"request":' * 5000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_review_is_refused_with_what_is_wrong(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"no AdmissionReview of admission\.k8s\.io/v1: ."):
        parse(body)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(orjson.dumps))
def test_whatever_comes_is_understood_or_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(body)


def test_every_answer_allows_and_echoes_the_uid() -> None:
    said = orjson.loads(answer("u-1", ["a", "b"]))
    assert said == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u-1", "allowed": True, "warnings": ["a", "b"]},
    }
    assert "warnings" not in orjson.loads(answer("u-1", []))["response"]


Ask = Callable[[Request], Awaitable[list[str]]]
Post = Callable[..., Awaitable[tuple[int, str]]]


class Webhook:
    """A webhook on loopback; `ask` answers its questions."""

    def __init__(self) -> None:
        self.pictured = Pictured()
        self.metrics = PreviewMetrics()
        self.ask: Ask = lambda request: preview(request, self.pictured.picture)
        self.url = ""

    async def answered(self, request: Request) -> list[str]:
        """Answer as the test says."""
        return await self.ask(request)

    async def post(self, body: bytes, content_type: str = "application/json") -> tuple[int, str]:
        """Send a body; return status and text of the answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=BytesIO(body), headers={"Content-Type": content_type}) as answered,
        ):
            return answered.status, await answered.text()

    async def warnings(self, body: Json) -> list[str]:
        """Send a review and return the warnings; whatever is asked must be allowed."""
        status, text = await self.post(orjson.dumps(body))
        assert status == 200
        response = orjson.loads(text)["response"]
        assert (response["uid"], response["allowed"]) == (body["request"]["uid"], True)
        found: list[str] = response.get("warnings", [])
        return found

    def counted(self, resource: str, result: str) -> float:
        """Return how often something came of a kind of request."""
        labels = {"resource": resource, "result": result}
        return self.metrics.registry.get_sample_value("berth_preview_requests_total", labels) or 0.0


@pytest.fixture
async def hook() -> AsyncIterator[Webhook]:
    """A webhook that answers as the real one."""
    made = Webhook()
    runner, port = await serve(webhook(made.answered, made.metrics), "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{port}{PATH}"
    yield made
    await runner.cleanup()


async def test_a_dry_run_is_allowed_with_warnings(hook: Webhook) -> None:
    assert (await hook.warnings(review()))[0].startswith("would run in container")
    assert hook.counted("workloads", "answered") == 1


async def test_what_is_no_dry_run_is_allowed_without_a_word(hook: Webhook) -> None:
    assert await hook.warnings(review(dryRun=False)) == []


async def test_the_deletion_of_a_policy_is_answered_too(hook: Webhook) -> None:
    hook.pictured.policy("pci", {"level": "Confidential"})
    hook.pictured.workload("web", web())
    resource = WORKLOADS | {"resource": "isolationpolicies"}
    old = raw("pci", policy({"level": "Confidential"}))
    body = review(resource=resource, operation="DELETE", name="pci", namespace="", object=None, oldObject=old)
    assert (await hook.warnings(body))[0] == "1 Workload would be placed differently: nowhere -> container 1"


@pytest.mark.parametrize(
    "change",
    [
        {"object": {}},
        {"object": None},
        {"object": {"metadata": None, "spec": None}},
        {"object": {"metadata": {"labels": 7}, "spec": {"container": []}}},
        {"object": {"metadata": {"name": "web", "creationTimestamp": "yesterday"}, "spec": []}},
        {"resource": WORKLOADS | {"resource": "isolationpolicies"}, "object": {"spec": {"match": 1}}},
        {"resource": WORKLOADS | {"resource": "tenants"}, "object": {"spec": {"quota": {"cpu": "x"}}}},
        {"resource": WORKLOADS | {"resource": "waivers"}, "object": {"spec": {"workloads": [{}]}}},
    ],
)
async def test_however_odd_the_object_is_it_is_allowed(hook: Webhook, change: Json) -> None:
    await hook.warnings(review(**change))


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_body_that_is_no_review_is_refused_with_a_reason(hook: Webhook, body: bytes) -> None:
    status, text = await hook.post(body)
    assert status == 400
    assert "no AdmissionReview" in text
    assert hook.counted("", "malformed") == 1


async def test_a_huge_body_is_refused_and_the_next_one_is_answered(hook: Webhook) -> None:
    with suppress(aiohttp.ClientConnectionError):  # the connection is closed before all of it was sent
        status, _ = await hook.post(b" " * (MAX_BYTES + 1))
        assert status == 413
    assert hook.counted("", "malformed") == 1
    assert await hook.warnings(review())


async def test_a_body_of_another_type_is_refused(hook: Webhook) -> None:
    status, text = await hook.post(orjson.dumps(review()), "application/yaml")
    assert (status, text) == (415, "the body is application/yaml, not application/json")


async def test_nothing_else_is_served(hook: Webhook) -> None:
    async with aiohttp.ClientSession() as session:
        for method, path, status in (("GET", PATH, 405), ("PUT", PATH, 405), ("POST", "/", 404), ("GET", "/", 404)):
            async with session.request(method, hook.url.removesuffix(PATH) + path) as answered:
                assert answered.status == status


async def test_a_failure_of_the_preview_allows_and_is_told_and_logged(
    hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Request) -> list[str]:
        raise ZeroDivisionError("secret text")

    hook.ask = fail
    assert await hook.warnings(review()) == ["no preview by Berth: it failed (ZeroDivisionError); its log says how"]
    assert "CREATE workloads web cannot be previewed" in caplog.text
    assert hook.counted("workloads", "failed") == 1


async def test_a_preview_that_takes_too_long_allows_in_time(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forever(_: Request) -> list[str]:
        await aiohttp.web.asyncio.Event().wait()
        return []

    monkeypatch.setattr(server, "_ANSWER_SECONDS", 0.2)
    hook.ask = forever
    assert await hook.warnings(review()) == ["no preview by Berth: it took too long; try again"]
    assert hook.counted("workloads", "late") == 1
