"""Brings one control plane per name up and down: etcd, API server, controllers, scheduler and KWOK on loopback."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import urllib3
import yaml

from ground import cache, parts
from ground.api import ApiError, Json, apply, call, connection, eventually
from ground.nodes import ANNOTATION, add_nodes
from ground.parts import Component, component, components
from ground.toolchain import Say, Tools, binaries

# In the order in which they start, so that the first one that is not well is the cause.
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
START_SECONDS = 120.0
STOP_SECONDS = 20.0
COMMAND_SECONDS = 180.0
"""Longer than any command that is told how long to wait."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
LOOPBACK = "127.0.0.1"
ADMINISTRATOR = "kwok-admin"
"""User name of the administrator in every cluster's kubeconfig."""
ALONE = {"leader-elect": "false"}
"""There is one of each: on a busy machine it would lose its Lease, end, and nobody would start it again."""
# kwokctl's own flags first, then these; a later flag of the same name wins.
FLAGS = {
    "kube-apiserver": {
        "service-cluster-ip-range": "10.96.0.0/16",
        "max-requests-inflight": "3000",
        "max-mutating-requests-inflight": "1500",
        # As hardened clusters have it: who names a blocking owner must have the right to update its finalizers.
        "enable-admission-plugins": "OwnerReferencesPermissionEnforcement",
    },
    "kube-controller-manager": {
        # Every controller acts as its own account of kube-system, as elsewhere, and not as an administrator.
        "use-service-account-credentials": "true",
        "kube-api-qps": "1000",
        "kube-api-burst": "2000",
        "service-cluster-ip-range": "10.96.0.0/16",
        "concurrent-deployment-syncs": "20",
        "concurrent-replicaset-syncs": "20",
        "concurrent-gc-syncs": "20",
        # A quota on custom kinds counts only after the next sync (5 minutes) when its CRD is newer than the last one.
        "resource-quota-sync-period": "10s",
        **ALONE,
    },
    "kube-scheduler": {"kube-api-qps": "1000", "kube-api-burst": "2000", **ALONE},
    "kwok-controller": {
        # Real nodes can join beside the fake ones.
        "manage-all-nodes": "false",
        "manage-nodes-with-annotation-selector": f"{ANNOTATION}=fake",
    },
}
STORAGE_CLASS: Json = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "ground", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "ground.berth.dev/volume",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
    "allowVolumeExpansion": True,
}
AUDIT_POLICY: Json = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


class ClusterError(RuntimeError):
    """A control plane that did not start or stop; the message names the component and shows the end of its log."""


@dataclass(frozen=True)
class Cluster:
    """A running control plane: kubeconfig of its administrator, URL of its API server, folder of its state."""

    name: str
    kubeconfig: Path
    server: str
    workdir: Path


def home() -> Path:
    """Return the folder that holds the state of all clusters unless a caller names another one."""
    return cache.folder() / "ground"


def up(
    name: str,
    nodes: int = 3,
    *,
    folder: Path | None = None,
    audit: bool = False,
    flags: Callable[[Path], dict[str, str]] = lambda _: {},
    say: Say = print,
) -> Cluster:
    """Return the cluster of this name, healthy and with at least node-0..node-(n-1); make or remake it when needed.

    `audit` logs the metadata of every request to WORKDIR/logs/audit.log; `flags` are more of the API server, given its
    WORKDIR. Raises ClusterError, ToolchainError.
    """
    if not NAME.fullmatch(name):
        message = f"a cluster's name is a DNS label of at most 40 characters, not {name!r}"
        raise ClusterError(message)
    folder = (folder or home()).resolve()
    tools = binaries(say)
    # kwokctl picks free ports by looking, so two creations at once, in whatever folder, would pick the same ones.
    with cache.lock(home() / "create.lock", lambda: say("another cluster is being created; waiting for it")):
        cluster = find(name, folder=folder) or _create(name, folder, tools, flags, audit=audit, say=say)
    parts.attend(cluster.workdir)
    add_nodes(cluster, nodes)
    return cluster


def find(name: str, *, folder: Path | None = None) -> Cluster | None:
    """Return the cluster of this name when all its parts run and the API server is ready, else None."""
    workdir = _workdir(name, folder)
    if not all(part.pid for part in status(name, folder=folder)):
        return None
    cluster = _read(name, workdir)
    return cluster if _ready(cluster) else None


