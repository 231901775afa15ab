"""Who may reach a Workload, and on which ports."""

import pytest

from render.specs import CONTAINER, MACHINE, SIZE, VM, Json, bodies, container, instance_of, machine


def ingress(spec: Json) -> Json:
    """Return the spec of the NetworkPolicy."""
    found: Json = bodies(spec, CONTAINER)["NetworkPolicy"]["spec"]
    return found


def test_without_ports_nothing_gets_in() -> None:
    """A policy for ingress without a rule denies all; an empty rule would allow all."""
    assert ingress(container()) == {
        "podSelector": {"matchLabels": {"berth.dev/workload": "web"}},
        "policyTypes": ["Ingress"],
    }


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        ({"container": {"image": "a:1", "ports": [{"containerPort": 80}]}}, [(80, "TCP")]),
        ({"container": {"image": "a:1", "ports": [{"containerPort": 53, "protocol": "UDP"}]}}, [(53, "UDP")]),
        (container(service={"ports": [{"port": 80, "targetPort": 8080}]}), [(8080, "TCP")]),
        (container(service={"ports": [{"port": 80}]}), [(80, "TCP")]),
        (container(machine=MACHINE | {"ports": [{"port": 22}]}, resources=SIZE), [(22, "TCP")]),
    ],
)
def test_only_the_ports_of_the_workload_are_open(spec: Json, ports: list[tuple[int, str]]) -> None:
    """Every rule lists ports: one without would open all of them."""
    [rule] = ingress(spec)["ingress"]
    assert [(port["port"], port["protocol"]) for port in rule["ports"]] == ports


def test_a_listed_port_is_forwarded_once() -> None:
    """A port of the machine that the service or a probe uses, too, does not stand there twice."""
    spec = machine(ports=[{"name": "http", "port": 80}], livenessProbe={"tcpSocket": {"port": 80}})
    [interface] = instance_of(spec | {"service": {"ports": [{"port": 80}]}}, VM)["domain"]["devices"]["interfaces"]
    assert interface["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
