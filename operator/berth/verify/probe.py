"""Health checks of containers and machines: always of the workload itself, never of a host that somebody names."""

from typing import Final

from berth.verify.rules import Rule
from berth.verify.shapes import count, empty, one_of, port, port_reference, text, texts
from berth.verify.table import Field, Table, allow, each, inside, table

_HEADER: Final = table({"name": allow(text), "value": allow(text)})
_HTTP_FIELDS: Final = {
    "port": allow(port_reference),
    "path": allow(text),
    "scheme": allow(one_of("HTTP", "HTTPS")),
    "httpHeaders": each(_HEADER),
}
_TCP: Final = table({"port": allow(port_reference)}, deny={Rule.HOST_PROBES: ("host",)})
_EXEC: Final = table({"command": allow(texts)})
_GRPC: Final = table({"port": allow(port), "service": allow(text)}, deny={Rule.NOT_WRITTEN: ("mode",)})
_TIMING: Final = {
    name: allow(count())
    for name in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
}


def _probe(**handlers: Field) -> dict[str, Field]:
    return {"exec": inside(_EXEC), "tcpSocket": inside(_TCP), **handlers, **_TIMING}


POD_PROBE: Final[Table] = table(
    _probe(
        httpGet=inside(table(_HTTP_FIELDS, deny={Rule.HOST_PROBES: ("host",), Rule.NOT_WRITTEN: ("protocol",)})),
        grpc=inside(_GRPC),
    ),
    deny={Rule.LIFETIME: ("terminationGracePeriodSeconds",)},
)

MACHINE_PROBE: Final[Table] = table(
    _probe(
        httpGet=inside(table(_HTTP_FIELDS, deny={Rule.HOST_PROBES: ("host",)})),
        guestAgentPing=allow(empty),
    )
)