def known(name: str, *, folder: Path | None = None) -> Cluster | None:
    """Return the cluster of this name, whether or not it still runs; None where nothing is left of one."""
    workdir = _workdir(name, folder)
    return _read(name, workdir) if (workdir / "kubeconfig.yaml").exists() else None


def status(name: str, *, folder: Path | None = None) -> list[Component]:
    """Return the parts of a cluster in start order; all without a pid when there is no such cluster."""
    return [component(_workdir(name, folder), part) for part in COMPONENTS]


def down(name: str, *, folder: Path | None = None, say: Say = print) -> None:
    """Stop the processes of a cluster and remove its state; nothing when there is none. Raises ClusterError."""
    workdir = _workdir(name, folder)
    parts.dismiss(workdir)
    _stop(name, folder)
    if workdir.exists():
        shutil.rmtree(workdir)
        say(f"cluster {name} is gone")


@contextmanager
def throwaway(nodes: int = 1, *, folder: Path | None = None, say: Say = print) -> Iterator[Cluster]:
    """Give a cluster of a name of its own and remove it afterwards."""
    name = f"throwaway-{uuid4().hex[:8]}"
    try:
        yield up(name, nodes, folder=folder, say=say)
    finally:
        down(name, folder=folder, say=say)


@contextmanager
def halted(cluster: Cluster) -> Iterator[Path]:
    """Stop all parts of a control plane for the length of a block, and give the folder of etcd's data.

    What else runs beside it goes on. Raises ClusterError, TimeoutError.
    """
    # Meanwhile its ports are free, and another cluster would take them.
    with cache.lock(home() / "create.lock", lambda: None):
        _kwokctl(cluster, "stop")
        yield cluster.workdir / "etcd"
        _kwokctl(cluster, "start")
        eventually(lambda: _ready(cluster), START_SECONDS, f"cluster {cluster.name} is ready again")


def _kwokctl(cluster: Cluster, verb: str) -> None:
    command = [str(binaries().kwokctl), verb, "cluster", "--name", cluster.name]
    _run(f"kwokctl {verb} cluster", command, env=_environment(cluster.workdir.parents[1]))


def _run(title: str, command: list[str], **how: Any) -> str:
    """Run a command and return what it prints; raises ClusterError with its complaint, or when it does not end."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS, **how)
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{title} did not end within {COMMAND_SECONDS:g} s{parts.ended()}") from error
    if answer.returncode:
        raise ClusterError(f"{title}: {answer.stderr.strip()}")
    return answer.stdout


def _environment(folder: Path) -> dict[str, str]:
    """Return one's own environment, but with kwokctl's settings ours."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("KWOK_")}
    return others | {"KWOK_WORKDIR": str(folder)}


