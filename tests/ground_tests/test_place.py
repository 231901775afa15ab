"""Where a real node is."""

from ipaddress import ip_interface
from pathlib import Path

import pytest

from ground.cluster import Cluster
from ground.node.place import Place


@pytest.mark.parametrize("name", [f"c{number}" for number in range(100)])
def test_both_ends_of_a_cable_are_the_two_hosts_of_one_small_network(name: str) -> None:
    place = Place(Cluster(name, Path("kubeconfig"), "https://127.0.0.1:1", Path("/var/tmp", name)))
    ends = {ip_interface(f"{each}/30") for each in (place.gateway, place.address)}
    (network,) = {end.network for end in ends}
    assert {end.ip for end in ends} == set(network.hosts())
