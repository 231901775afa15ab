"""Processes beside a cluster of the ground: each notes its pid among those of the cluster's parts, and ends with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ground import deployed, parts
from ground.api import eventually
from ground.cluster import Cluster, ClusterError

READY_SECONDS = 60.0
DEPLOYMENT = "-deployment"

# By pid. Python complains about a process that runs and that nobody holds.
_started: dict[int, subprocess.Popen[bytes]] = {}


def start(cluster: Cluster, name: str, command: Sequence[str], ready: Callable[[], bool], **environment: str) -> int:
    """Run a command until it is ready, with these environment variables beside one's own; return its process id.

    What it prints goes to `logs/` of the cluster's folder. Raises ClusterError with the end of that when it ends, or is
    not ready within a minute.
    """
    log = parts.log(cluster.workdir, name)
    process = launch(cluster.workdir, command, log, os.environ | environment)
    _started[process.pid] = process
    parts.note(cluster.workdir, name, process.pid)
    with suppress(TimeoutError):
        eventually(lambda: process.poll() is not None or ready(), READY_SECONDS, f"{name} is ready")
    if process.poll() is not None or not ready():
        process.kill()
        process.wait()
        raise ClusterError(f"{name} did not become ready ({log}):\n{parts.tail(log)}")
    return process.pid


def deploy(cluster: Cluster, name: str, command: Sequence[str], **environment: str) -> None:
    """Run a command, and again when it ends, as a Deployment would, without waiting for it; nothing when it runs."""
    if pid(cluster, f"{name}{DEPLOYMENT}") is None:
        log = parts.log(cluster.workdir, name)
        process = launch(cluster.workdir, deploying(cluster, name, command), log, os.environ | environment)
        _started[process.pid] = process
        parts.note(cluster.workdir, f"{name}{DEPLOYMENT}", process.pid)


def deploying(cluster: Cluster, name: str, command: Sequence[str]) -> list[str]:
    """Return the command that runs another as a Deployment would, and notes its process among those of the cluster."""
    note = cluster.workdir / "pids" / f"{name}.pid"
    return [sys.executable, "-P", str(Path(deployed.__file__)), str(note), *command]


def launch(workdir: Path, command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process whose environment names the cluster's folder, by which it is known again."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment | {"GROUND_CLUSTER": f"{workdir}/"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def pid(cluster: Cluster, name: str) -> int | None:
    """Return the process id of what runs under this name, whoever started it."""
    return parts.component(cluster.workdir, name).pid


def stop(cluster: Cluster, name: str, how: signal.Signals = signal.SIGTERM) -> None:
    """End it, politely unless told otherwise, and wait until it is gone; nothing when it does not run. Raises TimeoutError."""
    found = pid(cluster, f"{name}{DEPLOYMENT}") or pid(cluster, name)
    if found is not None:
        os.kill(found, how)
        if found in _started:
            with suppress(subprocess.TimeoutExpired):
                _started.pop(found).wait(READY_SECONDS)
        eventually(
            lambda: not (pid(cluster, f"{name}{DEPLOYMENT}") or pid(cluster, name)), READY_SECONDS, f"{name} ends"
        )
    for each in (name, f"{name}{DEPLOYMENT}"):
        parts.forget(cluster.workdir, each)