def kubectl(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl as the cluster's administrator and return what it prints; raises ClusterError with its complaint."""
    command = [str(binaries().kubectl), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    return _run(f"kubectl {' '.join(arguments)}", command, input=stdin)


def _workdir(name: str, folder: Path | None) -> Path:
    return (folder or home()).resolve() / "clusters" / name


def _read(name: str, workdir: Path) -> Cluster:
    kubeconfig = workdir / "kubeconfig.yaml"
    return Cluster(name, kubeconfig, connection(kubeconfig).server, workdir)


def _ready(cluster: Cluster) -> bool:
    """Tell whether the API server serves and kube-controller-manager has made what every pod needs."""
    try:
        call(cluster.kubeconfig, "GET", "/readyz")
        call(cluster.kubeconfig, "GET", "/api/v1/namespaces/default/serviceaccounts/default")
    except (ApiError, urllib3.exceptions.HTTPError):
        return False
    return True


def _create(
    name: str, folder: Path, tools: Tools, flags: Callable[[Path], dict[str, str]], *, audit: bool, say: Say
) -> Cluster:
    start = time.monotonic()
    down(name, folder=folder, say=lambda _: say(f"cluster {name} was dead; making it anew"))
    workdir = _workdir(name, folder)
    try:
        _start(name, workdir, folder, tools, flags(workdir), audit=audit)
        cluster = _read(name, workdir)
        eventually(lambda: _ready(cluster), START_SECONDS, "API server ready and default ServiceAccount made")
    except (ClusterError, OSError) as error:
        failure = _failure(name, workdir, folder, str(error))
        _stop(name, folder)  # the logs stay until the next try
        raise ClusterError(failure) from error
    apply(cluster.kubeconfig, "/apis/storage.k8s.io/v1/storageclasses/ground", STORAGE_CLASS)
    say(f"cluster {name} is up at {cluster.server} after {time.monotonic() - start:.1f} s")
    return cluster


def _start(name: str, workdir: Path, folder: Path, tools: Tools, more: dict[str, str], *, audit: bool) -> None:
    """Run kwokctl until it is done or a part has died, which it would only notice after minutes."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile("w+") as output:
        config = Path(scratch) / "kwok.yaml"
        config.write_text(_configuration(tools, Path(scratch), more, audit=audit))
        command = [str(tools.kwokctl), "create", "cluster", "--name", name, "--config", str(config)]
        command += ["--wait", f"{START_SECONDS:.0f}s", "--kubeconfig", ""]
        process = subprocess.Popen(command, env=_environment(folder), stdout=output, stderr=subprocess.STDOUT)
        try:
            eventually(lambda: process.poll() is not None or _died(workdir), START_SECONDS, "kwokctl create")
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            output.seek(0)
            message = f"kwokctl ended with exit status {process.returncode}: {parts.end(output.read())}"
            raise ClusterError(message)


def _configuration(tools: Tools, scratch: Path, more: dict[str, str], *, audit: bool) -> str:
    """Return kwokctl's configuration and our Stages (--extra-args instead makes kwokctl 0.8.0 panic in some orders)."""
    options = {
        "runtime": "binary",
        "bindAddress": LOOPBACK,
        "etcdBinary": str(tools.etcd),
        "kubeApiserverBinary": str(tools.kube_apiserver),
        "kubeControllerManagerBinary": str(tools.kube_controller_manager),
        "kubeSchedulerBinary": str(tools.kube_scheduler),
        "kubectlBinary": str(tools.kubectl),
        "kwokControllerBinary": str(tools.kwok),
    }
    if audit:
        policy = scratch / "audit.yaml"
        policy.write_text(yaml.safe_dump(AUDIT_POLICY))
        options["kubeAuditPolicy"] = str(policy)
    wanted = FLAGS | {"kube-apiserver": FLAGS["kube-apiserver"] | more}
    patches = [
        {"name": part, "extraArgs": [{"key": key, "value": value} for key, value in flags.items()]}
        for part, flags in wanted.items()
    ]
    head = {"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokctlConfiguration"}
    stages = yaml.safe_load_all(Path(__file__).with_name("stages.yaml").read_text())
    return yaml.safe_dump_all([{**head, "options": options, "componentsPatches": patches}, *stages])


def _died(workdir: Path) -> str | None:
    """Return the first part that was started and has ended; one whose pid is just being noted has not."""
    return next((part for part in COMPONENTS if _has_ended(workdir / "pids" / f"{part}.pid")), None)


def _has_ended(noted: Path) -> bool:
    pid = noted.read_text() if noted.exists() else ""
    if not pid.strip():
        return False
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _failure(name: str, workdir: Path, folder: Path, cause: str) -> str:
    """Say which part failed to start and why: the first one in start order that does not run."""
    down_part = next((part.name for part in status(name, folder=folder) if part.pid is None), None)
    if down_part is None:
        return f"cluster {name} did not start: {cause}"
    log = parts.log(workdir, down_part)
    said = parts.tail(log) if log.exists() else f"no log; {cause}"
    return f"cluster {name} did not start: {down_part} does not run ({log}):\n{said}"


def _stop(name: str, folder: Path | None) -> None:
    """Kill the parts and what else noted its process there; their state is thrown away, so nothing is lost."""
    noted = _running(_workdir(name, folder))
    for pid in noted:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    try:
        eventually(lambda: not _running(_workdir(name, folder)), STOP_SECONDS, "processes ended")
    except TimeoutError as error:
        message = f"cluster {name} does not stop: processes {noted}"
        raise ClusterError(message) from error


def _running(workdir: Path) -> list[int]:
    return [part.pid for part in components(workdir) if part.pid]
