"""Who reaches a Workload: anybody on its own ports, or, where its tenant is isolated, nobody but that tenant."""

from dataclasses import replace
from typing import Any

import pytest

from berth.verify.check import verify
from berth.verify.model import Network
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import Json, golden_bounds
from verify.change import changed, path_of

CASE = "container-full"
NAME = "kubernetes.io/metadata.name"
OPEN = golden_bounds(CASE)
ISOLATED = replace(
    OPEN,
    network=Network(
        frozenset({"shop", "shop-data"}),
        clients=frozenset({"ingress"}),
        callers=frozenset({"203.0.113.0/24"}),
        called=(("192.0.2.0/24", frozenset()), ("198.51.100.0/24", frozenset({(443, "TCP")}))),
    ),
)
PORTS = [{"port": 8080, "protocol": "TCP"}]
DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def namespace(*names: str) -> Json:
    """Return the peers of some namespaces, in the shape that takes one or several."""
    if len(names) == 1:
        return {"namespaceSelector": {"matchLabels": {NAME: names[0]}}}
    return {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": list(names)}]}}


def policy(**spec: Any) -> Json:
    """Return the golden NetworkPolicy with other rules."""
    body: Json = golden.children(CASE)[0]
    return changed(body, ("spec",), {"podSelector": body["spec"]["podSelector"], **spec})


def isolated(ingress: list[Any] | None = None, egress: list[Any] | None = None) -> Json:
    rules = {"ingress": ingress, "egress": egress}
    given = {name: rule for name, rule in rules.items() if rule is not None}
    return policy(policyTypes=["Ingress", "Egress"], **given)


@pytest.mark.parametrize(
    "peers",
    [
        [namespace("shop")],
        [namespace("shop", "shop-data")],
    ],
)
def test_peers_of_the_tenant_are_let_in_and_called(peers: list[Json]) -> None:
    assert verify(isolated([{"from": peers, "ports": PORTS}], [{"to": peers}]), ISOLATED) == ()


@pytest.mark.parametrize(
    "rule",
    [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 443, "protocol": "TCP"}]},
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 443, "protocol": "TCP"}]},
        {"to": [namespace("kube-system")], "ports": DNS},
        {"to": [namespace("kube-system")], "ports": DNS[:1]},
    ],
)
def test_dns_and_listed_addresses_may_be_called(rule: Json) -> None:
    assert verify(isolated(egress=[rule]), ISOLATED) == ()


@pytest.mark.parametrize(
    "peer",
    [
        {},
        {"namespaceSelector": {}},
        namespace("other"),
        namespace("shop", "other"),
        namespace("kube-system"),
        {"namespaceSelector": {"matchLabels": {"tenant": "acme"}}},
        {"namespaceSelector": {"matchLabels": {NAME: "shop"}, "matchExpressions": []}},
        {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["shop"]}]}},
        {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "Exists"}]}},
        {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": [["shop"]]}]}},
        {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": []}]}},
        {"namespaceSelector": None},
        {"namespaceSelector": {"matchLabels": {NAME: None}}},
        {"podSelector": []},
        {"podSelector": {}},
        namespace("shop") | {"podSelector": {}},
        {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}},
        {"ipBlock": {"cidr": "198.51.100.0/24"}},
        {"ipBlock": {"cidr": "0.0.0.0/0"}},
        {"ipBlock": {"cidr": "192.0.2.0/23"}},
        {"ipBlock": {"cidr": ["192.0.2.0/24"]}},
        {"ipBlock": {}},
        namespace("shop") | {"ipBlock": {"cidr": "192.0.2.0/24"}},
        "shop",
        None,
    ],
)
def test_no_other_peer_is_let_in_or_called(peer: Any) -> None:
    """Beside one that may, too."""
    for peers in ([peer], [namespace("shop"), peer]):
        assert {found.rule for found in verify(isolated([{"from": peers, "ports": PORTS}]), ISOLATED)} == {Rule.NETWORK}
        assert {found.rule for found in verify(isolated(egress=[{"to": peers}]), ISOLATED)} == {Rule.NETWORK}


@pytest.mark.parametrize("peer", [namespace("ingress"), {"ipBlock": {"cidr": "203.0.113.0/24"}}])
def test_listed_clients_are_let_in_but_not_called(peer: Json) -> None:
    assert verify(isolated([{"from": [namespace("shop"), peer], "ports": PORTS}]), ISOLATED) == ()
    assert {found.rule for found in verify(isolated(egress=[{"to": [peer]}]), ISOLATED)} == {Rule.NETWORK}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"ports": DNS},
        {"to": [], "ports": DNS},
        {"to": [namespace("kube-system")]},
        {"to": [namespace("kube-system")], "ports": []},
        {"to": [namespace("kube-system")], "ports": [*DNS, {"port": 443, "protocol": "TCP"}]},
        {"to": [namespace("kube-system")], "ports": [{"port": 53, "endPort": 65535, "protocol": "TCP"}]},
        {"to": [namespace("kube-system"), namespace("other")], "ports": DNS},
        {"to": [namespace("shop")], "ports": None},
        {"to": [namespace("ingress")]},
        {"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]},
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 22, "protocol": "TCP"}]},
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 443, "protocol": "UDP"}]},
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": "443", "protocol": "TCP"}]},
        {"to": [namespace("shop")], "from": []},
        None,
    ],
)
def test_no_rule_opens_more_than_dns_beside_the_tenant(rule: Any) -> None:
    assert {found.rule for found in verify(isolated(egress=[rule]), ISOLATED)} == {Rule.NETWORK}


def test_isolation_is_in_both_directions() -> None:
    """A direction that is not a policy type is open."""
    body = isolated([{"from": [namespace("shop")], "ports": PORTS}])
    for types in (["Ingress"], ["Egress"], []):
        found = verify(changed(body, path_of("spec.policyTypes"), types), ISOLATED)
        assert [each.path for each in found] == ["spec.policyTypes"]
    assert verify(isolated(), ISOLATED) == ()


def test_an_open_policy_is_none_of_an_isolated_tenant_and_the_other_way_round() -> None:
    body = golden.children(CASE)[0]
    assert {each.rule for each in verify(body, ISOLATED)} == {Rule.NETWORK}
    assert verify(isolated([{"from": [namespace("shop")], "ports": PORTS}], [{"to": [namespace("shop")]}]), OPEN)


@pytest.mark.parametrize(
    "ports",
    [
        [],
        None,
        [{}],
        [{"port": 8080}],
        [{"port": 22, "protocol": "TCP"}],
        [{"port": 8080, "protocol": "UDP"}],
        [{"port": True, "protocol": "TCP"}],
        [{"port": 8080, "protocol": "TCP", "endPort": 9000}],
        ["8080"],
    ],
)
def test_only_the_ports_of_the_workload_are_opened(ports: Any) -> None:
    body = policy(policyTypes=["Ingress"], ingress=[{"ports": ports}])
    assert {each.rule for each in verify(body, OPEN)} == {Rule.EXPOSURE}
