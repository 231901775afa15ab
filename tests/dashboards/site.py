"""A cluster with Workloads in every state there is, so that every panel has something to show."""

from collections.abc import Iterable, Iterator
from typing import Final

from ground.api import eventually
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import CLASS, DEPLOYMENT, NAMESPACE, POLICY, TENANT, WAIVER, WORKLOAD, Kind
from scenarios.objects import Json
from scenarios.specs import both, container, later, machine, task

SETTLE_SECONDS: Final = 300.0
MOVE_SECONDS: Final = 120.0
SERVICES: Final = 26
"""Ordinary services of each namespace."""
NAMESPACES: Final = {
    "shop": {"team": "retail"},
    "payments": {"team": "retail", "data": "cardholder"},
    "web": {"team": "retail"},
    "finance": {"team": "office"},
    "hr": {"team": "office"},
    "ci": {"team": "office", "berth.dev/isolation": "sandboxed"},
    "genomes": {"team": "research"},
    "notebooks": {"team": "research"},
    "legacy": {"team": "research"},
    "edge": {},
}
STUCK: Final = ("legacy", "stuck")
"""A Workload whose move never ends: what comes up in its new class is never ready."""
MOVED: Final = ("legacy", "service-00")
"""A Workload that has moved."""
NEVER_READY: Final = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: observe-stuck}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
    - name: stuck
      expression: >-
        object.metadata.?labels["berth.dev/workload"].orValue("") == "stuck" && has(object.spec.runtimeClassName)
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: >-
          Object{metadata: Object.metadata{annotations: {"ground.berth.dev/fail": "NeverReady"}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: observe-stuck}
spec: {policyName: observe-stuck}
"""

Thing = tuple[Kind, str, str, Json]
"""Kind, namespace, name, spec."""


def platform() -> Iterator[Thing]:
    """Yield what admins write: tenants, policies in all modes, a class that this cluster lacks, Waivers."""
    teams = {
        "retail": {"quota": {"cpu": "60", "memory": "64Gi", "virtualMachines": 12}},
        "office": {"floor": "Sandboxed", "quota": {"cpu": "40", "memory": "32Gi", "virtualMachines": 3}},
        "research": {"images": {"registries": ["registry.example/team/"]}, "quota": {"cpu": "100", "memory": "80Gi"}},
    }
    for name, spec in teams.items():
        yield TENANT, "", name, {"namespaceSelector": {"matchLabels": {"team": name}}, **spec}
    policies = {
        "pci": _policy("Enforce", "Virtualized", namespaceSelector={"matchLabels": {"data": "cardholder"}}),
        "research-kernels": _policy("Audit", "Virtualized", tenants=["research"]),
        "edge-confidential": _policy("Warn", "Confidential", namespaceSelector=_named("edge")),
        "untrusted-machines": _policy("Audit", "Virtualized", trust=["Untrusted"]),
    }
    for name, spec in policies.items():
        yield POLICY, "", name, spec
    yield CLASS, "", "confidential", {"level": "Confidential", "pod": {"runtimeClassName": "kata-snp"}}
    for name, days in (("terminal-until-friday", 2), ("gateway-this-quarter", 60)):
        yield (
            WAIVER,
            "",
            name,
            {
                "workloads": [{"namespace": "payments", "name": name.split("-")[0]}],
                "policies": ["pci"],
                "reason": "its driver does not start in Kata",
                "requestedBy": "grace",
                "approver": "kwok-admin",
                "expiresAt": later(days=days),
            },
        )


def _policy(mode: str, level: str, **match: object) -> Json:
    return {"mode": mode, "reason": f"an example of {mode}", "match": match, "require": {"level": level}}


def _named(namespace: str) -> Json:
    return {"matchLabels": {"kubernetes.io/metadata.name": namespace}}


def workloads() -> Iterator[Thing]:
    """Yield some three hundred Workloads: services, tasks and machines that run, wait, fail or are refused."""
    for namespace in NAMESPACES:
        for number in range(SERVICES):
            limits = {"limits": {"memory": "256Mi"}} if number % 3 else {}
            size = {"requests": {"cpu": "100m", "memory": "128Mi"}, **limits}
            yield WORKLOAD, namespace, f"service-{number:02}", container(replicas=1 + number % 3, resources=size)
        yield WORKLOAD, namespace, "nightly", task()
        yield WORKLOAD, namespace, "machine", machine()
        yield WORKLOAD, namespace, "either", both()
        yield WORKLOAD, namespace, "plugin", container(trust="Untrusted")
        yield WORKLOAD, namespace, "vpn", container(needs={"kernelModules": ["wireguard"], "privileged": True})
    yield from _of_their_own()


def _of_their_own() -> Iterator[Thing]:
    yield WORKLOAD, "payments", "terminal", container()
    yield WORKLOAD, "payments", "gateway", container(replicas=2)
    yield WORKLOAD, "genomes", "foreign", _image("docker.io/library/wordpress:6")
    yield WORKLOAD, "shop", "crashing", _image("registry.example/team/web:fail-CrashLoopBackOff")
    yield WORKLOAD, "shop", "unpulled", _image("registry.example/team/web:fail-ImagePullBackOff")
    yield WORKLOAD, "finance", "report-1", machine()
    yield WORKLOAD, "finance", "report-2", machine()
    yield WORKLOAD, "finance", "greedy", container(resources={"requests": {"cpu": "64", "memory": "1Gi"}})
    yield WORKLOAD, "edge", "pinned", container(isolation={"className": "confidential"})
    yield WORKLOAD, *STUCK, container(replicas=2)


def _image(image: str) -> Json:
    spec = container()
    return {**spec, "container": {**spec["container"], "image": image}}


def fill(cluster: Cluster) -> int:
    """Apply everything and wait until every Workload has come to rest; return how many there are."""
    for name, labels in NAMESPACES.items():
        objects.put(cluster, NAMESPACE, "", {"metadata": {"name": name, "labels": labels}})
    put_all(cluster, platform())
    count = put_all(cluster, workloads())
    eventually(lambda: at_rest(cluster) == count, SETTLE_SECONDS, f"{count} Workloads have come to rest")
    return count


def put_all(cluster: Cluster, things: Iterable[Thing]) -> int:
    """Apply some objects; return how many."""
    count = 0
    for kind, namespace, name, spec in things:
        objects.put(cluster, kind, namespace, {"metadata": {"name": name}, "spec": spec})
        count += 1
    return count


def at_rest(cluster: Cluster) -> int:
    """Return how many Workloads are ready, or say why they are not and are not on their way."""
    return sum(_rests(each.get("status", {})) for each in objects.items(cluster, WORKLOAD))


def _rests(status: Json) -> bool:
    states = {each["type"]: each for each in status.get("conditions", ())}
    failing = status.get("reason") in {"CrashLooping", "ImagePullFailed", "WaitingForQuota"}
    return failing or any(
        states.get(kind, {}).get("status") == state for kind, state in (("Ready", "True"), ("Placed", "False"))
    )


def change(cluster: Cluster) -> None:
    """Let things happen: a policy moves what may move and holds what may not, somebody edits children."""
    put_all(
        cluster,
        [(POLICY, "", "notebooks-apart", _policy("Enforce", "Virtualized", namespaceSelector=_named("notebooks")))],
    )
    put_all(
        cluster, [(POLICY, "", "legacy-apart", _policy("Enforce", "Sandboxed", namespaceSelector=_named("legacy")))]
    )
    for number in range(6):
        name = f"service-{number:02}"
        objects.merge(cluster, DEPLOYMENT, "shop", name, {"spec": {"replicas": 5}})
    moved = [("legacy", f"service-{number:02}") for number in range(SERVICES)]
    eventually(lambda: all(_in(cluster, key, "gvisor") for key in moved), MOVE_SECONDS, "services of legacy have moved")


def _in(cluster: Cluster, key: tuple[str, str], name: str) -> bool:
    status = objects.get(cluster, WORKLOAD, *key).get("status", {})
    return bool(status.get("placement", {}).get("className") == name and status.get("readyReplicas"))
