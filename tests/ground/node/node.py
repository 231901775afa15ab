"""Brings the real node of a cluster up and down."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ground import beside
from ground.api import ApiError, Json, call, eventually
from ground.cluster import Cluster, ClusterError
from ground.node import catalog, configuration, dns, lacking, registry
from ground.node.configuration import NAME
from ground.node.place import Place
from ground.toolchain import Say, tools

BINARIES = (
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "runsc",
    "containerd-shim-runsc-v1",
    "kubelet",
    "kube-proxy",
)
READY_SECONDS = 120.0
LABEL = "ground.berth.dev/real"
FIRST = "node"
NETPOL = "node-netpol"
SOCAT = "node-socat"
EXAMPLES = Path(__file__).with_name("examples.yaml")
"""Policy by which the pods of manifests/examples run there."""
LINES = 15


def up(cluster: Cluster, say: Say = print) -> Place:
    """Start the node and wait until it is Ready; nothing where it runs. Raises ClusterError with the end of a log."""
    if missing := lacking.lacking():
        raise ClusterError(f"this machine cannot be a node: {'; '.join(missing)}")
    place = Place(cluster)
    if beside.pid(cluster, FIRST) is None:
        _clean(place)
        binaries = _binaries(place, say)
        _write(place, binaries)
        _start(place, binaries)
        registry.publish(place, catalog.images(say))
        registry.start(place)
    _wait(place)
    dns.start(place)
    return place


def down(cluster: Cluster) -> None:
    """End all of the node, and leave nothing of it: no process, mount, link, cgroup or file; nothing where there is none."""
    place = Place(cluster)
    if not place.folder.exists():
        return
    for each in (registry.NAME, NETPOL, SOCAT):
        beside.stop(cluster, each)
    beside.stop(cluster, FIRST, signal.SIGKILL)
    _clean(place)


def kubelet(cluster: Cluster) -> int:
    """Return the process id of the node's kubelet, as this machine counts. Raises ClusterError where none runs."""
    program = f"{Place(cluster).folder}/bin/kubelet\0"
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if each.read_text().startswith(program):
                return int(each.parent.name)
    raise ClusterError(f"the node of cluster {cluster.name} runs no kubelet")


def _binaries(place: Place, say: Say) -> Path:
    """Return a folder with every binary of the node: containerd finds its shims on PATH."""
    folder = place.folder / "bin"
    folder.mkdir(parents=True)
    for name, path in tools(*BINARIES, say=say).items():
        (folder / name).symlink_to(path)
    return folder


def _write(place: Place, binaries: Path) -> None:
    """Write every configuration file, at the places where the node sees them."""
    own = place.folder / "lib" / "node"
    user = f"system:node:{NAME}"
    files = {
        "containerd.toml": configuration.containerd(str(binaries)),
        "runsc.toml": configuration.runsc(str(binaries)),
        f"certs.d/{configuration.REGISTRY}/hosts.toml": configuration.hosts(place),
        "cni/10-pods.conflist": configuration.network(),
        "kubelet.yaml": configuration.kubelet(place),
        "kubelet.kubeconfig": configuration.kubeconfig(place, user, "system:nodes"),
        "kube-proxy.yaml": configuration.kube_proxy("/var/lib/node/kube-proxy.kubeconfig"),
        "kube-proxy.kubeconfig": configuration.kubeconfig(place, "system:kube-proxy", "system:authenticated"),
        "resolv.conf": "options ndots:1\n",
    }
    for name, content in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(content)
    for name in ("log", "logs"):
        (place.folder / name).mkdir()
    for cgroup in place.cgroups:
        cgroup.mkdir(exist_ok=True)


