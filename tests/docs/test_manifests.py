"""The real API server takes every manifest of the pages, field by field."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from api.objects import BY_NAME, OPENAPI, SECONDS
from docs.pages import PAGES, Example, examples
from docs.world import Object, name_of
from ground.api import APPLY, ApiError, call, eventually

pytestmark = pytest.mark.ground

CORE = {"Namespace": "namespaces", "PersistentVolumeClaim": "persistentvolumeclaims"}
EXAMPLES = [each for page in PAGES for each in examples(page)]


@pytest.fixture(scope="module")
def cluster(ground_cluster: Any) -> Iterator[Any]:
    """Give a control plane that serves the CRDs."""
    eventually(lambda: call(ground_cluster.kubeconfig, "GET", OPENAPI), SECONDS, "the CRDs are served")
    return ground_cluster


@pytest.fixture
def home(cluster: Any) -> Iterator[str]:
    """Give a namespace: whatever an example calls its own, it is tried in this one."""
    name = f"docs-{uuid4().hex[:8]}"
    call(cluster.kubeconfig, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    call(cluster.kubeconfig, "DELETE", f"/api/v1/namespaces/{name}")


def path(document: Object, home: str) -> str:
    """Return where the API server keeps an object."""
    kind, namespace, name = name_of(document)
    scope = f"namespaces/{home}/" if namespace else ""
    if kind in CORE:
        return f"/api/v1/{scope}{CORE[kind]}/{name}"
    return f"/apis/{document['apiVersion']}/{scope}{BY_NAME[kind].plural}/{name}"


def dry_run(cluster: Any, document: Object, home: str) -> Object:
    """Apply an object without storing it; raise ApiError as the API server says."""
    meta = document["metadata"] | ({"namespace": home} if "namespace" in document["metadata"] else {})
    query = "?fieldManager=docs&force=true&fieldValidation=Strict&dryRun=All"
    return call(cluster.kubeconfig, "PATCH", path(document, home) + query, document | {"metadata": meta}, APPLY)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_api_server_takes_every_manifest(cluster: Any, home: str, example: Example) -> None:
    for document in example.documents:
        assert ("namespace" in document["metadata"]) is (document["kind"] in ("Workload", "PersistentVolumeClaim"))
        assert dry_run(cluster, document, home)["kind"] == document["kind"]


def test_a_field_that_is_misspelt_is_refused(cluster: Any, home: str) -> None:
    document = EXAMPLES[0].documents[0]
    with pytest.raises(ApiError, match="field not declared in schema"):
        dry_run(cluster, document | {"spec": document["spec"] | {"replica": 2}}, home)
