"""The HTTP session to the API server: where it is and who we are, by the official client's configuration."""

import re
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes import config
from kubernetes.client.configuration import Configuration

from berth.kube.resources import WORKLOADS
from berth.kube.stream import leave_alone

Middleware = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]

_ERROR = b'{"type":"ERROR"'
"""How the API server begins an error inside a watch: `type` is the first field of a WatchEvent."""

_VERSION = re.compile(rb'"resourceVersion":"([^"\\]+)"')

_ECHOES = 10000
"""Own writes that are remembered until the watch brings them."""

GATHER_SECONDS = 0.2
"""Events that follow others so closely are read together."""

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
        self._token_asked = float("-inf")

    def session(self) -> aiohttp.ClientSession:
        """Return the session that lasts as long as the process; call it from the event loop, for every request."""
        if self._session is None:
            self._session = self._new_session()
        if monotonic() - self._token_asked > _TOKEN_SECONDS:
            self._token_asked = monotonic()
            self._session.headers.update(_credentials(self._configuration))
        return self._session

    def kopf_session(self, echoes: "Echoes") -> aiohttp.ClientSession:
        """Return a session for kopf, which owns it; `watch_lines` says what it does to watches."""
        return self._new_session(_authorize(self._configuration), watch_lines(echoes))

    def _new_session(self, *middlewares: Middleware) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=_tls(self._configuration))
        # The API server sets no cookies; looking for some costs more than sending the request.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), middlewares=middlewares)

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


def _credentials(configuration: Configuration) -> dict[str, str]:
    # The official client goes through its whole configuration for this: too dear for every request.
    token = configuration.get_api_key_with_prefix("BearerToken", "authorization")
    return {"Authorization": token} if token else {}


def _authorize(configuration: Configuration) -> Middleware:
    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers.update(_credentials(configuration))
        return await handler(request)

    return middleware


class Echoes:
    """The resourceVersions of own writes that the watch has not brought yet; the oldest of too many are forgotten."""

    def __init__(self) -> None:
        self._versions: OrderedDict[bytes, None] = OrderedDict()

    def expect(self, version: str) -> None:
        """Remember an own write."""
        self._versions[version.encode()] = None
        if len(self._versions) > _ECHOES:
            self._versions.popitem(last=False)

    def heard(self, line: bytes) -> bool:
        """Return whether a line of a watch is the echo of an own write, and forget that write if so."""
        if self._versions.keys().isdisjoint(_VERSION.findall(line)):
            return False
        # Maps that people fill, such as annotations, may hold the same words: only the real field counts.
        version = orjson.loads(line)["object"]["metadata"]["resourceVersion"].encode()
        return self._versions.pop(version, self) is None


def watch_lines(echoes: Echoes) -> Middleware:
    """Return an aiohttp middleware that hands on watches by whole lines: without echoes, errors as 410 Gone.

    An echo says what the store knows from the write itself, and going through kopf is the dearest part of an event.
    kopf lists again after a 410 and gives the watch up for good after any other code, while the process lives on.
    """

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        response = await handler(request)
        if request.url.query.get("watch"):
            # Policies and classes are read at once: they must not be known later than the Workloads they are for.
            gather = GATHER_SECONDS if request.url.path.endswith(f"/{WORKLOADS.plural}") else 0.0
            response.content = _Lines(response, echoes, gather)  # type: ignore[assignment]  # all that kopf uses of it
        return response

    return middleware


class _Lines:
    """The content of a watch, by whole lines."""

    def __init__(self, response: ClientResponse, echoes: Echoes, gather: float) -> None:
        self._response = response
        self._content = response.content
        self._echoes = echoes
        self._gather = gather

    def __getattr__(self, name: str) -> Any:
        """Return whatever else aiohttp itself asks of a content."""
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield whole lines, errors with code 410."""
        rest = b""
        async for chunk in self._content.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(_ERROR):
                    yield _gone(line) + b"\n"
                elif not self._echoes.heard(line):
                    yield line + b"\n"
            await leave_alone(self._response, self._gather)
        if rest:
            yield rest


def _gone(line: bytes) -> bytes:
    event = orjson.loads(line)
    event["object"] = {**event["object"], "code": 410}
    return orjson.dumps(event)
