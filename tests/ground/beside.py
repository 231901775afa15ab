"""Processes beside a cluster of the ground: each notes its pid among those of the cluster's parts, and ends with it."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from ground.api import eventually
from ground.cluster import Cluster, ClusterError, component

READY_SECONDS = 60.0
LOG_TAIL_LINES = 15

# By pid. Python complains about a process that runs and that nobody holds.
_started: dict[int, subprocess.Popen[bytes]] = {}


def start(cluster: Cluster, name: str, command: Sequence[str], ready: Callable[[], bool], **environment: str) -> int:
    """Run a command until it is ready, with these environment variables beside one's own; return its process id.

    A part of the command has to name the cluster's folder, by which its process is known again. What it prints goes to
    `logs/` there. Raises ClusterError with the end of that when it ends, or is not ready within a minute.
    """
    log = cluster.workdir / "logs" / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=output, start_new_session=True
        )
    _started[process.pid] = process
    (cluster.workdir / "pids" / f"{name}.pid").write_text(str(process.pid))
    with suppress(TimeoutError):
        eventually(lambda: process.poll() is not None or ready(), READY_SECONDS, f"{name} is ready")
    if process.poll() is not None or not ready():
        process.kill()
        process.wait()
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise ClusterError(f"{name} did not become ready ({log}):\n{tail}")
    return process.pid


def pid(cluster: Cluster, name: str) -> int | None:
    """Return the process id of what runs under this name, whoever started it."""
    return component(cluster.workdir, name).pid


def stop(cluster: Cluster, name: str) -> None:
    """End it politely and wait until it is gone; nothing when it does not run. Raises TimeoutError."""
    found = pid(cluster, name)
    if found is None:
        return
    os.kill(found, signal.SIGTERM)
    if found in _started:
        with suppress(subprocess.TimeoutExpired):
            _started.pop(found).wait(READY_SECONDS)
    eventually(lambda: pid(cluster, name) is None, READY_SECONDS, f"{name} ends")
