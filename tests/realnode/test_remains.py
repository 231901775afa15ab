"""A node that is taken down leaves the machine as it was."""

from uuid import uuid4

import pytest

from ground import cluster as control_plane
from ground.node import configuration, node
from ground.node.place import Place
from realnode import pods, remains, site
from scenarios import objects
from scenarios.kinds import RUNTIME_CLASS
from scenarios.site import Space

pytestmark = [pytest.mark.realnode, pytest.mark.ground]


def test_nothing_is_left_of_a_node_whose_pods_still_ran(able: None) -> None:
    before = remains.machine()
    cluster = control_plane.up(f"remains-{uuid4().hex[:8]}", nodes=0, audit=True, flags=configuration.api_server)
    try:
        node.up(cluster)
        objects.put(cluster, RUNTIME_CLASS, "", site.GVISOR)
        space = Space.make(cluster)
        pods.serve(space, "web")
        pods.client(space, "gvisor")
        kinds = {each.partition(" ")[0] for each in remains.of_node(Place(cluster))}
        assert kinds == {"process", "link", "cgroup", "file"}
    finally:
        node.down(cluster)
        control_plane.down(cluster.name, say=lambda *_: None)
    assert remains.of_node(Place(cluster)) == []
    assert remains.machine() == before
