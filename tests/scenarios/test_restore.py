"""The cluster is lost and comes back from a backup: of the objects that people write, or of etcd as a whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ground import cluster as control_plane
from ground.api import eventually
from ground.cluster import Cluster
from scenarios import objects, site, specs
from scenarios.kinds import CLASS, LEASE, NAMESPACE, POLICY, TENANT, WAIVER, WORKLOAD
from scenarios.objects import Json
from scenarios.process import NAMESPACE as OPERATORS
from scenarios.process import Operator
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

SANDBOXED: Json = {"level": "Sandboxed"}
KEPT = (CLASS, POLICY, TENANT, WORKLOAD, WAIVER)
"""Kinds of Berth, in the order in which they are restored."""
LABELS = {"tenant": "shop", "berth.dev/isolation": "sandboxed"}
WORKLOADS: dict[str, Json] = {
    "web": specs.container(),
    "api": specs.container(),
    "ledger": specs.container(),
    "erp": specs.machine(),
}
ENDED_SECONDS = 120.0
TIMING = {
    "BERTH_LEASE_RETRY_PERIOD": "0.5",
    # It outlives a control plane that is down for long, so that what it ends of is the older store.
    "BERTH_LEASE_RENEW_DEADLINE": "90",
    "BERTH_LEASE_DURATION": "100",
}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A control plane of its own."""
    with site.prepared() as found:
        yield found


@pytest.fixture
def replica(cluster: Cluster, tmp_path: Path, operators: list[Operator]) -> Iterator[Operator]:
    """The operator that runs there; it may end by itself."""
    operators.append(Operator(cluster, tmp_path, restarts=False, **TIMING))
    yield operators[0].start()
    operators[0].kill()


def test_a_replica_that_saw_what_a_restored_etcd_does_not_know_starts_over(cluster: Cluster, replica: Operator) -> None:
    space = Space.make(cluster)
    space.workload("web", specs.container())
    space.ready("web")
    with control_plane.halted(cluster) as data:
        shutil.copytree(data, cluster.workdir / "backup")
    space.workload("late", specs.pinned("marble", specs.container()))
    space.expect("late", "Placed", "False", "Misconfigured")
    space.policy(SANDBOXED)
    with control_plane.halted(cluster) as data:
        shutil.rmtree(data)
        (cluster.workdir / "backup").rename(data)
    eventually(replica.ended, ENDED_SECONDS, "it ends by itself")
    assert "the store was restored" in replica.log.read_text()
    # A Lease came back with the backup: nobody needs to see it run out.
    objects.delete(cluster, LEASE, OPERATORS, "berth")
    replica.start()
    space.ready("web")
    space.quiet()
    assert not space.get(WORKLOAD, "late")
    assert space.get(WORKLOAD, "web")["status"]["placement"]["className"] == "container"
    space.policy(SANDBOXED)
    space.until(WORKLOAD, "web", lambda found: found["status"]["placement"]["className"] == "gvisor")


def written(found: Json) -> Json:
    """Return of an object what a backup tool puts back: neither which one it was, nor what was said of it."""
    meta = {name: found["metadata"][name] for name in ("name", "namespace", "labels") if name in found["metadata"]}
    return {"metadata": meta, "spec": found["spec"]}


def placements(space: Space) -> dict[str, Json]:
    """Return where Workloads are kept, and who decided it, when all are ready."""
    found = {name: space.ready(name)["status"]["placement"] for name in WORKLOADS}
    return {name: {key: part for key, part in each.items() if key != "since"} for name, each in found.items()}


def test_objects_of_the_five_kinds_are_all_that_an_empty_cluster_needs(
    cluster: Cluster, replica: Operator, tmp_path: Path, operators: list[Operator]
) -> None:
    assert replica.alive()
    space = Space.make(cluster, LABELS)
    space.put(TENANT, "shop", {"namespaceSelector": {"matchLabels": LABELS}, "quota": {"memory": "16Gi"}})
    space.put(WAIVER, "web", specs.waiver(space.name))
    machines = {"match": {"tenants": ["shop"], "workloadSelector": {"matchLabels": {"data": "cardholder"}}}}
    space.put(POLICY, "pci", {"mode": "Enforce", "reason": "a test", "require": {"level": "Virtualized"}, **machines})
    for kind, name in ((TENANT, "shop"), (WAIVER, "web"), (POLICY, "pci")):
        space.until(kind, name, lambda found: condition(found, "Accepted")["status"] == "True")
    for name, spec in WORKLOADS.items():
        space.workload(name, spec, **({"data": "cardholder"} if name == "ledger" else {}))
    before = placements(space)
    assert [each["className"] for each in before.values()] == ["container", "gvisor", "kata", "vm"]

    backup = [(kind, written(found)) for kind in KEPT for found in objects.items(cluster, kind)]
    with site.prepared() as empty:
        objects.put(empty, NAMESPACE, "", {"metadata": {"name": space.name, "labels": LABELS}})
        for kind, body in backup:
            objects.put(empty, kind, body["metadata"].get("namespace", ""), body)
        restored = Space(empty, space.name, site.audit_of(empty))
        operators.append(Operator(empty, tmp_path).start())
        assert placements(restored) == before
        operators[-1].stop()
        children = [each for each in restored.audit.writes(space.name) if not each.resource.endswith("/status")]
        assert {each.verb for each in children} == {"create"}, "nothing ran in another class before"
