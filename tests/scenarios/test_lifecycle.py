"""The operator is killed, doubled and left without KubeVirt: on a control plane of its own."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ground import crds, simulator
from ground.api import eventually
from ground.cluster import Cluster
from scenarios import site, specs
from scenarios.audit import Write
from scenarios.kinds import CLASS, DEPLOYMENT, NETWORK_POLICY, POLICY, QUOTA, SERVICE, WORKLOAD
from scenarios.objects import SECONDS, Json, items
from scenarios.process import QUICK_LEASE, Operator
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

FEW = 5
"""Services that may be made while the operator is to stay in the middle."""

COUNTS_SECONDS = 120.0
"""Within that time the Workloads of the tests before are gone, and the counts on classes and policies follow."""

HANDOVER_SECONDS = 12.0
"""Sooner than the Lease runs out by itself."""

Starter = Callable[..., Operator]


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """A control plane without KubeVirt."""
    with site.prepared(kubevirt=False) as cluster:
        yield cluster


@pytest.fixture
def replica(plain: Cluster, tmp_path: Path, operators: list[Operator]) -> Iterator[Starter]:
    """Makes operators, and ends them after the test."""

    def make() -> Operator:
        operators.append(Operator(plain, tmp_path, restarts=False, **QUICK_LEASE))
        return operators[-1]

    yield make
    for operator in operators:
        operator.stop()


@pytest.fixture
def place(plain: Cluster) -> Iterator[Space]:
    """A namespace of its own, empty again before the next test."""
    made = Space.make(plain)
    yield made
    made.remove()


def web(number: int) -> str:
    return f"web-{number:02}"


def converged(place: Space, operator: Operator, count: int) -> None:
    """Wait until so many Workloads are ready, and look for what should not be there."""

    def ready() -> bool:
        found = items(place.cluster, WORKLOAD, place.name)
        return (
            operator.alive()
            and len(found) == count
            and all(condition(each, "Ready")["status"] == "True" for each in found)
        )

    eventually(ready, 90.0, f"{count} Workloads ready")
    owners = {each["metadata"]["name"]: each["metadata"]["uid"] for each in items(place.cluster, WORKLOAD, place.name)}
    for kind in (DEPLOYMENT, SERVICE, NETWORK_POLICY):
        found = items(place.cluster, kind, place.name)
        assert {each["metadata"]["name"]: owner(each) for each in found} == owners


def owner(found: Json) -> str:
    uid: str = found["metadata"]["ownerReferences"][0]["uid"]
    return uid


def created(writes: list[Write]) -> Counter[tuple[str, str]]:
    """Count how often each child was made."""
    made = (write for write in writes if write.verb == "create" and not write.refused)
    return Counter((write.resource, write.name) for write in made if write.resource != "events")


def test_killed_while_it_creates_it_ends_what_it_began(place: Space, replica: Starter) -> None:
    operator = replica().start()
    place.put(QUOTA, "few", {"hard": {"services": str(FEW)}})
    place.until(QUOTA, "few", lambda found: found.get("status", {}).get("hard"))
    for number in range(20):
        place.workload(web(number), specs.container())
    eventually(lambda: len(items(place.cluster, SERVICE, place.name)) == FEW, SECONDS, "in the middle")
    operator.kill()
    place.delete(QUOTA, "few")
    operator.start()
    converged(place, operator, 20)
    assert set(created(place.audit.writes(place.name)).values()) == {1}
    assert not [write for write in place.audit.writes(place.name) if write.verb == "delete"]


def test_killed_while_it_moves_pods_up_it_ends_the_move(place: Space, replica: Starter) -> None:
    operator = replica().start()
    for number in range(6):
        place.workload(web(number), specs.container())
    converged(place, operator, 6)
    rest = place.audit.again()
    place.policy({"level": "Sandboxed"})
    eventually(
        lambda: any(write.resource == "deployments" for write in rest.writes(place.name)), SECONDS, "a first move"
    )
    operator.kill()
    operator.start()
    for number in range(6):
        place.until(WORKLOAD, web(number), lambda found: found["status"]["placement"]["className"] == "gvisor")
        place.expect(web(number), "Isolated", "True")
    converged(place, operator, 6)
    # The server breaks off what the killed one was waiting for (504): it stores nothing, and the successor says it again.
    moves = Counter(
        write.name for write in rest.writes(place.name) if write.resource == "deployments" and not write.refused
    )
    assert set(moves.values()) == {1}
    assert {each["metadata"]["generation"] for each in items(place.cluster, DEPLOYMENT, place.name)} == {2}


def counted(cluster: Cluster, *, placed: int, matched: int) -> bool:
    """Tell whether classes and policies count these Workloads and none of earlier tests."""
    classes = [each.get("status", {}).get("workloads", 0) for each in items(cluster, CLASS)]
    policies = {each.get("status", {}).get("matched", 0) for each in items(cluster, POLICY)}
    return sum(classes) == placed and policies <= {0, matched}


def test_a_restart_writes_nothing_anywhere(place: Space, replica: Starter) -> None:
    operator = replica().start()
    for number in range(3):
        place.workload(web(number), specs.container())
    place.workload("nowhere", specs.machine())
    for number in range(3):
        place.ready(web(number))
    eventually(lambda: counted(place.cluster, placed=3, matched=4), COUNTS_SECONDS, "counts of this test alone")
    place.quiet(5.0)
    rest = place.audit.again()
    assert operator.stop() == 0
    operator.start()
    rest.silence(6.0)
    assert rest.writes() == []


def test_a_standby_takes_over_from_a_killed_leader_and_only_one_writes(place: Space, replica: Starter) -> None:
    leader, standby = replica().start(), replica().start(leads=False)
    says = "leader_election_master_status"
    eventually(lambda: (leader.metric(says), standby.metric(says)) == (1, 0), SECONDS, "each says which it is")
    for number in range(10):
        place.workload(web(number), specs.container())
    eventually(lambda: len(created(place.audit.writes(place.name))) >= 5, SECONDS, "in the middle")
    leader.kill()
    for number in range(10, 20):
        place.workload(web(number), specs.container())
    eventually(standby.leads, SECONDS, "the standby leads")
    converged(place, standby, 20)
    writes = place.audit.writes(place.name)
    assert set(created(writes).values()) == {1}
    turns = [write.credential for write in sorted(writes, key=lambda write: write.time)]
    assert len(set(turns)) == 2
    assert turns == sorted(turns, key=turns.index), "no write of the old leader after one of the new"


def test_a_leader_that_is_asked_to_end_hands_over_at_once(place: Space, replica: Starter) -> None:
    leader, standby = replica().start(), replica().start(leads=False)
    place.workload("web", specs.container())
    place.ready("web")
    place.quiet()
    assert leader.stop() == 0
    assert not leader.leads(), "it gave the Lease back, which had not run out"
    eventually(standby.leads, HANDOVER_SECONDS, "the standby leads")
    place.silence(2.0)
    place.workload("web", specs.container(replicas=2))
    place.until(DEPLOYMENT, "web", lambda found: found["spec"]["replicas"] == 2)


def test_kubevirt_comes_and_goes_without_a_restart(place: Space, replica: Starter) -> None:
    operator = replica().start()
    place.workload("web", specs.container())
    place.workload("erp", specs.machine())
    place.ready("web")
    place.expect("erp", "Placed", "False", "KubeVirtNotReady", says="install")
    site.install_kubevirt(place.cluster)
    place.expect("erp", "Ready", "True", seconds=120.0)
    assert place.children("erp") == {"VirtualMachine erp", "Service erp", "NetworkPolicy erp"}
    pod = place.pods("web")[0]["metadata"]["uid"]
    crds.remove(place.cluster)
    for kind in ("Placed", "Ready"):
        place.expect("erp", kind, "False", "KubeVirtNotReady")
    assert operator.healthy()
    place.workload("web", specs.container(replicas=2))
    place.expect("web", "Ready", "True")
    assert pod in {each["metadata"]["uid"] for each in place.pods("web")}
    place.quiet()
    place.silence(3.0)
    place.delete(WORKLOAD, "erp")
    place.gone(WORKLOAD, "erp")
    place.gone(SERVICE, "erp")
    assert operator.healthy()
    simulator.stop(place.cluster)