def _commands(place: Place, binaries: Path) -> dict[str, list[str]]:
    own = "/var/lib/node"
    return {
        "containerd": [str(binaries / "containerd"), "--config", f"{own}/containerd.toml"],
        "kubelet": [
            str(binaries / "kubelet"),
            f"--config={own}/kubelet.yaml",
            f"--kubeconfig={own}/kubelet.kubeconfig",
            f"--hostname-override={NAME}",
            f"--node-ip={place.address}",
            f"--node-labels={LABEL}=true",
        ],
        "kube-proxy": [str(binaries / "kube-proxy"), f"--config={own}/kube-proxy.yaml"],
    }


def _start(place: Place, binaries: Path) -> None:
    command = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
    command += [sys.executable, "-m", "ground.node.inside", str(place.folder), place.address, place.gateway]
    command.append(json.dumps(_commands(place, binaries)))
    environment = {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}
    beside.start(place.cluster, FIRST, command, lambda: _apart(place), **environment)
    _plug(place)
    port = place.cluster.server.rpartition(":")[2]
    forward = [f"TCP-LISTEN:{port},bind={place.gateway},fork,reuseaddr", f"TCP:127.0.0.1:{port}"]
    log = place.cluster.workdir / "logs" / f"{SOCAT}.log"
    beside.start(place.cluster, SOCAT, ["socat", "-lf", str(log), *forward], lambda: True)
    enforce(place.cluster)


def enforce(cluster: Cluster) -> None:
    """Have NetworkPolicies enforced on the node."""
    first, path = str(beside.pid(cluster, FIRST)), str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "ground.node.netpol", str(cluster.kubeconfig), first]
    beside.start(cluster, NETPOL, command, lambda: True, PYTHONPATH=path)


def enforce_nothing(cluster: Cluster) -> None:
    """Have the node's network let everything through, as one that knows no NetworkPolicy."""
    beside.stop(cluster, NETPOL)
    first = str(beside.pid(cluster, FIRST))
    subprocess.run(["nsenter", "-t", first, "-n", "nft", "delete", "table", "inet", "netpol"], check=True)


def _apart(place: Place) -> bool:
    """Tell whether the first process is in a network of its own by now."""
    first = beside.pid(place.cluster, FIRST)
    return first is not None and Path(f"/proc/{first}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def _plug(place: Place) -> None:
    """Lay the cable between this machine and the node."""
    first = beside.pid(place.cluster, FIRST)
    for command in (
        f"link add {place.id} type veth peer name cable netns {first}",
        f"address add {place.gateway}/30 dev {place.id}",
        f"link set {place.id} up",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def _wait(place: Place) -> None:
    """Wait until the node is Ready, or a part of it has ended."""
    log = place.cluster.workdir / "logs" / f"{FIRST}.log"
    with suppress(TimeoutError):
        eventually(lambda: beside.pid(place.cluster, FIRST) is None or _ready(place), READY_SECONDS, "Ready")
    if beside.pid(place.cluster, FIRST) is None or not _ready(place):
        said = log.read_text(errors="replace") + "".join(map(_tail, sorted((place.folder / "logs").iterdir())))
        raise ClusterError(f"the node did not become Ready: {said}")


def _tail(log: Path) -> str:
    return f"\n{log.name}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-LINES:])


def _ready(place: Place) -> bool:
    try:
        found: Json = call(place.cluster.kubeconfig, "GET", f"/api/v1/nodes/{NAME}")
    except ApiError:
        return False
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found["status"].get("conditions", ()))


def _clean(place: Place) -> None:
    """Remove what a node leaves that has ended: its cgroups and its folder."""
    for cgroup in place.cgroups:
        eventually(lambda: _removed(cgroup), READY_SECONDS, f"{cgroup} is empty")  # noqa: B023  it is waited for here
    shutil.rmtree(place.folder, ignore_errors=True)


def _removed(cgroup: Path) -> bool:
    """Remove a cgroup with all below it, and tell whether it is gone; one with a process that ends stays for now."""
    for each, _, _ in os.walk(cgroup, topdown=False):
        with suppress(OSError):
            Path(each).rmdir()
    return not cgroup.exists()
