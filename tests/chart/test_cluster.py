"""The chart on a real API server, by the real helm: a release's whole life, and every set of values."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import urllib3
import yaml

from chart.health import argo, flux
from chart.rendered import CASES, of, rendered
from ground import chart, crds, identity
from ground import cluster as control_plane
from ground.api import Json, call, free_port
from ground.cluster import Cluster
from scenarios import objects, specs
from scenarios.kinds import CLASS, DEPLOYMENT, NAMESPACE, POD, POLICY, SERVICE, TENANT, WAIVER, WORKLOAD, Kind
from scenarios.process import Operator
from scenarios.site import Space, kubectl

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("chart")]

OTHERS = Path(__file__).with_name("others.yaml")
CRD = Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)
ADMISSION = Kind(
    "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", namespaced=False
)
ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")
MONITOR = Kind("ServiceMonitor", "monitoring.coreos.com/v1", "servicemonitors")
WAIT = ("--wait", "--timeout", "90s")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@contextmanager
def control_plane_with_others() -> Iterator[Cluster]:
    """Give a control plane that knows the kinds of Prometheus' operator and cert-manager."""
    name = f"chart-{uuid4().hex[:8]}"
    try:
        cluster = control_plane.up(name, nodes=1, audit=True, say=lambda *_: None)
        crds.serve(cluster, crds.small_crds(OTHERS))
        yield cluster
    finally:
        control_plane.down(name, say=lambda *_: None)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with control_plane_with_others() as found:
        yield found


