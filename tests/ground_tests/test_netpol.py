"""The rules that the real node's network gets are what NetworkPolicies mean."""

from typing import Any

import pytest

from ground.node.netpol import World, rules

Json = dict[str, Any]
WEB, CLIENT, OTHER = "10.77.0.2", "10.77.0.3", "10.77.0.4"


def pod(name: str, address: str, namespace: str = "shop") -> Json:
    ports = [{"ports": [{"name": "http", "containerPort": 8080}]}]
    meta = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"metadata": meta, "spec": {"containers": ports}, "status": {"podIP": address, "phase": "Running"}}


def told(spec: Json) -> list[str]:
    """Return the rules of the pod web under one policy, each as one line."""
    policy = {"metadata": {"namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, **spec}}
    pods = (pod("web", WEB), pod("client", CLIENT), pod("other", OTHER, "bank"))
    world = World(pods, {"shop": {"team": "retail"}, "bank": {"team": "office"}}, (policy,))
    forward = rules(world).partition("chain input")[0]
    return [line for line in forward.splitlines() if "jump" in line]


@pytest.mark.parametrize(
    ("ingress", "allowed"),
    [
        ([], ""),
        ([{}], "meta l4proto { tcp, udp, icmp } return; "),
        ([{"from": [{"podSelector": {}}]}], f"ip saddr {{ {WEB}, {CLIENT} }} return; "),
        ([{"from": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}], ""),
        ([{"from": [{"namespaceSelector": {"matchLabels": {"team": "office"}}}]}], f"ip saddr {{ {OTHER} }} return; "),
        ([{"ports": [{"port": 8080}]}], "tcp dport 8080 return; "),
        ([{"ports": [{"port": "http"}]}], "tcp dport 8080 return; "),
        ([{"ports": [{"port": "none"}]}], ""),
        ([{"ports": [{"port": 80, "endPort": 90, "protocol": "UDP"}]}], "udp dport 80-90 return; "),
        (
            [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
            "ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16 } return; ",
        ),
        ([{"from": [{"ipBlock": {"cidr": "fd00::/8"}}]}], ""),
    ],
)
def test_what_a_policy_allows_passes_and_all_else_is_dropped(ingress: list[Json], allowed: str) -> None:
    assert told({"policyTypes": ["Ingress"], "ingress": ingress}) == [f"ip daddr {WEB} jump {{ {allowed}drop; }}"]


def test_a_direction_that_no_policy_names_is_open() -> None:
    assert told({"policyTypes": []}) == []
    assert told({"policyTypes": ["Egress"]}) == [f"ip saddr {WEB} jump {{ drop; }}"]


def test_a_pod_that_is_not_known_yet_reaches_nobody_and_is_not_reached() -> None:
    text = rules(World((pod("web", WEB),), {}, ()))
    for side in ("saddr", "daddr"):
        assert f"ip {side} 10.77.0.0/20 ip {side} != {{ 0.0.0.0, {WEB} }} drop" in text
