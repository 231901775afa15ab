"""A child of one Workload, tenant or class is none of another's: the same object within other bounds is refused."""

from dataclasses import fields, replace
from typing import Any

import pytest

from berth.verify.check import verify, verify_quota
from berth.verify.model import Bounds, Named, QuotaBounds
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import Json, corpus, golden_bounds
from verify.change import GONE, changed, path_of

CORPUS = corpus()
EVERY = pytest.mark.parametrize(("body", "bounds"), [row[1:] for row in CORPUS], ids=[row[0] for row in CORPUS])
BACKING = {"Deployment", "Job", "VirtualMachine", "VirtualMachinePool"}


def rules(body: Json, bounds: Bounds) -> set[Rule]:
    return {found.rule for found in verify(body, bounds)}


@EVERY
def test_no_child_is_another_namespaces_or_another_workloads(body: Json, bounds: Bounds) -> None:
    assert Rule.NAMESPACE in rules(body, replace(bounds, namespace="other"))
    assert Rule.LABELS in rules(body, replace(bounds, workload="other"))
    if body["kind"] != "DataVolume" or bounds.named.disks_go:
        assert rules(body, replace(bounds, uid="other")) == {Rule.OWNER}


@EVERY
def test_what_runs_a_workload_is_of_its_class_and_tenant(body: Json, bounds: Bounds) -> None:
    others = (replace(bounds, tenant="other"), replace(bounds, class_name="other"))
    assert [bool(verify(body, other)) for other in others] == [body["kind"] in BACKING] * 2


@EVERY
def test_nothing_that_the_workload_does_not_name_is_used(body: Json, bounds: Bounds) -> None:
    """A Workload that names nothing but its size has no image to run, and so nothing that runs."""
    bare = Named(task=bounds.named.task, replicas=bounds.named.replicas, disks_go=bounds.named.disks_go)
    assert body["kind"] not in {*BACKING, "DataVolume", "Service"} or verify(body, replace(bounds, named=bare))


NAMES = [field.name for field in fields(Named) if field.type == frozenset[str]]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_name_is_looked_at_somewhere(name: str) -> None:
    """Without that one set of names, some golden child is refused."""
    assert any(
        verify(body, replace(bounds, named=replace(bounds.named, **{name: frozenset()}))) for _, body, bounds in CORPUS
    )


def test_a_disk_outlives_its_workload_unless_the_author_says_otherwise() -> None:
    kept, gone = ("machine-data-source-retain", "machine-data-source-delete")
    for case, other in ((kept, gone), (gone, kept)):
        disk = next(body for body in golden.children(case) if body["kind"] == "DataVolume")
        named = replace(golden_bounds(case).named, disks_go=golden_bounds(other).named.disks_go)
        assert rules(disk, replace(golden_bounds(case), named=named)) == {Rule.OWNER}


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("spec.sourceRef", {"kind": "DataSource", "name": "fedora"}, Rule.STORAGE),
        ("spec.source.pvc.name", "of-another", Rule.STORAGE),
        ("spec.source.pvc.namespace", "golden", Rule.STORAGE),
        ("spec.source.blank", {}, Rule.STORAGE),
        ("spec.source", {"pvc": {"namespace": "other", "name": "disk"}}, Rule.STORAGE),
        ("spec.source", {"snapshot": {"namespace": "other", "name": "disk"}}, Rule.STORAGE),
        ("spec.source", {"http": {"url": "http://169.254.169.254/"}}, Rule.STORAGE),
        ("spec.pvc", {"volumeName": "of-another"}, Rule.STORAGE),
        ("spec.storage.volumeName", "of-another", Rule.STORAGE),
        ("spec.storage.storageClassName", "gold", Rule.STORAGE),
        ("metadata.name", "of-another-root", Rule.IDENTITY),
        (("metadata", "annotations", "berth.dev/made-from"), "blank", Rule.DISKS),
    ],
)
def test_a_disk_is_cloned_from_the_named_source_of_its_own_namespace(
    path: str | tuple[str, ...], value: Any, rule: Rule
) -> None:
    """CDI asks whether Berth may read the source, not whether the author may."""
    case = "machine-data-source-retain"
    disk = changed(golden.children(case)[0], path_of(path) if isinstance(path, str) else path, value)
    assert rules(disk, golden_bounds(case)) == {rule}


@pytest.mark.parametrize(("allowed", "may"), [(None, True), (frozenset({"fast"}), True), (frozenset({"slow"}), False)])
def test_a_disk_is_of_an_allowed_storage_class(allowed: frozenset[str] | None, may: bool) -> None:
    disk = next(
        body for body in golden.children("machine-disks") if body["spec"].get("storage", {}).get("storageClassName")
    )
    found = verify(disk, replace(golden_bounds("machine-disks"), storage_classes=allowed))
    assert (found == ()) == may


@pytest.mark.parametrize(
    "version_and_kind",
    [
        ("v1", "Pod"),
        ("v1", "Secret"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("v1", "Namespace"),
        ("extensions/v1beta1", "Deployment"),
        ("kubevirt.io/v1", "VirtualMachineInstance"),
        ("v1", "ResourceQuota"),
        (None, None),
        ([], {}),
    ],
)
def test_no_other_kind_may_be_written(version_and_kind: tuple[Any, Any]) -> None:
    version, kind = version_and_kind
    body = golden.children("container-minimal")[-1] | {"apiVersion": version, "kind": kind}
    [found] = verify(body, golden_bounds("container-minimal"))
    assert (found.path, found.rule) == ("kind", Rule.KIND)


QUOTA = QuotaBounds("shop", "berth", "acme", "tenant-uid", (("requests.cpu", "64"), ("limits.memory", "256Gi")))
OWNER = {
    "apiVersion": "berth.dev/v1alpha1",
    "kind": "Tenant",
    "name": "acme",
    "uid": "tenant-uid",
    "controller": True,
    "blockOwnerDeletion": True,
}
QUOTA_BODY: Json = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {
        "name": "berth",
        "namespace": "shop",
        "labels": {"app.kubernetes.io/managed-by": "berth", "berth.dev/tenant": "acme"},
        "annotations": {"berth.dev/desired-hash": "0" * 32},
        "ownerReferences": [OWNER],
    },
    "spec": {"hard": {"requests.cpu": "64", "limits.memory": "256Gi"}},
}


def test_the_quota_of_a_tenant_may_be_written() -> None:
    assert verify_quota(QUOTA_BODY, QUOTA) == ()


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("kind", "LimitRange", Rule.KIND),
        ("metadata.namespace", "other", Rule.NAMESPACE),
        ("metadata.name", "other", Rule.IDENTITY),
        ("metadata.labels", {}, Rule.LABELS),
        ("metadata.ownerReferences", [{**OWNER, "uid": "other"}], Rule.OWNER),
        ("metadata.finalizers", ["x.example/y"], Rule.LIFETIME),
        ("spec.hard", {"requests.cpu": "640", "limits.memory": "256Gi"}, Rule.RESOURCES),
        ("spec.hard", {"requests.cpu": "64"}, Rule.RESOURCES),
        ("spec.scopes", ["BestEffort"], Rule.RESOURCES),
        ("spec", GONE, Rule.SHAPE),
        ("status", {}, Rule.NOT_WRITTEN),
    ],
)
def test_a_quota_that_is_not_the_tenants_is_refused(path: str, value: Any, rule: Rule) -> None:
    assert {found.rule for found in verify_quota(changed(QUOTA_BODY, path_of(path), value), QUOTA)} == {rule}