@pytest.fixture(scope="module")
def prepared() -> Iterator[Cluster]:
    """One with Berth's kinds and the namespaces that values name."""
    with control_plane_with_others() as found:
        crds.serve(found, {each["metadata"]["name"]: each for each in chart.objects(CRD.name)})
        for name in (chart.NAMESPACE, "monitoring", "golden-images"):
            objects.put(found, NAMESPACE, "", {"metadata": {"name": name, "labels": RESTRICTED}})
        kubectl(found, "-n", chart.NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        yield found


def helm(cluster: Cluster, verb: str, *arguments: str) -> str:
    """Run helm on the release."""
    return chart.helm(verb, chart.RELEASE, *arguments, "--namespace", chart.NAMESPACE, kubeconfig=cluster.kubeconfig)


def names(cluster: Cluster, kind: Kind) -> set[str]:
    return {each["metadata"]["name"] for each in objects.items(cluster, kind)}


def uids(cluster: Cluster, *kinds: Kind, namespace: str = "") -> dict[tuple[str, str], str]:
    """Return who is there."""
    found = ((kind, each["metadata"]) for kind in kinds for each in objects.items(cluster, kind, namespace))
    return {(kind.name, meta["name"]): meta["uid"] for kind, meta in found}


def workers(cluster: Cluster) -> str | None:
    """Return what the operator's pods are told of `workers`."""
    [found] = objects.get(cluster, DEPLOYMENT, chart.NAMESPACE, "berth")["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in found["env"]}.get("BERTH_WORKERS")


def test_a_release_lives_and_nothing_of_the_tenants_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    helm(cluster, "install", str(chart.CHART), "--create-namespace", *WAIT)
    classes, policies = names(cluster, CLASS), names(cluster, POLICY)
    assert (len(classes), len(policies)) == (5, 3)
    operator = Operator(cluster, tmp_path).start()
    try:
        space = Space.make(cluster)
        space.workload("web", specs.container(replicas=2))
        space.expect("web", "Ready", "True")
        theirs = uids(cluster, WORKLOAD, DEPLOYMENT, SERVICE, POD, namespace=space.name)
        ours = uids(cluster, CRD, CLASS, POLICY)

        changed = "settings.workers=40,classes.kata=null,metrics.serviceMonitor.enabled=true"
        helm(cluster, "upgrade", str(chart.CHART), "--set", changed, *WAIT)
        assert workers(cluster) == "40"
        assert names(cluster, CLASS) == classes, "a class goes only when somebody deletes it"
        assert objects.get(cluster, MONITOR, chart.NAMESPACE, "berth")

        helm(cluster, "rollback", "1", *WAIT)
        assert workers(cluster) is None
        assert not objects.get(cluster, MONITOR, chart.NAMESPACE, "berth")
        assert uids(cluster, CRD, CLASS, POLICY) == ours

        operator.stop()
        helm(cluster, "uninstall", *WAIT)
        assert not objects.items(cluster, DEPLOYMENT, chart.NAMESPACE)
        assert not names(cluster, ADMISSION)
        assert uids(cluster, CRD, CLASS, POLICY) == ours
        assert uids(cluster, WORKLOAD, DEPLOYMENT, SERVICE, POD, namespace=space.name) == theirs

        helm(cluster, "install", str(chart.CHART), *WAIT)
        assert uids(cluster, CRD, CLASS, POLICY) == ours
        operator = Operator(cluster, tmp_path).start()  # its account is another one of the same name
        space.expect("web", "Ready", "True")
        assert uids(cluster, WORKLOAD, DEPLOYMENT, SERVICE, POD, namespace=space.name) == theirs
        space.scale("web", 3)
        space.until(WORKLOAD, "web", lambda found: found["status"].get("readyReplicas") == 3)
        helm(cluster, "upgrade", str(chart.CHART), *WAIT)
        health_is_told(space)
    finally:
        operator.stop()


def health_is_told(space: Space) -> None:
    """Have Argo CD and Flux look at what Berth says of everything."""
    members = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    space.put(TENANT, space.name, {"namespaceSelector": members})
    space.put(WAIVER, space.name, specs.waiver(space.name, days=200))
    nowhere = {"namespaceSelector": {"matchLabels": {"nobody": "here"}}}
    mistake = {"mode": "Audit", "reason": "a mistake", "match": nowhere, "when": "nobody.knows"}
    space.put(POLICY, space.name, {**mistake, "require": {"level": "Sandboxed"}})
    space.workload("vpn", specs.container(isolation={"level": "Confidential"}))
    for kind, name, status in (
        (WORKLOAD, "web", "Healthy"),
        (WORKLOAD, "vpn", "Degraded"),
        (TENANT, space.name, "Healthy"),
        (WAIVER, space.name, "Degraded"),  # it ends too late
        (POLICY, space.name, "Degraded"),
        (POLICY, "sandbox-unvouched", "Healthy"),
        (CLASS, "container", "Healthy"),
        (CLASS, "gvisor", "Healthy"),
    ):
        by_flux = {"Healthy": "Current", "Degraded": "Failed"}[status]
        space.until(kind, name, lambda found, want=(status, by_flux): (argo(found)[0], flux(found)) == want)


def test_a_second_release_is_refused(cluster: Cluster) -> None:
    helm(cluster, "install", str(chart.CHART), "--create-namespace")
    with pytest.raises(chart.HelmError, match="exists and cannot be imported"):
        chart.helm("install", "other", str(chart.CHART), "--namespace", "default", kubeconfig=cluster.kubeconfig)


def test_secure_metrics_are_read_by_those_who_are_named_alone(cluster: Cluster, tmp_path: Path) -> None:
    objects.put(cluster, NAMESPACE, "", {"metadata": {"name": "monitoring"}})
    for account in ("prometheus", "nosy"):
        objects.put(cluster, ACCOUNT, "monitoring", {"metadata": {"name": account}})
    reader = "metrics.readers[0].name=prometheus,metrics.readers[0].namespace=monitoring"
    helm(cluster, "install", str(chart.CHART), "--create-namespace", "--set", f"metrics.secure=true,{reader}")
    port = free_port()
    operator = Operator(cluster, tmp_path, BERTH_METRICS_SECURE="true", BERTH_METRICS_PORT=str(port))
    try:
        operator.start()
        known, nosy = (token(cluster, tmp_path, account) for account in ("prometheus", "nosy"))
        assert [scraped(port, each) for each in (known, nosy, "forged", None)] == [200, 403, 401, 401]
    finally:
        operator.stop()


def token(cluster: Cluster, folder: Path, account: str) -> str:
    """Return a token of an account in namespace monitoring."""
    written = identity.kubeconfig_for(cluster, "monitoring", account, folder / account)
    found: str = yaml.safe_load(written.read_text())["users"][0]["user"]["token"]
    return found


def scraped(port: int, bearer: str | None) -> int:
    """Return the status of a scrape; the certificate is the operator's own."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    with urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        return pool.request("GET", f"https://127.0.0.1:{port}/metrics", headers=headers, timeout=10.0).status


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_every_set_of_values(prepared: Cluster, case: str) -> None:
    arguments = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    said = kubectl(prepared, *arguments, stdin=rendered(case))
    assert len(said.splitlines()) == len(chart.texts(source=rendered(case)))


@pytest.mark.parametrize(
    ("case", "name"), [(case, each["metadata"]["name"]) for case in CASES for each in of(case, "Deployment")]
)
def test_pods_pass_restricted_pod_security(prepared: Cluster, case: str, name: str) -> None:
    [template] = [each["spec"]["template"] for each in of(case, "Deployment") if each["metadata"]["name"] == name]
    pod: Json = {"metadata": {"name": "probe"}, "spec": {**template["spec"], "serviceAccountName": "default"}}
    call(prepared.kubeconfig, "POST", f"{POD.path(chart.NAMESPACE)}?dryRun=All", pod)
