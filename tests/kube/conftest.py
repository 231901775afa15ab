"""Fixtures of the kube tests: a fake API server and a client of it that retries without long pauses."""

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from berth.kube.backoff import Backoff
from berth.kube.client import Client
from berth.kube.transport import Retries
from kube.fake_apiserver import FakeApiServer, running

QUICK = Retries(attempts=5, backoff=Backoff(base=0.001, cap=0.01), patience=2.0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    """Give an empty fake cluster."""
    async with running() as fake:
        yield fake


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session as a login would."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as opened:
        yield opened


@pytest_asyncio.fixture
async def client(server: FakeApiServer, session: aiohttp.ClientSession) -> Client:
    """Give a client of the fake cluster."""
    return Client(lambda: session, server.url, retries=QUICK)


@pytest_asyncio.fixture
async def impatient(server: FakeApiServer, session: aiohttp.ClientSession) -> Client:
    """Give a client that leaves every retry to its caller."""
    return Client(lambda: session, server.url, retries=Retries(attempts=1))
