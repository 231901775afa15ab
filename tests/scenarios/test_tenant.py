"""What holds in the namespaces of a tenant: floor, images, accounts, network, nodes, quota; and what when it changes."""

from collections.abc import Iterator

import pytest

from ground.api import eventually
from ground.cluster import ADMINISTRATOR
from ground.nodes import Shape
from scenarios import objects, site, specs
from scenarios.kinds import (
    CLASS,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    POLICY,
    QUOTA,
    RUNTIME_CLASS,
    TENANT,
    VM,
    WAIVER,
    WORKLOAD,
)
from scenarios.objects import SECONDS, Json
from scenarios.process import QUICK_LEASE, Operator
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

SMALL: Json = {"requests": {"cpu": "100m", "memory": "1Gi"}}
LARGE: Json = {"requests": {"cpu": "1", "memory": "3Gi"}}


@pytest.fixture
def tenant(space: Space) -> Space:
    """The namespace of a tenant whose network is open and that asks for nothing."""
    be(space)
    return space


@pytest.fixture
def another(shared: Operator) -> Iterator[Space]:
    """A second namespace."""
    made = Space.make(shared.cluster)
    yield made
    made.remove()


def be(space: Space, name: str = "", *more: str, **spec: object) -> Json:
    """Make this namespace, and others by name, a tenant; wait until its status is about this spec."""
    selector = {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": [space.name, *more]}]
    }
    given = {"namespaceSelector": selector, "network": {"mode": "Open"}, **spec}
    return space.enact(TENANT, name or space.name, given)


def usage(found: Json, resource: str) -> Json:
    """Return what a tenant uses of one resource."""
    listed: list[Json] = found.get("status", {}).get("usage", [])
    return next((each for each in listed if each["resource"] == resource), {})


def test_the_floor_of_a_tenant_holds_and_is_named(tenant: Space) -> None:
    be(tenant, floor="Sandboxed")
    tenant.workload("web", specs.container())
    found = tenant.ready("web")
    assert found["status"]["placement"]["className"] == "gvisor"
    assert found["status"]["tenant"] == tenant.name
    assert {"dimension": "level", "value": "Sandboxed", "by": f"Tenant {tenant.name}"} in found["status"]["placement"][
        "decidedBy"
    ]
    be(tenant, floor="Virtualized")
    tenant.until(WORKLOAD, "web", lambda found: found["status"]["placement"]["className"] == "kata")
    tenant.ready("web")


def test_the_default_class_of_a_tenant_is_taken_and_the_allowed_ones_are_all(tenant: Space) -> None:
    be(tenant, classes={"allowed": ["gvisor", "kata"], "default": "kata"})
    tenant.workload("web", specs.container())
    assert tenant.ready("web")["status"]["placement"]["className"] == "kata"
    tenant.workload("pinned", specs.pinned("container", specs.container()))
    says = f"only gvisor, kata allowed by Tenant {tenant.name}"
    tenant.expect("pinned", "Placed", "False", "PolicyDenied", says=says)


DENIED: list[tuple[str, Json, Json, str]] = [
    (
        "images",
        {"images": {"registries": ["registry.example/acme/"]}},
        {},
        "image registry.example/team/web:1 is not from registry.example/acme/",
    ),
    ("digest", {"images": {"digest": "Required"}}, {}, "is not pinned"),
    ("account", {"serviceAccounts": {"allowed": ["web"]}}, {"serviceAccountName": "default"}, "ServiceAccount default"),
    ("priority", {}, {"priorityClassName": "system-node-critical"}, "PriorityClass system-node-critical"),
    (
        "size",
        {"quota": {"cpu": "8"}},
        {"resources": {"requests": {"memory": "1Gi"}}},
        "has a quota of cpu, and the container does not say what it needs",
    ),
]


@pytest.mark.parametrize(("rules", "asks", "says"), [case[1:] for case in DENIED], ids=[case[0] for case in DENIED])
def test_what_a_tenant_does_not_allow_is_denied_on_the_object_and_nothing_is_made(
    tenant: Space, rules: Json, asks: Json, says: str
) -> None:
    be(tenant, **rules)
    tenant.workload("web", specs.container(**asks))
    tenant.expect("web", "Accepted", "False", "PolicyDenied", says=says)
    assert tenant.children("web") == set()
    told = tenant.until(TENANT, tenant.name, lambda found: says in str(found["status"].get("unserved")))
    assert [(each["name"], each["reason"]) for each in told["status"]["unserved"]] == [("web", "PolicyDenied")]
    assert says in told["status"]["unserved"][0]["message"]


