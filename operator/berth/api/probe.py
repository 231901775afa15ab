"""Health checks. Fields are named and mean as in core/v1 Probe."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import Model, Path, Port, PortReference, Rule, exactly_one, rules

Argument = Annotated[str, Field(max_length=4096)]
Seconds = Annotated[int, Field(ge=1, le=3600)]


ONE_SUCCESS: Final = Rule(
    "self.?livenessProbe.?successThreshold.orValue(1) == 1 && self.?startupProbe.?successThreshold.orValue(1) == 1",
    "successThreshold is for readiness only: remove it from livenessProbe and startupProbe",
)
"""Only a readiness probe may ask for several passes in a row."""


def probe_ports(*probes: str) -> str:
    """Return the CEL list of every port that some probes ask, as optional values."""
    return "[" + ", ".join(f"self.?{probe}.?{way}.?port" for probe in probes for way in ("httpGet", "tcpSocket")) + "]"


def named_ports(source: str, *probes: str) -> Rule:
    """Return the rule that a port which a probe asks by name is one of `ports`."""
    exists = "has(self.ports) && self.ports.exists(given, has(given.name) && given.name == port.value())"
    return Rule(
        f"{probe_ports(*probes)}.all(port, type(port.orValue(1)) == int || ({exists}))",
        f"a probe names a port that is not in {source}.ports: add it there, or write the number",
    )


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-A-Za-z0-9]+$")]
    """Header name."""
    value: Annotated[str, Field(max_length=1024)]
    """Header value."""


class Scheme(StrEnum):
    """Scheme of an HTTP probe."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


class HTTPGet(Model):
    """An HTTP request to the workload itself; any status from 200 to 399 passes. It has no `host` on purpose."""

    port: PortReference
    """Number or name of the port."""
    path: Path | None = None
    """Path to ask for, `/` when unset."""
    scheme: Scheme | None = None
    """HTTP when unset."""
    http_headers: Annotated[list[HTTPHeader], Field(max_length=16)] | None = None
    """Headers to send."""


class TCPSocket(Model):
    """A connection to the workload itself. It has no `host` on purpose."""

    port: PortReference
    """Number or name of the port."""


class Exec(Model):
    """A command inside the workload; exit status 0 passes."""

    command: Annotated[list[Argument], Field(min_length=1, max_length=16)]
    """Program and arguments, not run in a shell."""


class GRPC(Model):
    """A gRPC health check (grpc.health.v1)."""

    port: Port
    """Number of the port."""
    service: Annotated[str, Field(max_length=253)] | None = None
    """Service to ask for."""


class ProbeTiming(Model):
    """How often and how patiently a probe asks."""

    initial_delay_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds after the start before the first try."""
    period_seconds: Seconds | None = None
    """Seconds between tries, 10 when unset."""
    timeout_seconds: Seconds | None = None
    """Seconds until a try counts as failed, 1 when unset."""
    success_threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    """Passes in a row that make it healthy, 1 when unset."""
    failure_threshold: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Failures in a row that make it unhealthy, 3 when unset."""


class Probe(ProbeTiming):
    """A health check with exactly one handler."""

    http_get: HTTPGet | None = None
    """Ask by HTTP."""
    tcp_socket: TCPSocket | None = None
    """Open a connection."""
    exec: Exec | None = None
    """Run a command."""
    grpc: GRPC | None = None
    """Ask by gRPC. Virtual machines do not have it."""

    model_config = rules(exactly_one("a probe has one handler", "httpGet", "tcpSocket", "exec", "grpc"))
