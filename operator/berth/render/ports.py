"""Which ports a Workload listens on, whatever backs it."""

from typing import Final

from berth.api.container import Protocol
from berth.api.machine import Machine, MachineProbe
from berth.api.workload import WorkloadSpec
from berth.render.fields import present
from berth.render.model import Object

_MISSING: Final = 0


def open_ports(spec: WorkloadSpec) -> list[tuple[int, str]]:
    """Return number and protocol of every port that peers may reach, sorted.

    These are the ports of both sources, so that a switch changes nothing here, and those that the service targets by
    number: a container need not list them.
    """
    named = [(port.container_port, port.protocol.value) for port in (spec.container and spec.container.ports) or ()]
    named += [(port.port, port.protocol.value) for port in (spec.machine and spec.machine.ports) or ()]
    return sorted({*named, *_targets(spec)})


def machine_ports(spec: WorkloadSpec, machine: Machine) -> list[Object]:
    """Return the ports that masquerade forwards to the guest; KubeVirt forwards all when the list is empty.

    Ports that the service or a probe uses by number are forwarded too: behind a list, all others are closed to both.
    """
    listed = [
        present({"name": port.name, "port": port.port, "protocol": port.protocol.value}) for port in machine.ports or ()
    ]
    known = {(port["port"], port["protocol"]) for port in listed}
    return listed + [
        {"port": number, "protocol": protocol}
        for number, protocol in sorted({*_targets(spec), *_probed(machine)} - known)
    ]


def _targets(spec: WorkloadSpec) -> set[tuple[int, str]]:
    ports = spec.service.ports if spec.service else ()
    pairs = ((port.port if port.target_port is None else port.target_port, port.protocol.value) for port in ports)
    return {(target, protocol) for target, protocol in pairs if isinstance(target, int)}


def _probed(machine: Machine) -> set[tuple[int, str]]:
    return {
        (port, Protocol.TCP.value)
        for probe in (machine.readiness_probe, machine.liveness_probe)
        if isinstance(port := _probe_port(probe), int) and port != _MISSING
    }


def _probe_port(probe: MachineProbe | None) -> int | str:
    handler = probe and (probe.http_get or probe.tcp_socket)
    return handler.port if handler else _MISSING
