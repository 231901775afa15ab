"""Checks of how the operator is built and deployed: manifests, image, dependencies."""

import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from ground import chart
from ground.api import ApiError, call
from ground.node.netpol import selects
from scenarios import objects
from scenarios.kinds import Kind
from threats.people import kubeconfig
from threats.site import Site

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
SMOKE = 'RUN ["/opt/berth/bin/berth", "--version"]'
WEBHOOKS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
OTHERS = (".kubevirt.io",)
API = "/apis/admissionregistration.k8s.io/v1"
WARNS = {"berth-edits"}
"""Policies that only warn: they tell platform admins that the operator puts an edit back."""
API_PORTS = {443, 6443}
DNS = 53


def _of_kind(kind: str) -> Any:
    [found] = chart.objects(kind)
    return found


def _pod() -> Any:
    return _of_kind("Deployment")["spec"]["template"]


def operator_is_restricted(site: Site) -> str:
    """The operator's pod passes the restricted Pod Security Standard, which its namespace enforces."""
    namespace = call(site.cluster.kubeconfig, "GET", "/api/v1/namespaces/berth-system")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    body = {"metadata": {"name": "berth-probe", "labels": _pod()["metadata"]["labels"]}, "spec": _pod()["spec"]}
    call(site.cluster.kubeconfig, "POST", "/api/v1/namespaces/berth-system/pods?dryRun=All", body)
    return "its namespace enforces restricted and takes its pod"


def operator_is_read_only(_: Site) -> str:
    """It cannot write into its image, and what it can write is small and gone with the pod."""
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in _pod()["spec"]["containers"])
    assert all(volume["emptyDir"]["sizeLimit"] for volume in _pod()["spec"]["volumes"])
    return "readOnlyRootFilesystem, and one small emptyDir"


