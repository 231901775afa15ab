"""A check that no watch of our own kinds has missed anything: one metadata-only LIST against the store.

kopf does not tell of objects that vanished while its watch was down; without this they would stay for ever.
"""

from berth.app.feeds import put_own
from berth.app.settle import table_of
from berth.kube.reading import Reader, Selection
from berth.kube.resources import WORKLOADS, Resource
from berth.world.records import Key
from berth.world.store import Store


def known(store: Store, resource: Resource) -> dict[Key, str]:
    """Return key and UID of everything that the store has of one of our own kinds."""
    if resource is WORKLOADS:
        return {key: record.uid for key, record in store.workloads.items()}
    return {("", name): record.uid for name, record in table_of(store, resource).items()}


async def sweep(reader: Reader, store: Store, resource: Resource) -> frozenset[Key]:
    """Drop from the store what is gone from the cluster; return the keys that the store has not seen yet."""
    before = known(store, resource)
    listed: dict[Key, str] = {}
    async for page in reader.list_pages(resource, Selection(metadata_only=True)):
        if page.first:
            listed.clear()
        for item in page.items:
            meta = item["metadata"]
            listed[meta.get("namespace", ""), meta["name"]] = meta["uid"]
    after = known(store, resource)
    for key, uid in before.items():
        if key not in listed and after.get(key) == uid:
            namespace, name = key
            put_own(store, resource, {"metadata": {"namespace": namespace, "name": name}}, deleted=True)
    return frozenset(key for key, uid in listed.items() if after.get(key) != uid)
