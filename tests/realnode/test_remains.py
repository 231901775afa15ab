"""A node that is taken down leaves the machine as it was."""

import pytest

from ground.node.place import Place
from realnode import pods, remains, site
from scenarios.site import Space

pytestmark = [pytest.mark.realnode, pytest.mark.ground]


def test_nothing_is_left_of_a_node_whose_pods_still_ran(able: None) -> None:
    before = remains.machine()
    with site.real_node() as cluster:
        space = Space.make(cluster)
        pods.serve(space, "web")
        pods.client(space, "gvisor")
        kinds = {each.partition(" ")[0] for each in remains.of_node(Place(cluster))}
        assert kinds == {"process", "link", "cgroup", "file"}
    assert remains.of_node(Place(cluster)) == []
    assert remains.machine() == before