@pytest.mark.parametrize("spec", [specs.container(), specs.machine()], ids=["pods", "machine"])
def test_an_isolated_tenant_keeps_to_its_own_namespaces(tenant: Space, another: Space, spec: Json) -> None:
    be(tenant, "", another.name, network={"ingress": ["192.0.2.0/24"], "egress": [{"cidr": "198.51.100.0/24"}]})
    tenant.workload("web", spec)
    tenant.ready("web")
    rules = tenant.until(NETWORK_POLICY, "web", lambda found: another.name in str(found["spec"]))["spec"]
    peers = rules["ingress"][0]["from"]
    named = [
        peer["namespaceSelector"]["matchExpressions"][0]["values"] for peer in peers if "namespaceSelector" in peer
    ]
    assert named == [sorted([tenant.name, another.name])]
    assert rules["policyTypes"] == ["Ingress", "Egress"]
    assert rules["podSelector"] == {"matchLabels": {"berth.dev/workload": "web"}}
    assert all(pod["metadata"]["labels"]["berth.dev/workload"] == "web" for pod in tenant.pods("web"))
    be(tenant, network={})
    tenant.until(NETWORK_POLICY, "web", lambda found: another.name not in str(found["spec"]))


def test_on_the_nodes_of_a_tenant_nobody_else_runs(tenant: Space) -> None:
    tenant.node("own", Shape())
    be(tenant, nodes={**tenant.pool["nodes"], "sharing": "Tenant"}, nodeSharing="Tenant")
    tenant.workload("web", specs.container())
    tenant.ready("web")
    [pod] = tenant.pods("web")
    assert pod["spec"]["nodeName"] == f"{tenant.name}-own"
    assert pod["metadata"]["labels"]["berth.dev/tenant"] == tenant.name
    assert "podAntiAffinity" in pod["spec"]["affinity"]


def test_quota_fills_says_the_numbers_and_frees(tenant: Space) -> None:
    be(tenant, floor="Virtualized", quota={"memory": "3Gi", "workloads": 5})
    net = tenant.until(QUOTA, "berth", lambda found: found)
    assert net["spec"]["hard"] == {"requests.memory": "6Gi", "count/workloads.berth.dev": "10"}
    tenant.workload("one", specs.container(resources=SMALL))
    tenant.ready("one")
    tenant.workload("two", specs.container(resources=SMALL))
    tenant.ready("two")
    tenant.workload("three", specs.container(resources=SMALL))
    says = (
        f"Tenant {tenant.name} uses 2688Mi of 3Gi memory, and this needs 1344Mi (overhead 320Mi):"
        " lower memory by 960Mi, wait until something goes, or ask for more quota"
    )
    found = tenant.expect("three", "Placed", "False", "WaitingForQuota", says=says)
    assert condition(found, "Placed")["message"] == says
    tenant.workload("huge", specs.container(resources={"requests": {"cpu": "1", "memory": "8Gi"}}))
    found = tenant.expect("huge", "Placed", "False", "ExceedsQuota", says="may have 3Gi: lower memory by 5440Mi")
    assert condition(found, "Stalled")["status"] == "True"
    assert tenant.children("three") == tenant.children("huge") == set()
    told = tenant.until(TENANT, tenant.name, lambda found: usage(found, "workloads").get("used") == "2")
    memory = usage(told, "memory")
    assert (memory["limit"], memory["used"], memory["requested"], memory["overhead"]) == (
        "3Gi",
        "2688Mi",
        "2Gi",
        "640Mi",
    )
    tenant.delete(WORKLOAD, "one")
    tenant.ready("three")


def test_growth_waits_and_what_runs_goes_on(tenant: Space) -> None:
    be(tenant, quota={"memory": "2Gi"})
    tenant.workload("web", specs.container(resources=SMALL))
    tenant.ready("web")
    uid = tenant.pods("web")[0]["metadata"]["uid"]
    tenant.workload("other", specs.container(resources=SMALL))
    tenant.ready("other")
    tenant.workload("web", specs.container(resources=SMALL, replicas=2))
    found = tenant.expect("web", "Ready", "False", "WaitingForQuota")
    assert found["status"]["placement"]["className"] == "container"
    assert [pod["metadata"]["uid"] for pod in tenant.pods("web")] == [uid]
    tenant.delete(WORKLOAD, "other")
    found = tenant.ready("web")
    assert found["status"]["readyReplicas"] == 2


