"""Admins write tenants and policies, two teams deploy: everybody as a user of their own, with the rights of their role."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from admission import people
from admission.attempts import kubeconfig
from ground.api import ApiError
from scenarios import objects, specs
from scenarios.kinds import DEPLOYMENT, NAMESPACE, POD, POLICY, QUOTA, TENANT, WAIVER, WORKLOAD, Kind
from scenarios.objects import Json
from scenarios.process import Operator
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

SMALL: Json = {"requests": {"cpu": "10m", "memory": "64Mi"}}
BIG: Json = {"requests": {"cpu": "10m", "memory": "1Gi"}}
FLEET = 50
FLEET_SECONDS = 180.0
PULSE: Json = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "main", "image": "pause:1"}]}}


@dataclass(frozen=True)
class Team:
    """A namespace of a tenant, as seen by its developer, and as seen by the admin."""

    own: Space
    admin: Space

    @property
    def name(self) -> str:
        """Return the name of the namespace, and of its tenant."""
        return self.own.name


def seen_by(space: Space, user: str) -> Space:
    """Return a namespace as somebody works with it."""
    return replace(space, cluster=replace(space.cluster, kubeconfig=kubeconfig(space.cluster, user)))


@pytest.fixture(scope="module")
def admin(shared: Operator) -> str:
    """A platform admin, with the role that Berth ships, who may label namespaces too."""
    user = f"paula-{uuid4().hex[:6]}"
    people._apply(
        shared.cluster,
        "clusterroles",
        {
            "metadata": {"name": "story-namespaces"},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "patch"]}],
        },
    )
    for role in ("berth-platform-admin", "story-namespaces", "view"):
        people.bind(shared.cluster, user, role)
    return user


@pytest.fixture
def teams(shared: Operator, admin: str) -> Iterator[tuple[Team, Team]]:
    """Two tenants, each with a namespace and a developer who has the built-in role edit there."""
    spaces = [Space.make(shared.cluster) for _ in range(2)]
    made = []
    for space in spaces:
        developer = f"dev-of-{space.name}"
        people.bind(shared.cluster, developer, "edit", space.name)
        people.bind(shared.cluster, developer, "berth-tenant-view")
        made.append(Team(seen_by(space, developer), seen_by(space, admin)))
    for team in made:
        label = {"metadata": {"labels": {"tenant": team.name}}}
        objects.merge(team.admin.cluster, NAMESPACE, "", team.name, label)
        be(team)
    yield made[0], made[1]
    for space in spaces:
        space.remove()


def be(team: Team, **spec: object) -> None:
    """Write the tenant of a team as the admin, and wait until it is in force."""
    team.admin.enact(TENANT, team.name, {"namespaceSelector": {"matchLabels": {"tenant": team.name}}, **spec})
    team.admin.until(TENANT, team.name, lambda found: found["status"].get("namespaces") == [team.name])


def refused(team: Team, what: str, kind: Kind, namespace: str, body: Json) -> str:
    """Try to write something as a developer; return the refusal."""
    with pytest.raises(ApiError) as caught:
        objects.put(team.own.cluster, kind, namespace, body)
    assert caught.value.code in {403, 422}, what
    return str(caught.value)


def test_two_teams_deploy_and_neither_gets_past_what_the_admin_wrote(teams: tuple[Team, Team]) -> None:
    one, other = teams
    be(one, floor="Sandboxed", images={"registries": ["registry.example/team/"]})
    be(other, floor="Virtualized")
    for team, where in ((one, "gvisor"), (other, "kata")):
        team.own.workload("web", specs.container(resources=SMALL))
        found = team.own.until(WORKLOAD, "web", lambda found: condition(found, "Ready")["status"] == "True")
        assert found["status"]["placement"]["className"] == where
        assert found["status"]["tenant"] == team.name
    foreign = {"metadata": {"name": "spy"}, "spec": specs.container(resources=SMALL)}
    assert "cannot patch resource" in refused(one, "a Workload of the other team", WORKLOAD, other.name, foreign)
    assert "workloads.berth.dev" in refused(one, "a pod below the floor", POD, one.name, PULSE)
    weaker = one.own.get(DEPLOYMENT, "web")
    weaker["spec"]["template"]["spec"].pop("runtimeClassName")
    body = {"metadata": {"name": "web", "labels": weaker["metadata"]["labels"]}, "spec": weaker["spec"]}
    assert "denied" in refused(one, "its own child", DEPLOYMENT, one.name, body)
    mild = {"metadata": {"name": one.name}, "spec": {"namespaceSelector": {"matchLabels": {"tenant": one.name}}}}
    assert "cannot patch resource" in refused(one, "its own tenant", TENANT, "", mild)
    one.own.workload("alien", {"container": {"image": "docker.io/evil/miner:1"}, "resources": SMALL})
    says = "docker.io/evil/miner:1 is not from registry.example/team/"
    one.own.until(WORKLOAD, "alien", lambda found: shows(found, "Accepted", "False", says=says))
    assert one.admin.pods("alien") == []


def test_a_quota_fills_and_frees_without_anybody_going_above_it(teams: tuple[Team, Team]) -> None:
    one, other = teams
    be(one, quota={"memory": "3Gi"})
    one.admin.until(QUOTA, "berth", lambda found: found)
    for number in range(5):
        one.own.workload(f"w{number}", specs.container(resources=BIG))
    other.own.workload("web", specs.container(resources=BIG))
    waiting = one.admin.until(TENANT, one.name, lambda found: waits(found) == ["WaitingForQuota"] * 2)
    listed = [each["name"] for each in waiting["status"]["unserved"]]
    running = sorted({f"w{number}" for number in range(5)} - set(listed))
    for name in running:
        one.own.until(WORKLOAD, name, lambda found: condition(found, "Ready")["status"] == "True")
    other.own.until(WORKLOAD, "web", lambda found: condition(found, "Ready")["status"] == "True")
    for gone, served in zip(running, listed, strict=False):
        one.own.delete(WORKLOAD, gone)
        one.own.until(WORKLOAD, served, lambda found: condition(found, "Ready")["status"] == "True")
        found = one.admin.get(TENANT, one.name)
        memory = next(each for each in found["status"]["usage"] if each["resource"] == "memory")
        assert memory["used"] in {"3Gi", "2Gi"}


def waits(found: Json) -> list[str]:
    """Return why what does not run of a tenant does not."""
    return [each["reason"] for each in found["status"].get("unserved", [])]


def test_a_policy_is_tried_in_audit_then_warn_then_enforced_on_fifty_running_workloads(
    teams: tuple[Team, Team],
) -> None:
    one, _ = teams
    for number in range(FLEET):
        one.own.workload(f"w{number}", specs.container(resources=SMALL))
    for number in range(FLEET):
        one.own.until(
            WORKLOAD, f"w{number}", lambda found: condition(found, "Ready")["status"] == "True", FLEET_SECONDS
        )
    spec = {"reason": "kernels of their own", "match": {"tenants": [one.name]}, "require": {"level": "Virtualized"}}
    one.admin.put(POLICY, one.name, {"mode": "Audit", **spec})
    found = one.admin.until(POLICY, one.name, lambda found: impact(found).get("workloads") == FLEET, FLEET_SECONDS)
    assert impact(found)["flips"] == [{"from": "container", "to": "kata", "workloads": FLEET}]
    assert impact(found)["overhead"] == {"cpu": "12500m", "memory": "16000Mi"}
    one.admin.put(POLICY, one.name, {"mode": "Warn", **spec})
    for number in range(FLEET):
        found = one.own.until(WORKLOAD, f"w{number}", would_move, FLEET_SECONDS)
        assert found["status"]["placement"]["className"] == "container"
    one.admin.put(POLICY, one.name, {"mode": "Enforce", **spec})
    for number in range(FLEET):
        found = one.own.until(WORKLOAD, f"w{number}", settled_in("kata"), FLEET_SECONDS)
        assert "warnings" not in found["status"]
    for pod in objects.items(one.admin.cluster, POD, one.name):
        if "deletionTimestamp" not in pod["metadata"]:
            assert pod["spec"].get("runtimeClassName") == "kata"


def would_move(found: Json) -> bool:
    """Tell whether a Workload says first of all where it would run."""
    return "it would run in kata" in found["status"].get("warnings", [""])[0]


def impact(found: Json) -> Json:
    """Return what a policy says of its impact."""
    said: Json = found.get("status", {}).get("impact", {})
    return said


def settled_in(class_name: str) -> object:
    """Return the wish that a Workload runs in a class, seen to be isolated."""

    def wish(found: Json) -> bool:
        placed = found.get("status", {}).get("placement", {}).get("className") == class_name
        return placed and all(condition(found, kind)["status"] == "True" for kind in ("Ready", "Isolated"))

    return wish


def test_a_waiver_is_signed_by_who_approves_it_and_ends(teams: tuple[Team, Team], admin: str) -> None:
    one, _ = teams
    one.admin.enact(
        POLICY,
        one.name,
        {"mode": "Enforce", "reason": "pci", "match": {"tenants": [one.name]}, "require": {"level": "Virtualized"}},
    )
    spec = {
        "workloads": [{"namespace": one.name, "name": "web"}],
        "policies": [one.name],
        "reason": "until the image runs in Kata",
        "requestedBy": f"dev-of-{one.name}",
        "approver": "somebody-else",
        "expiresAt": specs.later(minutes=10),
    }
    with pytest.raises(ApiError, match="approver"):
        one.admin.put(WAIVER, one.name, spec)
    body = {"metadata": {"name": one.name}, "spec": spec | {"approver": f"dev-of-{one.name}"}}
    assert "cannot patch resource" in refused(one, "a waiver of one's own", WAIVER, "", body)
    one.admin.put(WAIVER, one.name, spec | {"approver": admin})
    one.admin.until(WAIVER, one.name, lambda found: condition(found, "Active")["status"] == "True")
    one.own.workload("web", specs.container(resources=SMALL))
    found = one.own.until(WORKLOAD, "web", settled_in("container"))
    assert found["status"]["placement"]["waivers"][0]["approver"] == admin
    one.admin.put(WAIVER, one.name, spec | {"approver": admin, "expiresAt": specs.later(seconds=5)})
    found = one.own.until(WORKLOAD, "web", settled_in("kata"))
    assert "waivers" not in found["status"]["placement"]


def test_a_tenant_that_goes_takes_nothing_with_it_and_weakens_nothing(teams: tuple[Team, Team]) -> None:
    one, _ = teams
    be(one, floor="Virtualized", quota={"memory": "8Gi"})
    for name in ("a", "b"):
        one.own.workload(name, specs.container(resources=SMALL))
        one.own.until(WORKLOAD, name, settled_in("kata"))
    before = {name: one.own.get(DEPLOYMENT, name)["metadata"]["uid"] for name in ("a", "b")}
    one.admin.delete(TENANT, one.name)
    for name, uid in before.items():
        found = one.own.until(WORKLOAD, name, lambda found: "tenant" not in found["status"])
        assert found["status"]["placement"]["className"] == "kata"
        deployment = one.own.get(DEPLOYMENT, name)
        assert deployment["metadata"]["uid"] == uid
        assert deployment["spec"]["template"]["spec"]["runtimeClassName"] == "kata"
