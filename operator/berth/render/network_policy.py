"""Who may reach a Workload over the network, and whom it may reach: of pods and of machines alike."""

from typing import Final

from berth.api.tenant import Network
from berth.render.fields import present
from berth.render.metadata import child, labels, metadata, selector
from berth.render.model import Child, Object, Peers, Subject
from berth.render.ports import open_ports

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
"""Label that the API server puts on every namespace: its name, whatever anybody writes."""

_DNS_NAMESPACE: Final = "kube-system"
_DNS_PORT: Final = 53


def peers_of(network: Network, namespaces: tuple[str, ...]) -> Peers:
    """Return whom an isolated Workload may talk to: the given namespaces, and what its tenant lists."""
    return Peers(
        namespaces=namespaces,
        clients=tuple(network.ingress_namespaces or ()),
        ingress=tuple(network.ingress or ()),
        egress=tuple(
            (block.cidr, tuple((port.port, port.protocol.value) for port in block.ports or ()))
            for block in network.egress or ()
        ),
    )


def network_policy(subject: Subject) -> Child:
    """Return the NetworkPolicy. It is the same bytes whatever backs the Workload, on a label that never changes.

    Ports are numbers: masquerade keeps them, so they mean the same for pods and for machines.
    """
    peers = subject.peers
    spec: Object = {
        "podSelector": {"matchLabels": selector(subject)},
        "policyTypes": ["Ingress"] if peers is None else ["Ingress", "Egress"],
        "ingress": _ingress(subject, peers),
        "egress": [] if peers is None else _egress(peers),
    }
    return child(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata(subject, labels(subject)),
            "spec": present(spec),
        }
    )


def _ingress(subject: Subject, peers: Peers | None) -> list[Object]:
    """Return one rule for all ports; a policy without rules lets nothing in."""
    ports = _ports(tuple(open_ports(subject.spec)))
    if not ports:
        return []
    if peers is None:
        return [{"ports": ports}]
    clients = _namespaces((*peers.namespaces, *peers.clients))
    return [{"from": [clients, *map(_block, peers.ingress)], "ports": ports}]


def _egress(peers: Peers) -> list[Object]:
    """Return one rule for the namespaces, one for DNS, and one for each block of addresses."""
    dns = {"to": [_namespaces((_DNS_NAMESPACE,))], "ports": _ports(((_DNS_PORT, "UDP"), (_DNS_PORT, "TCP")))}
    blocks = [present({"to": [_block(cidr)], "ports": _ports(ports)}) for cidr, ports in peers.egress]
    return [{"to": [_namespaces(peers.namespaces)]}, dns, *blocks]


def _namespaces(names: tuple[str, ...]) -> Object:
    values = sorted(set(names))
    return {"namespaceSelector": {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": values}]}}


def _block(cidr: str) -> Object:
    return {"ipBlock": {"cidr": cidr}}


def _ports(ports: tuple[tuple[int, str], ...]) -> list[Object]:
    return [{"port": number, "protocol": protocol} for number, protocol in ports]
