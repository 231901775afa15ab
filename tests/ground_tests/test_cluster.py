"""The control plane is a real one, on loopback only, and it goes up and down without leaving anything."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ground import cluster, crds, identity, nodes, parts, simulator, toolchain
from ground.api import ApiError, call, eventually
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import CLAIM, POD, QUOTA, Kind
from ground_tests import wishes

pytestmark = pytest.mark.ground

Json = dict[str, Any]
DEPLOYMENT = Kind("Deployment", "apps/v1", "deployments")
JOB = Kind("Job", "batch/v1", "jobs")
SCALER = Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers")
RUNTIME_CLASS = Kind("RuntimeClass", "node.k8s.io/v1", "runtimeclasses", namespaced=False)
FAIL = "ground.berth.dev/fail"
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def pod_spec(**more: Any) -> Json:
    """Return the spec of a small pod."""
    return {"containers": [{"name": "main", "image": "registry.invalid/app:1"}], **more}


def pod_template(annotations: Json | None = None, **more: Any) -> Json:
    """Return a pod template that the selector of `deployment` selects."""
    return {"metadata": {"labels": {"app": "web"}, "annotations": annotations or {}}, "spec": pod_spec(**more)}


def deployment(replicas: int, **more: Any) -> Json:
    """Return a Deployment."""
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pod_template(**more)}
    return {"metadata": {"name": "web"}, "spec": spec}


def pod(ground: Cluster, space: str, annotations: Json | None = None, **more: Any) -> None:
    """Make a pod named web."""
    meta = {"name": "web", "annotations": annotations or {}}
    wishes.make(ground, POD, space, {"metadata": meta, "spec": pod_spec(**more)})


def listening(pids: set[int]) -> list[str]:
    """Return the local addresses, in the kernel's hexadecimal, on which these processes listen."""
    found = {str(link.readlink()) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    inodes = {name.removeprefix("socket:[").removesuffix("]") for name in found if name.startswith("socket:[")}
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]


def test_everything_listens_on_loopback(ground: Cluster) -> None:
    """No part can be reached from another machine, least of all etcd, which asks for no password."""
    pids = {part.pid for part in cluster.status(ground.name) if part.pid}
    assert len(pids) == len(cluster.COMPONENTS)
    addresses = listening(pids)
    assert len(addresses) >= len(cluster.COMPONENTS)
    assert [address for address in addresses if address not in LOOPBACK] == []


def test_reused_while_it_runs(ground: Cluster) -> None:
    """A second `up` gives the same cluster, without a new start, and adds the nodes that are missing."""
    before = [part.pid for part in cluster.status(ground.name)]
    assert cluster.up(ground.name, nodes=3) == ground
    assert [part.pid for part in cluster.status(ground.name)] == before
    assert nodes.ready_nodes(ground) >= {"node-0", "node-1", "node-2"}


def test_dead_one_is_made_anew() -> None:
    """When a part has died, `up` makes a new cluster in its place; `down` leaves nothing."""
    with cluster.throwaway() as first:
        server = next(part for part in cluster.status(first.name) if part.name == "kube-apiserver")
        os.kill(server.pid or 0, signal.SIGKILL)
        eventually(lambda: cluster.find(first.name) is None, 10, "noticed")
        second = cluster.up(first.name, nodes=1)
        assert nodes.ready_nodes(second) == {"node-0"}
        pids = [part.pid for part in cluster.status(second.name)]
    assert not second.workdir.exists()
    assert [
        pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
    ] == []


def test_foreign_process_is_left_alone(tmp_path: Path) -> None:
    """A pid that belongs to another program by now is neither taken for the cluster's nor killed."""
    noted = tmp_path / "clusters" / "old" / "pids" / "etcd.pid"
    noted.parent.mkdir(parents=True)
    noted.write_text(str(os.getpid()))
    assert cluster.find("old", folder=tmp_path) is None
    cluster.down("old", folder=tmp_path)
    assert not noted.exists()