def test_machines_and_pods_share_one_quota(tenant: Space) -> None:
    be(tenant, quota={"memory": "2Gi", "virtualMachines": 1})
    tenant.workload("vm", specs.machine())
    tenant.ready("vm")
    tenant.workload("another", specs.machine(resources={"requests": {"cpu": "1", "memory": "128Mi"}}))
    tenant.expect("another", "Placed", "False", "WaitingForQuota", says="uses 1 of 1 virtualMachines")
    tenant.workload("web", specs.container(resources=SMALL))
    tenant.expect("web", "Placed", "False", "WaitingForQuota", says="uses 1280Mi of 2Gi memory")


@pytest.mark.parametrize(
    ("runs", "asks"),
    [
        (specs.container(resources=LARGE), specs.container(resources=SMALL, needs={"kernelModules": ["none"]})),
        (specs.machine(resources=LARGE), specs.machine(resources=SMALL, isolation={"level": "Confidential"})),
        (specs.machine(resources=LARGE), specs.container(resources=SMALL)),
    ],
    ids=["pods that no class takes", "a machine that no class takes", "a machine that waits to become pods"],
)
def test_what_cannot_follow_an_edit_keeps_what_it_has_of_the_quota(tenant: Space, runs: Json, asks: Json) -> None:
    be(tenant, quota={"memory": "4Gi"})
    tenant.workload("web", runs)
    tenant.ready("web")
    tenant.workload("web", asks)
    tenant.observed(WORKLOAD, "web")
    tenant.workload("other", specs.container(resources=LARGE))
    tenant.expect("other", "Placed", "False", "WaitingForQuota", says=" of 4Gi memory, and this needs 3Gi")
    assert tenant.children("other") == set()


def test_a_namespace_of_two_tenants_is_an_error_on_both_and_the_strictest_holds(tenant: Space) -> None:
    be(tenant, floor="Sandboxed", classes={"allowed": ["gvisor", "kata"]})
    tenant.workload("web", specs.container())
    tenant.ready("web")
    other = f"{tenant.name}-too"
    be(tenant, other, floor="Virtualized")
    for name in (tenant.name, other):
        tenant.until(TENANT, name, lambda found: shows(found, "Accepted", "False", "TenantConflict", says=tenant.name))
    found = tenant.until(WORKLOAD, "web", lambda found: found["status"]["placement"]["className"] == "kata")
    assert found["status"]["tenant"] == f"{tenant.name}, {other}"
    assert any("belongs to Tenants" in each for each in found["status"]["warnings"])
    tenant.delete(TENANT, other)
    tenant.until(TENANT, tenant.name, lambda found: condition(found, "Accepted")["status"] == "True")


def test_a_tenant_that_is_deleted_with_workloads_running_loses_nothing_and_weakens_nothing(tenant: Space) -> None:
    be(tenant, floor="Sandboxed", quota={"memory": "1Gi"})
    tenant.workload("web", specs.container())
    tenant.ready("web")
    tenant.until(QUOTA, "berth", lambda found: found)
    uid = tenant.get(DEPLOYMENT, "web")["metadata"]["uid"]
    tenant.delete(TENANT, tenant.name)
    found = tenant.until(WORKLOAD, "web", lambda found: "tenant" not in found["status"])
    assert found["status"]["placement"]["className"] == "gvisor"
    tenant.gone(QUOTA, "berth")
    after = tenant.get(DEPLOYMENT, "web")
    assert after["metadata"]["uid"] == uid
    assert after["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"


def test_a_namespace_that_is_relabelled_out_of_its_tenant_keeps_what_runs_where_it_is(space: Space) -> None:
    label = {"metadata": {"labels": {"tenant": space.name}}}
    objects.merge(space.cluster, NAMESPACE, "", space.name, label)
    selector = {"matchLabels": {"tenant": space.name}}
    space.put(TENANT, space.name, {"namespaceSelector": selector, "floor": "Virtualized"})
    space.until(TENANT, space.name, lambda found: found.get("status", {}).get("namespaces") == [space.name])
    space.workload("web", specs.container())
    assert space.ready("web")["status"]["placement"]["className"] == "kata"
    objects.merge(space.cluster, NAMESPACE, "", space.name, {"metadata": {"labels": {"tenant": None}}})
    found = space.until(WORKLOAD, "web", lambda found: "tenant" not in found["status"])
    assert found["status"]["placement"]["className"] == "kata"
    space.quiet()
    assert space.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]["runtimeClassName"] == "kata"


