"""The preview as a process, as its own ServiceAccount, and a webhook that leads the API server to it."""

import base64
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import orjson
import urllib3

from ground import chart, identity
from ground.api import APPLY, JSON, connection, content_of, eventually, free_port
from ground.cluster import Cluster
from ground.toolchain import binaries
from scenarios import objects
from scenarios.kinds import Kind
from scenarios.objects import Json
from scenarios.process import NAMESPACE, READY_SECONDS, SOURCES, STOP_SECONDS
from scenarios.site import kubectl

ACCOUNT = "berth-preview"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
WEBHOOK = Kind(
    "ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1",
    "validatingwebhookconfigurations",
    namespaced=False,
)
TEXT = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@cache
def preview_manifests() -> str:
    """Return what the chart makes with the preview, cert-manager giving it its certificate."""
    return chart.render("--set", "preview.enabled=true,preview.certificate.certManager=true")


class Preview:
    """One process; it runs from `start` until `kill`, and may be started again."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        rights = chart.joined(
            chart.texts("ServiceAccount", "ClusterRole", "ClusterRoleBinding", source=preview_manifests())
        )
        kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=rights)
        self.cluster = cluster
        self.identity = ACCOUNT
        self.log = folder / "preview.log"
        self.port, self.probes = free_port(), free_port()
        self.audit_log = cluster.workdir / "logs" / "audit.log"
        self.audited_from = self.audit_log.stat().st_size
        self._kubeconfig = identity.kubeconfig_for(cluster, NAMESPACE, ACCOUNT, folder / "preview.yaml")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Preview":
        """Start it and wait until it has looked at everything."""
        pki = self.cluster.workdir / "pki"  # of the control plane; its certificate is for 127.0.0.1
        environment = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        environment |= {
            "PYTHONPATH": str(SOURCES),
            "BERTH_KUBECONFIG": str(self._kubeconfig),
            "BERTH_ABSENT_RETRY_SECONDS": "1",
            "BERTH_LISTEN_ADDRESS": "127.0.0.1",
            "BERTH_LISTEN_PORT": str(self.probes),
            "BERTH_PREVIEW_PORT": str(self.port),
            "BERTH_PREVIEW_CERTIFICATE": str(pki / "admin.crt"),
            "BERTH_PREVIEW_KEY": str(pki / "admin.key"),
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "berth", "preview"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(self._ready, READY_SECONDS, f"{self.log} says synced")
        return self

    def lead_here(self) -> None:
        """Apply the webhook of the chart, with this process in place of the Service, and wait until it is used."""
        [webhook] = chart.objects(WEBHOOK.name, source=preview_manifests())
        authority = (self.cluster.workdir / "pki" / "ca.crt").read_bytes()
        url = f"https://127.0.0.1:{self.port}{webhook['webhooks'][0]['clientConfig']['service']['path']}"
        webhook["webhooks"][0]["clientConfig"] = {"url": url, "caBundle": base64.b64encode(authority).decode()}
        objects.put(self.cluster, WEBHOOK, "", webhook)

    def leave(self) -> None:
        """Remove the webhook."""
        objects.delete(self.cluster, WEBHOOK, "", "berth-preview")

    def kill(self) -> None:
        """End it at once; nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def requests(self) -> list[Json]:
        """Return all that its account asked the API server for since it was made."""
        with self.audit_log.open("rb") as log:
            log.seek(self.audited_from)
            found = [orjson.loads(line) for line in log if USER.encode() in line and line.endswith(b"\n")]
        return [each for each in found if each["user"]["username"] == USER]

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the preview ended: {self.log.read_text()[-4000:]}"
        try:
            answer = urllib3.request("GET", f"http://127.0.0.1:{self.probes}/readyz", retries=False, timeout=5.0)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200


def dry_run(cluster: Cluster, method: str, path: str, body: Json | None = None, **query: str) -> list[str]:
    """Send a request as a dry-run and return the warnings in its answer. Raises ApiError when it is refused."""
    return warned(cluster, method, path, body, dryRun="All", **query)


def warned(cluster: Cluster, method: str, path: str, body: Json | None = None, **query: str) -> list[str]:
    """Send a request and return the warnings in its answer. Raises ApiError when it is refused."""
    reached = connection(cluster.kubeconfig)
    asked = urlencode({"fieldManager": "somebody", **query})
    headers = {"Accept": JSON, "Content-Type": APPLY if method == "PATCH" else JSON, **reached.headers}
    with urllib3.PoolManager(ssl_context=reached.tls, retries=False) as pool:
        data = None if body is None else orjson.dumps(body)
        answer = pool.request(method, f"{reached.server}{path}?{asked}", body=data, headers=headers)
    content_of(answer.status, answer.data)
    told = answer.headers.getlist("Warning")
    return [re.sub(r"\\(.)", r"\1", text) for each in told for text in TEXT.findall(each)]


def kubectl_warns(cluster: Cluster, *arguments: str, stdin: str) -> str:
    """Run kubectl as the administrator and return what it says beside its answer."""
    command = [str(binaries().kubectl), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stderr
