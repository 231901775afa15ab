"""The store wakes only whom a change concerns, and says that the world changed only when it did."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from berth.world import children, parse, storage
from berth.world.packed import pack
from berth.world.records import Key, StorageClassRecord, WorkloadRecord
from berth.world.store import Store
from world.raws import Raw, a_cluster_raw, a_node, a_raw

WEB: Key = ("shop", "web")
POLICY = {"mode": "Enforce", "reason": "x", "require": {"level": "Sandboxed"}}
CLASS = {"level": "Container", "pod": {}}


class Watched:
    """A store, and what it told."""

    def __init__(self) -> None:
        self.woken: list[Key] = []
        self.changes = 0
        self.store = Store(self.woken.append, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def told(self) -> tuple[list[Key], int]:
        """Return who was woken and how often the world changed since the last call."""
        found = (sorted(self.woken), self.changes)
        self.woken.clear()
        self.changes = 0
        return found

    def workload(self, name: str = "web", namespace: str = "shop", **parts: Any) -> None:
        """Store a Workload as the watch brings it."""
        self.store.put_workload(
            (namespace, name), parse.workload(a_raw("Workload", name, namespace=namespace, **parts))
        )


NOBODY: tuple[list[Key], int] = ([], 0)


def with_workloads(*names: str) -> Watched:
    """Return a store with these Workloads in shop and one in bank, after all was told."""
    watched = Watched()
    for name in names or ("web",):
        watched.workload(name)
    watched.workload("ledger", "bank")
    watched.told()
    return watched


def labelled(name: str) -> Raw:
    """Return metadata with the label of this Workload."""
    return {"labels": {"berth.dev/workload": name, "berth.dev/class": "runc"}}


def test_a_workload_wakes_itself_when_it_comes_changes_and_goes() -> None:
    watched = Watched()
    watched.workload(spec={"replicas": 1})
    assert watched.told() == ([WEB], 0)
    watched.workload(spec={"replicas": 2}, metadata={"resourceVersion": "2", "generation": 2})
    assert watched.told() == ([WEB], 0)
    watched.store.put_workload(WEB, None)
    assert watched.told() == ([WEB], 0)
    assert list(watched.store.workload_names("shop")) == []


def answered(status: Raw, version: str, **metadata: Any) -> WorkloadRecord:
    """Return what the API server answers to a status: the object's metadata."""
    return parse.workload(a_raw("Workload", status=status, metadata={"resourceVersion": version, **metadata}))


@pytest.mark.parametrize(
    "edit", [{"generation": 2}, {"labels": {"team": "a"}}, {"deletionTimestamp": "2026-03-01T12:00:00Z"}]
)
def test_an_edit_that_our_own_status_overtook_is_not_lost(edit: Raw) -> None:
    watched = with_workloads()
    status = {"reason": "Running"}
    assert not watched.store.put_status(answered(status, "6", **edit)), "the watch has more to say than an echo"
    assert watched.told() == NOBODY
    watched.workload(metadata={"resourceVersion": "5", **edit})
    assert watched.told() == ([WEB], 0)
    watched.workload(status=status, metadata={"resourceVersion": "6", **edit})
    assert watched.store.workloads[WEB] == answered(status, "6", **edit)


def test_the_echo_of_our_own_status_wakes_nobody() -> None:
    watched = with_workloads()
    status = {"reason": "Running", "observedGeneration": 1}
    watched.store.put_status(answered(status, "2"))
    watched.workload(status=status, metadata={"resourceVersion": "2"})
    assert watched.told() == NOBODY


def test_a_status_that_somebody_else_wrote_wakes() -> None:
    watched = with_workloads()
    watched.store.put_status(answered({"reason": "Running"}, "2"))
    watched.workload(status={"reason": "Forged"}, metadata={"resourceVersion": "3"})
    assert watched.told() == ([WEB], 0)


def test_a_status_is_not_remembered_for_another_object_of_the_name() -> None:
    watched = with_workloads()
    assert not watched.store.put_status(answered({"reason": "Running"}, "9", uid="uid-of-the-one-before"))
    assert not watched.store.put_status(replace(answered({}, "9"), key=("shop", "gone")))
    assert watched.store.workloads[WEB].status == pack({})


def test_what_the_watch_brought_meanwhile_is_newer_than_our_own_write() -> None:
    watched = with_workloads()
    watched.workload(status={"reason": "Forged"}, metadata={"resourceVersion": "4"})
    assert not watched.store.put_status(answered({"reason": "Running"}, "3"))
    assert watched.store.workloads[WEB].status == pack({"reason": "Forged"})


def test_a_write_that_changed_nothing_is_remembered_and_has_no_echo() -> None:
    watched = with_workloads()
    known = watched.store.workloads[WEB].resource_version
    assert not watched.store.put_status(answered({"reason": "Running"}, known))
    assert watched.store.workloads[WEB].status == pack({"reason": "Running"})