def test_failed_start_names_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that ends at once is named with the end of its log, after seconds, and nothing goes on running."""
    real = toolchain.binaries()
    for name in ("etcd", "kube-apiserver", "kube-scheduler", "kubectl", "kwok", "kwokctl"):
        (tmp_path / name).symlink_to(getattr(real, name.replace("-", "_")))
    broken = tmp_path / "kube-controller-manager"
    broken.write_text(
        '#!/bin/sh\ntest "$1" = --version && exec printf "Kubernetes v1.37.2"\necho cannot start today; exit 3\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("GROUND_BINARIES", str(tmp_path))
    with pytest.raises(cluster.ClusterError, match=r"(?s)kube-controller-manager does not run.*cannot start today"):
        cluster.up("broken", folder=tmp_path / "state")
    assert [part for part in cluster.status("broken", folder=tmp_path / "state") if part.pid] == []


def test_deployment_runs(ground: Cluster, space: str) -> None:
    """The pods of a Deployment run, and go when it goes (garbage collection)."""
    wishes.make(ground, DEPLOYMENT, space, deployment(3))
    wishes.wait(ground, DEPLOYMENT, space, "web", lambda found: found["status"].get("readyReplicas") == 3)
    wishes.delete(ground, DEPLOYMENT, space, "web")
    eventually(lambda: call(ground.kubeconfig, "GET", POD.path(space))["items"] == [], wishes.SECONDS, "pods gone")


def test_job_completes_or_fails(ground: Cluster, space: str) -> None:
    """A Job's pod completes after a moment; with the annotation it fails."""
    for name, annotations in (("good", {}), ("bad", {FAIL: "Error"})):
        template = {"metadata": {"annotations": annotations}, "spec": pod_spec(restartPolicy="Never")}
        wishes.make(ground, JOB, space, {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template}})
    wishes.wait(ground, JOB, space, "good", lambda found: wishes.condition(found, "Complete")[0] == "True")
    wishes.wait(ground, JOB, space, "bad", lambda found: wishes.condition(found, "Failed")[0] == "True")


@pytest.mark.parametrize(("failure", "phase"), [("ImagePullBackOff", "Pending"), ("CrashLoopBackOff", "Running")])
def test_pod_fails_on_demand(ground: Cluster, space: str, failure: str, phase: str) -> None:
    """A pod fails as its annotation asks, and recovers without it."""
    pod(ground, space, {FAIL: failure})

    def fails(found: Json) -> bool:
        states = found.get("status", {}).get("containerStatuses", [])
        return [item["state"].get("waiting", {}).get("reason") for item in states] == [failure]

    found = wishes.wait(ground, POD, space, "web", fails)
    assert found["status"]["phase"] == phase
    wishes.annotate(ground, POD, space, "web", {FAIL: None})
    wishes.wait(ground, POD, space, "web", wishes.ready)


def test_running_pod_turns_unready_and_back(ground: Cluster, space: str) -> None:
    """Readiness can be taken from a pod that runs, and given back; its address stays."""
    pod(ground, space)
    address = wishes.wait(ground, POD, space, "web", wishes.ready)["status"]["podIP"]
    wishes.annotate(ground, POD, space, "web", {FAIL: "NeverReady"})
    wishes.wait(ground, POD, space, "web", lambda found: not wishes.ready(found))
    wishes.annotate(ground, POD, space, "web", {FAIL: None})
    assert wishes.wait(ground, POD, space, "web", wishes.ready)["status"]["podIP"] == address


