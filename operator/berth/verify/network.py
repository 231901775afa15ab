"""Service and NetworkPolicy: who reaches a Workload, and whom an isolated one reaches."""

from dataclasses import replace
from typing import Any, Final

from berth.verify.metadata import match_labels, selector
from berth.verify.model import Bounds, Network
from berth.verify.rules import Rule
from berth.verify.shapes import one_of, port, port_reference, text
from berth.verify.table import Complaint, Table, allow, derive, each, exactly, same, shown, table

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
"""The label that the API server itself writes on every namespace."""
_DNS: Final = Network(frozenset({"kube-system"}))
_DNS_PORTS: Final = ({"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"})

_SERVICE_PORT: Final = table(
    {
        "name": allow(text),
        "port": allow(port),
        "targetPort": allow(port_reference),
        "protocol": allow(one_of("TCP", "UDP")),
    },
    deny={Rule.EXPOSURE: ("nodePort",), Rule.NOT_WRITTEN: ("appProtocol",)},
)
SERVICE: Final[Table] = table(
    {
        "type": exactly(Rule.EXPOSURE, lambda bounds: bounds.named.service_type),
        "selector": exactly(Rule.SELECTOR, selector),
        "ports": each(_SERVICE_PORT),
    },
    deny={
        Rule.EXPOSURE: (
            *("externalIPs", "externalName", "loadBalancerIP", "loadBalancerClass", "loadBalancerSourceRanges"),
            *("allocateLoadBalancerNodePorts", "healthCheckNodePort", "externalTrafficPolicy"),
            *("publishNotReadyAddresses",),
        ),
        Rule.IDENTITY: ("clusterIP", "clusterIPs"),
        Rule.NOT_WRITTEN: (
            *("internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "sessionAffinity", "sessionAffinityConfig"),
            *("trafficDistribution",),
        ),
    },
)


def _policy_types(bounds: Bounds) -> list[str]:
    return ["Ingress", "Egress"] if bounds.network else ["Ingress"]


def _open_ports(value: Any, bounds: Bounds) -> Complaint:
    if not isinstance(value, list) or not value:
        return "opens every port: list the ports of the Workload"
    for item in value:
        if not _is_named(item, bounds):
            return f"opens {shown(item)}, which the Workload does not name: remove it"
    return None


def _is_named(item: Any, bounds: Bounds) -> bool:
    if not isinstance(item, dict) or item.keys() != {"port", "protocol"}:
        return False
    number, protocol = item["port"], item["protocol"]
    return type(number) is int and isinstance(protocol, str) and (number, protocol) in bounds.named.ports


def _callers(value: Any, bounds: Bounds) -> Complaint:
    if bounds.network is None:
        return "is set, but the Workload is not isolated: remove it"
    if not isinstance(value, list) or not value:
        return "lets anybody in: list the namespaces of the tenant"
    within = replace(bounds.network, namespaces=bounds.network.namespaces | bounds.network.clients)
    foreign = [peer for peer in value if not _in_namespaces(peer, within) and _block_of(peer) not in within.callers]
    return f"lets {shown(foreign[0])} in, which is not of the tenant: remove it" if foreign else None


def _no_callers(bounds: Bounds) -> Complaint:
    return "is missing, which lets anybody in: list the namespaces of the tenant" if bounds.network else None


def _egress(value: Any, bounds: Bounds) -> Complaint:
    if bounds.network is None:
        return "is set, but the Workload is not isolated: remove it"
    if not _full(value):
        return "lets it call nobody, DNS neither: list the namespaces of the tenant and DNS"
    for item in value:
        if complaint := _way_out(item, bounds.network):
            return complaint
    return None


def _way_out(item: Any, network: Network) -> Complaint:
    """Return what is wrong with one rule for egress; one that names no peer is open to the world."""
    if not isinstance(item, dict) or not item.keys() <= {"to", "ports"} or not _full(item.get("to")):
        return f"lets it call anybody by {shown(item)}: list peers in `to`"
    if "ports" in item and not _full(item["ports"]):
        return f"has ports that are no list in {shown(item)}: list them or leave them out"
    foreign = [each for each in item["to"] if not _callable(each, item.get("ports", []), network)]
    only_dns = "ports" in item and all(any(same(each, dns) for dns in _DNS_PORTS) for each in item["ports"])
    if foreign and not (only_dns and all(map(_is_dns, foreign))):
        return f"lets it call {shown(foreign[0])}, which is neither of the tenant nor DNS: remove it"
    return None


def _full(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _callable(peer: Any, ports: list[Any], network: Network) -> bool:
    if _in_namespaces(peer, network):
        return True
    wide = [allowed for cidr, allowed in network.called if cidr == _block_of(peer)]
    return any(not allowed or (bool(ports) and all(_allowed(port, allowed) for port in ports)) for allowed in wide)


def _allowed(port: Any, allowed: frozenset[tuple[int, str]]) -> bool:
    if not isinstance(port, dict) or port.keys() != {"port", "protocol"} or type(port["port"]) is not int:
        return False
    return isinstance(port["protocol"], str) and (port["port"], port["protocol"]) in allowed


def _block_of(peer: Any) -> str | None:
    """Return the block of addresses that a peer is, None if it is anything else."""
    if not isinstance(peer, dict) or peer.keys() != {"ipBlock"} or not isinstance(peer["ipBlock"], dict):
        return None
    block = peer["ipBlock"]
    cidr = block.get("cidr")
    return cidr if block.keys() == {"cidr"} and isinstance(cidr, str) else None


def _in_namespaces(peer: Any, network: Network) -> bool:
    """Return whether a peer is namespaces of the tenant, whole, by their names."""
    if not isinstance(peer, dict) or peer.keys() != {"namespaceSelector"}:
        return False
    names = _namespaces(peer["namespaceSelector"])
    return bool(names) and network.namespaces.issuperset(names)


def _is_dns(peer: Any) -> bool:
    return _in_namespaces(peer, _DNS)


def _namespaces(chosen: Any) -> list[str]:
    """Return the names of the namespaces that a selector chooses by name; none for every other selector."""
    if not isinstance(chosen, dict) or len(chosen) != 1:
        return []
    labels, terms = chosen.get("matchLabels"), chosen.get("matchExpressions")
    if isinstance(labels, dict) and labels.keys() == {NAMESPACE_NAME}:
        names = [labels[NAMESPACE_NAME]]
    elif isinstance(terms, list) and len(terms) == 1 and _is_in(terms[0]):
        names = terms[0]["values"]
    else:
        names = []
    return names if all(isinstance(name, str) for name in names) else []


def _is_in(term: Any) -> bool:
    return (
        isinstance(term, dict)
        and term.keys() == {"key", "operator", "values"}
        and term["key"] == NAMESPACE_NAME
        and term["operator"] == "In"
        and isinstance(term["values"], list)
    )


_INGRESS: Final = table(
    {
        "ports": derive(Rule.EXPOSURE, _open_ports, lambda _: "is missing, which opens every port: list the ports"),
        "from": derive(Rule.NETWORK, _callers, _no_callers),
    }
)
NETWORK_POLICY: Final[Table] = table(
    {
        "podSelector": exactly(Rule.SELECTOR, match_labels),
        "policyTypes": exactly(Rule.NETWORK, _policy_types),
        "ingress": each(_INGRESS),
        "egress": derive(Rule.NETWORK, _egress),
    }
)