def test_a_restart_of_the_operator_grants_nobody_more_than_there_is(
    tmp_path_factory: pytest.TempPathFactory, operators: list[Operator]
) -> None:
    with site.prepared(kubevirt=False) as cluster:
        operator = Operator(cluster, tmp_path_factory.mktemp("operator"), **QUICK_LEASE)
        operators.append(operator.start())
        space = Space.make(cluster)
        be(space, quota={"memory": "3Gi"})
        for name in ("a", "b", "c"):
            space.workload(name, specs.container(resources=SMALL))
            space.ready(name)
        space.workload("early", specs.container(resources=SMALL))
        space.expect("early", "Placed", "False", "WaitingForQuota")
        operator.kill()
        for name in ("late-1", "late-2"):
            space.workload(name, specs.container(resources=SMALL))
        space.delete(WORKLOAD, "a")
        space.gone(DEPLOYMENT, "a")
        operator.start()
        space.ready("early")
        for name in ("late-1", "late-2"):
            space.expect(name, "Placed", "False", "WaitingForQuota", says="memory")
            assert space.children(name) == set()
        operator.stop()


def test_a_runtime_class_that_is_made_anew_with_another_handler_starts_nothing_and_says_so(space: Space) -> None:
    runtime = f"{space.name}-rt"
    space.put_body(RUNTIME_CLASS, {"metadata": {"name": runtime}, "handler": "kata"})
    name = space.isolation_class("own", {"level": "Virtualized", "pod": {"runtimeClassName": runtime}})
    space.until(CLASS, name, lambda found: found.get("status", {}).get("handler") == "kata")
    space.workload("old", specs.pinned(name, specs.container()))
    space.ready("old")
    space.delete(RUNTIME_CLASS, runtime)
    space.until(CLASS, name, lambda found: condition(found, "Available")["reason"] == "RuntimeClassMissing")
    space.put_body(RUNTIME_CLASS, {"metadata": {"name": runtime}, "handler": "runc"})
    says = "has handler runc"
    space.until(CLASS, name, lambda found: shows(found, "Available", "False", "RuntimeChanged", says=says))
    space.workload("new", specs.pinned(name, specs.container()))
    space.expect("new", "Placed", "False", "RuntimeChanged", says="restore the RuntimeClass")
    assert space.children("new") == set()
    space.expect("old", "Placed", "False", "RuntimeChanged")


def test_a_waiver_spares_until_it_ends_and_then_the_policy_holds_again(space: Space) -> None:
    space.policy({"level": "Virtualized"})
    space.put(WAIVER, space.name, specs.waiver(space.name, space.name, minutes=10))
    space.until(WAIVER, space.name, lambda found: condition(found, "Active")["status"] == "True")
    space.workload("web", specs.container())
    found = space.ready("web")
    assert found["status"]["placement"]["className"] == "container"
    [shown] = found["status"]["placement"]["waivers"]
    assert (shown["name"], shown["policies"], shown["approver"]) == (space.name, [space.name], ADMINISTRATOR)
    assert any("ends at" in each for each in found["status"]["warnings"])
    space.until(WAIVER, space.name, lambda found: found["status"].get("workloads") == 1)
    space.put(WAIVER, space.name, specs.waiver(space.name, space.name, seconds=5))
    found = space.until(WORKLOAD, "web", lambda found: found["status"]["placement"]["className"] == "kata")
    assert "waivers" not in found["status"]["placement"]
    space.until(WAIVER, space.name, lambda found: shows(found, "Active", "False", "Expired", says="hold again"))


def test_a_waiver_that_lasts_too_long_waives_nothing(space: Space) -> None:
    space.policy({"level": "Virtualized"})
    space.put(WAIVER, space.name, specs.waiver(space.name, space.name, days=200))
    says = "more than the 90.0 days"
    space.until(WAIVER, space.name, lambda found: shows(found, "Accepted", "False", says=says))
    space.workload("web", specs.container())
    assert space.ready("web")["status"]["placement"]["className"] == "kata"


