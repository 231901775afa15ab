"""The real API server takes every golden child, and stores it as it was written."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from berth.plan.covers import covers
from berth.render.children import render
from berth.render.fields import canonical
from golden import golden
from golden.golden import children
from ground import api, crds
from render.specs import STORED, Json

pytestmark = pytest.mark.ground

RESTRICTED = "render-restricted"
BASELINE = "render-baseline"
BEYOND_RESTRICTED = {"container-root-user-namespace", "gvisor-root"}
"""Root has capabilities: such namespaces can only enforce the baseline."""
RUNTIMES = ("gvisor", "kata")
PRIORITY = "standard"
"""The PriorityClass that golden cases name."""
PLURALS = {"NetworkPolicy": "networkpolicies"}
POD_CASES = [name for name in golden.names() if "VirtualMachine" not in golden.expected(name)]
SERVED_SECONDS = 20.0


@pytest.fixture(scope="module")
def cluster(ground_cluster: Any) -> Iterator[Any]:
    """Give a control plane with KubeVirt's CRDs, the classes' runtimes, and a namespace per Pod Security level."""
    crds.install(ground_cluster)
    put = partial(api.apply, ground_cluster.kubeconfig)
    for name in RUNTIMES:
        put(f"/apis/node.k8s.io/v1/runtimeclasses/{name}", runtime_class(name))
    meta = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": PRIORITY}}
    put(f"/apis/scheduling.k8s.io/v1/priorityclasses/{PRIORITY}", meta | {"value": 1000})
    for name, level in ((RESTRICTED, "restricted"), (BASELINE, "baseline")):
        put(f"/api/v1/namespaces/{name}", namespace(name, level))
        accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
        put(f"{accounts}/checkout", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "checkout"}})
        api.eventually(
            partial(default_account, ground_cluster, accounts), SERVED_SECONDS, f"{name} has its ServiceAccount"
        )
    yield ground_cluster
    for name in (RESTRICTED, BASELINE):
        api.call(ground_cluster.kubeconfig, "DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize("name", golden.names())
def test_the_api_server_takes_every_child(cluster: Any, name: str) -> None:
    """Server-side apply with strict validation, and what is stored covers what was written."""
    for body in children(name):
        stored = dry_run(cluster, at_home(body, RESTRICTED))
        assert covers(stored["spec"], body["spec"], merges="kubevirt.io" not in body["apiVersion"])


@pytest.mark.parametrize("name", POD_CASES)
def test_pods_are_admitted(cluster: Any, name: str) -> None:
    """Pod Security in enforce=restricted, RuntimeClass and ServiceAccount admission all take the pod itself."""
    home = BASELINE if name in BEYOND_RESTRICTED else RESTRICTED
    stored = dry_run(cluster, pod(children(name)[-1], home))
    template = children(name)[-1]["spec"]["template"]
    assert covers(stored["metadata"]["labels"], template["metadata"]["labels"], merges=True)


@pytest.mark.parametrize("name", sorted(BEYOND_RESTRICTED))
def test_restricted_namespaces_refuse_what_is_beyond(cluster: Any, name: str) -> None:
    """So that the list above stays true, and short."""
    with pytest.raises(api.ApiError, match="violates PodSecurity"):
        dry_run(cluster, pod(children(name)[-1], RESTRICTED))


def test_canonical_quantities_are_what_the_api_server_stores(cluster: Any) -> None:
    """All examples at once, as the memory limits of as many containers."""
    template = children("container-minimal")[-1]
    limits = [{"name": f"q{number}", "limits": {"memory": given}} for number, (given, _) in enumerate(STORED)]
    containers = [{"name": each["name"], "image": "a:1", "resources": {"limits": each["limits"]}} for each in limits]
    template["spec"]["template"]["spec"]["containers"] = containers
    stored = dry_run(cluster, at_home(template, RESTRICTED))["spec"]["template"]["spec"]["containers"]
    assert [each["resources"]["limits"]["memory"] for each in stored] == [canonical(given) for given, _ in STORED]


@pytest.mark.parametrize(
    "kind", ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "VirtualMachine", "VirtualMachinePool"]
)
def test_any_case_can_follow_any_other(cluster: Any, kind: str) -> None:
    """Applying one after the other to the same object leaves nothing behind that the API server refuses."""
    seen: list[Json] = []
    for name in [*golden.names(), *reversed(golden.names())]:
        subject, facts = golden.load(name)
        same = replace(subject, name="same", namespace=RESTRICTED)
        seen += [child.body for child in render(same, facts) if child.kind == kind]
    for body in seen:
        stored = dry_run(cluster, body, dry=False)
        assert covers(stored["spec"], body["spec"], merges="kubevirt.io" not in body["apiVersion"])
    assert len(seen) > 1


def at_home(body: Json, home: str) -> Json:
    """Return a child in a namespace of this test."""
    return body | {"metadata": body["metadata"] | {"namespace": home}}


def pod(backing: Json, home: str) -> Json:
    """Return the pod that a Deployment or Job would make."""
    template = backing["spec"]["template"]
    meta = template["metadata"] | {"name": "pod", "namespace": home}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def dry_run(cluster: Any, body: Json, *, dry: bool = True) -> Json:
    """Apply an object as Berth does, without storing it if `dry`; raise ApiError as the API server says."""
    version, kind, meta = body["apiVersion"], body["kind"], body["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    where = f"{root}/namespaces/{meta['namespace']}/{plural}/{meta['name']}?fieldManager=berth&force=true"
    return api.call(
        cluster.kubeconfig, "PATCH", f"{where}&fieldValidation=Strict{'&dryRun=All' if dry else ''}", body, api.APPLY
    )


def default_account(cluster: Any, accounts: str) -> bool:
    """Return whether the ServiceAccount that pods run as by default is there."""
    return any(each["metadata"]["name"] == "default" for each in api.call(cluster.kubeconfig, "GET", accounts)["items"])


def runtime_class(name: str) -> Json:
    """Return a RuntimeClass with an overhead, which admission writes into the pod."""
    fixed = {"overhead": {"podFixed": {"memory": "64Mi"}}}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name} | fixed


def namespace(name: str, level: str) -> Json:
    """Return a namespace that enforces a Pod Security level."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
