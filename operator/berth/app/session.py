"""The HTTP session to the API server: where it is and who we are, by the official client's configuration."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes import config
from kubernetes.client.configuration import Configuration

Middleware = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]

_ERROR = b'{"type":"ERROR"'
"""How the API server begins an error inside a watch: `type` is the first field of a WatchEvent."""

_CONNECTIONS = 100
"""Enough for all watches and `max_requests` beside them."""

_TOKEN_SECONDS = 30.0
"""Seconds for which a token is used before it is asked for again; projected tokens are renewed minutes ahead."""


class Login:
    """Knows where the API server is and who we are.

    Tokens are asked for again twice a minute through the official client, which refreshes files and exec plugins, so a
    session never grows old. kopf gets one of its own, because it closes it whenever it likes.
    """

    def __init__(self, kubeconfig: Path | None) -> None:
        self._configuration = _load(kubeconfig)
        self.server: str = self._configuration.host.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """Return the session that lasts as long as the process; call it from the event loop."""
        if self._session is None:
            self._session = self.new_session()
        return self._session

    def new_session(self, *more: Middleware) -> aiohttp.ClientSession:
        """Return a session that the caller owns."""
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=_tls(self._configuration))
        return aiohttp.ClientSession(connector=connector, middlewares=(_authorize(self._configuration), *more))

    def kopf_session(self) -> aiohttp.ClientSession:
        """Return a session for kopf, which owns it; errors inside its watches make it list again."""
        return self.new_session(errors_as_gone)

    async def close(self) -> None:
        """Close the session that lasts."""
        if self._session is not None:
            await self._session.close()


def _load(kubeconfig: Path | None) -> Configuration:
    configuration = Configuration()
    if kubeconfig is not None:
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call]  # the library has none
    else:
        config.load_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # as above
    return configuration


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authorize(configuration: Configuration) -> Middleware:
    token, asked = None, float("-inf")

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        nonlocal token, asked
        if monotonic() - asked > _TOKEN_SECONDS:
            # The official client goes through its whole configuration for this: too dear for every request.
            token, asked = configuration.get_api_key_with_prefix("BearerToken", "authorization"), monotonic()
        if token:
            request.headers["Authorization"] = token
        return await handler(request)

    return middleware


async def errors_as_gone(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Turn every error inside a watch into 410 Gone (aiohttp middleware).

    kopf lists again after a 410 and gives the watch up for good after any other code, while the process lives on.
    """
    response = await handler(request)
    if request.url.query.get("watch"):
        response.content = _Lines(response.content)  # type: ignore[assignment]  # all that kopf uses of it
    return response


class _Lines:
    """The content of a watch, by whole lines."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        """Return whatever else aiohttp itself asks of a content."""
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield whole lines, errors with code 410."""
        rest = b""
        async for chunk in self._content.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield (_gone(line) if line.startswith(_ERROR) else line) + b"\n"
        if rest:
            yield rest


def _gone(line: bytes) -> bytes:
    event = orjson.loads(line)
    event["object"] = {**event["object"], "code": 410}
    return orjson.dumps(event)
