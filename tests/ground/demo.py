"""`make demo`: a real control plane, the operator, and the example Workloads; shows where they run and explains one.

With REAL=1 a real node joins it, and pods run there but for those that need Kata or KVM.
"""

import json
import os
import shlex
import sys
from pathlib import Path
from time import monotonic

import yaml

from berth.cli.explain import explanation
from ground import berth, beside, chart, cluster, crds, prometheus, simulator
from ground.api import eventually
from ground.cluster import Cluster, ClusterError, kubectl
from ground.deadline import deadline
from ground.node import configuration, node
from ground.prometheus import PrometheusError, Target
from ground.toolchain import ToolchainError, binaries, is_built, tool

NAME = "demo"
NODES = 3
PORTS = (18080, 18081)
PROMETHEUS_PORT = 19090
SETTLE_SECONDS = 300.0
MINUTES = 120.0
"""Longest that it all may take, with everything built on a busy machine."""
EXPLAINED = ("payments", "ledger")
WHAT_IF = "retail-virtualized"
EXAMPLES = chart.REPOSITORY / "manifests" / "examples"
RULES = chart.CHART / "files" / "rules.yaml"
QUERIES = {
    "Workloads by class": 'sort_desc(sum by (class) (berth_workloads{class!=""}))',
    "Below what is required, must be 0": "sum(berth_workloads_below_required)",
    "Why Workloads do not run": 'sum by (reason) (berth_workloads{class=""})',
    "Memory that isolation adds, by who requires it": 'sum by (required_by) (berth_isolation_overhead{resource="memory"})',
    "Share of a quota that is used": "sort_desc(berth:quota_used:ratio)",
}
"""First panels of the dashboard Fleet."""
PREFERENCE = {
    "apiVersion": "instancetype.kubevirt.io/v1beta1",
    "kind": "VirtualMachineClusterPreference",
    "metadata": {"name": "windows.2k22.virtio"},
    "spec": {
        "devices": {
            "preferredDiskBus": "virtio",
            "preferredInterfaceModel": "virtio",
            "preferredTPM": {"persistent": True},
            "preferredVideoType": "virtio",
        },
        "features": {"preferredSmm": {}},
        "firmware": {"preferredEfi": {"persistent": True, "secureBoot": True}},
        "requirements": {"cpu": {"guest": 1}, "memory": {"guest": "2Gi"}},
    },
}
"""What KubeVirt's common preference of this name asks for, as far as it bears on size and admission."""


def up() -> None:
    """Bring everything up, wait until the examples have settled, and show them. Doing it again changes nothing."""
    started = monotonic()
    found = real(started) if os.environ.get("REAL") else cluster.up(NAME, NODES)
    step("installing KubeVirt's API, starting its simulation", started)
    crds.install(found)
    simulator.start(found)
    # A real KubeVirt brings the common preferences along.
    kubectl(found, "apply", "-f", "-", stdin=json.dumps(PREFERENCE))
    step("installing Berth: CRDs, RBAC, classes, policies", started)
    berth.install(found)
    step("starting two replicas of the operator as ServiceAccount berth-system/berth", started)
    berth.start(found, *PORTS)
    step("applying manifests/examples", started)
    for path in sorted(EXAMPLES.glob("*.yaml")):
        kubectl(found, "apply", "-f", str(path))
    eventually(lambda: settled(found), SETTLE_SECONDS, "the examples have settled")
    eventually(lambda: counted(found), SETTLE_SECONDS, "tenants and policies say whom they have counted")
    step("the examples have settled", started)
    show(found)
    go_on(found)
    url = observe(found, started)
    show_metrics(url)


def real(started: float) -> Cluster:
    """Bring up a control plane with a real node, on which the pods of the examples run. Raises ClusterError."""
    running = cluster.find(NAME)
    if running and beside.pid(running, node.FIRST) is None:
        raise ClusterError("the demo runs without a real node: make demo-down, then make demo REAL=1 again")
    found = cluster.up(NAME, NODES, flags=configuration.api_server)
    step("starting a real node: kubelet, containerd, runc, gVisor, kube-proxy, CoreDNS", started)
    node.up(found)
    kubectl(found, "apply", "-f", str(node.EXAMPLES))
    return found


def observe(found: Cluster, started: float) -> str:
    """Have a Prometheus scrape both replicas, and return its URL."""
    if not is_built(prometheus.NAME):
        step("all of this is up. Only Prometheus, which shows Berth's metrics, is still to be built", started)
    tool(prometheus.NAME)
    targets = [Target(f"{berth.ADDRESS}:{port}", {"pod": f"berth-{number}"}) for number, port in enumerate(PORTS)]
    url = prometheus.start(found, targets, interval=2, rules=[RULES], port=PROMETHEUS_PORT)
    asked = QUERIES.values()
    eventually(
        lambda: all(prometheus.query(url, each) for each in asked), SETTLE_SECONDS, "Prometheus has scraped Berth"
    )
    step(f"Prometheus scrapes it: {url}", started)
    return url


