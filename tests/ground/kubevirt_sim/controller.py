"""The simulator's loop: watch everything, wake the keys that a change concerns, take each a step further."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from ground.api import ApiError, Json
from ground.kubevirt_sim import (
    backup,
    clone,
    export,
    migration,
    platform,
    pool,
    restore,
    snapshot,
    storage,
    vm,
    vmi,
    webhook,
)
from ground.kubevirt_sim.client import connect
from ground.kubevirt_sim.kinds import (
    BACKUP,
    BY_NAME,
    CDI,
    CLAIM,
    CLONE,
    COPIERS,
    DATA_SOURCE,
    DATA_VOLUME,
    EXPORT,
    KUBEVIRT,
    MIGRATION,
    POD,
    POOL,
    RESTORE,
    REVISION,
    SNAPSHOT,
    VM,
    VMI,
    WATCHED,
    Kind,
)
from ground.kubevirt_sim.sim import CONFLICT, NOT_FOUND, Sim
from ground.kubevirt_sim.world import Key, Queue, World, key_of, owner_key, owner_of
from ground.webhooks import Endpoint

WORKERS = 16
ABSENT_SECONDS = 1.0
RETRY_SECONDS = 1.0
STALE_SECONDS = 0.05
BUG_SECONDS = 5.0
GONE = 410
RECONCILERS: dict[str, Callable[[Sim, Json], Awaitable[float | None]]] = {
    VM.name: vm.sync,
    VMI.name: vmi.sync,
    MIGRATION.name: migration.sync,
    POOL.name: pool.sync,
    DATA_VOLUME.name: storage.sync,
    DATA_SOURCE.name: storage.sync_source,
    CLAIM.name: storage.sync_claim,
    KUBEVIRT.name: platform.sync_kubevirt,
    CDI.name: platform.sync_cdi,
    SNAPSHOT.name: snapshot.sync,
    RESTORE.name: restore.sync,
    CLONE.name: clone.sync,
    EXPORT.name: export.sync,
    BACKUP.name: backup.sync,
}
SETTLED = {
    VM.name: ("printableStatus", "Running"),
    VMI.name: ("phase", "Running"),
    DATA_VOLUME.name: ("phase", "Succeeded"),
}


async def run(kubeconfig: Path, where: Endpoint, version: str, crash_backoff: float) -> None:
    """Simulate, and serve admission at an endpoint, until cancelled; needs the rights of `ground.simulator.install`."""
    queue = Queue()
    world = World(lambda kind, found: wake(world, queue, kind, found))
    async with connect(kubeconfig) as client, asyncio.TaskGroup() as tasks:
        sim = Sim(client, world, version, crash_backoff)
        listed = [asyncio.Event() for _ in WATCHED]
        for kind, event in zip(WATCHED, listed, strict=True):
            tasks.create_task(follow(sim, kind, event))
        # Nothing is decided on half a picture: a missing claim might just not have been listed yet.
        await asyncio.gather(*(event.wait() for event in listed))
        async with webhook.serving(sim, where):
            await asyncio.gather(*(work(sim, queue) for _ in range(WORKERS)))


def wake(world: World, queue: Queue, kind: Kind, found: Json) -> None:
    """Ask for a look at everything that a changed object concerns."""
    if kind.name in RECONCILERS:
        queue.add(key_of(kind, found))
    if (owner := owner_key(found)) and owner[0] in RECONCILERS:
        queue.add(owner)
    if kind in (POD, VMI):
        wake_migrations(world, queue, found)
    if kind in (POD, VM, VMI, MIGRATION, POOL, CDI, REVISION, *COPIERS):
        return
    everywhere = kind in (KUBEVIRT, DATA_SOURCE)
    namespace = "" if everywhere else found["metadata"].get("namespace", "")
    for other in (VM, VMI):
        wake_unsettled(world, queue, other, namespace)
    if kind in (CLAIM, DATA_SOURCE):
        wake_unsettled(world, queue, DATA_VOLUME, "")
    if kind is CLAIM:
        for machine in world.all(VMI, namespace):
            queue.add(key_of(VMI, machine))
        for source in world.all(DATA_SOURCE):
            queue.add(key_of(DATA_SOURCE, source))


def wake_migrations(world: World, queue: Queue, found: Json) -> None:
    """Ask for a look at the migrations of an instance, or of the instance that owns a pod."""
    owner = owner_of(found)
    name = owner["name"] if owner and owner["kind"] == VMI.name else found["metadata"]["name"]
    for item in world.all(MIGRATION, found["metadata"]["namespace"]):
        if item["spec"]["vmiName"] == name:
            queue.add(key_of(MIGRATION, item))


def wake_unsettled(world: World, queue: Queue, kind: Kind, namespace: str) -> None:
    """Ask for a look at the objects of a kind that have not got where they should."""
    field, value = SETTLED[kind.name]
    for item in world.all(kind, namespace):
        if item.get("status", {}).get(field) != value:
            queue.add(key_of(kind, item))


async def follow(sim: Sim, kind: Kind, listed: asyncio.Event) -> None:
    """Keep the world up to date with one kind, for ever; while its CRD is absent there is nothing of it."""
    fresh = True
    while True:
        try:
            items, version = await sim.client.list(kind)
            if fresh and not items and kind.name in platform.OBJECTS:
                await sim.create(kind, platform.OBJECTS[kind.name])
            fresh = False
            sim.world.replace(kind, items)
            listed.set()
            await _watch(sim, kind, version)
        except ApiError as error:
            fresh = await _absent(sim, kind, listed) if error.code == NOT_FOUND else fresh
            if error.code not in (NOT_FOUND, GONE):
                say(f"list or watch of {kind.plural}: {error}")
                await asyncio.sleep(RETRY_SECONDS)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            say(f"list or watch of {kind.plural}: {error!r}")
            await asyncio.sleep(RETRY_SECONDS)


async def _absent(sim: Sim, kind: Kind, listed: asyncio.Event) -> bool:
    sim.world.replace(kind, [])
    listed.set()
    await asyncio.sleep(ABSENT_SECONDS)
    return True


async def _watch(sim: Sim, kind: Kind, version: str) -> None:
    async for event in sim.client.watch(kind, version):
        if event["type"] == "DELETED":
            sim.world.remove(kind, event["object"])
        elif event["type"] in ("ADDED", "MODIFIED"):
            sim.world.put(kind, event["object"])


async def work(sim: Sim, queue: Queue) -> None:
    """Take keys one after another, for ever."""
    while True:
        key = await queue.take()
        try:
            seconds = await step(sim, key)
        finally:
            queue.done(key)
        if seconds is not None:
            queue.add_after(key, max(seconds, STALE_SECONDS))


async def step(sim: Sim, key: Key) -> float | None:
    """Take one object a step further; returns seconds after which it wants another look."""
    name, namespace, object_name = key
    found = sim.world.get(BY_NAME[name], namespace, object_name)
    if found is None:
        return None
    try:
        return await RECONCILERS[name](sim, found)
    except ApiError as error:
        if error.code in (CONFLICT, NOT_FOUND):
            return STALE_SECONDS  # the world is behind; the watch will bring it up to date
        say(f"{name} {namespace}/{object_name}: {error}")
        return RETRY_SECONDS
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        say(f"{name} {namespace}/{object_name}: {error!r}")
        return RETRY_SECONDS
    except Exception:  # noqa: BLE001 one odd object must not stop the simulation of all others
        say(f"{name} {namespace}/{object_name}: {traceback.format_exc()}")
        return BUG_SECONDS


def say(text: str) -> None:
    """Log to the process' output."""
    print(text, file=sys.stderr, flush=True)
