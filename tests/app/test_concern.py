"""Whom a change of instancetypes and preferences concerns."""

from app.pictures import Pictured, web
from berth.app.concern import World, concerned
from berth.world.records import InstancetypeRecord, Key, PreferenceRecord

SMALL, LARGE = InstancetypeRecord("own", 1, 1 << 30), InstancetypeRecord("own", 4, 4 << 30)
HERE, THERE = ("shop", "web"), ("lab", "web")


def whom(before: dict[Key, InstancetypeRecord], after: dict[Key, InstancetypeRecord]) -> set[Key]:
    """Return whom a change of instancetypes concerns."""
    made = Pictured()
    for namespace in ("shop", "lab"):
        made.namespace(namespace)
    made.workload("web", web())
    made.store.put_workload(THERE, made.store.workloads[HERE])
    return set(concerned(World(instancetypes=before), World(instancetypes=after), made.store, {}))


def test_one_of_the_cluster_concerns_everybody() -> None:
    assert whom({("", "own"): SMALL}, {("", "own"): LARGE}) == {HERE, THERE}


def test_one_of_a_namespace_concerns_that_alone() -> None:
    assert whom({("lab", "own"): SMALL}, {("lab", "own"): LARGE}) == {THERE}


def test_a_change_in_a_namespace_wakes_its_workloads_alone() -> None:
    made = Pictured()
    for namespace in ("shop", "lab"):
        made.namespace(namespace)
    made.workload("web", web())
    revision = made.store.facts_revision
    made.picture._stale.clear()
    made.store.put_description(made.store.preferences, ("lab", "own"), PreferenceRecord("own"))
    assert not made.picture._stale
    made.store.put_description(made.store.preferences, ("shop", "own"), PreferenceRecord("own"))
    assert HERE in made.picture._stale
    assert made.store.facts_revision == revision
