"""The operator as a process, as its own ServiceAccount."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import urllib3

from ground import beside, deployed, identity, parts
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
QUICK_LEASE = {
    "BERTH_LEASE_DURATION": "15",
    "BERTH_LEASE_RENEW_DEADLINE": "12",
    "BERTH_LEASE_RETRY_PERIOD": "1",
}
"""For tests that wait until a killed one's Lease has run out."""
READY_SECONDS = 180.0
"""A leader that was killed holds its Lease for a minute."""
STOP_SECONDS = 60.0


class Operator:
    """One replica; it runs from `start` until `stop` or `kill`, and may be started again."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *,
        command: Sequence[str] = FROM_SOURCES,
        restarts: bool = True,
        **settings: str,
    ) -> None:
        """With `restarts` it is started again when it ends by itself, as the chart's Deployment does."""
        self.cluster = cluster
        self.identity = f"berth-{uuid4().hex[:8]}"
        self.log = folder / f"{self.identity}.log"
        self.port = free_port()
        whole = [*command, "operator"]
        self._command = beside.deploying(cluster, self.identity, whole) if restarts else whole
        self._noted = f"{self.identity}{beside.DEPLOYMENT}" if restarts else self.identity
        self._settings = settings
        self.kubeconfig = identity.kubeconfig_for(cluster, NAMESPACE, ACCOUNT, folder / f"{self.identity}.yaml")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, leads: bool = True) -> "Operator":
        """Start it and wait until its caches are full, and until it leads unless it is to stand by."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        environment |= SETTINGS | self._settings | {"PYTHONPATH": f"{SOURCES}:{TESTS}", "BERTH_IDENTITY": self.identity}
        environment |= {"BERTH_KUBECONFIG": str(self.kubeconfig), "BERTH_LISTEN_PORT": str(self.port)}
        workdir, before = self.cluster.workdir, self.holder()
        self._process = beside.launch(workdir, self._command, self.log, environment)
        parts.note(workdir, self._noted, self._process.pid)
        shown = parts.log(workdir, self.identity)
        if not shown.exists():
            shown.symlink_to(self.log)
        eventually(lambda: self.alive() and self.healthy("/readyz"), READY_SECONDS, f"{self.log} says synced")
        if leads:
            led = f"{self.identity} leads, and not the process of that name before it"
            eventually(lambda: self.alive() and self.leads(but=before), READY_SECONDS, led)
        return self

    def stop(self) -> int:
        """End it politely and return its exit status; nothing when it does not run.

        Fails when it had ended before by anything else than the loss of its Lease, which a busy machine may cost.
        """
        status = self._end(signal.SIGTERM)
        said = self.log.read_text()
        assert said.count(deployed.ENDED) <= said.count(" lost lease "), f"it ended by itself: {said[-4000:]}"
        return status

    def kill(self) -> int:
        """End it at once."""
        return self._end(signal.SIGKILL)

    def leads(self, but: str = "") -> bool:
        """Tell whether the Lease names this replica, but not as one process of it."""
        holder = self.holder()
        return holder != but and holder.startswith(f"{self.identity}_")

    def holder(self) -> str:
        """Return which process the Lease names; nothing when it names none."""
        lease = get(self.cluster, LEASE, NAMESPACE, "berth")
        holder: str = lease.get("spec", {}).get("holderIdentity") or ""
        return holder

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
        """Process id of the operator itself; fails when it does not run."""
        found = parts.component(self.cluster.workdir, self.identity).pid
        assert found is not None, "the operator does not run"
        return found

    def alive(self) -> bool:
        """Return True where it runs, or is about to again; fail with the end of its log when it has ended for good."""
        assert self._process is not None, "the operator was not started"
        assert self._process.poll() is None, f"the operator ended: {self.log.read_text()[-4000:]}"
        return True

    def ended(self) -> bool:
        """Tell whether it has ended by itself, for good."""
        return self._process is None or self._process.poll() is not None

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        status, self._process = self._process.wait(STOP_SECONDS), None
        workdir = self.cluster.workdir
        eventually(lambda: parts.component(workdir, self.identity).pid is None, STOP_SECONDS, f"{self.identity} ends")
        for each in (self.identity, self._noted):
            parts.forget(workdir, each)
        return status