def operator_has_limits(_: Site) -> str:
    """It has a limit of memory, and a budget keeps one replica through drains."""
    assert all("memory" in each["resources"]["limits"] for each in _pod()["spec"]["containers"])
    assert _of_kind("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    return "a limit of memory and a budget"


def _policy() -> Any:
    """Return the one NetworkPolicy that selects the operator's pod."""
    policies = (each["spec"] for each in chart.objects("NetworkPolicy"))
    [found] = (each for each in policies if selects(each["podSelector"], _pod()["metadata"]["labels"]))
    return found


def operator_goes_nowhere(_: Site) -> str:
    """It may call the API server and DNS, nothing else."""
    policy = _policy()
    assert "Egress" in policy["policyTypes"]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert ports <= API_PORTS | {DNS}, ports
    return f"egress to ports {sorted(ports)} alone"


def metrics_are_closed_off(site: Site) -> str:
    """Only namespaces that platform admins have labelled reach the operator's port."""
    policy = _policy()
    assert "Ingress" in policy["policyTypes"]
    peers = [peer for rule in policy["ingress"] for peer in rule["from"]]
    assert peers
    for peer in peers:
        [label] = peer["namespaceSelector"]["matchLabels"]
        assert label.startswith("berth.dev/"), f"anybody may label a namespace {label}"
        patch = {"metadata": {"labels": {label: peer["namespaceSelector"]["matchLabels"][label]}}}
        _must_refuse(site, "lead", "PATCH", "/api/v1/namespaces/evil", patch)
    return "and nobody else may label a namespace so"


def _must_refuse(site: Site, who: str, method: str, path: str, body: Any) -> str:
    try:
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        call(kubeconfig(site.cluster, who), method, f"{path}?dryRun=All", body, content)
    except ApiError as error:
        return str(error)
    raise AssertionError(f"{who} may {method} {path}")


def no_webhook_protects(site: Site) -> str:
    """Nothing that is refused here is refused by a webhook of Berth's, which may be down: KubeVirt and CDI have some."""
    for plural in WEBHOOKS:
        found = call(site.cluster.kubeconfig, "GET", f"{API}/{plural}")["items"]
        assert [hook["name"] for each in found for hook in each["webhooks"] if not hook["name"].endswith(OTHERS)] == []
    return "there is none of Berth's on this cluster"


def policies_fail_closed(site: Site) -> str:
    """Every admission policy of Berth refuses when it fails, is bound, and denies."""
    policies = call(site.cluster.kubeconfig, "GET", f"{API}/validatingadmissionpolicies")["items"]
    bindings = call(site.cluster.kubeconfig, "GET", f"{API}/validatingadmissionpolicybindings")["items"]
    ours = {
        each["metadata"]["name"]: each["spec"] for each in policies if each["metadata"]["name"].startswith("berth-")
    }
    denied = {each["spec"]["policyName"] for each in bindings if each["spec"]["validationActions"] == ["Deny"]}
    assert ours
    assert {each["failurePolicy"] for each in ours.values()} == {"Fail"}
    assert ours.keys() - denied == WARNS
    return f"{len(ours)} policies: Fail, and Deny"


def image_runs_as_nobody(_: Site) -> str:
    """The image runs as a number that is not 0, with no package manager's leavings."""
    text = (REPOSITORY / "Dockerfile").read_text()
    final = text.rpartition("FROM ")[2]
    user = next(line.split()[1] for line in final.splitlines() if line.startswith("USER "))
    assert user.split(":")[0].isdigit()
    assert user.split(":")[0] != "0"
    assert [line for line in final.splitlines() if line.startswith("RUN")] == [SMOKE], (
        "something is installed in what is shipped"
    )
    assert "ADD http" not in text
    return f"user {user}, and only the environment is copied in"


def image_is_built_by_hashes(_: Site) -> str:
    """The image installs what is locked, by hash, and the operator without looking for more."""
    lines = [line for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if "/pip " in line]
    assert lines
    assert all("--require-hashes" in line or "--no-index" in line for line in lines), lines
    return "pip download --require-hashes, and pip install --no-index"


def every_dependency_has_a_hash(_: Site) -> str:
    """Every line of a lock file has hashes of sha256."""
    count = 0
    for name in LOCKS:
        entries = (REPOSITORY / name).read_text().replace("\\\n", " ").splitlines()
        for entry in (line for line in entries if line.strip() and not line.startswith("#")):
            assert "--hash=sha256:" in entry, f"{name}: {entry[:80]}"
            assert " @ " not in entry, f"{name}: {entry[:80]} is taken from a URL"
            count += 1
    assert count > len(LOCKS)
    return f"{count} dependencies"


def every_dependency_is_locked(_: Site) -> str:
    """Every dependency that is declared is locked."""
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = (REPOSITORY / "requirements.lock").read_text()
    names = [entry.split("=")[0].split(">")[0].split("<")[0].strip() for entry in declared]
    missing = [name for name in names if f"\n{name}==" not in f"\n{locked}"]
    assert not missing, missing
    return f"{len(names)} are declared and locked"


def a_swapped_wheel_is_refused(_: Site) -> str:
    """A wheel with another content than was locked is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / "swapped-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("swapped.py", "print('gotcha')")
            archive.writestr("swapped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: swapped\nVersion: 1.0\n")
            archive.writestr(
                "swapped-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr("swapped-1.0.dist-info/RECORD", "")
        asked = Path(folder) / "asked.txt"
        asked.write_text(f"swapped==1.0 --hash=sha256:{'0' * 64}\n")
        command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-index", "--no-deps", "--dry-run"]
        command += [
            "--disable-pip-version-check",
            "--find-links",
            folder,
            "--target",
            f"{folder}/out",
            "-r",
            str(asked),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0, "it was installed"
        assert "HASH" in (done.stderr + done.stdout).upper(), done.stderr[-500:]
    return "THESE PACKAGES DO NOT MATCH THE HASHES"


def roles_reach_no_machine(site: Site) -> str:
    """Roles of Berth for people have kinds of berth.dev alone: no machine, console, pod or Secret."""
    kind = Kind("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False)
    roles = [each for each in objects.items(site.cluster, kind) if each["metadata"]["name"].startswith("berth-")]
    people = [each for each in roles if each["metadata"]["name"] != "berth-operator"]
    assert people
    reached = {group for each in people for rule in each["rules"] for group in rule.get("apiGroups", ())}
    assert reached == {"berth.dev"}, reached
    return f"{len(people)} roles reach berth.dev alone"
