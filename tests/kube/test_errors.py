"""Every failure of the API server is one of a small closed set of exceptions."""

import orjson
import pytest

from berth.kube import errors


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "BadRequest", errors.Invalid),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (405, "MethodNotAllowed", errors.Invalid),
        (408, "", errors.Unavailable),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Gone),
        (413, "RequestEntityTooLarge", errors.Invalid),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.Unavailable),
        (503, "ServiceUnavailable", errors.Unavailable),
        (504, "Timeout", errors.Unavailable),
        (302, "", errors.Invalid),
    ],
)
def test_every_status_has_one_class(status: int, reason: str, expected: type[errors.ApiError]) -> None:
    error = errors.from_answer(status, orjson.dumps({"reason": reason, "message": "why"}))
    assert type(error) is expected
    assert (error.status, error.message) == (status, "why")
    assert error.reason == reason or (not reason and error.reason == expected.__name__)


@pytest.mark.parametrize("status", [403, 409])
def test_a_terminating_namespace_is_recognised_by_its_cause(status: int) -> None:
    causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
    error = errors.from_answer(status, orjson.dumps({"reason": "Forbidden", "details": {"causes": causes}}))
    assert type(error) is errors.NamespaceTerminating


def test_an_apply_that_breaks_the_schema_is_invalid_although_the_server_says_500() -> None:
    message = "failed to create typed patch object (/p; /v1, Kind=ConfigMap): .x: field not declared in schema"
    assert type(errors.from_answer(500, orjson.dumps({"message": message}))) is errors.Invalid


def test_a_quota_that_was_not_counted_yet_refuses_for_a_moment_only() -> None:
    message = 'pods "x" is forbidden: status unknown for quota: berth, resources: requests.memory'
    assert type(errors.from_answer(403, orjson.dumps({"message": message}))) is errors.Unavailable


def test_a_kind_that_the_server_has_not_looked_up_yet_refuses_for_a_moment_only() -> None:
    message = (
        "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion berth.dev/v1alpha1"
    )
    body = {"message": f'deployments.apps "web" is forbidden: {message} Kind Workload: no matches'}
    assert type(errors.from_answer(403, orjson.dumps(body))) is errors.Unavailable


def test_a_plain_text_answer_keeps_its_text() -> None:
    error = errors.from_answer(404, b"404 page not found\n")
    assert type(error) is errors.NotFound
    assert error.message == "404 page not found"


@pytest.mark.parametrize(
    "payload", [b"", b"[1]", b"null", b'"text"', b'{"details": 5}', b'{"details": {"causes": "x"}}']
)
def test_an_odd_answer_is_still_classified(payload: bytes) -> None:
    assert type(errors.from_answer(503, payload)) is errors.Unavailable


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("7", {}, 7.0),
        (None, {"retryAfterSeconds": 3}, 3.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", {}, None),
        ("0", {}, None),
    ],
)
def test_retry_after_is_read_from_header_or_body(
    header: str | None, body: dict[str, int], expected: float | None
) -> None:
    assert errors.from_answer(429, orjson.dumps({"details": body}), header).retry_after == expected


def test_a_status_without_a_code_in_a_stream_is_a_server_error() -> None:
    assert type(errors.from_status({"message": "odd"})) is errors.Unavailable
    assert type(errors.from_status({"code": 410, "reason": "Expired"})) is errors.Gone
