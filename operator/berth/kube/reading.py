"""The one gateway for reads: the kinds that Berth looks at, and nothing else. Secrets and ConfigMaps are none of them.

What it lists it lists in all namespaces; whoever looks something up for a Workload does so in the store, by the
Workload's own namespace.
"""

from collections.abc import AsyncGenerator
from typing import Final

from berth.kube.client import EVERYTHING, Client, Obj, Page, Selection
from berth.kube.resources import (
    CHILDREN,
    CONTROLLER_REVISIONS,
    DATA_SOURCES,
    KUBEVIRTS,
    NAMESPACES,
    NETWORK_ATTACHMENTS,
    NODES,
    OWN,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    RUNTIME_CLASSES,
    STORAGE_CLASSES,
    VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES,
    VIRTUAL_MACHINE_CLUSTER_PREFERENCES,
    VIRTUAL_MACHINE_INSTANCES,
    VIRTUAL_MACHINE_INSTANCETYPES,
    VIRTUAL_MACHINE_PREFERENCES,
    Resource,
)
from berth.kube.transport import Span, no_span

__all__ = ["EVERYTHING", "READABLE", "NotReadable", "Obj", "Reader", "Selection", "Span", "no_span"]

READABLE: Final = frozenset(
    {
        *OWN,
        *CHILDREN,
        RESOURCE_QUOTAS,
        PODS,
        VIRTUAL_MACHINE_INSTANCES,
        PERSISTENT_VOLUME_CLAIMS,
        NAMESPACES,
        NETWORK_ATTACHMENTS,
        NODES,
        RUNTIME_CLASSES,
        STORAGE_CLASSES,
        KUBEVIRTS,
        VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES,
        VIRTUAL_MACHINE_INSTANCETYPES,
        VIRTUAL_MACHINE_CLUSTER_PREFERENCES,
        VIRTUAL_MACHINE_PREFERENCES,
        CONTROLLER_REVISIONS,
        DATA_SOURCES,
    }
)
"""The only kinds that are read."""


class NotReadable(Exception):  # noqa: N818  a refusal, not an error of the API server
    """A kind that Berth has no business with. It is a bug, and nothing is read."""


class Reader:
    """Lists and watches the kinds that Berth looks at."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_pages(self, resource: Resource, selection: Selection = EVERYTHING) -> AsyncGenerator[Page]:
        """List a kind page by page, as `Client.list_pages` does. Raises NotReadable for any other kind."""
        return self._client.list_pages(_readable(resource), selection)

    def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int, gather: float
    ) -> AsyncGenerator[Obj]:
        """Watch a kind, as `Client.watch` does. Raises NotReadable for any other kind."""
        return self._client.watch(
            _readable(resource),
            selection,
            resource_version=resource_version,
            timeout_seconds=timeout_seconds,
            gather=gather,
        )


def _readable(resource: Resource) -> Resource:
    if resource not in READABLE:
        raise NotReadable(f"{resource.plural} are not a kind that Berth reads")
    return resource
