"""A node that is taken down leaves the machine as it was."""

import os
import signal

import pytest

from ground import cluster as control_plane
from ground.node import __main__ as node
from ground.node.place import Place
from realnode import pods, remains, site
from scenarios.site import Space

pytestmark = [pytest.mark.realnode, pytest.mark.ground]


def test_nothing_is_left_of_a_node_whose_pods_still_ran_and_whose_control_plane_had_ended(able: None) -> None:
    before = remains.machine()
    with site.real_node() as cluster:
        space = Space.make(cluster)
        pods.serve(space, "web")
        pods.client(space, "gvisor")
        kinds = {each.partition(" ")[0] for each in remains.of_node(Place(cluster))}
        assert kinds == {"process", "link", "cgroup", "file"}
        etcd = next(part.pid for part in control_plane.status(cluster.name) if part.name == "etcd")
        os.kill(etcd, signal.SIGKILL)
        assert node.run("down", cluster.name) == 0
        assert remains.of_node(Place(cluster)) == []
    assert remains.machine() == before
