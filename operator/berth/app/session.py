"""The HTTP session to the API server: where it is and who we are, by the official client's configuration."""

import ssl
from pathlib import Path
from time import monotonic

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes import config
from kubernetes.client.configuration import Configuration

from berth.app.watch_lines import Echoes, Hears, Middleware, watch_lines

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
        # The official client goes through its whole configuration for it: too dear for each request; kopf makes few.
        if monotonic() - self._token_asked > _TOKEN_SECONDS:
            self._token_asked = monotonic()
            self._session.headers.update(_credentials(self._configuration))
        return self._session

    def kopf_session(self, echoes: Echoes, hears: Hears) -> aiohttp.ClientSession:
        """Return a session for kopf, which owns it; `watch_lines` says what it does to watches."""
        return self._new_session(_authorize(self._configuration), watch_lines(echoes, hears))

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
    token = configuration.get_api_key_with_prefix("BearerToken", "authorization")
    return {"Authorization": token} if token else {}


def _authorize(configuration: Configuration) -> Middleware:
    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers.update(_credentials(configuration))
        return await handler(request)

    return middleware