def test_a_resumed_watch_does_not_bring_back_the_past_but_a_list_does() -> None:
    watched = with_workloads()
    watched.workload(spec={"replicas": 3}, metadata={"resourceVersion": "5"})
    watched.told()
    old = parse.workload(a_raw("Workload", spec={"replicas": 2}, metadata={"resourceVersion": "4"}))
    watched.store.put_workload(WEB, old)
    assert watched.told() == NOBODY
    watched.store.put_workload(WEB, old, listed=True)
    assert watched.told() == ([WEB], 0)


@pytest.mark.parametrize("annotations", [{"example.com/try": "2"}, {}], ids=["changed", "removed"])
def test_a_changed_annotation_asks_for_another_try(annotations: dict[str, str]) -> None:
    watched = Watched()
    watched.workload(metadata={"annotations": {"example.com/try": "1"}})
    watched.told()
    watched.workload(metadata={"annotations": annotations, "resourceVersion": "2"})
    assert watched.told() == ([WEB], 0)


def test_a_new_resource_version_alone_wakes_nobody() -> None:
    watched = with_workloads()
    raw = a_raw("Deployment", spec={"replicas": 1})
    watched.store.put_child("Deployment", WEB, children.child(raw))
    watched.told()
    raw["metadata"] |= {"resourceVersion": "7", "managedFields": [{}]}
    watched.store.put_child("Deployment", WEB, children.child(raw))
    watched.workload(metadata={"resourceVersion": "8"})
    assert watched.told() == NOBODY
    assert watched.store.children(WEB)[0].resource_version == "7"


@pytest.mark.parametrize(
    ("put", "record"),
    [
        (lambda store: store.put_pod, children.pod(a_raw("Pod"))),
        (lambda store: store.put_machine, children.machine(a_raw("VirtualMachineInstance"))),
        (lambda store: lambda key, found: store.put_child("Service", key, found), children.child(a_raw("Service"))),
    ],
    ids=["pod", "machine", "child"],
)
def test_what_belongs_to_a_workload_wakes_it_alone(
    put: Callable[[Store], Callable[[Key, Any], None]], record: Any
) -> None:
    watched = with_workloads("web", "api")
    put(watched.store)(("shop", "x"), record)
    assert watched.told() == ([WEB], 0)
    put(watched.store)(("shop", "x"), record)
    assert watched.told() == NOBODY
    put(watched.store)(("shop", "x"), None)
    assert watched.told() == ([WEB], 0)
    put(watched.store)(("shop", "x"), None)
    assert watched.told() == NOBODY


def test_a_child_moves_between_workloads_with_its_label() -> None:
    watched = with_workloads("web", "api")
    for name in ("web", "api"):
        watched.store.put_child(
            "Service", ("shop", "s"), children.child(a_raw("Service", "s", metadata=labelled(name)))
        )
    assert watched.told() == ([("shop", "api"), WEB, WEB], 0)
    assert watched.store.children(WEB) == ()
    assert [child.key for child in watched.store.children(("shop", "api"))] == [("shop", "s")]


def test_children_of_the_same_name_are_told_apart_by_kind_and_namespace() -> None:
    watched = with_workloads()
    for kind, namespace in (("Service", "shop"), ("Deployment", "shop"), ("Service", "bank")):
        watched.store.put_child(kind, (namespace, "web"), children.child(a_raw(kind, namespace=namespace)))
    assert [child.kind for child in watched.store.children(WEB)] == ["Deployment", "Service"]
    watched.store.put_child("Service", WEB, None)
    assert [child.kind for child in watched.store.children(WEB)] == ["Deployment"]
    assert len(watched.store.children(("bank", "web"))) == 1


def test_only_the_very_child_that_was_told_to_go_is_going() -> None:
    watched = with_workloads()
    old, new = (children.child(a_raw("Service", metadata=labelled("web") | {"uid": uid})) for uid in ("old", "new"))
    watched.store.put_child("Service", WEB, new)
    watched.told()
    watched.store.put_deleting(old)
    assert watched.store.children(WEB) == (new,)
    watched.store.put_deleting(new)
    assert watched.store.children(WEB) == (replace(new, deleting=True),)
    assert watched.told() == NOBODY
    watched.store.put_child("Service", WEB, None)
    watched.store.put_deleting(new)
    assert watched.store.children(WEB) == ()


@pytest.mark.parametrize("what", ["namespace", "claim"])
def test_a_namespace_and_its_claims_wake_that_namespace_only(what: str) -> None:
    watched = with_workloads("web", "api")
    space = parse.namespace(a_cluster_raw("Namespace", "shop", metadata={"labels": {"data": "cardholder"}}))
    claim = storage.claim(a_raw("PersistentVolumeClaim", "disk", spec={"accessModes": ["ReadWriteOnce"]}))
    for _ in range(2):
        if what == "claim":
            watched.store.put_claim(claim.key, claim)
        else:
            watched.store.put_namespace("shop", space)
    assert watched.told() == ([("shop", "api"), WEB], 0)


