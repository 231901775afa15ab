"""One operator as a process beside the control plane, from a Python that has what the image has, and what it tells."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.deadline import within
from ground.api import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
LOG = BUILD / "bench-operator.log"
IMAGE = dict(re.findall(r"(MALLOC_\w+)=(\S+)", (REPOSITORY / "Dockerfile").read_text()))
"""How the Dockerfile sets the allocator."""
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
PASSES = "controller_runtime_reconcile_total"
DRY_RUNS = "berth_preflight_total"
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.2


@dataclass
class Process:
    """One operator process and where its metrics are."""

    child: subprocess.Popen[bytes]
    port: int

    def metrics(self) -> list[Any]:
        """Return all metric families; raises ChildProcessError when the process has ended."""
        if self.child.poll() is not None:
            raise ChildProcessError(f"the operator ended with {self.child.returncode}: see {LOG}")
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return list(text_string_to_metric_families(answer.read().decode()))

    def value(self, name: str) -> float:
        """Return the sum of all samples of one name."""
        return sum(sample.value for family in self.metrics() for sample in family.samples if sample.name == name)

    def requests(self) -> Counter[str]:
        """Return successful requests to write by verb and kind of object, dry runs too; the Lease does not count."""
        found: Counter[str] = Counter()
        for family in self.metrics():
            for sample in family.samples:
                labels = sample.labels
                if sample.name != "rest_client_requests_total" or labels["method"] not in WRITES:
                    continue
                if labels["resource"] != "leases":
                    found[f"{labels['method']} {labels['resource']}"] += int(sample.value)
        return found

    def cpu(self) -> float:
        """Return processor seconds used so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, field: str) -> float:
        """Return VmHWM (peak) or VmRSS (now) in MiB."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024

    def leads(self) -> bool:
        """Tell whether it leads; not before its metrics can be reached."""
        try:
            return self.value("leader_election_master_status") == 1
        except ChildProcessError:
            raise
        except OSError:
            return False

    def stop(self) -> None:
        """End it politely; one that does not end is killed. Raises subprocess.TimeoutExpired."""
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS)
        finally:
            self.child.kill()


def runtime() -> str:
    """Return a Python that has what the image has and nothing else: the operator and its locked dependencies."""
    home = BUILD / "bench-venv"
    python = str(home / "bin" / "python")
    uv = [str(Path(sys.executable).with_name("uv"))]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", str(REPOSITORY / "requirements.lock")], check=True)
    subprocess.run([*install, "--no-deps", "-e", str(REPOSITORY)], check=True)
    return python


@asynccontextmanager
async def running(python: str, kubeconfig: Path) -> AsyncIterator[Process]:
    """Have the operator run and lead for the length of a block."""
    process, leads = _started(python, kubeconfig), False
    try:
        async with within(START_SECONDS, lambda: f"the operator leads, see {LOG}"):
            while not leads:
                await asyncio.sleep(POLL_SECONDS)
                leads = process.leads()
        yield process
    finally:
        process.stop()


def _started(python: str, kubeconfig: Path) -> Process:
    port = free_port()
    environment = {
        **os.environ,
        "BERTH_KUBECONFIG": str(kubeconfig),
        "BERTH_LISTEN_ADDRESS": "127.0.0.1",
        "BERTH_LISTEN_PORT": str(port),
        "BERTH_LOG_LEVEL": "WARNING",
        "PYTHONPYCACHEPREFIX": str(BUILD / "pycache"),  # compiled once, as in the image
        **IMAGE,
    }
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        environment.pop(name, None)
    with LOG.open("ab") as log:
        return Process(subprocess.Popen([python, "-m", "berth", "operator"], env=environment, stderr=log), port)
