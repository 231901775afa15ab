"""The stable address of a Workload."""

from berth.api.workload import ServicePort
from berth.render.fields import present
from berth.render.metadata import child, labels, metadata, selector
from berth.render.model import Child, Object, Subject


def service(subject: Subject) -> Child | None:
    """Return the Service, or None when none is asked for. It is the same bytes whatever backs the Workload."""
    wanted = subject.spec.service
    if wanted is None:
        return None
    return child(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(subject, labels(subject)),
            "spec": {
                "type": wanted.type.value,
                "selector": selector(subject),
                "ports": [_port(port) for port in wanted.ports],
            },
        }
    )


def _port(port: ServicePort) -> Object:
    return present(
        {
            "name": port.name,
            "port": port.port,
            "targetPort": port.port if port.target_port is None else port.target_port,
            "protocol": port.protocol.value,
        }
    )