def test_claim_is_bound_and_its_volume_removed(ground: Cluster, space: str) -> None:
    """A claim of the default class is bound to a volume, which goes with it."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    wishes.make(ground, CLAIM, space, {"metadata": {"name": "data"}, "spec": claim})
    found = wishes.wait(ground, CLAIM, space, "data", lambda found: found["status"].get("phase") == "Bound")
    wishes.delete(ground, CLAIM, space, "data")
    volume = f"/api/v1/persistentvolumes/{found['spec']['volumeName']}"
    eventually(lambda: wishes.read(ground, volume) is None, wishes.SECONDS, "volume gone")


def test_quota_is_enforced(ground: Cluster, space: str) -> None:
    """A quota is counted and refuses what does not fit."""
    wishes.make(ground, QUOTA, space, {"metadata": {"name": "all"}, "spec": {"hard": {"pods": "0"}}})
    wishes.wait(ground, QUOTA, space, "all", lambda found: found["status"].get("used"))
    with pytest.raises(ApiError, match="exceeded quota"):
        pod(ground, space)


def test_pod_security_is_enforced(ground: Cluster) -> None:
    """The restricted level refuses a plain pod."""
    space = wishes.namespace(ground, {"pod-security.kubernetes.io/enforce": "restricted"})
    with pytest.raises(ApiError, match="violates PodSecurity"):
        pod(ground, space)


def test_autoscaler_keeps_its_minimum(ground: Cluster, space: str) -> None:
    """The autoscaler's controller works: it raises a Deployment to the minimum."""
    wishes.make(ground, DEPLOYMENT, space, deployment(1))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    wishes.make(ground, SCALER, space, {"metadata": {"name": "web"}, "spec": spec})
    wishes.wait(ground, DEPLOYMENT, space, "web", lambda found: found["status"].get("readyReplicas") == 2)


def test_admission_policy_is_enforced(ground: Cluster, space: str) -> None:
    """A ValidatingAdmissionPolicy with its binding refuses what its expression forbids."""
    wishes.deny(ground, space, "", "pods")
    assert "no pods here" in wishes.refused(ground, POD, space)


def test_missing_runtime_class_is_refused(ground: Cluster, space: str) -> None:
    """A pod that names a RuntimeClass is refused without it, and runs with it."""
    with pytest.raises(ApiError, match="RuntimeClass"):
        pod(ground, space, runtimeClassName=space)
    class_ = {"metadata": {"name": space}, "handler": "runsc"}
    wishes.make(ground, RUNTIME_CLASS, "", class_)

    def made() -> bool:
        try:
            pod(ground, space, runtimeClassName=space)
        except ApiError:
            return False
        return True

    eventually(made, wishes.SECONDS, "RuntimeClass known to admission")
    wishes.wait(ground, POD, space, "web", wishes.ready)


def test_node_offers_what_it_is_given(ground: Cluster) -> None:
    """Devices, handlers, labels and taints survive KWOK's own writes to the node."""
    taint = {"key": "dedicated", "value": "acme", "effect": "NoSchedule"}
    shape = nodes.Shape(
        handlers=("runsc",),
        labels={"tenant": "acme"},
        taints=(taint,),
        allocatable={"cpu": "8", "hugepages-2Mi": "2Gi"},
    )
    nodes.add_nodes(ground, 1, prefix="acme", shape=shape)
    nodes.add_nodes(ground, 1, prefix="plain", shape=nodes.PLAIN)
    node = call(ground.kubeconfig, "GET", "/api/v1/nodes/acme-0")
    plain = call(ground.kubeconfig, "GET", "/api/v1/nodes/plain-0")
    assert [item["name"] for item in node["status"]["runtimeHandlers"]] == ["", "runc", "runsc"]
    assert node["status"]["allocatable"]["devices.kubevirt.io/kvm"] == "1k"
    assert (node["status"]["allocatable"]["cpu"], node["status"]["allocatable"]["hugepages-2Mi"]) == ("8", "2Gi")
    assert node["metadata"]["labels"]["kubevirt.io/schedulable"] == "true"
    assert node["metadata"]["labels"]["tenant"] == "acme"
    assert taint in node["spec"]["taints"]
    assert "devices.kubevirt.io/kvm" not in plain["status"]["allocatable"]
    assert "kubevirt.io/schedulable" not in plain["metadata"]["labels"]


def test_identity_has_its_own_rights_only(ground: Cluster, space: str, tmp_path: Path) -> None:
    """A ServiceAccount's kubeconfig acts as that account; nobody else may read the file."""
    path = identity.kubeconfig_for(ground, space, "default", tmp_path / "as" / "default.yaml")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = call(path, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{space}:default"
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(ApiError, match="forbidden"):
        call(path, "GET", "/api/v1/secrets")


def test_simulator_ends_with_its_cluster() -> None:
    """`down` also stops the simulator, which noted its process with the cluster's."""
    with cluster.throwaway() as made:
        crds.install(made)
        simulator.start(made)
        pid = parts.component(made.workdir, simulator.NAME).pid
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
