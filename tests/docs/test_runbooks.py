"""What a runbook says to type is taken by the real kubectl and a real API server, and its queries by our metrics."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from app.test_preview_tls import issue
from dashboards.promql import Reading
from dashboards.rules import ALERTS, RECORDED
from dashboards.test_dashboards import labels_by_series
from docs.commands import commands, programs, queries
from docs.pages import PAGES, REPOSITORY, links
from ground.cluster import ClusterError, kubectl

RUNBOOKS = sorted((REPOSITORY / "docs" / "runbooks").glob("Berth*.md"))
COMMANDS = [line for page in RUNBOOKS for line in commands(page)]
QUERIES = [line for page in PAGES for line in queries(page)]
FILLED = {
    "NAMESPACE": "shop",
    "WORKLOAD": "web",
    "CLASS": "kata",
    "POLICY": "pci",
    "TENANT": "acme",
    "WAIVER": "friday",
    "RESOURCE": "memory",
    "AMOUNT": "64Gi",
    "KIND": "pods",
    "POD": "berth-0",
    "MONITORING": "shop",
}
METRICS = labels_by_series() | dict.fromkeys(("up", "scrape_duration_seconds", "scrape_samples_scraped"), ())
METRICS |= {name: tuple(Reading(METRICS).labels(promql_parser.parse(expr)) or ()) for name, expr in RECORDED.items()}
CHANGES = ("delete", "label", "patch", "scale")
"""Verbs that change something: they are tried only."""
KNOWN = {"kubectl", "helm", "berth", "grep", "base64", "openssl"}
OPTIONAL = "cert-manager.io"
"""An API that the test ground does not have."""
THERE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: berth-system}
---
apiVersion: berth.dev/v1alpha1
kind: IsolationClass
metadata: {name: kata}
spec: {level: Virtualized, pod: {runtimeClassName: kata}}
---
apiVersion: berth.dev/v1alpha1
kind: IsolationPolicy
metadata: {name: pci}
spec: {mode: Enforce, reason: cardholder data, require: {level: Virtualized}}
---
apiVersion: berth.dev/v1alpha1
kind: Tenant
metadata: {name: acme}
spec: {namespaceSelector: {matchLabels: {tenant: acme}}, quota: {memory: 32Gi}}
---
apiVersion: berth.dev/v1alpha1
kind: Waiver
metadata: {name: friday}
spec:
  workloads: [{namespace: shop, name: web}]
  policies: [pci]
  reason: its driver does not start in Kata
  requestedBy: grace
  approver: ada
  expiresAt: "2099-01-01T00:00:00Z"
---
apiVersion: berth.dev/v1alpha1
kind: Workload
metadata: {name: web, namespace: shop}
spec: {container: {image: "registry.example/shop/web:1"}, replicas: 2}
"""


@pytest.fixture(scope="module")
def cluster(ground_cluster: Any) -> Iterator[Any]:
    """Give a control plane with one object of each of Berth's kinds."""
    kubectl(ground_cluster, "apply", "-f", "-", stdin=THERE)
    yield ground_cluster
    kubectl(ground_cluster, "delete", "--wait=false", "-f", "-", stdin=THERE)


def tried(cluster: Any, words: list[str]) -> None:
    """Run kubectl, changing nothing. What this ground does not have may be missing; raises ClusterError otherwise."""
    asked = {"auth", "--dry-run=server"} & set(words)
    change = not asked and any(verb in words for verb in CHANGES)
    stdin = THERE if words[-2:] == ["-f", "-"] else None
    try:
        kubectl(cluster, *words, *(["--dry-run=server"] if change else []), stdin=stdin)
    except ClusterError as error:
        said = str(error)
        absent = "NotFound" in said or (OPTIONAL in " ".join(words) and "have a resource type" in said)
        no = "can-i" in words and said.endswith(": ")  # an answer, and no complaint
        if not absent and not no:
            raise


@pytest.mark.ground
@pytest.mark.parametrize("line", COMMANDS, ids=str)
def test_kubectl_takes_every_command(cluster: Any, tmp_path: Path, monkeypatch: Any, line: Any) -> None:
    if "tls.crt" in line.text:
        issue(tmp_path, "tls")
        monkeypatch.chdir(tmp_path)
    for words in programs(line.filled(FILLED)):
        if words[0] == "kubectl":
            tried(cluster, words[1:])


def test_every_program_is_one_that_an_operator_has() -> None:
    assert {words[0] for line in COMMANDS for words in programs(line.text)} == KNOWN


def complaints(query: str) -> list[str]:
    """Return what is wrong with the names in a query. Raises ValueError for what is no PromQL."""
    reading = Reading(METRICS)
    reading.labels(promql_parser.parse(query))
    return reading.complaints


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_query_names_only_metrics_and_labels_that_there_are(query: Any) -> None:
    assert complaints(query.text) == []


def test_rules_and_alerts_name_only_metrics_and_labels_that_there_are() -> None:
    for expr in (*RECORDED.values(), *(alert.expr for alert in ALERTS)):
        assert complaints(expr) == [], expr


@pytest.mark.parametrize(
    "query", ["berth_workload > 0", "sum by (workload) (berth_workloads)", 'berth:quota_used:ratio{namespace="shop"}']
)
def test_a_name_that_is_not_there_is_noticed(query: str) -> None:
    assert complaints(query)


@pytest.mark.ground
@pytest.mark.parametrize(
    "command",
    [
        "kubectl get workload.berth.io",
        "kubectl get workloads.berth.dev -o jsonpath={.items[*}",
        "kubectl gets pods",
        "kubectl get pods --namespaces shop",
    ],
)
def test_a_command_that_is_wrong_is_noticed(cluster: Any, command: str) -> None:
    with pytest.raises(ClusterError):
        tried(cluster, programs(command)[0][1:])


def test_every_runbook_has_queries_or_commands_and_the_index_names_it() -> None:
    named = {path.stem for path, _ in links(REPOSITORY / "docs" / "runbooks" / "README.md")}
    assert {page.stem for page in RUNBOOKS} == named == {alert.name for alert in ALERTS}
    assert all(list(commands(page)) and list(queries(page)) for page in RUNBOOKS)
