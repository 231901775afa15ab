"""What every reconciler gets: the world, the client, the clock and the settings."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ground.api import ApiError, Json
from ground.kubevirt_sim import FAIL, HOLD, VERSION
from ground.kubevirt_sim.client import STRATEGIC, Client
from ground.kubevirt_sim.kinds import KUBEVIRT, QUOTA, Kind
from ground.kubevirt_sim.status import difference, stamp
from ground.kubevirt_sim.world import World

CONFLICT = 409
NOT_FOUND = 404


@dataclass(frozen=True)
class Sim:
    """One running simulator; its writes enter the world at once, so that the next look sees them."""

    client: Client
    world: World
    version: str = VERSION
    crash_backoff: float = 10.0

    def now(self) -> datetime:
        """Return the time, with the API server's resolution of one second."""
        return datetime.now(UTC).replace(microsecond=0)

    def config(self) -> Json:
        """Return the configuration of the KubeVirt object."""
        found: Json = next((item["spec"].get("configuration", {}) for item in self.world.all(KUBEVIRT)), {})
        return found

    def deployed(self) -> bool:
        """Tell whether KubeVirt's components run: not without a KubeVirt object, nor while it is made to fail."""
        return any(
            not failing(item) and "deletionTimestamp" not in item["metadata"] for item in self.world.all(KUBEVIRT)
        )

    def quota_limits(self, namespace: str) -> frozenset[str]:
        """Return which limits the quotas of a namespace ask every pod to have."""
        hard = (name for item in self.world.all(QUOTA, namespace) for name in item["spec"].get("hard", {}))
        return frozenset(name for name in hard if name in ("limits.memory", "limits.cpu"))

    async def create(self, kind: Kind, body: Json) -> None:
        """Create an object; that it exists already is no error, the watch will show it. Raises ApiError."""
        try:
            self.world.put(kind, await self.client.create(kind, body))
        except ApiError as error:
            if error.code != CONFLICT:
                raise

    async def patch(self, kind: Kind, found: Json, body: Json) -> Json:
        """Merge-patch metadata and spec of an object; raises ApiError, 409 when it changed meanwhile."""
        changed = await self.client.patch(kind, found, body)
        self.world.put(kind, changed)
        return changed

    async def write_status(self, kind: Kind, found: Json, status: Json) -> None:
        """Write a status when it differs; raises ApiError, 409 when the object changed meanwhile."""
        patch = difference(found.get("status", {}), status)
        if patch:
            subresource = "/status" if kind.status else ""
            self.world.put(kind, await self.client.patch(kind, found, {"status": patch}, subresource))

    async def patch_conditions(self, kind: Kind, found: Json, conditions: list[Json], **status: Any) -> None:
        """Set some conditions, and fields, of the status of a core object; raises ApiError, 409 when it changed."""
        since = stamp(self.now())
        told = [{**item, "lastTransitionTime": since} for item in conditions]
        body = {"status": {"conditions": told, **status}}
        self.world.put(kind, await self.client.patch(kind, found, body, "/status", STRATEGIC))

    async def delete(self, kind: Kind, found: Json) -> None:
        """Delete an object once; that it is gone, or another one now, is no error. Raises ApiError."""
        if "deletionTimestamp" in found["metadata"]:
            return
        try:
            await self.client.delete(kind, found)
        except ApiError as error:
            if error.code not in (CONFLICT, NOT_FOUND):
                raise

    async def release(self, kind: Kind, found: Json, finalizer: str) -> None:
        """Take a finalizer off an object that is being deleted; raises ApiError."""
        kept = [item for item in found["metadata"].get("finalizers", []) if item != finalizer]
        if kept == found["metadata"].get("finalizers", []):
            return
        changed = await self.client.patch(kind, found, {"metadata": {"finalizers": kept or None}})
        if kept:
            self.world.put(kind, changed)
        else:
            self.world.remove(kind, found)


def held(found: Json) -> bool:
    """Tell whether an object's annotation asks for it to go on."""
    return HOLD in found["metadata"].get("annotations", {})


def failing(found: Json) -> str:
    """Return the failure that an object's annotation asks for, or an empty string."""
    text: str = found["metadata"].get("annotations", {}).get(FAIL, "")
    return text
