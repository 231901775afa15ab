"""Who may scrape: a bearer token that the API server knows, of somebody whom it lets `get` the path."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from berth.kube import errors

log: Final = logging.getLogger(__name__)

May = Callable[[str, str, str], Awaitable[bool | None]]
"""Token, verb and path -> whether its bearer may; None when nobody knows the token."""


def guarded(may: May) -> Middleware:
    """Return a middleware that lets pass who may; where the API server cannot be asked, nobody does."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _refused(HTTPStatus.UNAUTHORIZED, "a bearer token is needed")
        try:
            allowed = await may(token, request.method.lower(), request.path)
        except errors.ApiError as error:
            log.warning("who scrapes could not be reviewed: %s", error)
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "the API server could not be asked who this is")
        if allowed is None:
            return _refused(HTTPStatus.UNAUTHORIZED, "the token is not known")
        if not allowed:
            return _refused(HTTPStatus.FORBIDDEN, f"may not {request.method.lower()} {request.path}")
        return await handler(request)

    return guard


def _refused(status: HTTPStatus, why: str) -> web.Response:
    challenge = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return web.Response(status=status, text=why, headers=challenge)
