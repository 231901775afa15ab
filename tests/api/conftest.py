"""Fixtures of the API tests: the ground's API server that serves the CRDs and a namespace of the module's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from api.objects import OPENAPI, SECONDS, rules
from berth.api.crd import KINDS
from ground.api import ApiError, call, eventually


class Ground(Protocol):
    """What these tests need of a running control plane."""

    kubeconfig: Path


@pytest.fixture(scope="session")
def kubeconfig(ground_cluster: Ground) -> Path:
    """Give the administrator's kubeconfig of a cluster that serves the CRDs as generated."""
    eventually(lambda: _published(ground_cluster.kubeconfig), SECONDS, "the CRDs are served as generated")
    return ground_cluster.kubeconfig


def _published(kubeconfig: Path) -> bool:
    """Tell whether the API server publishes every rule: it does so after it has begun to ask them."""
    try:
        document: dict[str, Any] = call(kubeconfig, "GET", OPENAPI)
    except ApiError:
        return False
    published = {message for schema in document["components"]["schemas"].values() for message in _messages(schema)}
    return published == {message for kind in KINDS for message, _ in rules(kind)}


def _messages(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", []))
        for value in schema.values():
            yield from _messages(value)
    if isinstance(schema, list):
        for value in schema:
            yield from _messages(value)


@pytest.fixture(scope="module")
def namespace(kubeconfig: Path) -> Iterator[str]:
    """Give a namespace of the module's own."""
    name = f"api-{uuid4().hex[:8]}"
    call(kubeconfig, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    call(kubeconfig, "DELETE", f"/api/v1/namespaces/{name}")