def test_a_golden_image_wakes_its_namespace_and_those_that_it_is_led_to_from() -> None:
    watched = with_workloads("web")
    image = parse.data_source(a_raw("DataSource", "image", namespace="images", spec={"source": {}}))
    watched.store.put_data_source(image.key, image)
    assert watched.told() == ([], 0)
    leads = {"source": {"dataSource": {"namespace": "images", "name": "image"}}}
    gold = parse.data_source(a_raw("DataSource", "gold", spec=leads))
    watched.store.put_data_source(gold.key, gold)
    assert watched.told() == ([WEB], 0)
    watched.store.put_data_source(image.key, None)
    assert watched.told() == ([WEB], 0)


def test_a_storage_class_wakes_machines_alone() -> None:
    watched = with_workloads("web", "vm")
    record = watched.store.workloads["shop", "vm"]
    watched.store.put_workload(record.key, replace(record, spec=parse.canonical({"machine": {}})))
    watched.told()
    for _ in range(2):
        watched.store.put_storage_class("fast", StorageClassRecord("fast", default=False))
    assert watched.told() == ([("shop", "vm")], 0)


def test_a_class_changes_the_world_and_its_status_does_not() -> None:
    watched = with_workloads()
    raw = a_cluster_raw("IsolationClass", "runc", spec=CLASS)
    watched.store.put_class("runc", parse.isolation_class(raw))
    assert (watched.told(), watched.store.facts_revision) == (([], 1), 1)
    watched.store.put_class("runc", parse.isolation_class(raw | {"status": {"workloads": 3}}))
    assert (watched.told(), watched.store.facts_revision) == (NOBODY, 1)
    assert watched.store.classes["runc"].status == b'{"workloads":3}'
    watched.store.put_class("runc", None)
    assert (watched.told(), watched.store.facts_revision) == (([], 1), 2)


def test_a_policy_changes_the_world_and_its_status_does_not() -> None:
    watched = with_workloads()
    raw = a_cluster_raw("IsolationPolicy", "pci", spec=POLICY)
    watched.store.put_policy("pci", parse.isolation_policy(raw))
    watched.store.put_policy("pci", parse.isolation_policy(raw | {"status": {"matched": 3}}))
    assert (watched.told(), watched.store.policy_revision) == (([], 1), 1)
    watched.store.put_policy("pci", parse.isolation_policy(raw | {"spec": POLICY | {"mode": "Audit"}}))
    watched.store.put_policy("pci", None)
    assert (watched.told(), watched.store.policy_revision, watched.store.facts_revision) == (([], 2), 3, 0)


def test_a_policy_that_is_not_understood_any_more_changes_the_world() -> None:
    watched = with_workloads()
    for spec in (POLICY, {}):
        watched.store.put_policy("pci", parse.isolation_policy(a_cluster_raw("IsolationPolicy", "pci", spec=spec)))
    assert (watched.told(), watched.store.policy_revision) == (([], 2), 2)


def test_facts_change_the_world_only_when_they_differ() -> None:
    watched = with_workloads()
    store, node = watched.store, a_node()
    store.put_fact(store.nodes, "n1", parse.node(node))
    node["metadata"] |= {"resourceVersion": "9"}
    store.put_fact(store.nodes, "n1", parse.node(node))
    assert (watched.told(), store.facts_revision) == (([], 1), 1)
    store.put_fact(store.nodes, "n1", None)
    store.put_fact(store.nodes, "n1", None)
    assert (watched.told(), store.facts_revision, store.nodes) == (([], 1), 2, {})


def test_nothing_is_left_of_what_is_gone() -> None:
    watched = with_workloads()
    store = watched.store
    store.put_child("Service", WEB, children.child(a_raw("Service")))
    store.put_pod(("shop", "p"), children.pod(a_raw("Pod", "p")))
    store.put_child("Service", WEB, None)
    store.put_pod(("shop", "p"), None)
    for key in list(store.workloads):
        store.put_workload(key, None)
    kept = {name: value for name, value in vars(store).items() if isinstance(value, dict) and value}
    assert kept == {}


def test_changes_of_children_may_be_looked_at_together() -> None:
    at_once: list[Key] = []
    soon: list[Key] = []
    store = Store(at_once.append, lambda: None, soon.append)
    store.put_pod(("shop", "p"), children.pod(a_raw("Pod", "p")))
    assert (at_once, soon) == ([], [WEB])
    store.put_workload(WEB, parse.workload(a_raw("Workload")))
    assert (at_once, soon) == ([WEB], [WEB])
