"""Every setting of the operator: environment variables with the prefix BERTH_."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from berth.api.base import DNS_SUBDOMAIN, HOST_PORT, IMAGE
from berth.api.levels import IsolationLevel, NodeSharing

Seconds = Annotated[float, Field(gt=0, le=86400)]
PEER: Final = rf"^([A-Za-z0-9][-A-Za-z0-9_.]*|\[[0-9A-Fa-f:.]+\]){HOST_PORT}$"
"""host:port, as Go dials it."""


def _peer(address: str) -> str:
    """Return an address that can be reached; one that cannot would look as if the network kept pods from it."""
    if not re.fullmatch(PEER, address):
        example = "169.254.169.254:80 or [fd00:ec2::254]:80"
        raise ValueError(f"{address!r} cannot be reached: write host:port, such as {example}")
    return address


Peer = Annotated[str, Field(max_length=263, json_schema_extra={"pattern": PEER}), AfterValidator(_peer)]


class Settings(BaseSettings):
    """Settings of the operator, checked at start."""

    model_config = SettingsConfigDict(
        env_prefix="BERTH_", extra="forbid", frozen=True, use_attribute_docstrings=True, env_ignore_empty=True
    )

    kubeconfig: Path | None = None
    """Kubeconfig file; the pod's ServiceAccount when unset and in a cluster."""
    namespace: str = "berth-system"
    """Namespace of the operator itself: its Lease is there."""
    identity: str | None = None
    """Name of this replica in the Lease; host name and a random part when unset."""
    lease_name: str = "berth"
    """Name of the Lease."""
    lease_duration: Seconds = 60.0
    """Seconds without renewal after which another replica may lead."""
    lease_renew_deadline: Seconds = 40.0
    """Seconds without renewal after which the leader ends itself."""
    lease_retry_period: Seconds = 5.0
    """Seconds between tries to take or renew the Lease."""
    workers: Annotated[int, Field(ge=1, le=200)] = 20
    """Workloads that are reconciled at the same time."""
    max_requests: Annotated[int, Field(ge=1, le=500)] = 40
    """Requests to the API server at the same time, watches apart."""
    listen_address: str = "0.0.0.0"  # noqa: S104  a pod's probes and scrapes come from outside the pod
    """Address of /metrics, /healthz and /readyz."""
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /metrics, /healthz and /readyz; 0 takes a free one."""
    resync_seconds: Seconds = 600.0
    """Seconds between looks at every Workload, whether or not anything was seen to change."""
    sweep_seconds: Seconds = 300.0
    """Seconds between checks that no watch has missed a Workload, class or policy."""
    progress_seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    """Seconds that a change of the number of existing replicas alone may wait to be written to status."""
    absent_retry_seconds: Seconds = 15.0
    """Seconds between looks whether an optional API, such as KubeVirt's, has been installed."""
    default_level: IsolationLevel = IsolationLevel.CONTAINER
    """Isolation level of workloads that nobody asks more of."""
    default_node_sharing: NodeSharing = NodeSharing.SHARED
    """Node sharing of workloads that nobody asks more of."""
    restricted_level: IsolationLevel = IsolationLevel.SANDBOXED
    """Lowest level of workloads whose author says `trust: Restricted`."""
    untrusted_level: IsolationLevel = IsolationLevel.VIRTUALIZED
    """Lowest level of workloads whose author says `trust: Untrusted`."""
    allowed_service_accounts: frozenset[str] = frozenset()
    """ServiceAccount names that Workloads may ask for, as a JSON list."""
    max_switches: Annotated[int, Field(ge=1, le=1000)] = 50
    """Running Workloads that are moved to another class at the same time; a Tenant may allow fewer of its own."""
    quota_patience_seconds: Annotated[float, Field(ge=0, le=86400)] = 600.0
    """Seconds within which the order of Workloads that wait for quota does not count: so much younger ones may pass."""
    waiver_max_seconds: Annotated[float, Field(gt=0, le=31536000)] = 7776000.0
    """Most seconds between the creation of a Waiver and its end; 90 days."""
    waiver_warning_seconds: Annotated[float, Field(ge=0, le=31536000)] = 259200.0
    """Seconds before its end from which a Waiver is warned about; 3 days."""
    per_workload_metrics_cap: Annotated[int, Field(ge=0, le=100000)] = 5000
    """Workloads that have series of their own, some twenty each; the others are counted in sums only."""
    metrics_secure: bool = False
    """Whether /metrics is served by HTTPS on a port of its own, to those only whom the API server lets get it."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 8443
    """Port of /metrics where it is secure; 0 takes a free one."""
    metrics_certificate: Path | None = None
    """File with the certificate of /metrics and its chain, as PEM; the process makes one for itself when unset."""
    metrics_key: Path | None = None
    """File with the key of that certificate, as PEM."""
    certificate_reload_seconds: Seconds = 10.0
    """Seconds between looks whether a certificate or its key has changed."""
    probe_image: Annotated[str, Field(max_length=1024, pattern=f"^$|{IMAGE}")] = ""
    """Image of the probes that look from inside at what isolates pods of each class; there are none when empty."""
    probe_pull_secrets: Annotated[
        tuple[Annotated[str, Field(max_length=253, pattern=DNS_SUBDOMAIN)], ...], Field(max_length=8)
    ] = ()
    """Secrets of Berth's namespace by which nodes pull that image, as a JSON list."""
    probe_peers: Annotated[tuple[Peer, ...], Field(max_length=31)] = ("169.254.169.254:80",)
    """Addresses, host:port, that probes try to reach and must not, beside the API server; a JSON list of up to 31."""
    probe_seconds: Annotated[float, Field(ge=60, le=2592000)] = 21600.0
    """Seconds between probes of a class on a kind of nodes where nothing changes; 6 hours."""
    tracing: bool = False
    """Whether passes and writes are traced by OpenTelemetry; the variables OTEL_* say where to."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Least severe log lines that are written."""

    @model_validator(mode="after")
    def _deadlines_in_order(self) -> Self:
        if not self.lease_retry_period < self.lease_renew_deadline < self.lease_duration:
            raise ValueError(
                "the Lease needs lease_retry_period < lease_renew_deadline < lease_duration, "
                f"got {self.lease_retry_period}, {self.lease_renew_deadline}, {self.lease_duration}"
            )
        return self

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.metrics_certificate is None) != (self.metrics_key is None):
            raise ValueError("metrics_certificate and metrics_key are a pair: set both, or none")
        return self

    @property
    def digest(self) -> str:
        """Return a hash that is the same for all replicas with the same settings."""
        own = {"identity", "kubeconfig", "listen_port", "metrics_port"}
        said = json.dumps(self.model_dump(exclude=own), default=_plain, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


class PreviewSettings(Settings):
    """Settings of the preview: those of the operator, which must be the same for both, and how it is reached."""

    preview_port: Annotated[int, Field(ge=0, le=65535)] = 8443
    """Port where the API server asks; 0 takes a free one."""
    preview_certificate: Path
    """File with the certificate and its chain, as PEM; read again when it changes."""
    preview_key: Path
    """File with the key of the certificate, as PEM; read again when it changes."""
    preview_client_ca: Path | None = None
    """File with the certificates that clients must be signed by, as PEM; anyone may ask when unset."""