def counted(found: Cluster) -> bool:
    """Tell whether the tenants count every example, and the policy that nobody enforces all of its tenant."""
    examples = json.loads(kubectl(found, "get", "workloads.berth.dev", "-A", "-o", "json"))["items"]
    tenants = json.loads(kubectl(found, "get", "tenants", "-o", "json"))["items"]
    members = {each["metadata"]["name"]: each.get("status", {}).get("workloads", 0) for each in tenants}
    policy = json.loads(kubectl(found, "get", "isolationpolicy", WHAT_IF, "-o", "json"))
    matched = policy.get("status", {}).get("matched")
    return sum(members.values()) == len(examples) and matched == sum(
        members[at] for at in policy["spec"]["match"]["tenants"]
    )


def step(text: str, started: float) -> None:
    """Say what is done now, and when."""
    print(f"[{monotonic() - started:5.1f} s] {text}", flush=True)


def settled(found: Cluster) -> bool:
    """Tell whether every example is ready, or stands still for a reason."""
    items = json.loads(kubectl(found, "get", "workloads.berth.dev", "-A", "-o", "json"))["items"]
    return bool(items) and all(_settled(item) for item in items)


def _settled(item: dict[str, object]) -> bool:
    status = item.get("status")
    meta = item["metadata"]
    if not isinstance(status, dict) or not isinstance(meta, dict):
        return False
    conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
    current = status.get("observedGeneration") == meta["generation"]
    return current and (conditions.get("Ready") == "True" or conditions.get("Placed") == "False")


def show(found: Cluster) -> None:
    """Print the table of Workloads, the explanation of one and of what runs nowhere, and how to go on."""
    print("\n$ kubectl get workloads.berth.dev -A -o wide")
    print(kubectl(found, "get", "workloads.berth.dev", "-A", "-o", "wide"))
    print("$ kubectl get tenants -o wide")
    print(kubectl(found, "get", "tenants", "-o", "wide"))
    print(
        f"$ kubectl get isolationpolicy {WHAT_IF} -o jsonpath='{{.status.impact}}'    # what it would do, if enforced"
    )
    policy = json.loads(kubectl(found, "get", "isolationpolicy", WHAT_IF, "-o", "json"))
    print(yaml.safe_dump(policy["status"]["impact"], sort_keys=False))
    for namespace, name in (("shop", "blog"), ("finance", "reports")):
        item = json.loads(kubectl(found, "get", "workloads.berth.dev", "-n", namespace, name, "-o", "json"))
        placed = next(each for each in item["status"]["conditions"] if each["type"] == "Placed")
        print(f"workloads.berth.dev {namespace}/{name}: {placed['reason']}: {placed['message']}\n")
    for namespace, name in (EXPLAINED, ("shop", "vpn")):
        print(f"$ kubectl get workloads.berth.dev -n {namespace} {name} -o yaml | berth explain -")
        item = json.loads(kubectl(found, "get", "workloads.berth.dev", "-n", namespace, name, "-o", "json"))
        print(explanation(item) + "\n")


def show_metrics(url: str) -> None:
    """Print what the dashboards ask first, and what Prometheus answers."""
    print(f"$ curl -s {url}/api/v1/query --data-urlencode 'query=...'    # what the dashboards ask first")
    for title, expr in QUERIES.items():
        print(f"{title}: {expr}")
        for sample in prometheus.query(url, expr):
            labels = " ".join(value for name, value in sorted(sample.labels.items()) if name != "__name__") or "all"
            print(f"  {labels:<36} {sample.value:g}")


def go_on(found: Cluster) -> None:
    """Print how to go on by hand."""
    print("It stays up. Go on by hand:")
    print(f"  export KUBECONFIG={shlex.quote(str(found.kubeconfig))}")
    print(
        f"  export PATH={shlex.quote(str(binaries().kubectl.parent))}:{shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    )
    print("  kubectl get workloads.berth.dev,isolationclasses,isolationpolicies,tenants,waivers -A")
    print(f'  kubectl patch isolationpolicy {WHAT_IF} --type=merge -p \'{{"spec": {{"mode": "Enforce"}}}}\'')
    print("  kubectl scale workloads.berth.dev -n shop checkout --replicas 5")
    print("  kubectl label namespace shop berth.dev/isolation=sandboxed   # and see checkout move to gVisor")
    for port in PORTS:
        print(
            f"  curl http://{berth.ADDRESS}:{port}/metrics   # of {'the leader' if berth.leads(port) else 'the standby'}"
        )
    print("  make observe    # 320 Workloads, and every query of the dashboards")
    print("  make demo-down\n", flush=True)


def down() -> None:
    """End everything, the real node too."""
    if left := cluster.known(NAME):
        node.down(left)
    cluster.down(NAME)


def main() -> int:
    """Run `up` or `down`; returns the exit status."""
    command = sys.argv[1] if len(sys.argv) > 1 else "up"
    try:
        if command == "down":
            down()
        else:
            with deadline(MINUTES, "make demo"):
                up()
    except (ClusterError, ToolchainError, PrometheusError, TimeoutError) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.pop("KUBECONFIG", None)  # the demo is never meant for somebody's own cluster
    sys.exit(main())
