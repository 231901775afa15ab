"""What KubeVirt and CDI add to Berth's objects passes; the same from others, and what is next to it, does not."""

import pytest

from admission.additions import Addition, table
from admission.attempts import Attempt, check
from admission.people import DEVELOPER, KUBEVIRT, OPERATOR, REPLICA_SETS
from admission.world import LAB
from ground.cluster import Cluster

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ACCOUNTS = {"berth": OPERATOR, "kubevirt": KUBEVIRT}
JUDGES = {"berth": "berth-operator", "kubevirt": "berth-restricted-pods"}
REFUSALS = {"berth": "is none that it sets. Remove it", "kubevirt": "seLinuxOptions"}
NEIGHBOURS = {"level": "user", "type": "role"}


def attempt(row: Addition, who: str, key: str = "", says: str = "", policy: str = "") -> Attempt:
    body = row.body(key)
    return Attempt(who, "create", row.kind, LAB, row.name, body, says, note=key or row.key, policy=policy)


def neighbour(row: Addition) -> str:
    return NEIGHBOURS.get(row.key, f"{row.key}-2")


ADDED = [attempt(row, ACCOUNTS[row.by], policy=JUDGES[row.by]) for row in table() if "CREATE" in row.operations]
BESIDE = [
    attempt(row, ACCOUNTS[row.by], neighbour(row), REFUSALS[row.by], JUDGES[row.by])
    for row in table()
    if "CREATE" in row.operations
]
BY_TENANTS = [
    attempt(row, DEVELOPER, says="would look like a part of a Workload", policy="berth-children") for row in table()
]
BY_OTHERS = [
    attempt(row, who, says="seLinuxOptions", policy="berth-restricted-pods")
    for row in table()
    for who in (REPLICA_SETS,)
    if row.resource == "pods"
]


@pytest.mark.parametrize("case", [*ADDED, *BESIDE, *BY_TENANTS, *BY_OTHERS], ids=str)
def test_what_the_table_lists_passes_from_whom_it_lists_alone(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)
