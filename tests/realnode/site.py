"""A cluster with a real node and a running operator, and what tests ask of the node's own network."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

from ground import berth, beside
from ground import cluster as control_plane
from ground.cluster import Cluster
from ground.node import configuration, node
from ground.node.images import APP
from ground.toolchain import go_build
from scenarios import objects
from scenarios.kinds import RUNTIME_CLASS
from scenarios.objects import Json

GVISOR: Json = {"metadata": {"name": "gvisor"}, "handler": "runsc"}
RATE = 200
LONGEST_SECONDS = 1200
START_SECONDS = 2.0
KEPT = 0.8
"""Share of the rate that is kept up on a busy machine; below it, what was seen says little."""
ANSWER_SECONDS = 45.0


@contextmanager
def prepared() -> Iterator[Cluster]:
    """Give a control plane with a real node, Berth by its chart, and a fake node on which nothing is scheduled."""
    with real_node(fakes=1) as cluster:
        control_plane.kubectl(cluster, "cordon", "node-0")
        berth.install(cluster)
        yield cluster


@contextmanager
def real_node(fakes: int = 0) -> Iterator[Cluster]:
    """Give a control plane with a real node, which knows gVisor, and take both down."""
    name = f"realnode-{uuid4().hex[:8]}"
    try:
        cluster = control_plane.up(name, nodes=fakes, audit=True, flags=configuration.api_server)
        try:
            node.up(cluster)
            objects.put(cluster, RUNTIME_CLASS, "", GVISOR)
            yield cluster
        finally:
            node.down(cluster)
    finally:
        control_plane.down(name, say=lambda *_: None)


@contextmanager
def unenforced(cluster: Cluster) -> Iterator[None]:
    """Have no NetworkPolicy enforced while the block runs."""
    node.enforce_nothing(cluster)
    try:
        yield
    finally:
        node.enforce(cluster)


@contextmanager
def silent(cluster: Cluster) -> Iterator[None]:
    """Have the node's kubelet do nothing while the block runs, as a machine that is cut off."""
    kubelet = node.kubelet(cluster)
    os.kill(kubelet, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(kubelet, signal.SIGCONT)


def inside(cluster: Cluster, command: Sequence[str]) -> list[str]:
    """Return a command that runs in the node's network, where pods and Services are reached."""
    return ["nsenter", "-t", str(beside.pid(cluster, node.FIRST)), "-n", *command]


def answers(cluster: Cluster, url: str) -> bool:
    """Tell whether ten requests are answered: kube-proxy learns of ready pods a second after Berth does."""
    command = inside(cluster, [str(go_build(APP)), "load", url, "10", "1"])
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return report["sent"] > 0 and not report["failed"]


@dataclass
class Traffic:
    """What became of requests that were sent at a steady rate, whatever became of the earlier ones."""

    sent: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """How many failed, by their cause."""
    between: tuple[str, ...] = ()
    """When the first and the last one failed."""
    slowest: int = 0
    """Milliseconds of the slowest one that was answered."""

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return sum(self.failed.values())

    @property
    def causes(self) -> str:
        """Why some were lost, and when; nothing where none was."""
        return ", ".join([*(f"{count} x{cause}" for cause, count in self.failed.items()), *self.between])


@contextmanager
def traffic(cluster: Cluster, url: str, rate: int = RATE) -> Iterator[Traffic]:
    """Send so many requests a second while the block runs, each on a connection of its own; filled in at its end."""
    command = inside(cluster, [str(go_build(APP)), "load", url, str(rate), str(LONGEST_SECONDS)])
    told, began = Traffic(), monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield told
        finally:
            ended, took = process.poll() is not None, monotonic() - began
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=ANSWER_SECONDS)
    report = json.loads(said)
    told.sent, told.failed, told.slowest = report["sent"], report["failed"], report["slowestMilliseconds"]
    told.between = tuple(report["between"] or ())
    assert not ended, f"the requests ended before what they watch, which took {took:.0f} s"
    assert told.sent >= KEPT * rate * (took - START_SECONDS), f"{told.sent} requests in {took:.0f} s"
