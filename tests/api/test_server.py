"""The CRDs in use: defaults, pruning, columns, scale, selectors, explain, and life beside another kind Workload."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from api.objects import CRDS, OPENAPI, SECONDS, SMALLEST, Json, made, merged, path
from berth.api.crd import KINDS, Kind
from berth.api.workload import Workload
from ground.api import MERGE, ApiError, apply, call, connection, eventually
from ground.toolchain import binaries

pytestmark = pytest.mark.ground

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
STRICT = "?fieldValidation=Strict"
EXAMPLES = """
apiVersion: berth.dev/v1alpha1
kind: Workload
metadata: {name: checkout}
spec:
  type: Service
  replicas: 3
  container:
    image: registry.example/shop/checkout:1.9
    ports: [{name: http, containerPort: 8080}]
    readinessProbe: {httpGet: {port: http, path: /healthz}}
  resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 512Mi}}
  service: {ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: berth.dev/v1alpha1
kind: Workload
metadata: {name: erp}
spec:
  type: Service
  machine:
    os: Windows
    bootDisk: {persistentVolumeClaim: {claimName: erp-root}}
    preference: windows.2k22.virtio
  resources: {requests: {cpu: "4", memory: 8Gi}, dedicated: true}
---
apiVersion: berth.dev/v1alpha1
kind: IsolationPolicy
metadata: {name: pci}
spec:
  mode: Enforce
  reason: cardholder data
  match: {namespaceSelector: {matchLabels: {data: cardholder}}}
  require: {level: Virtualized, nodeSharing: Tenant}
---
apiVersion: berth.dev/v1alpha1
kind: IsolationClass
metadata: {name: gvisor}
spec:
  level: Sandboxed
  pod: {runtimeClassName: gvisor}
"""
"""The examples of the design."""

STATUS: Json = {
    "observedGeneration": 1,
    "tenant": "acme",
    "replicas": 3,
    "readyReplicas": 2,
    "ready": "2/3",
    "reason": "Updating",
    "selector": "berth.dev/workload=x",
    "overhead": "250m/304Mi",
    "image": "registry.example/app",
    "placement": {
        "className": "gvisor",
        "level": "Sandboxed",
        "backend": "Pod",
        "since": "2026-01-02T03:04:05Z",
    },
}


def kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl and return what it prints."""
    command = [str(binaries().kubectl), "--kubeconfig", str(kubeconfig), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def create(kubeconfig: Path, namespace: str, patch: Json | None = None) -> Json:
    """Create a Workload and return it as stored."""
    return call(
        kubeconfig, "POST", path("Workload", namespace), made("Workload", merged(SMALLEST["Workload"], patch or {}))
    )


@pytest.fixture
def workload(kubeconfig: Path, namespace: str) -> str:
    """Give the name of a Workload that has a status."""
    name: str = create(kubeconfig, namespace)["metadata"]["name"]
    call(kubeconfig, "PATCH", path("Workload", namespace, name) + "/status" + STRICT, {"status": STATUS}, MERGE)
    return name


@pytest.mark.parametrize("example", [*yaml.safe_load_all(EXAMPLES)], ids=lambda example: example["metadata"]["name"])
def test_examples_are_accepted(kubeconfig: Path, namespace: str, example: Json) -> None:
    """The examples of the design pass strictly, as they stand."""
    call(kubeconfig, "POST", path(example["kind"], namespace) + STRICT + "&dryRun=All", example)


def test_dry_run_by_kubectl(kubeconfig: Path, namespace: str) -> None:
    """`kubectl apply --dry-run=server` validates without storing."""
    objects = EXAMPLES.split("---", 1)[0]
    said = kubectl(kubeconfig, "apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=objects)
    assert said == "workload.berth.dev/checkout created (server dry run)\n"
    with pytest.raises(ApiError, match="not found"):
        call(kubeconfig, "GET", path("Workload", namespace, "checkout"))


def test_defaults(kubeconfig: Path, namespace: str) -> None:
    """Only what means the same for ever is filled in; what policy may set stays unset."""
    patch = {"container": {"ports": [{"containerPort": 80}]}, "service": {"ports": [{"port": 80}]}}
    spec = create(kubeconfig, namespace, patch)["spec"]
    assert spec == {
        "type": "Service",
        "replicas": 1,
        "deletionPolicy": "Retain",
        "container": {"image": "registry.example/app", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
        "service": {"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}]},
    }


def test_unknown_fields(kubeconfig: Path, namespace: str) -> None:
    """They are pruned, and refused where the client asks for strictness, as kubectl does."""
    wrong = {"container": {"privileged": True}, "hostNetwork": True}
    spec = create(kubeconfig, namespace, wrong)["spec"]
    assert "hostNetwork" not in spec
    assert "privileged" not in spec["container"]
    body = made("Workload", merged(SMALLEST["Workload"], wrong))
    with pytest.raises(
        ApiError, match=r'unknown field "spec\.container\.privileged", unknown field "spec\.hostNetwork"'
    ):
        call(kubeconfig, "POST", path("Workload", namespace) + STRICT, body)


def test_authors_cannot_set_status(kubeconfig: Path, namespace: str) -> None:
    """Status goes through its subresource only."""
    body = made("Workload", SMALLEST["Workload"]) | {"status": STATUS}
    assert "status" not in call(kubeconfig, "POST", path("Workload", namespace), body)


def test_two_managers_share_a_list(kubeconfig: Path, namespace: str) -> None:
    """Server-side apply merges keyed lists by their keys."""
    body = made("Workload", merged(SMALLEST["Workload"], {"container": {"env": [{"name": "A", "value": "1"}]}}))
    own = path("Workload", namespace, body["metadata"]["name"])
    apply(kubeconfig, own, body)
    other = body | {"spec": {"container": {"image": "registry.example/app", "env": [{"name": "B", "value": "2"}]}}}
    query = f"{own}?fieldManager=other&force=true"
    env = call(kubeconfig, "PATCH", query, other, "application/apply-patch+yaml")["spec"]["container"]["env"]
    assert {entry["name"]: entry["value"] for entry in env} == {"A": "1", "B": "2"}


def test_models_read_what_is_stored(kubeconfig: Path, namespace: str, workload: str) -> None:
    """The models understand the server's answer, status included."""
    stored = Workload.model_validate_json(json.dumps(call(kubeconfig, "GET", path("Workload", namespace, workload))))
    assert stored.spec.container is not None
    assert stored.status is not None
    assert stored.status.ready == "2/3"


def test_scale(kubeconfig: Path, namespace: str, workload: str) -> None:
    """`kubectl scale` sets replicas, and an autoscaler finds count and selector."""
    kubectl(kubeconfig, "scale", "-n", namespace, f"workloads.berth.dev/{workload}", "--replicas=4")
    own = path("Workload", namespace, workload)
    scale = call(kubeconfig, "GET", f"{own}/scale")
    assert call(kubeconfig, "GET", own)["spec"]["replicas"] == 4
    assert scale["spec"] == {"replicas": 4}
    assert scale["status"] == {"replicas": 3, "selector": "berth.dev/workload=x"}


def test_scale_is_validated(kubeconfig: Path, namespace: str, workload: str) -> None:
    """The way through the scale subresource is no way around the schema."""
    own = path("Workload", namespace, workload)
    with pytest.raises(ApiError, match="less than or equal to 1000"):
        call(kubeconfig, "PATCH", f"{own}/scale", {"spec": {"replicas": 1001}}, MERGE)


def table(kubeconfig: Path, where: str) -> tuple[list[Json], list[Any]]:
    """Return columns and the first row as the API server prints them."""
    reached = connection(kubeconfig)
    request = urllib.request.Request(reached.server + where, headers={"Accept": TABLE, **reached.headers})
    with urllib.request.urlopen(request, context=reached.tls) as answer:
        content = json.load(answer)
    return content["columnDefinitions"], content["rows"][0]["cells"]


def test_columns(kubeconfig: Path, namespace: str, workload: str) -> None:
    """The server's own table has the columns in order, the wide ones with priority 1, and they are filled."""
    columns, row = table(kubeconfig, path("Workload", namespace, workload))
    narrow = [(column["name"], value) for column, value in zip(columns, row, strict=True) if not column["priority"]]
    wide = [(column["name"], value) for column, value in zip(columns, row, strict=True) if column["priority"]]
    assert narrow[:-1] == [
        ("Name", workload),
        ("Class", "gvisor"),
        ("Level", "Sandboxed"),
        ("Ready", "2/3"),
        ("Reason", "Updating"),
        ("Replicas", 3),
    ]
    assert narrow[-1][0] == "Age"
    assert wide == [
        ("Tenant", "acme"),
        ("Backend", "Pod"),
        ("Overhead", "250m/304Mi"),
        ("Image", "registry.example/app"),
    ]


@pytest.mark.parametrize(
    ("kind", "status", "cells"),
    [
        (
            "IsolationClass",
            {"backend": "Pod", "nodes": 2, "workloads": 7},
            {
                "Level": "Container",
                "Backend": "Pod",
                "Available": "True",
                "Reason": "Settled",
                "Nodes": 2,
                "Workloads": 7,
            },
        ),
        (
            "IsolationPolicy",
            {"matched": 5, "unmet": 1},
            {
                "Mode": "Enforce",
                "Level": "Sandboxed",
                "Reason": "example",
                "Accepted": "True",
                "Matched": 5,
                "Unmet": 1,
            },
        ),
    ],
)
def test_columns_of_cluster_kinds(kubeconfig: Path, kind: str, status: Json, cells: Json) -> None:
    """Columns that read a condition find it."""
    body = made(kind, SMALLEST[kind])
    own = path(kind, "", body["metadata"]["name"])
    call(kubeconfig, "POST", path(kind, ""), body)
    since = "2026-01-02T03:04:05Z"
    condition = {"status": "True", "reason": "Settled", "message": "", "lastTransitionTime": since}
    conditions = [condition | {"type": type_} for type_ in ("Accepted", "Available")]
    try:
        call(kubeconfig, "PATCH", f"{own}/status{STRICT}", {"status": status | {"conditions": conditions}}, MERGE)
        columns, row = table(kubeconfig, own)
    finally:
        call(kubeconfig, "DELETE", own)
    shown = dict(zip([column["name"] for column in columns], row, strict=True))
    assert {name: shown[name] for name in cells} == cells


@pytest.mark.parametrize("selector", ["status.placement.className=gvisor", "status.reason=Updating"])
def test_select_by_status(kubeconfig: Path, namespace: str, workload: str, selector: str) -> None:
    """Workloads can be listed by class and reason without reading all of them."""
    plain = create(kubeconfig, namespace)["metadata"]["name"]
    listed = call(kubeconfig, "GET", path("Workload", namespace) + f"?fieldSelector={selector.replace('=', '%3D')}")
    found = {item["metadata"]["name"] for item in listed["items"]}
    assert workload in found
    assert plain not in found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_every_field_is_explained(kubeconfig: Path, kind: Kind) -> None:
    """The published document that `kubectl explain` reads has text for every field."""
    document = call(kubeconfig, "GET", OPENAPI)["components"]["schemas"]
    found = next(schema for name, schema in document.items() if name.endswith(f".{kind.model.__name__}"))
    fields = dict(_fields(found, ""))
    assert len(fields) > 20
    assert [place for place, field in fields.items() if not field.get("description")] == []


def _fields(schema: Json, place: str) -> Iterator[tuple[str, Json]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{place}.{name}", field
        yield from _fields(field, f"{place}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _fields(schema["items"], f"{place}[]")


def test_explain(kubeconfig: Path) -> None:
    """`kubectl explain` shows the docstring of a nested field."""
    eventually(lambda: _explains(kubeconfig), SECONDS, "kubectl explain knows the kind")


def _explains(kubeconfig: Path) -> bool:
    said = kubectl(kubeconfig, "explain", "workloads.berth.dev.spec.machine.bootDisk.dataSource")
    return "A golden image to clone." in said and "Name of the DataSource." in said


def test_beside_another_kind_workload(kubeconfig: Path, namespace: str, workload: str) -> None:
    """The full name and Berth's short name mean Berth's kind, whoever else has a kind Workload."""
    group = f"kueue-{uuid4().hex[:8]}.example.com"
    names = {"kind": "Workload", "listKind": "WorkloadList", "plural": "workloads", "singular": "workload"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    body = {"metadata": {"name": f"workloads.{group}"}, "spec": spec}
    call(kubeconfig, "POST", CRDS, body)
    try:
        eventually(lambda: _listed(kubeconfig, f"/apis/{group}/v1beta1"), SECONDS, "the other kind is served")
        for resource in ("workloads.berth.dev", "bw", "berth"):
            names_found = kubectl(kubeconfig, "get", "-n", namespace, resource, "-o", "name").split()
            assert f"workload.berth.dev/{workload}" in names_found
        assert kubectl(kubeconfig, "get", "-n", namespace, f"workloads.{group}", "-o", "name") == ""
    finally:
        call(kubeconfig, "DELETE", f"{CRDS}/workloads.{group}")


def _listed(kubeconfig: Path, where: str) -> bool:
    try:
        return bool(call(kubeconfig, "GET", where)["resources"])
    except ApiError:
        return False
