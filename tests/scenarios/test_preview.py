"""Dry-runs are answered with what would come of them, and nothing else changes: neither objects nor answers."""

from collections.abc import Callable, Iterator

import pytest
import yaml

from ground.api import ApiError, eventually
from ground.cluster import ADMINISTRATOR, Cluster
from scenarios import specs
from scenarios.kinds import POLICY, TENANT, VM, WAIVER, WORKLOAD, Kind
from scenarios.objects import SECONDS, Json
from scenarios.preview import Preview, dry_run, kubectl_warns, warned
from scenarios.process import Operator
from scenarios.site import Space

pytestmark = pytest.mark.ground

READING = {"get", "list", "watch"}
REASON = "cardholder data"


@pytest.fixture(scope="module")
def preview(shared: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """A running preview that the API server asks."""
    made = Preview(shared.cluster, tmp_path_factory.mktemp("preview"))
    try:
        made.start().lead_here()
        eventually(lambda: workload(shared.cluster, "default"), SECONDS, "the API server asks the preview")
        yield made
    finally:
        made.leave()
        made.kill()


def workload(cluster: Cluster, namespace: str, spec: Json | None = None, name: str = "dry") -> list[str]:
    """Return what a dry-run of a Workload is told."""
    return apply(cluster, WORKLOAD, name, spec or specs.container(), namespace)


def apply(cluster: Cluster, kind: Kind, name: str, spec: Json, namespace: str = "") -> list[str]:
    """Return what a server-side apply as a dry-run is told."""
    given = body(kind, name, spec, namespace)
    return dry_run(cluster, "PATCH", kind.path(namespace, name), given, force="true", fieldValidation="Strict")


def body(kind: Kind, name: str, spec: Json, namespace: str) -> Json:
    """Return an object as people write it."""
    meta = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": kind.api, "kind": kind.name, "metadata": meta, "spec": spec}


def policy(space: Space, require: Json, **more: object) -> Json:
    """Return the spec of a policy for the namespace of a test."""
    return {"mode": "Enforce", "reason": REASON, "match": space.selector, "require": require, **more}


def tenant(space: Space, **spec: object) -> None:
    """Make the namespace of a test a tenant with an open network, and wait until its status is about that."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    space.enact(TENANT, space.name, {"namespaceSelector": selector, "network": {"mode": "Open"}, **spec})


def until_told(cluster: Cluster, text: str, kind: Kind, name: str, spec: Json, namespace: str = "") -> list[str]:
    """Try a server-side apply until a text is among what is told."""
    return until_says(lambda: apply(cluster, kind, name, spec, namespace), text)


def until_says(ask: Callable[[], list[str]], text: str) -> list[str]:
    """Ask until a text is among the answers: what was just changed is seen a moment later, and an answer may be late."""
    told: list[str] = []

    def asked() -> bool:
        told[:] = ask()
        return text in "\n".join(told)

    try:
        eventually(asked, SECONDS, text)
    except TimeoutError as error:
        raise AssertionError(f"{error}; at last it was told:\n" + "\n".join(told)) from None
    return told


def test_a_workload_is_told_where_it_would_run_and_why_and_at_what_cost(preview: Preview, space: Space) -> None:
    space.policy({"level": "Virtualized"}, reason=REASON)
    told = until_told(preview.cluster, "would run in kata", WORKLOAD, "dry", specs.container(replicas=2), space.name)
    assert told[0] == (
        "would run in kata (Virtualized): lowest level that fits and meets Virtualized required by IsolationPolicy"
        f" {space.name} ({REASON})"
    )
    assert told[1] == "isolation adds 500m CPU and 640Mi to the 200m CPU and 256Mi that its 2 replicas ask for"
    assert "would create NetworkPolicy dry" in told[-1]
    assert space.get(WORKLOAD, "dry") == {}
    # Afterwards exactly that happens.
    space.workload("dry", specs.container(replicas=2))
    assert space.ready("dry")["status"]["placement"]["className"] == "kata"


def test_kubectl_shows_it_to_people(preview: Preview, space: Space) -> None:
    until_told(preview.cluster, "would run in container", WORKLOAD, "dry", specs.container(), space.name)
    text = yaml.safe_dump(body(WORKLOAD, "dry", specs.container(), space.name))
    shown = "Warning: would run in container (Container)"
    until_says(lambda: [kubectl_warns(preview.cluster, "apply", "--dry-run=server", "-f", "-", stdin=text)], shown)


def test_what_is_no_dry_run_is_told_nothing(preview: Preview, space: Space) -> None:
    until_told(preview.cluster, "would run in", WORKLOAD, "dry", specs.container(), space.name)
    given = body(WORKLOAD, "web", specs.container(), space.name)
    assert warned(preview.cluster, "PATCH", WORKLOAD.path(space.name, "web"), given, force="true") == []
    assert space.get(WORKLOAD, "web")["spec"]["container"]["image"] == specs.IMAGE


def test_nothing_fits_and_what_is_missing_and_how_to_get_it_is_told(preview: Preview, space: Space) -> None:
    spec = specs.container(needs={"gpu": {"deviceName": "vendor.example/gpu"}})
    told = until_told(preview.cluster, "would not run: NoCapableNode", WORKLOAD, "dry", spec, space.name)
    assert "no node of the class has 1 vendor.example/gpu" in "\n".join(told)
    assert "it would run in container if you drop needs.gpu" in told


def test_a_quota_that_does_not_take_it_is_told_with_numbers(preview: Preview, space: Space) -> None:
    tenant(space, quota={"memory": "3Gi"})
    small = specs.container(resources={"requests": {"cpu": "100m", "memory": "2Gi"}})
    space.workload("first", small)
    space.ready("first")
    told = until_told(preview.cluster, "finds no room in the quota", WORKLOAD, "dry", small, space.name)
    numbers = f"Tenant {space.name} uses 2Gi of 3Gi memory, and this needs 2Gi: lower memory by 1Gi"
    assert numbers in "\n".join(told)
    large = specs.container(resources={"requests": {"cpu": "100m", "memory": "4Gi"}})
    until_told(preview.cluster, "is larger than the quota", WORKLOAD, "dry", large, space.name)
    fits = specs.container(resources={"requests": {"cpu": "100m", "memory": "1Gi"}})
    wanted = f"fits the quota: Tenant {space.name} would use 3Gi of 3Gi memory"
    assert wanted in until_told(preview.cluster, wanted, WORKLOAD, "dry", fits, space.name)
    # What was asked for in dry-runs is held by nobody.
    space.workload("second", fits)
    space.ready("second")


def test_a_move_of_what_runs_is_told_before_it_happens(preview: Preview, space: Space) -> None:
    space.workload("web", specs.container())
    space.workload("erp", specs.both())
    for name in ("web", "erp"):
        space.ready(name)
    up = specs.container(isolation={"level": "Sandboxed"})
    until_told(preview.cluster, "would move by itself from container", WORKLOAD, "web", up, space.name)
    told = until_told(preview.cluster, "would change Deployment web", WORKLOAD, "web", up, space.name)
    assert told[0].startswith("would move by itself from container to gvisor (Sandboxed)")
    assert "would change Deployment web" in told[-1]
    space.workload("vm", specs.machine())
    space.ready("vm")
    away = specs.pinned("kata", specs.both())
    until_told(preview.cluster, "would have to move from vm to kata", WORKLOAD, "vm", away, space.name)
    wanted = "would wait for approval: the machine would stop and start anew"
    assert wanted in until_told(preview.cluster, wanted, WORKLOAD, "vm", away, space.name)[1]
    assert space.get(VM, "vm")["spec"]["runStrategy"] != "Halted"


def test_a_policy_is_told_what_it_does_to_what_runs(preview: Preview, space: Space) -> None:
    space.workload("web", specs.container(replicas=2))
    space.workload("erp", specs.machine())
    for name in ("web", "erp"):
        space.ready(name)
    spec = policy(space, {"level": "Virtualized"})
    until_told(preview.cluster, "it matches 2 of ", POLICY, space.name, spec)
    told = until_told(preview.cluster, "container -> kata 1", POLICY, space.name, spec)
    assert told[0].startswith("it matches 2 of ")
    assert told[1] == "1 Workload would be placed differently: container -> kata 1"
    assert told[2] == f"isolation would add 500m CPU and 640Mi, most of it for ns/{space.name} (500m CPU and 640Mi)"
    none = f"2 Workloads would be left without a class: {space.name}/erp, {space.name}/web"
    told = until_told(preview.cluster, none, POLICY, space.name, policy(space, {"level": "Confidential"}))
    assert any(line.startswith(none) for line in told)
    tried = policy(space, {"level": "Virtualized"}, mode="Audit")
    wanted = "mode Audit: if it were enforced, 1 Workload would be placed differently: container -> kata 1"
    assert wanted in until_told(preview.cluster, wanted, POLICY, space.name, tried)
    assert space.get(POLICY, space.name) == {}


def test_an_update_of_a_policy_is_compared_with_what_is_stored(preview: Preview, space: Space) -> None:
    space.policy({"level": "Sandboxed"})
    space.workload("web", specs.container())
    assert space.ready("web")["status"]["placement"]["className"] == "gvisor"
    spec = policy(space, {"level": "Virtualized"})
    told = until_told(preview.cluster, "gvisor -> kata 1", POLICY, space.name, spec)
    assert told[0].startswith("it matches 1 of ")
    same, none = policy(space, {"level": "Sandboxed"}), "no Workload would be placed differently"
    assert none in until_told(preview.cluster, none, POLICY, space.name, same)
    less = "1 Workload would stay where less isolation would do"
    until_says(lambda: dry_run(preview.cluster, "DELETE", POLICY.path("", space.name)), less)
    assert space.get(POLICY, space.name)["metadata"].get("deletionTimestamp") is None


def test_a_quota_that_a_policy_breaks_is_told_with_numbers(preview: Preview, space: Space) -> None:
    tenant(space, quota={"memory": "1Gi"})
    space.workload("web", specs.container(resources={"requests": {"cpu": "100m", "memory": "900Mi"}}))
    space.ready("web")
    spec = policy(space, {"level": "Virtualized"})
    wanted = f"the quota of Tenant {space.name} would not hold: it uses 900Mi of 1Gi memory, and 320Mi would be added"
    until_told(preview.cluster, wanted, POLICY, space.name, spec)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("workload.spec.", "its condition `when` does not compile: "),
        ("workload.labels.tier == 'db'", "its condition fails on some of them, which counts as a match"),
    ],
)
def test_a_condition_that_does_not_work_is_told_before_it_is_stored(
    preview: Preview, space: Space, when: str, says: str
) -> None:
    space.workload("web", specs.container())
    space.ready("web")
    until_told(preview.cluster, says, POLICY, space.name, policy(space, {"level": "Container"}, when=when))


def test_a_tenant_is_told_whom_it_moves_and_whether_its_quota_holds(preview: Preview, space: Space) -> None:
    space.workload("web", specs.container(resources={"requests": {"cpu": "100m", "memory": "2Gi"}}))
    space.ready("web")
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    spec = {"namespaceSelector": selector, "floor": "Sandboxed", "quota": {"memory": "1Gi"}}
    told = until_told(preview.cluster, "container -> gvisor 1", TENANT, space.name, spec)
    assert f"1 namespace would belong to it: {space.name}" in told
    assert "1 Workload would be closed off on the network" in told
    assert any(line.startswith("its quota would not hold: 2Gi of 1Gi memory are used") for line in told)
    assert space.get(TENANT, space.name) == {}


def test_a_waiver_is_told_whom_it_spares(preview: Preview, space: Space) -> None:
    space.policy({"level": "Confidential"})
    space.workload("web", specs.container())
    space.expect("web", "Placed", "False")
    spec = {
        "workloads": [{"namespace": space.name, "name": "web"}],
        "policies": [space.name],
        "reason": "a migration",
        "approver": ADMINISTRATOR,
        "expiresAt": "2026-01-02T00:00:00Z",
    }
    until_told(preview.cluster, "it would waive nothing: it ended at", WAIVER, space.name, spec)


def test_where_the_preview_does_not_answer_dry_runs_pass_without_a_word(preview: Preview, space: Space) -> None:
    until_told(preview.cluster, "would run in", WORKLOAD, "dry", specs.container(), space.name)
    preview.kill()
    try:
        assert workload(preview.cluster, space.name) == []
        assert apply(preview.cluster, POLICY, space.name, policy(space, {"level": "Virtualized"})) == []
        with pytest.raises(ApiError, match="replicas"):
            workload(preview.cluster, space.name, specs.container(replicas=-1))
    finally:
        preview.start()
    until_told(preview.cluster, "would run in", WORKLOAD, "dry", specs.container(), space.name)


def test_its_account_has_only_ever_read(preview: Preview, space: Space) -> None:
    until_told(preview.cluster, "would run in", WORKLOAD, "dry", specs.container(), space.name)
    asked = preview.requests()
    assert {each["verb"] for each in asked} <= READING
    assert {"list", "watch"} <= {each["verb"] for each in asked}
    refused = [each for each in asked if each.get("responseStatus", {}).get("code") == 403]
    assert refused == []
