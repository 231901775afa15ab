# ruff: noqa: N818  the names are the API server's own reasons, as in `except NotFound`
"""What can go wrong at the API server, as a small closed set of exceptions.

Every HTTP answer, in-stream Status and transport error becomes one of the classes below, here and nowhere else. They
are flat: a caller names exactly the case it can handle. Source of the reasons: types.go in
k8s.io/apimachinery/pkg/apis/meta/v1.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

_MAX_RAW_MESSAGE: Final = 300
# A ResourceQuota that the quota controller has not counted yet refuses everything, for a moment.
_NOT_COUNTED_YET: Final = "status unknown for quota"
# The API server looks for new kinds every 30 s: before, nothing can block the deletion of an owner of such a kind.
_NOT_KNOWN_YET: Final = "cannot find RESTMapping"
# An apply with an unknown field, a wrong type or a duplicate list key is answered with a bare 500 (seen in 1.37).
_NOT_OF_THE_SCHEMA: Final = "failed to create typed patch object"


class ApiError(Exception):
    """A call that failed.

    `status` is the HTTP status, 0 when no answer came; `reason` the server's machine reason; `retry_after` the seconds
    the server asked to wait, if it did; `details` the Status details (kind, name, causes).
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.details = details or {}

    def names_field(self, field: str) -> bool:
        """Return whether a cause of the failure names this field path, for example `metadata.uid`."""
        return any(cause.get("field") == field for cause in _causes(self.details))


class NotFound(ApiError):
    """404: the object, its namespace or the whole kind is absent."""


class Conflict(ApiError):
    """409: the object changed meanwhile, or is another one than the precondition names."""


class AlreadyExists(ApiError):
    """409: an object of that name is there already, and it may be foreign."""


class Unauthorized(ApiError):
    """401: the credentials are not valid (any more)."""


class Forbidden(ApiError):
    """403: no right, or refused by an admission policy or quota."""


class NamespaceTerminating(ApiError):
    """403 or 409: the namespace is going away, so nothing can be created in it; retrying is useless."""


class Invalid(ApiError):
    """400, 422 and every other 4xx, or an apply that breaks the schema: wrong, and wrong until the request changes."""


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old."""


class TooManyRequests(ApiError):
    """429: the server sheds load."""


class Unavailable(ApiError):
    """5xx, 408, a timeout, a broken connection or an undecodable answer: the same call may work later."""


class NotLeading(ApiError):
    """A write that was not sent, or not sent again: this replica does not lead any more."""


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    429: TooManyRequests,
}


def from_answer(status: int, payload: bytes, retry_after: str | None = None) -> ApiError:
    """Translate an HTTP answer that is not a success; `retry_after` is the header of that name."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        body = {"message": payload[:_MAX_RAW_MESSAGE].decode(errors="replace").strip()}
    return _translate(status, body if isinstance(body, dict) else {}, _seconds(retry_after))


def from_status(status: Mapping[str, Any]) -> ApiError:
    """Translate a Status object that came inside a stream, as the `object` of a watch event of type ERROR."""
    code = status.get("code")
    return _translate(code if isinstance(code, int) else 500, status, None)


def from_transport(error: BaseException) -> Unavailable:
    """Translate an exception of the HTTP library: no answer, or half of one."""
    return Unavailable(0, type(error).__name__, str(error) or "no answer")


def undecodable(what: str) -> Unavailable:
    """Return the error for a 200 answer whose body is not the JSON it should be."""
    return Unavailable(0, "UndecodableAnswer", what)


def _translate(status: int, body: Mapping[str, Any], retry_after: float | None) -> ApiError:
    reason = str(body.get("reason") or "")
    details = body.get("details")
    details = details if isinstance(details, dict) else {}
    if retry_after is None:
        retry_after = _seconds(details.get("retryAfterSeconds"))
    message = str(body.get("message") or "")
    kind = _classify(status, reason, message, details)
    return kind(status, reason or kind.__name__, message, retry_after, details)


def _classify(status: int, reason: str, message: str, details: Mapping[str, Any]) -> type[ApiError]:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(details)):
        return NamespaceTerminating
    if status == 409 and reason == "AlreadyExists":
        return AlreadyExists
    if status == 403 and (_NOT_COUNTED_YET in message or _NOT_KNOWN_YET in message):
        return Unavailable
    if status == 500 and message.startswith(_NOT_OF_THE_SCHEMA):
        return Invalid
    return _BY_STATUS.get(status) or (Unavailable if status >= 500 else Invalid)


def _causes(details: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    causes = details.get("causes")
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def _seconds(value: object) -> float | None:
    # The API server only ever sends whole seconds; a HTTP date (from some proxy) counts as not given.
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None