def test_what_runs_below_when_the_deadline_has_passed_is_stopped_and_starts_anew_where_it_may(space: Space) -> None:
    space.workload("erp", specs.both())
    space.ready("erp")
    space.workload("vm", specs.machine())
    space.ready("vm")
    space.policy({"level": "Confidential"}, onDeadline="Stop", deadlineSeconds=600)
    space.expect("vm", "Isolated", "False", "BelowRequired")
    space.policy({"level": "Confidential"}, onDeadline="Stop", deadlineSeconds=4)
    space.gone(VM, "vm")
    space.expect("vm", "Placed", "False", says="Confidential")


def test_a_policy_goes_from_audit_over_warn_to_enforce_and_says_its_price_before(tenant: Space) -> None:
    be(tenant, quota={"memory": "2Gi"})
    for number in range(4):
        tenant.workload(f"w{number}", specs.container())
    for number in range(4):
        tenant.ready(f"w{number}")
    tenant.policy({"level": "Virtualized"}, mode="Audit")
    found = tenant.until(POLICY, tenant.name, lambda found: found["status"].get("impact", {}).get("workloads") == 4)
    impact = found["status"]["impact"]
    assert impact["flips"] == [{"from": "container", "to": "kata", "workloads": 4}]
    assert impact["overhead"] == {"cpu": "1", "memory": "1280Mi"}
    assert (impact["unplaced"], impact["quotasExceeded"]) == (0, 0)
    assert impact["tenants"] == [{"tenant": tenant.name, "workloads": 4, "overhead": impact["overhead"]}]
    assert all("warnings" not in tenant.get(WORKLOAD, f"w{number}")["status"] for number in range(4))
    be(tenant, quota={"memory": "1Gi"})
    found = tenant.until(POLICY, tenant.name, lambda found: found["status"]["impact"]["quotasExceeded"] == 1)
    assert "uses 512Mi of 1Gi memory, and 1280Mi would be added" in str(found["status"]["impact"])
    tenant.policy({"level": "Virtualized"}, mode="Warn")
    says = "if policies in mode Warn were enforced, it would run in kata"
    found = tenant.until(WORKLOAD, "w0", lambda found: says in found["status"].get("warnings", [""])[0])
    eventually(lambda: "WouldChange" in {event["reason"] for event in tenant.events("w0")}, SECONDS, "an Event")
    assert found["status"]["placement"]["className"] == "container"
    be(tenant, quota={"memory": "8Gi"})
    tenant.policy({"level": "Virtualized"})
    for number in range(4):
        tenant.until(WORKLOAD, f"w{number}", lambda found: found["status"]["placement"]["className"] == "kata")
        tenant.ready(f"w{number}")
    found = tenant.until(POLICY, tenant.name, lambda found: found["status"]["impact"].get("workloads") == 4)
    assert found["status"]["impact"]["overhead"] == {"cpu": "1", "memory": "1280Mi"}


def test_no_more_workloads_move_at_one_time_than_the_tenant_allows(tenant: Space) -> None:
    be(tenant, switching={"maxConcurrent": 1})
    names = [f"w{number}" for number in range(4)]
    for name in names:
        tenant.workload(name, specs.container(replicas=2))
    for name in names:
        tenant.ready(name)
    version = tenant.get(WORKLOAD, "w0")["metadata"]["resourceVersion"]
    tenant.policy({"level": "Sandboxed"})
    for name in names:
        tenant.until(WORKLOAD, name, lambda found: found["status"]["placement"]["className"] == "gvisor")
        tenant.ready(name)
    seen = [
        state["status"]["pendingSwitch"]
        for state in objects.history(tenant.cluster, WORKLOAD, tenant.name, version)
        if "pendingSwitch" in state["status"]
    ]
    assert {(each["from"], each["to"], each["reason"]) for each in seen} == {("container", "gvisor", "WaitingForTurn")}
    assert f"1 Workloads of Tenant {tenant.name} are being moved" in seen[0]["message"]


def test_a_policy_that_authors_can_dodge_says_so(space: Space) -> None:
    space.put(
        POLICY,
        space.name,
        {
            "mode": "Audit",
            "reason": "r",
            "match": {"workloadSelector": {"matchLabels": {"tier": "x"}}},
            "require": {"level": "Sandboxed"},
        },
    )
    says = "match.workloadSelector looks at labels of the Workload"
    space.until(POLICY, space.name, lambda found: shows(found, "Evadable", "True", says=says))
