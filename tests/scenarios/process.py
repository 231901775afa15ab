"""The operator as a process, as its own ServiceAccount."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import urllib3

from ground import identity
from ground.api import eventually, free_port
from ground.cluster import Cluster
from scenarios.kinds import LEASE
from scenarios.objects import get

NAMESPACE = "berth-system"
ACCOUNT = "berth"
SOURCES = Path(__file__).resolve().parents[2] / "operator"
TESTS = SOURCES.with_name("tests")
FROM_SOURCES = (sys.executable, "-m", "berth")
PROGRESS_SECONDS = 2
SETTINGS = {
    "BERTH_PROGRESS_SECONDS": str(PROGRESS_SECONDS),
    "BERTH_ABSENT_RETRY_SECONDS": "1",
    "BERTH_LISTEN_ADDRESS": "127.0.0.1",
}
READY_SECONDS = 60.0
STOP_SECONDS = 20.0


class Operator:
    """One replica; it runs from `start` until `stop` or `kill`, and may be started again."""

    def __init__(
        self, cluster: Cluster, folder: Path, *, command: Sequence[str] = FROM_SOURCES, **settings: str
    ) -> None:
        self.cluster = cluster
        self._command = command
        self.identity = f"berth-{uuid4().hex[:8]}"
        self.log = folder / f"{self.identity}.log"
        self.port = free_port()
        self._settings = settings
        self.kubeconfig = identity.kubeconfig_for(cluster, NAMESPACE, ACCOUNT, folder / f"{self.identity}.yaml")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, leads: bool = True) -> "Operator":
        """Start it and wait until its caches are full, and until it leads unless it is to stand by."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        environment |= SETTINGS | self._settings | {"PYTHONPATH": f"{SOURCES}:{TESTS}", "BERTH_IDENTITY": self.identity}
        environment |= {"BERTH_KUBECONFIG": str(self.kubeconfig), "BERTH_LISTEN_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "operator"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(lambda: self.alive() and self.healthy("/readyz"), READY_SECONDS, f"{self.log} says synced")
        if leads:
            eventually(lambda: self.alive() and self.leads(), READY_SECONDS, f"{self.identity} leads")
        return self

    def stop(self) -> int:
        """End it politely and return its exit status; nothing when it does not run."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it at once."""
        return self._end(signal.SIGKILL)

    def leads(self) -> bool:
        """Tell whether the Lease names this replica."""
        lease = get(self.cluster, LEASE, NAMESPACE, "berth")
        holder: str = lease.get("spec", {}).get("holderIdentity") or ""
        return holder.startswith(f"{self.identity}_")

    def healthy(self, path: str = "/healthz") -> bool:
        """Tell what a probe of it would see."""
        try:
            return self._http(path)[0] == 200
        except urllib3.exceptions.HTTPError:
            return False

    def metric(self, name: str) -> float:
        """Return the sum of all series of a metric."""
        lines = self.scrape().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def scrape(self) -> str:
        """Return all metrics as Prometheus reads them."""
        return self._http("/metrics")[1]

    def _http(self, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = urllib3.request("GET", url, retries=False, timeout=5.0)
        return answer.status, answer.data.decode()

    @property
    def pid(self) -> int:
        """Process id of what runs; fails when nothing does."""
        assert self._process is not None, "the operator was not started"
        return self._process.pid

    def alive(self) -> bool:
        """Return True; fail with the end of its log when it has ended."""
        assert self._process is not None, "the operator was not started"
        assert self._process.poll() is None, f"the operator ended: {self.log.read_text()[-4000:]}"
        return True

    def ended(self) -> bool:
        """Tell whether it has ended by itself."""
        return self._process is None or self._process.poll() is not None

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        status, self._process = self._process.wait(STOP_SECONDS), None
        return status
