"""What belonged to a Workload goes with it, except disks that are to be kept."""

import pytest

from ground.api import eventually
from scenarios import specs
from scenarios.audit import lasted
from scenarios.kinds import (
    CLAIM,
    DATA_SOURCE,
    DATA_VOLUME,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    SERVICE,
    VM,
    VMI,
    WORKLOAD,
)
from scenarios.objects import SECONDS, Json
from scenarios.process import PROGRESS_SECONDS
from scenarios.site import Space

pytestmark = pytest.mark.ground


def test_children_go_with_their_workload_and_the_operator_changes_nothing(space: Space) -> None:
    space.workload("web", specs.container(replicas=2))
    space.workload("erp", specs.machine())
    for name in ("web", "erp"):
        space.ready(name)
    space.quiet()
    rest = space.audit.again()
    for name in ("web", "erp"):
        space.delete(WORKLOAD, name)
    for kind, name in ((WORKLOAD, "web"), (DEPLOYMENT, "web"), (SERVICE, "web"), (NETWORK_POLICY, "web")):
        space.gone(kind, name)
    for kind in (WORKLOAD, VM, VMI, SERVICE):
        space.gone(kind, "erp")
    # News of a child may overtake the news of its Workload: a pass in between is told that there is none any more.
    assert [write for write in rest.writes(space.name) if not write.refused] == []


def cloned(space: Space, **more: object) -> Json:
    """Make a golden image and return a service that boots from a clone of it."""
    space.put(CLAIM, "golden", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    space.put(DATA_SOURCE, "fedora", {"source": {"pvc": {"name": "golden", "namespace": space.name}}})
    spec = specs.machine(**more)
    spec["machine"] = spec["machine"] | {"bootDisk": {"dataSource": {"name": "fedora", "storage": "2Gi"}}}
    return spec


def disk(space: Space) -> tuple[str, str]:
    """Return name and UID of the only disk of the Workload."""
    volumes = space.get(VM, "db")["spec"]["template"]["spec"]["volumes"]
    name = next(volume["dataVolume"]["name"] for volume in volumes if "dataVolume" in volume)
    return name, space.get(CLAIM, name)["metadata"]["uid"]


def test_a_disk_is_kept_and_taken_up_again_by_the_next_workload_of_that_name(space: Space) -> None:
    spec = cloned(space)
    space.workload("db", spec)
    space.ready("db")
    name, before = disk(space)
    space.delete(WORKLOAD, "db")
    space.gone(VM, "db")
    space.quiet(1.0)
    space.silence(1.0)
    assert space.get(DATA_VOLUME, name)
    assert space.get(CLAIM, name)["metadata"]["uid"] == before
    space.workload("db", spec)
    space.ready("db")
    assert disk(space) == (name, before)


def test_a_disk_that_is_to_go_goes(space: Space) -> None:
    space.workload("db", cloned(space, deletionPolicy="Delete"))
    space.ready("db")
    name, _ = disk(space)
    space.delete(WORKLOAD, "db")
    for kind, gone in ((VM, "db"), (DATA_VOLUME, name), (CLAIM, name)):
        space.gone(kind, gone)


def test_a_workload_that_comes_back_at_once_gets_children_of_its_own(space: Space) -> None:
    space.workload("web", specs.container())
    before = space.ready("web")["metadata"]["uid"]
    space.delete(WORKLOAD, "web")
    space.gone(WORKLOAD, "web")
    space.workload("web", specs.container())
    assert space.ready("web")["metadata"]["uid"] != before
    own = {"Deployment web", "Service web", "NetworkPolicy web"}
    eventually(lambda: space.children("web") == own, SECONDS, "children of its own")


def test_a_namespace_with_workloads_goes_away_without_a_storm(space: Space) -> None:
    names = ["web-0", "web-1", "web-2", "erp"]
    for name in names:
        space.workload(name, specs.machine() if name == "erp" else specs.container())
    for name in names:
        space.ready(name)
    space.quiet()
    rest = space.audit.again()
    space.delete(NAMESPACE, space.name)
    space.gone(NAMESPACE, space.name)
    writes = rest.writes(space.name)
    progress = len(names) * (lasted(writes) // PROGRESS_SECONDS)
    assert len(writes) <= 12 + progress, "\n".join(map(str, writes))
    rest.silence(3.0, space.name)
