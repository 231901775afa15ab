"""What the simulator knows of the cluster: the objects last seen, who owns them, and which keys need another look."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from ground.api import Json, version
from ground.kubevirt_sim.kinds import BY_NAME, Kind

Key = tuple[str, str, str]


def key_of(kind: Kind, found: Json) -> Key:
    """Return kind, namespace and name of an object."""
    return kind.name, found["metadata"].get("namespace", ""), found["metadata"]["name"]


def owner_of(found: Json) -> Json | None:
    """Return the controller's owner reference, if there is one."""
    return next((ref for ref in found["metadata"].get("ownerReferences", []) if ref.get("controller")), None)


class World:
    """The objects by kind. An older version never replaces a newer one, so own writes are seen at once."""

    def __init__(self, changed: Callable[[Kind, Json], None]) -> None:
        """Call `changed` for every object that appears, changes or goes."""
        self.objects: dict[str, dict[Key, Json]] = defaultdict(dict)
        self.owned: dict[str, set[Key]] = defaultdict(set)
        self.changed = changed

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """Return an object or None."""
        return self.objects[kind.name].get((kind.name, namespace, name))

    def all(self, kind: Kind, namespace: str = "") -> list[Json]:
        """Return the objects of a kind, of one namespace when it is given."""
        found = self.objects[kind.name].values()
        return [item for item in found if not namespace or item["metadata"]["namespace"] == namespace]

    def of_owner(self, kind: Kind, uid: str) -> list[Json]:
        """Return the objects of a kind whose controller has this UID, in order of their names."""
        keys = sorted(key for key in self.owned.get(uid, ()) if key[0] == kind.name)
        return [self.objects[kind.name][key] for key in keys]

    def put(self, kind: Kind, found: Json) -> None:
        """Take in a version of an object, unless a newer one of the same object is known."""
        key = key_of(kind, found)
        old = self.objects[kind.name].get(key)
        if old and old["metadata"]["uid"] == found["metadata"]["uid"] and version(found) <= version(old):
            return
        if old:
            self._forget(key, old)
        self.objects[kind.name][key] = found
        if owner := owner_of(found):
            self.owned[owner["uid"]].add(key)
        self.changed(kind, found)

    def remove(self, kind: Kind, found: Json) -> None:
        """Forget an object, unless another of the same name has taken its place."""
        key = key_of(kind, found)
        old = self.objects[kind.name].get(key)
        if old and old["metadata"]["uid"] == found["metadata"]["uid"]:
            del self.objects[kind.name][key]
            self._forget(key, old)
            self.changed(kind, found)

    def replace(self, kind: Kind, items: Iterable[Json]) -> None:
        """Take in a whole list: what is not in it has gone."""
        listed = {key_of(kind, item): item for item in items}
        for key, old in list(self.objects[kind.name].items()):
            if key not in listed:
                self.remove(kind, old)
        for item in listed.values():
            self.put(kind, item)

    def _forget(self, key: Key, old: Json) -> None:
        if owner := owner_of(old):
            self.owned[owner["uid"]].discard(key)
            if not self.owned[owner["uid"]]:
                del self.owned[owner["uid"]]


class Queue:
    """Keys to look at: each at most once at a time, a key added while it is worked on comes again afterwards."""

    def __init__(self) -> None:
        """Start empty; must be made inside the event loop that uses it."""
        self.ready: asyncio.Queue[Key] = asyncio.Queue()
        self.waiting: set[Key] = set()
        self.busy: set[Key] = set()
        self.again: set[Key] = set()
        self.timers: dict[Key, asyncio.TimerHandle] = {}

    def add(self, key: Key) -> None:
        """Ask for a look at a key, now."""
        if key in self.busy:
            self.again.add(key)
        elif key not in self.waiting:
            self.waiting.add(key)
            self.ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Ask for a look at a key later; a new time replaces the one before."""
        if old := self.timers.pop(key, None):
            old.cancel()
        self.timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    async def take(self) -> Key:
        """Wait for a key and hold it until `done`."""
        key = await self.ready.get()
        self.waiting.discard(key)
        self.busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """Let go of a key."""
        self.busy.discard(key)
        if key in self.again:
            self.again.discard(key)
            self.add(key)

    def _due(self, key: Key) -> None:
        self.timers.pop(key, None)
        self.add(key)


def owner_key(found: Json) -> Key | None:
    """Return the key of an object's controller when it is of a kind the simulator knows."""
    owner = owner_of(found)
    if owner is None or owner["kind"] not in BY_NAME:
        return None
    return owner["kind"], found["metadata"].get("namespace", ""), owner["name"]
