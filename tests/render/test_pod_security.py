"""The rule about Pod Security says what the real API server says, of every kind of pod in every version of its levels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from berth.decide.ask import ask_of
from berth.decide.guest import Described
from berth.decide.model import ClassFacts
from berth.decide.rules.pod_security import pod_security
from berth.policy.pod_security import LABEL, VERSION_LABEL, enforced_in
from golden import golden
from ground import api
from ground.kubevirt_sim import launcher
from render.specs import VM, Json, machine, subject
from render.test_dry_run import RUNTIMES, dry_run, pod, runtime_class

pytestmark = pytest.mark.ground

LEVELS = ("privileged", "baseline", "restricted")
VERSIONS = ("latest", *(f"v1.{minor}" for minor in (0, 18, 19, 21, 22, 24, 25, 34, 35, 37, 99)))
POD_CASES = ("container-full", "container-minimal", "container-root-user-namespace", "gvisor", "gvisor-root", "kata")
PROFILES: dict[str, Json] = {
    "none": {},
    "runtime default": {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}},
}
"""KubeVirt's seccompConfiguration."""
INSTANCE: Json = {"domain": {"memory": {"guest": "1Gi"}, "cpu": {"cores": 1}, "devices": {"disks": []}}, "volumes": []}


@pytest.fixture(scope="module")
def cluster(ground_cluster: Any) -> Any:
    """Give a control plane with the classes' runtimes."""
    for name in RUNTIMES:
        api.apply(ground_cluster.kubeconfig, f"/apis/node.k8s.io/v1/runtimeclasses/{name}", runtime_class(name))
    return ground_cluster


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_rule_says_is_what_the_api_server_says(cluster: Any, version: str, level: str) -> None:
    labels = {LABEL: level, VERSION_LABEL: version}
    with namespace(cluster, labels) as home:
        for body, spec, facts in [*pods(home), *launchers(home)]:
            ask = ask_of(spec, lambda _: None, Described())
            ask = replace(ask, pod_security=enforced_in(home, tuple(labels.items())))
            assert (pod_security(ask, facts) is None) == taken(cluster, body), (labels, facts.name, body["spec"])


@contextmanager
def namespace(cluster: Any, labels: Json) -> Iterator[str]:
    """Give a new namespace, for the API server learns late of labels that change, with the accounts that pods have."""
    name = f"{labels[LABEL]}-{labels[VERSION_LABEL]}".replace(".", "-")
    where = f"/api/v1/namespaces/{name}"
    meta = {"name": name, "labels": labels}
    api.apply(cluster.kubeconfig, where, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    for account in ("checkout", "default"):
        body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
        api.apply(cluster.kubeconfig, f"{where}/serviceaccounts/{account}", body)
    yield name
    api.call(cluster.kubeconfig, "DELETE", where)


def pods(home: str) -> Iterator[tuple[Json, Any, ClassFacts]]:
    """Yield the pods of golden cases, each with its spec and its class."""
    for name in POD_CASES:
        asked, facts = golden.load(name)
        yield pod(golden.children(name)[-1], home), asked.spec, facts


def launchers(home: str) -> Iterator[tuple[Json, Any, ClassFacts]]:
    """Yield the pods that KubeVirt makes for a machine, by how it is set up."""
    meta = {"name": "web", "namespace": home, "uid": "1", "labels": {}}
    for profile in PROFILES.values():
        made = launcher.pod({"metadata": meta, "spec": INSTANCE}, {"seccompConfiguration": profile})
        yield (
            {"apiVersion": "v1", "kind": "Pod"} | made,
            subject(machine()).spec,
            replace(VM, restricted_seccomp=bool(profile)),
        )


def taken(cluster: Any, body: Json) -> bool:
    """Tell whether the API server takes a pod; raises ApiError where it refuses it for something else."""
    try:
        dry_run(cluster, body)
    except api.ApiError as error:
        if "violates PodSecurity" not in str(error):
            raise
        return False
    return True
